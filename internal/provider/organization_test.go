// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// The accounts of an organization, and one that is in no organization at first.
const (
	management = "600000000001"
	memberOne  = "600000000002"
	memberTwo  = "600000000003"
	newcomer   = "600000000004"
)

// company returns a world with an organization of three accounts.
func company(t *testing.T) (*acctest.World, sandbox.Organization) {
	t.Helper()
	w := acctest.Start(t)
	o, err := w.NewOrganization(management, memberOne, memberTwo)
	if err != nil {
		t.Fatal(err)
	}
	return w, o
}

// launchStackSet launches globex's link as a StackSet as soon as the link exists. The
// function that it returns waits until the StackSet is complete.
func launchStackSet(t *testing.T, w *acctest.World) (wait func() sandbox.StackSet) {
	t.Helper()
	done := make(chan sandbox.StackSet, 1)
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		url, err := w.Link(ctx, "acme", "globex")
		if err == nil {
			var set sandbox.StackSet
			if set, err = w.LaunchStackSet(ctx, management, sandbox.StackSetLaunch{Link: url}); err == nil {
				set, err = w.WaitStackSet(ctx, set.ID)
				done <- set
			}
		}
		if err != nil {
			t.Error(err)
		}
	}()
	return func() sandbox.StackSet { return <-done }
}

func organizationHCL(id string, more ...string) string {
	return `
resource "xacct_onboarding_link" "globex" {
  hub             = xacct_hub.this.id
  customer_id     = "globex"
  scope           = "organization"
  organization_id = "` + id + `"
  ` + aRole + `
  ` + strings.Join(more, "\n  ") + `
}
`
}

func TestEachAccountOfAnOrganizationIsProven(t *testing.T) {
	t.Parallel()
	w, o := company(t)
	config := w.Provider() + hubHCL() + organizationHCL(o.ID) + roleHCL(globex, waits, "minimum_accounts = 2") + `
data "xacct_customer_roles" "all" {
  hub        = xacct_hub.this.id
  depends_on = [xacct_customer_role.globex]
}
`
	account := func(id, attribute string) tfjsonpath.Path {
		return tfjsonpath.New("accounts").AtMapKey(id).AtMapKey(attribute)
	}
	member := func(id string) []statecheck.StateCheck {
		return []statecheck.StateCheck{
			statecheck.ExpectKnownValue(roleGlobex, account(id, "role_arn"), is("arn:aws:iam::"+id+":role/acme-globex")),
			statecheck.ExpectKnownValue(roleGlobex, account(id, "status"), is("active")),
			statecheck.ExpectKnownValue(roleGlobex, account(id, "stack_region"), is(acctest.Region)),
			statecheck.ExpectKnownValue(roleGlobex, account(id, "outdated"), knownvalue.Bool(false)),
		}
	}
	all := "data.xacct_customer_roles.all"
	var launched func() sandbox.StackSet
	run(t,
		resource.TestStep{
			PreConfig: func() { launched = launchStackSet(t, w) },
			Config:    config,
			ConfigStateChecks: append(append(member(memberOne), member(memberTwo)...),
				value(roleGlobex, "accounts", knownvalue.MapSizeExact(2)),
				value(roleGlobex, "status", is("active")),
				value(roleGlobex, "role_arn", knownvalue.Null()), value(roleGlobex, "account_id", knownvalue.Null()),
				value(roleGlobex, "account_confirmed", knownvalue.Bool(true)),
				value(all, "role_arns", knownvalue.MapExact(map[string]knownvalue.Check{
					"globex/" + memberOne: is("arn:aws:iam::" + memberOne + ":role/acme-globex"),
					"globex/" + memberTwo: is("arn:aws:iam::" + memberTwo + ":role/acme-globex"),
				})),
				after(func() {
					if set := launched(); len(set.Instances) != 2 {
						t.Errorf("the StackSet has %d instances", len(set.Instances))
					}
				}),
			),
		},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{ // the management account launches a stack of its own, and an account that joins gets an instance of the StackSet
			PreConfig: func() {
				defer w.Registrar("acme")()
				w.Launch("acme", "globex", management, "CREATE_COMPLETE")()
				if err := w.JoinOrganization(o.ID, newcomer); err != nil {
					t.Fatal(err)
				}
				waitStackSets(t, w)
				if err := w.LeaveOrganization(memberOne); err != nil {
					t.Fatal(err)
				}
				waitStackSets(t, w)
			},
			Config:           config,
			ConfigPlanChecks: emptyPlan(),
			ConfigStateChecks: append(append(member(management), member(newcomer)...),
				value(roleGlobex, "accounts", knownvalue.MapSizeExact(4)),
				statecheck.ExpectKnownValue(roleGlobex, account(memberOne, "status"), is("disconnected")),
				value(roleGlobex, "status", is("active")),
				value(all, "role_arns", knownvalue.MapSizeExact(3)),
			),
		},
	)
}

