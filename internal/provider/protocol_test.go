// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// state is a workspace in a world, for tests of what the steps of the test library can't
// see: warnings, and an interruption with Ctrl-C.
type state struct {
	*tfcore.Workspace
	t *testing.T
	w *acctest.World
}

func newState(t *testing.T, w *acctest.World) state { return state{inProcess.Workspace(), t, w} }

// plan returns the warnings about one resource in a plan of resources.
func (s state) plan(about string, resources ...string) tfcore.Diagnostics {
	s.t.Helper()
	_, found := s.Plan(s.t.Context(), s.w.Provider()+strings.Join(resources, ""), tfcore.Options{})
	if err := found.Err(); err != nil {
		s.t.Fatal(err)
	}
	return slices.DeleteFunc(found, func(d *tfcore.Diagnostic) bool { return d.Address != about })
}

// apply plans and applies resources.
func (s state) apply(resources ...string) {
	s.t.Helper()
	if err := s.Run(s.t.Context(), s.w.Provider()+strings.Join(resources, ""), tfcore.Options{}).Err(); err != nil {
		s.t.Fatal(err)
	}
}

func summaries(warnings tfcore.Diagnostics) string {
	var all []string
	for _, d := range warnings {
		all = append(all, d.Summary)
	}
	return strings.Join(all, "; ")
}

func TestAPlanWarnsIfNoRegistrarIsRunning(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	there := hubHCL() + linkHCL(globex)
	s.apply(there)

	const warning = "No registrar is running for this hub"
	if got := summaries(s.plan(roleGlobex, there, roleHCL(globex))); got != warning {
		t.Errorf("without a registrar the plan warns %q", got)
	}
	if got := summaries(s.plan(roleGlobex, there, roleHCL(globex, waits))); got != "" {
		t.Errorf("if the apply runs a registrar itself, the plan warns %q", got)
	}

	heartbeat := w.Called("dynamodb", "PutItem")
	w.Registrar("acme")
	<-heartbeat
	if got := summaries(s.plan(roleGlobex, there, roleHCL(globex))); got != "" {
		t.Errorf("with a registrar the plan warns %q", got)
	}
}

func TestAnInterruptedWaitStopsCleanlyAndLeavesNoState(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	there := hubHCL() + linkHCL(globex)
	s.apply(there)

	listening := w.Called("sqs", "ReceiveMessage")
	ctx, interrupt := context.WithCancel(t.Context())
	done := make(chan tfcore.Diagnostics, 1)
	go func() { done <- s.Run(ctx, w.Provider()+there+roleHCL(globex, waits), tfcore.Options{}) }()
	<-listening
	interrupt()
	if told := (<-done).Errors(); len(told) != 1 || told[0].Summary != "Stopped waiting for customer globex of hub acme" {
		t.Errorf("the errors are %s", told)
	}
	if s.Attributes(roleGlobex) != nil {
		t.Errorf("the state is %v", s.Attributes(roleGlobex))
	}
}

func TestAWaitThatTimesOutNamesItsTimeout(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	there := hubHCL() + linkHCL(globex)
	s.apply(there)
	waiting := roleHCL(globex, waits, `timeouts = { create = "1s", update = "2s" }`)
	ends := func() string {
		return s.Run(t.Context(), w.Provider()+there+waiting, tfcore.Options{}).Err().Error()
	}

	if got := ends(); !strings.Contains(got, "within 1s") || !strings.Contains(got, "set timeouts.create") {
		t.Errorf("the error of a create is %q", got)
	}
	s.apply(there, roleHCL(globex))
	if got := ends(); !strings.Contains(got, "within 2s") || !strings.Contains(got, "set timeouts.update") {
		t.Errorf("the error of an update is %q", got)
	}
}
