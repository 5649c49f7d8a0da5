// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

const (
	longAgo   = `expires_at = "2020-01-31T18:00:00Z"`
	farFuture = `expires_at = "2099-01-31T18:00:00Z"`
)

func TestAnExpiredLinkIsRefusedAndLiveStacksAreNotAffected(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := func(more ...string) string {
		return w.Provider() + hubHCL() + linkHCL(globex.with(more...)) + roleHCL(globex)
	}
	var stack sandbox.Stack
	launch := func(status string) {
		defer w.Registrar("acme")()
		stack = w.Launch("acme", "globex", globex.account, status)()
	}
	run(t,
		resource.TestStep{
			Config:            config(longAgo, readsObjects),
			ConfigStateChecks: []statecheck.StateCheck{value(linkGlobex, "status", is("expired"))},
		},
		resource.TestStep{ // a later expiry opens it again
			PreConfig: func() {
				launch("ROLLBACK_COMPLETE")
				if story := w.Story(stack.ID); !strings.Contains(story, "expired on 31 January 2020") || !strings.Contains(story, "ask Acme Monitoring for a new link") {
					t.Errorf("the stack's events don't say what to do:\n%s", story)
				}
				w.Leave(stack.ID)
			},
			Config: config(farFuture, readsObjects),
			ConfigStateChecks: []statecheck.StateCheck{
				value(linkGlobex, "status", is("open")), value(roleGlobex, "status", is("pending")),
			},
		},
		resource.TestStep{
			PreConfig:         func() { launch("CREATE_COMPLETE") },
			Config:            config(longAgo, writesObjects),
			ConfigStateChecks: []statecheck.StateCheck{value(linkGlobex, "status", is("expired"))},
		},
		resource.TestStep{
			PreConfig:        func() { update(t, w, stack.ID, "globex") },
			Config:           config(longAgo, writesObjects),
			ConfigPlanChecks: emptyPlan(),
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleGlobex, "status", is("active")), value(roleGlobex, "outdated", knownvalue.Bool(false)),
			},
		},
		resource.TestStep{
			PreConfig: func() {
				defer w.Registrar("acme")()
				w.Leave(stack.ID)
			},
			Config:            config(longAgo, writesObjects),
			ConfigStateChecks: []statecheck.StateCheck{value(roleGlobex, "status", is("disconnected"))},
		},
	)
}

func TestAClosedLinkIsRefusedWithAMessageForTheCustomer(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	hub := w.Provider() + hubHCL()
	var url string
	run(t,
		resource.TestStep{Config: hub + linkHCL(globex)},
		resource.TestStep{
			PreConfig: func() {
				found, err := w.Registry("acme").Customer(t.Context(), "globex")
				if err == nil {
					url, err = acctest.LaunchURL(found.Link)
				}
				if err != nil {
					t.Fatal(err)
				}
			},
			Config: hub,
		},
		resource.TestStep{
			PreConfig: func() {
				defer w.Registrar("acme")()
				id, err := w.LaunchURL(t.Context(), url, globex.account, sandbox.LaunchOptions{})
				if err != nil {
					t.Fatal(err)
				}
				stack, err := w.WaitStack(t.Context(), id)
				if story := w.Story(id); err != nil || stack.Status != "ROLLBACK_COMPLETE" || !strings.Contains(story, "Acme Monitoring has closed the link") {
					t.Errorf("the stack is %s (%v):\n%s", stack.Status, err, story)
				}
			},
			Config: hub,
		},
	)
}
