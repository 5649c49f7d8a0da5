// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/roleproof"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// judge returns the report: it compares the requests and answers of CloudFormation,
// and the registry, with what the customers did.
func (w *world) judge(ctx context.Context, f *fleet, took time.Duration, drained error) (*report, error) {
	r := &report{options: w.options, took: took, launched: int(w.launched.Load()), kills: int(f.kills.Load()), testimony: w.witness.testimony()}
	r.refusals = w.bucketsRefused()
	for _, c := range w.customers {
		r.done = r.done.plus(c.done)
	}
	w.mu.Lock()
	r.faulty = slices.Clone(w.faulty)
	w.mu.Unlock()
	if drained != nil {
		r.lost = append(r.lost, "the queue was not empty at the end: "+drained.Error())
	}
	dead, err := w.waiting(ctx, w.record.DeadLetterQueueURL)
	if err != nil {
		return nil, err
	}
	if dead > 0 {
		r.lost = append(r.lost, fmt.Sprintf("%d messages are in the dead-letter queue", dead))
	}
	for _, stack := range w.box.Stacks() {
		r.stuck = append(r.stuck, w.stuck(stack.ID, stack.Status)...)
	}
	r.wrong, err = w.wrongRegistrations(ctx)
	return r, err
}

// bucketsRefused returns how many answers CloudFormation's buckets refused because of
// an injected fault, by code.
func (w *world) bucketsRefused() map[kernel.FaultKind]int {
	refused := map[kernel.FaultKind]int{}
	for _, e := range w.box.Journal().Since(0) {
		kind := kernel.FaultKind(e.Outcome)
		if e.Service == "s3" && e.Action == "PutObject" && !e.Executed && slices.Contains(bucketRefusals, kind) {
			refused[kind]++
		}
	}
	return refused
}

// stuck returns the problems of a stack that did not end, or that waited for an
// answer without success.
func (w *world) stuck(id, status string) []string {
	var found []string
	switch {
	case strings.HasSuffix(status, "_IN_PROGRESS"), status == "DELETE_FAILED", strings.HasSuffix(status, "ROLLBACK_FAILED"):
		found = append(found, fmt.Sprintf("stack %s is %s:\n%s", id, status, trial.Story(w.box, id)))
	}
	for _, e := range w.box.StackEvents(id) {
		if strings.Contains(e.ResourceStatusReason, "did not receive a response") {
			found = append(found, fmt.Sprintf("stack %s waited without success at %s:\n%s", id, e.ResourceStatus, trial.Story(w.box, id)))
			break
		}
	}
	return found
}

func (w *world) wrongRegistrations(ctx context.Context) ([]string, error) {
	found, err := w.hub.Registry().Customers(ctx)
	if err != nil {
		return nil, err
	}
	registered := map[string][]onboarding.Registration{}
	for _, c := range found {
		registered[c.Link.CustomerID] = c.Registrations
	}
	prover := roleproof.New(roleproof.Config{
		STS: w.clients.STS(w.record.Region), CallerARN: w.clients.CallerARN, VendorAccount: w.record.Account, Random: rand.Reader,
	})
	var wrong []string
	for _, c := range w.customers {
		if err := c.compare(ctx, prover, registered[c.link.CustomerID]); err != nil {
			wrong = append(wrong, fmt.Sprintf("customer %d: %v", c.number, err))
		}
	}
	return wrong, nil
}

// compare returns an error if the customer's registrations differ from what the
// customer did.
func (c *customer) compare(ctx context.Context, prover *roleproof.Prover, all []onboarding.Registration) error {
	if len(all) > 1 {
		return fmt.Errorf("there are %d registrations of one account: %+v", len(all), all)
	}
	var got expectation
	if len(all) == 1 {
		r := all[0]
		got = expectation{stack: r.Stack.String(), connected: r.Status == onboarding.Active}
		if got.connected {
			got.version = r.TemplateVersion
		}
		if role := c.link.Role(r.Stack.Region.Partition()); r.Account != c.link.Account || r.Role != role || r.ExternalID != c.link.ExternalID {
			return fmt.Errorf("registered is %s in account %s with external ID %s, and the link is for %s in %s with %s",
				r.Role, r.Account, r.ExternalID, role, c.link.Account, c.link.ExternalID)
		}
		if r.Status != onboarding.Active && r.Status != onboarding.Disconnected {
			return fmt.Errorf("the role is %s, because %s", r.Status, r.Reason)
		}
	}
	right := slices.IndexFunc(c.expected, func(e expectation) bool {
		e.gone = false
		return e == got
	})
	if right < 0 {
		return fmt.Errorf("the registry holds %+v, and it should be one of %+v:\n%s", got, c.expected, trial.Story(c.w.box, got.stack))
	}
	if !got.connected || c.expected[right].gone {
		return nil
	}
	proof := prover.Prove(ctx, onboarding.Probe{CustomerID: c.link.CustomerID, Role: all[0].Role, ExternalID: all[0].ExternalID})
	if proof.Outcome != onboarding.Proven {
		return fmt.Errorf("the connected role is not proven: %s %s %w", proof.Outcome, proof.Weakness, proof.Err)
	}
	return nil
}

// report is the verdict with its figures.
type report struct {
	options
	testimony
	took     time.Duration
	launched int
	refusals map[kernel.FaultKind]int // by CloudFormation's buckets, because of injected faults
	kills    int
	done     outcomes
	stuck    []string
	wrong    []string
	faulty   []string
}

// broken names the promises that were not kept, with the first few examples of
// each.
func (r *report) broken() error {
	var broken []error
	add := func(what string, cases []string) {
		if len(cases) == 0 {
			return
		}
		const most = 5
		shown := cases[:min(most, len(cases))]
		broken = append(broken, fmt.Errorf("%s: %d\n  %s", what, len(cases), strings.Join(shown, "\n  ")))
	}
	add("requests that were lost", r.lost)
	add("wrong registrations", r.wrong)
	add("stuck stacks", r.stuck)
	add("requests with two different answers", r.different)
	add("answers without a request", r.unasked)
	add("customers with a wrong outcome", r.faulty)
	if r.launched < r.options.stacks || r.kills < r.options.kills {
		broken = append(broken, fmt.Errorf("only %d of %d stacks were launched, and %d of %d registrars killed",
			r.launched, r.options.stacks, r.kills, r.options.kills))
	}
	return errors.Join(broken...)
}
