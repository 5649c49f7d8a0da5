// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/deadletters"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/hub/sets"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// The roles of the story, which are also the names of the least policies.
const (
	provider = "provider"
	api      = "api"
	answerer = "registrar"
	operator = "operator"
	tenant   = "customer"
)

const customerID = "globex"

// story is the complete workflow of a hub with one customer, run with roles that have
// only the least policies: hub and permission set, link, launch, proof, operators,
// update, deletion of the stack, deletion of the hub.
type story struct {
	t          *trial
	hubName    string
	principals map[string]*Party
	record     registry.HubRecord

	mu      sync.Mutex
	logged  []error // errors in the registrar's log
	commits chan struct{}

	failed  map[string]error // by role: its first error
	allowed map[string]error // by role: calls that succeeded beyond its policy
}

// runStory runs the story once in a run, and returns it.
func (t *trial) runStory(ctx context.Context) (*story, error) {
	if told, ok := t.shared["story"].(*story); ok {
		return told, nil
	}
	s := newStory(t, "hub")
	if err := s.createRoles(ctx); err != nil {
		return nil, err
	}
	s.runSteps(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	t.shared["story"] = s
	return s, nil
}

// newStory returns a story of a hub whose name ends with part.
func newStory(t *trial, part string) *story {
	return &story{
		t: t, hubName: "conformance-" + t.Run + "-" + part, principals: map[string]*Party{}, commits: make(chan struct{}, 100),
		failed: map[string]error{}, allowed: map[string]error{},
	}
}

// step is one step of the story, by a role.
type step struct {
	by   string
	what string
	do   func(context.Context) error
}

// runSteps runs the steps in order until one fails.
func (s *story) runSteps(ctx context.Context) {
	var link onboarding.Link
	var stack string
	steps := []step{
		{provider, "create the hub", s.createHub},
		{provider, "create the permission set", func(ctx context.Context) error { return s.describe(ctx, "logs:GetLogEvents") }},
		{api, "issue the link", func(ctx context.Context) error {
			served, err := s.service(api).Put(ctx, customers.Order{CustomerID: customerID, PermissionSet: "reader", Account: s.t.Customer.Account})
			link = served.Customer.Link
			return err
		}},
		{tenant, "launch the link", func(ctx context.Context) (err error) {
			stack, err = s.open(ctx, link)
			return err
		}},
		{answerer, "answer and register the customer", func(ctx context.Context) error {
			return s.answered(ctx, stack, "CREATE_COMPLETE", onboarding.Active)
		}},
		{operator, "look after the customer", s.operate},
		{provider, "change the permission set", func(ctx context.Context) error { return s.describe(ctx, "logs:FilterLogEvents") }},
		{tenant, "update the stack", func(ctx context.Context) error { return s.upgrade(ctx, stack) }},
		{answerer, "answer the update", func(ctx context.Context) error {
			return s.answered(ctx, stack, "UPDATE_COMPLETE", onboarding.Active)
		}},
		{"", "try what the policies do not allow", s.tryForbidden},
		{tenant, "delete the stack", func(ctx context.Context) error {
			_, err := s.principals[tenant].cloudFormation(s.t.home()).DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &stack})
			return err
		}},
		{answerer, "answer the deletion", func(ctx context.Context) error {
			return s.answered(ctx, stack, "DELETE_COMPLETE", onboarding.Disconnected)
		}},
		{api, "close the link", func(ctx context.Context) error {
			_, err := s.service(api).Close(ctx, customerID, 0, false)
			return err
		}},
		{provider, "delete the hub", s.deleteHub},
	}
	for _, a := range steps {
		if err := a.do(ctx); err != nil {
			s.failed[a.by] = fmt.Errorf("%s: %w", a.what, err)
			return
		}
		s.t.note(a.what, "done")
	}
}

func (s *story) manager(by string) *hub.Manager {
	m, err := hub.New(s.principals[by].Clients, s.hubName, s.t.Now, rand.Reader, hub.WithSleep(s.t.Pass))
	if err != nil {
		panic(err) // the name is valid
	}
	return m
}

func (s *story) service(by string) *customers.Service {
	return customers.NewService(s.manager(by), onboarding.OwnerAPI, s.t.Now)
}

