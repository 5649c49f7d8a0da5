// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/iam"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/s3"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sigv4"
)

var _ kernel.Inside = (*Sandbox)(nil)

// errLostAnswer means that a call was executed, but its answer was lost.
var errLostAnswer = errors.New("the connection was cut before the answer came")

// Do implements kernel.Inside: it executes a call from one service to another.
func (s *Sandbox) Do(c *kernel.Call) (*kernel.Response, error) {
	service := s.services[c.Service]
	if service == nil {
		return nil, unknownService(c.Service)
	}
	if c.Context == nil {
		c.Context = s.ctx
	}
	c.RequestID = kernel.NewRequestID(rand.Reader)
	c.Action = service.Action(c.Request, c.Body)
	if signature, err := sigv4.Parse(c.Request); err == nil && signature.Presigned {
		// The caller of a presigned URL is its signer, also if CloudFormation
		// fetches a template from the URL.
		if err := s.authenticate(c, signature); err != nil {
			s.record(c, err, false, true)
			return nil, err
		}
	}
	return s.call(service, c, true)
}

// call executes an authenticated call, with the faults and hooks that apply to it,
// and records it in the journal. inside means that another service made it.
func (s *Sandbox) call(service kernel.Service, c *kernel.Call, inside bool) (*kernel.Response, error) {
	if c.Service == "iam" {
		// Clients with a custom endpoint sign for IAM with any Region. IAM is in
		// one Region of each partition, which is the value of aws:RequestedRegion.
		c.Region = kernel.GlobalRegion(c.Region)
	}
	if p := c.Principal; p != nil && p.Account != "" && p.Partition() != kernel.Partition(c.Region) {
		// A key is valid only in its own partition.
		err := s.refusal(c, iam.ErrUnknownKey)
		s.record(c, err, false, inside)
		return nil, err
	}
	c.Principal = withRequest(c.Principal, c)
	response, executed, err := s.execute(service, c)
	s.record(c, err, executed, inside)
	return response, err
}

// execute applies the faults and hooks of a call, and calls its service. executed
// reports whether the service was called.
func (s *Sandbox) execute(service kernel.Service, c *kernel.Call) (response *kernel.Response, executed bool, err error) {
	lost := false
	for _, fault := range s.faults.Draw(target(c)) {
		switch fault.Kind {
		case kernel.FaultThrottle:
			return nil, false, throttled(c.Service)
		case kernel.FaultServerError:
			return nil, false, internalFailure(c.Service)
		case kernel.FaultLatency:
			if err := wait(c.Context, fault.Delay); err != nil {
				return nil, false, err
			}
		case kernel.FaultLostAnswer:
			lost = true
		default:
			return nil, false, s.serviceFault(c, fault)
		}
	}
	if err := s.faults.RunBefore(c); err != nil {
		return nil, false, err
	}
	response, err = serve(service, c)
	if hookErr := s.faults.RunAfter(c); hookErr != nil {
		return nil, true, hookErr
	}
	if lost {
		return nil, true, errLostAnswer
	}
	return response, true, err
}

// target returns the description of a call that fault rules are matched with.
func target(c *kernel.Call) kernel.Target {
	t := kernel.Target{Service: c.Service, Action: c.Action}
	if c.Service == "s3" {
		t.Bucket, t.Account = s3.BucketOf(c.Request)
	}
	if c.Principal != nil && t.Account == "" {
		t.Account = c.Principal.Account
	}
	return t
}

// serviceFault returns the error of a fault whose kind only one service has.
func (s *Sandbox) serviceFault(c *kernel.Call, fault kernel.FaultRule) *kernel.Error {
	if c.Service == "s3" {
		if err := s3.Refuse(fault.Kind, c.Request, s.clock.Now(), fault.Status); err != nil {
			return err
		}
	}
	return kernel.Errorf(http.StatusNotImplemented, "SandboxNotImplemented", "The sandbox's %s does not implement the fault kind %q.", c.Service, fault.Kind)
}

// serve calls a service. It returns a panic of the service as an error, so that
// the sandbox continues to serve other calls.
func serve(service kernel.Service, c *kernel.Call) (response *kernel.Response, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			slog.Error("The sandbox panicked", "service", c.Service, "action", c.Action, "reason", reason, "stack", string(debug.Stack()))
			response, err = nil, kernel.Errorf(http.StatusNotImplemented, "SandboxPanic", "The sandbox panicked in %s %s: %v", c.Service, c.Action, reason)
		}
	}()
	return service.Serve(c)
}

func (s *Sandbox) record(c *kernel.Call, err error, executed, inside bool) {
	entry := kernel.Entry{
		Time: s.clock.Now(), Service: c.Service, Action: c.Action, Region: c.Region,
		Outcome: outcome(err), Executed: executed, Inside: inside, RequestID: c.RequestID,
	}
	if p := c.Principal; p != nil {
		entry.Account, entry.Principal = p.Account, p.ARN
		if p.Service != "" {
			entry.Principal = p.Service
		}
	}
	s.journal.Add(entry)
}

func outcome(err error) string {
	var known *kernel.Error
	switch {
	case err == nil:
		return "OK"
	case errors.Is(err, errLostAnswer):
		return "LostAnswer"
	case errors.As(err, &known):
		return known.Code
	default:
		return "InternalFailure"
	}
}

// withRequest returns a copy of the caller with the condition keys of the request:
// its Region, and whether it was sent with TLS. It does not change p, which other
// calls share.
func withRequest(p *kernel.Principal, c *kernel.Call) *kernel.Principal {
	if p == nil {
		return nil
	}
	copied := *p
	copied.Keys = map[string][]string{"aws:requestedregion": {c.Region}, "aws:securetransport": {kernel.SecureTransport(c.Request)}}
	for name, values := range p.Keys {
		copied.Keys[name] = values
	}
	return &copied
}

// wait waits for d by the machine's clock, because latency is for testing
// timeouts, which use that clock. It returns the context's error if that ends
// first.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func throttled(service string) *kernel.Error {
	switch service {
	case "s3":
		return kernel.Errorf(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	case "sns":
		return kernel.Errorf(http.StatusTooManyRequests, "Throttled", "Rate exceeded")
	case "sqs":
		return kernel.Errorf(http.StatusBadRequest, "RequestThrottled", "The request was denied due to request throttling.")
	case "dynamodb", "events", "logs", "organizations", "kms":
		return kernel.Errorf(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
	default:
		return kernel.Errorf(http.StatusBadRequest, "Throttling", "Rate exceeded")
	}
}

func internalFailure(service string) *kernel.Error {
	code := "InternalFailure"
	switch service {
	case "s3", "sns":
		code = "InternalError"
	case "dynamodb":
		code = "InternalServerError"
	case "kms":
		code = "KMSInternalException"
	}
	return kernel.Errorf(http.StatusInternalServerError, code, "We encountered an internal error. Please try again.")
}

func unknownService(name string) *kernel.Error {
	return kernel.Errorf(http.StatusNotImplemented, "SandboxNotImplemented", "The sandbox has no service %q.", name)
}

// asAWS returns an AWS error unchanged, and any other error as InternalFailure.
func asAWS(err error) *kernel.Error {
	var known *kernel.Error
	if errors.As(err, &known) {
		return known
	}
	return kernel.Errorf(http.StatusInternalServerError, "InternalFailure", "%s", fmt.Sprintf("The sandbox failed: %v", err))
}
