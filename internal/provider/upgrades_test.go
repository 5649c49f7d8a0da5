// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// readsObjects is a link's first role, and writesObjects its changed one.
const (
	readsObjects  = `role = { inline_policies = { data = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "*" }] }) } }`
	writesObjects = `role = { inline_policies = { data = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject"], Resource = "*" }] }) } }`
)

// update updates a customer's stack to the link's template while a registrar runs, and
// returns when the update is complete.
func update(t *testing.T, w *acctest.World, stackID, customer string) {
	t.Helper()
	found, err := w.Registry("acme").Customer(t.Context(), customer)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Registrar("acme")()
	if err := w.UpdateStack(t.Context(), stackID, sandbox.UpdateOptions{TemplateURL: found.Link.TemplateURL}); err != nil {
		t.Fatal(err)
	}
	if stack, err := w.WaitStack(t.Context(), stackID); err != nil || stack.Status != "UPDATE_COMPLETE" {
		t.Fatalf("the stack is %s (%v):\n%s", stack.Status, err, w.Story(stackID))
	}
}

func TestACustomerIsOutdatedUntilTheyHaveUpdatedTheirStack(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	const outdatedOnes = "data.xacct_customer_roles.outdated"
	config := func(role string) string {
		return w.Provider() + hubHCL() + linkHCL(globex.with(role)) + roleHCL(globex, waits) + `
data "xacct_customer_roles" "outdated" {
  hub        = xacct_hub.this.id
  outdated   = true
  depends_on = [xacct_onboarding_link.globex, xacct_customer_role.globex]
}
data "xacct_customer_role" "globex" {
  hub         = xacct_hub.this.id
  customer_id = "globex"
  depends_on  = [xacct_onboarding_link.globex, xacct_customer_role.globex]
}
`
	}
	url := like(`^http://127\.0\.0\.1:\d+/console/cloudformation/home\?region=us-east-1#/stacks/update/template\?stackId=arn%3Aaws%3Acloudformation.*&templateURL=https%3A%2F%2Fxacct-acme`)
	upToDate := []statecheck.StateCheck{
		value(roleGlobex, "outdated", knownvalue.Bool(false)),
		value(roleGlobex, "update_url", knownvalue.Null()),
		value(linkGlobex, "update_url", knownvalue.Null()),
		value("data.xacct_customer_role.globex", "update_url", knownvalue.Null()),
		value(outdatedOnes, "roles", knownvalue.ListSizeExact(0)),
	}
	var stack sandbox.Stack
	first := connected(w, &stack, config(readsObjects))
	first.ConfigStateChecks = append(first.ConfigStateChecks, upToDate...)
	run(t,
		first,
		resource.TestStep{
			Config: config(writesObjects),
			ConfigPlanChecks: before(
				action(linkGlobex, plancheck.ResourceActionUpdate), action(roleGlobex, plancheck.ResourceActionUpdate),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleGlobex, "outdated", knownvalue.Bool(true)),
				value(roleGlobex, "status", is("active")),
				value(roleGlobex, "update_url", url),
				value(linkGlobex, "update_url", url),
				value("data.xacct_customer_role.globex", "update_url", url),
				value(outdatedOnes, "roles", knownvalue.ListExact([]knownvalue.Check{
					knownvalue.ObjectPartial(map[string]knownvalue.Check{"customer_id": is("globex"), "update_url": url}),
				})),
			},
		},
		resource.TestStep{Config: config(writesObjects), ConfigPlanChecks: emptyPlan()},
		resource.TestStep{
			PreConfig:         func() { update(t, w, stack.ID, "globex") },
			Config:            config(writesObjects),
			ConfigPlanChecks:  emptyPlan(),
			ConfigStateChecks: append([]statecheck.StateCheck{statecheck.CompareValuePairs(linkGlobex, tfjsonpath.New("template_version"), roleGlobex, tfjsonpath.New("template_version"), sameAsBefore{})}, upToDate...),
		},
	)
}

func TestAPlanReportsWhatCustomersGainAndLose(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	link := func(policy string) string {
		return hubHCL() + linkHCL(globex.with(`role = { managed_policy_arns = ["arn:aws:iam::aws:policy/`+policy+`"] }`))
	}
	s.apply(link("SecurityAudit"))
	if got := summaries(s.plan(linkGlobex, link("ReadOnlyAccess"))); got != "" {
		t.Errorf("no customer has launched yet, but the plan warns %q", got)
	}

	stop := w.Registrar("acme")
	w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE")()
	stop()
	if got := summaries(s.plan(linkGlobex, link("SecurityAudit"))); got != "" {
		t.Errorf("nothing changes, but the plan warns %q", got)
	}
	planned := s.plan(linkGlobex, link("ReadOnlyAccess"))
	if got := summaries(planned); got != "What customers grant changes when they update their stacks" {
		t.Fatalf("the plan warns %q: %s", got, planned)
	}
	warning := planned[0]
	for _, want := range []string{
		"1 live stack of customer globex was made with another template",
		"gains managed policy arn:aws:iam::aws:policy/ReadOnlyAccess",
		"loses managed policy arn:aws:iam::aws:policy/SecurityAudit",
		"Send them update_url",
	} {
		if !strings.Contains(warning.Detail, want) {
			t.Errorf("%q is not in the warning:\n%s", want, warning.Detail)
		}
	}
	if at := warning.Path(); at != "role" {
		t.Errorf("the warning is on %s", at)
	}
}