// createHub creates the hub. It tries again while the new role's policy has not
// reached all of IAM.
func (s *story) createHub(ctx context.Context) error {
	if err := s.t.creates(s.t.Vendor, "hub", s.t.home(), s.hubName); err != nil {
		return err
	}
	return s.t.until(ctx, s.early(), func() error {
		state, err := s.manager(provider).Create(ctx, hub.Spec{
			DisplayName: "Conformance", Regions: s.t.Regions[:1], PublisherScope: onboarding.KnownAccounts, TemplateAccess: onboarding.TemplatesAccounts,
			ResponseTimeout: 15 * time.Minute, Capacity: 10, Shards: 1, Tags: map[string]string{Tag: s.t.Run},
			Owner: onboarding.OwnerCommand,
		})
		s.record = state.Record
		return err
	})
}

// early returns a function that reports whether an error may be IAM's delay: a refusal
// within two minutes after early was called.
func (s *story) early() func(error) bool {
	began := time.Now()
	return func(err error) bool { return unsettled(err) && time.Since(began) < min(2*time.Minute, s.t.Patience) }
}

func (s *story) describe(ctx context.Context, action string) error {
	set := permissionset.Set{Role: permissionset.Role{
		Name: s.t.name("customer"), Path: "/", MaxSessionDuration: 3600,
		InlinePolicies: map[string]string{"logs": policyJSON(statement{"Effect": "Allow", "Action": action, "Resource": "*"})},
	}}
	_, err := sets.NewService(s.manager(provider), onboarding.OwnerCommand, s.t.Now).Put(ctx, sets.Order{Name: "reader", Declared: set})
	return err
}

// open launches the stack that the link proposes, according to the link itself.
func (s *story) open(ctx context.Context, link onboarding.Link) (string, error) {
	l, err := s.read(link)
	if err != nil {
		return "", err
	}
	return s.create(ctx, l, "access", s.early())
}

// create creates the stack of a link, under a name of the run.
func (s *story) create(ctx context.Context, l quickcreate.Link, part string, again func(error) bool) (id string, err error) {
	name := s.t.name(part)
	if err := s.t.creates(s.t.Customer, "stack", l.Region, name); err != nil {
		return "", err
	}
	err = s.t.until(ctx, again, func() error {
		out, err := s.principals[tenant].cloudFormation(l.Region).CreateStack(ctx, &cloudformation.CreateStackInput{
			StackName: &name, TemplateURL: &l.TemplateURL, Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
			Parameters: parametersOf(l, false),
		})
		if err == nil {
			id = *out.StackId
		}
		return err
	})
	return id, err
}

// read returns the link that the console reads from its URL.
func (s *story) read(link onboarding.Link) (quickcreate.Link, error) {
	declared, err := declaration.Of(link)
	if err != nil {
		return quickcreate.Link{}, err
	}
	url, err := launch.URL(link, declared, "")
	if err != nil {
		return quickcreate.Link{}, err
	}
	return quickcreate.Parse(url)
}

func (s *story) upgrade(ctx context.Context, stack string) error {
	found, err := registry.New(s.t.Vendor.DynamoDB(), s.hubName, s.t.Now).Customer(ctx, customerID)
	if err != nil {
		return err
	}
	l, err := s.read(found.Link)
	if err != nil {
		return err
	}
	_, err = s.principals[tenant].cloudFormation(l.Region).UpdateStack(ctx, &cloudformation.UpdateStackInput{
		StackName: &stack, TemplateURL: &l.TemplateURL, Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
		Parameters: parametersOf(l, true),
	})
	return err
}

// answered runs the registrar until the stack's status is final and the customer has a
// registration status.
func (s *story) answered(ctx context.Context, stack, status string, registered onboarding.RegistrationStatus) error {
	p := s.principals[answerer]
	records := registry.New(p.DynamoDB(), s.hubName, s.t.Now, registry.WithPrincipal(p.CallerARN))
	r, err := registrar.Open(p.Clients, records, s.record, registrar.Config{
		Clock: s.t.Now, Logger: slog.New(complaints{s}), OnCommit: func(string) { s.commits <- struct{}{} },
	})
	if err != nil {
		return err
	}
	inner, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- r.Run(inner) }()
	err = s.comesTo(ctx, stack, status, registered)
	stop()
	err = errors.Join(err, <-done)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		return errors.Join(append([]error{err}, s.logged...)...)
	}
	return nil
}