// waitStackSets waits until every StackSet's operations are done.
func waitStackSets(t *testing.T, w *acctest.World) {
	t.Helper()
	for _, set := range w.StackSets() {
		if _, err := w.WaitStackSet(t.Context(), set.ID); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnAccountOutsideTheOrganizationOrTheListIsRefused(t *testing.T) {
	t.Parallel()
	w, o := company(t)
	config := w.Provider() + hubHCL() + organizationHCL(o.ID, `only_account_ids = ["`+memberOne+`"]`) + linkHCL(initech)
	run(t,
		resource.TestStep{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{after(func() {
				defer w.Registrar("acme")()
				w.Launch("acme", "globex", memberOne, "CREATE_COMPLETE")()
				// Umbrella's account may not publish at all; the others may, but are
				// not in the list.
				w.Launch("acme", "globex", acctest.Umbrella, "ROLLBACK_COMPLETE")()
				for _, other := range []string{memberTwo, initech.account} {
					stack := w.Launch("acme", "globex", other, "ROLLBACK_COMPLETE")()
					if story := w.Story(stack.ID); !strings.Contains(story, "none of the accounts that Acme Monitoring expects") {
						t.Errorf("the stack's events in account %s don't say what is wrong:\n%s", other, story)
					}
				}
			})},
		},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{
			Config:      replaceOnce(config, o.ID, "o-another0000"),
			ExpectError: loosely(`Customer globex has a live stack in organization ` + o.ID),
		},
	)
}

func TestInvalidScopesAreErrorsAtPlan(t *testing.T) {
	t.Parallel()
	link := organizationHCL("o-a1b2c3d4e5")
	for name, c := range map[string]struct{ hub, config, want string }{
		"no organization":         {hubHCL(), replaceOnce(link, `organization_id = "o-a1b2c3d4e5"`, ""), `organization_id is required`},
		"ID of a root":            {hubHCL(), replaceOnce(link, "o-a1b2c3d4e5", "r-ab12"), `Invalid organization ID`},
		"no scope":                {hubHCL(), replaceOnce(link, `scope           = "organization"`, ""), `organization_id requires an organization`},
		"no account":              {hubHCL(), replaceOnce(linkHCL(globex), `account_id  = "222222222222"`, ""), `account_id is required`},
		"private templates":       {hubHCL(`template_access = "accounts"`, `capacity = 100`), link, `Templates must be readable by the organization`},
		"several accounts of one": {hubHCL(), linkHCL(globex) + roleHCL(globex, "minimum_accounts = 2"), `minimum_accounts requires an organization`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := acctest.Start(t)
			run(t,
				resource.TestStep{Config: w.Provider() + c.hub},
				resource.TestStep{Config: w.Provider() + c.hub + c.config, PlanOnly: true, ExpectError: loosely(c.want)},
			)
		})
	}
}
