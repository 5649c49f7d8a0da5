// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package sandbox is an in-memory AWS on one loopback port: STS, IAM, SNS, SQS,
// S3, DynamoDB, KMS, EventBridge, CloudWatch Logs (log groups only), Organizations
// and CloudFormation, for any number of accounts. The AWS SDK, the aws command line
// and Terraform use it through AWS_ENDPOINT_URL. The demo and the acceptance tests
// run on it.
//
// It checks signatures, evaluates policies and uses the real wire protocols,
// because the project's promises depend on them. It refuses what it does not
// implement, with AWS's error for an unknown operation or parameter if there is
// one, and never reports success for it. It imports no other package of the
// project, so that a mistake in one cannot hide a mistake in the other.
package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/iam"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/organizations"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
)

// VendorAccount is the account of the vendor. It exists from the start.
const VendorAccount = "111111111111"

// Sandbox is a running sandbox.
type Sandbox struct {
	url      string
	listener net.Listener
	server   *http.Server

	clock    *kernel.Clock
	journal  *kernel.Journal
	faults   *kernel.Faults
	identity *iam.Store
	policies *policy.Evaluator
	orgs     *organizations.Registry
	services map[string]kernel.Service
	mux      *http.ServeMux // the control API and the console

	certificates http.Handler // serves SNS's signing certificates
	signingCA    caFile       // their root

	// ctx ends when the sandbox is closed. Calls inside the sandbox use it if they
	// have no context of their own.
	ctx    context.Context
	cancel context.CancelFunc
	once   sync.Once
}

type options struct {
	address   string
	seed      uint64
	partition string
}

// Option is an option of Start.
type Option func(*options)

// WithAddress sets the address to listen on, such as "127.0.0.1:4566"; the default
// is a free port. Start accepts only loopback addresses, because every client can
// get every account's keys.
func WithAddress(address string) Option { return func(o *options) { o.address = address } }

// WithSeed seeds the faults, so that a failing run can be repeated.
func WithSeed(seed uint64) Option { return func(o *options) { o.seed = seed } }

// WithRegion creates the vendor's account in the partition of a Region, instead
// of the commercial one.
func WithRegion(region string) Option {
	return func(o *options) { o.partition = kernel.Partition(region) }
}

// Start starts a sandbox that has the vendor's account. Close stops it.
func Start(opts ...Option) (*Sandbox, error) {
	o := options{address: "127.0.0.1:0", seed: 1, partition: "aws"}
	for _, change := range opts {
		change(&o)
	}
	listener, err := listen(o.address)
	if err != nil {
		return nil, err
	}
	s := &Sandbox{
		url:      "http://" + listener.Addr().String(),
		listener: listener,
		clock:    kernel.NewClock(),
		journal:  &kernel.Journal{},
		faults:   kernel.NewFaults(o.seed),
		mux:      http.NewServeMux(),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.policies = policy.NewEvaluator(s.clock.Now)
	env := kernel.Env{
		Clock: s.clock, Authorizer: s.policies, Inside: s,
		Faults: s.faults, Journal: s.journal, Rand: rand.Reader, URL: s.url,
	}
	s.identity = iam.New(env)
	env.Accounts, env.ServiceKey = s.identity, s.identity.ServiceKey
	s.orgs = organizations.New(rand.Reader, s.identity)
	s.policies.Organizations(s.orgs.ID)
	s.policies.ServiceControl(s.orgs.Policies)
	s.addServices(env)
	s.addPages()
	if err := s.OpenAccount(VendorAccount, o.partition); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }() // ends with Close
	return s, nil
}

func listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("start the sandbox: the address %q is not host:port: %w", address, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("start the sandbox: %q is not a loopback address, such as 127.0.0.1", host)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("start the sandbox: %w", err)
	}
	return listener, nil
}

// URL returns the endpoint of every service: "http://127.0.0.1:41234".
func (s *Sandbox) URL() string { return s.url }

// Clock returns the sandbox's clock, which tests can advance.
func (s *Sandbox) Clock() *kernel.Clock { return s.clock }

// Journal returns the record of every call.
func (s *Sandbox) Journal() *kernel.Journal { return s.journal }

// Faults returns the fault rules and hooks with which tests make AWS fail.
func (s *Sandbox) Faults() *kernel.Faults { return s.faults }

// IAM returns the sandbox's accounts, users and roles.
func (s *Sandbox) IAM() *iam.Store { return s.identity }

// Close stops the sandbox and everything that runs in it.
func (s *Sandbox) Close() error {
	var err error
	s.once.Do(func() {
		s.cancel()
		err = errors.Join(s.server.Close(), s.signingCA.remove())
		for _, service := range s.services {
			if running, ok := service.(interface{ Close() }); ok {
				running.Close()
			}
		}
	})
	if err != nil {
		return fmt.Errorf("stop the sandbox: %w", err)
	}
	return nil
}