func (s *story) comesTo(ctx context.Context, stack, status string, registered onboarding.RegistrationStatus) error {
	at := &stackAt{s.t, s.principals[tenant], stack}
	err := s.t.until(ctx, isPending, func() error {
		now, err := at.status(ctx)
		if err == nil && now != status {
			err = fmt.Errorf("the stack is %s: %w", now, errPending)
			if final(now) {
				err = fmt.Errorf("the stack is %s, but should be %s\n%s", now, status, at.reason(ctx))
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	select { // the registrar writes after it has answered
	case <-s.commits:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(2 * time.Minute):
		return errors.New("the registrar has committed nothing")
	}
	found, err := registry.New(s.t.Vendor.DynamoDB(), s.hubName, s.t.Now).Customer(ctx, customerID)
	if err == nil && (len(found.Registrations) != 1 || found.Registrations[0].Status != registered) {
		err = fmt.Errorf("the registrations are %+v, but one should be %s", found.Registrations, registered)
	}
	return err
}

// final reports whether a stack stays in a status.
func final(status string) bool {
	switch status {
	case "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED":
		return true
	}
	return false
}

func (s *story) operate(ctx context.Context) error {
	p := s.principals[operator]
	records := registry.New(p.DynamoDB(), s.hubName, s.t.Now, registry.WithPrincipal(p.CallerARN))
	if _, err := records.Customers(ctx); err != nil {
		return err
	}
	if _, err := records.Heartbeats(ctx); err != nil {
		return err
	}
	if _, err := records.History(ctx, customerID); err != nil {
		return err
	}
	found, err := health.Customer(ctx, health.Config{Registry: records, Prover: registrar.NewProver(p.Clients, s.record), Clock: s.t.Now, Full: true}, customerID)
	if err != nil || len(found) != 1 || found[0].Verdict != health.Works {
		return fmt.Errorf("verify the role, with %v: %w", found, err)
	}
	for _, blocked := range []bool{true, false} {
		customer, err := records.Customer(ctx, customerID)
		if err != nil {
			return err
		}
		link := customer.Link
		link.Blocked, link.BlockedAt = blocked, time.Time{}
		if blocked {
			link.BlockedAt = s.t.Now()
		}
		if _, err := records.UpdateLink(ctx, link); err != nil {
			return err
		}
	}
	letters := deadletters.New(p.SQS(s.record.Region), s.record.DeadLetterQueueURL, s.record.QueueURL)
	_, _, err = letters.RedriveAll(ctx)
	return err
}

func (s *story) deleteHub(ctx context.Context) error {
	if _, err := s.manager(provider).Delete(ctx, true); err != nil {
		return err
	}
	return s.t.Ledger.Write(Entry{Party: "vendor", Kind: "hub", Region: s.t.home().String(), Name: s.hubName, Gone: true})
}

// complaints is a log handler that keeps the errors in the registrar's log.
type complaints struct{ s *story }

func (c complaints) Enabled(context.Context, slog.Level) bool { return true }

func (c complaints) Handle(_ context.Context, line slog.Record) error {
	line.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok && line.Level >= slog.LevelWarn && !errors.Is(err, context.Canceled) {
			c.s.mu.Lock()
			c.s.logged = append(c.s.logged, fmt.Errorf("%s: %w", line.Message, err))
			c.s.mu.Unlock()
		}
		return true
	})
	return nil
}

func (c complaints) WithAttrs([]slog.Attr) slog.Handler { return c }

func (c complaints) WithGroup(string) slog.Handler { return c }

// stackAt is a stack as seen by a role.
type stackAt struct {
	t     *trial
	party *Party
	id    string
}

func (a *stackAt) status(ctx context.Context) (string, error) {
	return (&stack{t: a.t, party: a.party, region: a.t.home(), id: a.id}).status(ctx)
}

func (a *stackAt) reason(ctx context.Context) string {
	events, err := (&stack{t: a.t, party: a.party, region: a.t.home(), id: a.id}).events(ctx)
	if err != nil {
		return err.Error()
	}
	a.t.note("events", events)
	return firstFailure(events)
}

// isDenied reports whether an error, or one that it wraps, is a refusal by IAM.
func isDenied(err error) bool {
	var denied *awsclient.PermissionError
	return errors.As(err, &denied) || accessDenied(err)
}
