// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// TestASmallRunKeepsThePromises runs the whole command, with fewer stacks and
// shorter delays.
func TestASmallRunKeepsThePromises(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), []string{
		"--stacks", "60", "--accounts", "30", "--kills", "2", "--seed", "7",
		"--delay", "10s", "--rate", "60", "--response-timeout", "1h", "--limit", "5m", "--refused", "0.3",
	}, &out)
	if err != nil {
		t.Errorf("%v", err)
	}
	for _, figure := range []string{"60 stacks were launched", "2 SIGKILLs", "     0  lost", "     0  stuck stacks"} {
		if !strings.Contains(out.String(), figure) {
			t.Errorf("the report does not contain %q", figure)
		}
	}
	if strings.Contains(out.String(), " 0 times with") {
		t.Error("the buckets of CloudFormation did not refuse in every way")
	}
	t.Log("\n" + out.String())
}

// interrupting is a writer that interrupts the run, as Ctrl-C does, on the first
// write.
type interrupting struct{ interrupt func() }

func (i interrupting) Write(p []byte) (int, error) {
	i.interrupt()
	return len(p), nil
}

func TestAnInterruptedRunHasNoVerdict(t *testing.T) {
	idle, err := exec.LookPath("false")
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	world := options{
		stacks: 4, accounts: 2, registrars: 1, seed: 1, rate: 1, timeout: 15 * time.Minute, binary: idle,
	}
	report, err := simulate(ctx, world, t.TempDir(), interrupting{interrupt})
	if !errors.Is(err, errInterrupted) || report != nil {
		t.Errorf("the verdict is %+v, %v", report, err)
	}
}

func TestBrokenPromisesAreNamed(t *testing.T) {
	held := report{options: options{stacks: 3, kills: 1}, launched: 3, kills: 1}
	if err := held.broken(); err != nil {
		t.Errorf("all promises were kept, but the report says %v", err)
	}
	for want, breaks := range map[string]func(*report){
		"requests that were lost: 1":       func(r *report) { r.lost = []string{"x"} },
		"wrong registrations: 2":           func(r *report) { r.wrong = []string{"x", "y"} },
		"stuck stacks: 1":                  func(r *report) { r.stuck = []string{"x"} },
		"two different answers: 1":         func(r *report) { r.different = []string{"x"} },
		"without a request: 1":             func(r *report) { r.unasked = []string{"x"} },
		"with a wrong outcome: 1":          func(r *report) { r.faulty = []string{"x"} },
		"only 2 of 3 stacks were launched": func(r *report) { r.launched = 2 },
		"and 0 of 1 registrars killed":     func(r *report) { r.kills = 0 },
	} {
		r := held
		breaks(&r)
		if err := r.broken(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the report should contain %q, but is %v", want, err)
		}
	}
}

// TestTheWitnessDistinguishesAnswers ensures that a run can fail at all.
func TestTheWitnessDistinguishesAnswers(t *testing.T) {
	world, err := newWorld(t.Context(), options{stacks: 2, accounts: 2, seed: 1, timeout: 15 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer world.box.Close()
	w := world.witness
	ask := func(id string) {
		w.requests[id] = &request{kind: "Create", asked: w.clock.Now(), askedMachine: time.Now()}
		w.open[id] = w.requests[id]
	}
	answer := func(id, body string) { _ = w.answered(responsePut(t, id, body)) }
	ask("twice the same")
	answer("twice the same", "yes")
	answer("twice the same", "yes")
	ask("yes and no")
	answer("yes and no", "yes")
	answer("yes and no", "no")
	ask("silence")
	answer("never asked", "yes")
	w.clock.Advance(time.Hour)
	if n := w.overdue(time.Minute); n != 1 {
		t.Errorf("%d requests are overdue", n)
	}
	got := w.testimony()
	if len(got.lost) != 1 || got.lost[0] != "Create silence" {
		t.Errorf("lost: %v", got.lost)
	}
	if len(got.different) != 1 || got.different[0] != "Create yes and no" || got.again != 2 {
		t.Errorf("different: %v, again: %d", got.different, got.again)
	}
	if len(got.unasked) != 1 {
		t.Errorf("unasked: %v", got.unasked)
	}
}

func TestRegistrationsAreComparedWithTheCustomersActions(t *testing.T) {
	world, err := newWorld(t.Context(), options{stacks: 2, accounts: 2, seed: 1, timeout: 15 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer world.box.Close()
	c := world.customers[0]
	stack := stackOf(t, c)
	right := onboarding.Registration{
		CustomerID: c.link.CustomerID, Account: c.link.Account, Role: c.link.Role(stack.Region.Partition()), ExternalID: c.link.ExternalID,
		Stack: stack, Status: onboarding.Disconnected,
	}
	c.expected = []expectation{{}, {stack: stack.String()}}
	for name, tt := range map[string]struct {
		all   []onboarding.Registration
		wrong string
	}{
		"none":         {nil, ""},
		"disconnected": {[]onboarding.Registration{right}, ""},
		"still active": {[]onboarding.Registration{changed(right, func(r *onboarding.Registration) { r.Status = onboarding.Active })}, "should be one of"},
		"degraded":     {[]onboarding.Registration{changed(right, func(r *onboarding.Registration) { r.Status = onboarding.Degraded })}, "degraded"},
		"two":          {[]onboarding.Registration{right, right}, "2 registrations"},
		"another account": {[]onboarding.Registration{changed(right, func(r *onboarding.Registration) {
			r.Account = world.customers[1].link.Account
		})}, "the link is for"},
		"another role": {[]onboarding.Registration{changed(right, func(r *onboarding.Registration) { r.Role.Name = "mine" })}, "the link is for"},
	} {
		err := c.compare(t.Context(), nil, tt.all)
		if tt.wrong == "" && err != nil || tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
