// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial/steps"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// connected returns a step that applies a configuration while globex launches its stack.
func connected(w *acctest.World, stack *sandbox.Stack, config string) resource.TestStep {
	var launched func() sandbox.Stack
	return resource.TestStep{
		PreConfig: func() { launched = w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE") },
		Config:    config,
		ConfigStateChecks: []statecheck.StateCheck{
			value(roleGlobex, "status", is("active")),
			after(func() { *stack = launched() }),
		},
	}
}

func TestADeletedStackIsDisconnectedAndNothingElseChanges(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := w.Provider() + hubHCL() + linkHCL(globex) + roleHCL(globex, waits) + `
data "xacct_customer_roles" "all" { hub = xacct_hub.this.id }
`
	var stack sandbox.Stack
	journey(t,
		connected(w, &stack, config),
		resource.TestStep{
			PreConfig: func() {
				defer w.Registrar("acme")()
				w.Leave(stack.ID)
			},
			Config:           config,
			ConfigPlanChecks: emptyPlan(),
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleGlobex, "status", is("disconnected")),
				value(roleGlobex, "role_arn", is("arn:aws:iam::222222222222:role/acme-globex")),
				value("data.xacct_customer_roles.all", "role_arns", knownvalue.MapSizeExact(0)),
				value("data.xacct_customer_roles.all", "roles", knownvalue.ListSizeExact(1)),
			},
		},
		resource.TestStep{ // to wait again, the role is replaced
			PreConfig:         func() { w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE") },
			Config:            config,
			Taint:             []string{roleGlobex},
			ConfigStateChecks: []statecheck.StateCheck{value(roleGlobex, "status", is("active"))},
		},
	)
}

func TestDestroyingRoleAndLinkLeavesTheStackWorkingAndDeletable(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := w.Provider() + hubHCL()
	var stack sandbox.Stack
	run(t,
		connected(w, &stack, config+linkHCL(globex)+roleHCL(globex, waits)),
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				if now, _ := w.Stack(stack.ID); now.Status != "CREATE_COMPLETE" {
					t.Errorf("the stack is %s", now.Status)
				}
				defer w.Registrar("acme")()
				w.Leave(stack.ID)
			},
			Config: config, ConfigPlanChecks: emptyPlan(),
		},
	)
}

func TestAHubWithLiveStacksIsDestroyedOnlyWithForceDestroy(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	forced := w.Provider() + hubHCL(`regions = ["us-east-1", "eu-central-1"]`) + linkHCL(globex) + roleHCL(globex, waits)
	config := replaceOnce(forced, "force_destroy = true", "")
	var stack sandbox.Stack
	run(t,
		connected(w, &stack, config),
		resource.TestStep{Config: config, Destroy: true, ExpectError: loosely(`Hub acme is in use.*customer globex: arn:aws:cloudformation`)},
		resource.TestStep{ // nor may it be replaced by a hub of another name
			Config:      replaceOnce(config, `"acme"`, `"acme-two"`),
			ExpectError: loosely(`Hub acme is in use`),
		},
		resource.TestStep{ // nor may the stack's Region be removed
			Config: w.Provider() + replaceOnce(hubHCL(`regions = ["eu-central-1"]`), "force_destroy = true", "") +
				linkHCL(globex.with(`region = "eu-central-1"`)) + roleHCL(globex, waits),
			ExpectError: loosely(`Region us-east-1 of hub acme is in use`),
		},
		resource.TestStep{ // a Region without stacks may be removed
			Config:            replaceOnce(config, `["us-east-1", "eu-central-1"]`, `["us-east-1"]`),
			ConfigStateChecks: []statecheck.StateCheck{value(theHub, "topic_arns", knownvalue.MapSizeExact(1))},
		},
		resource.TestStep{Config: forced},
	)
}

// An apply is killed after it has created a link, so the link is in no state. Then the
// user destroys everything.
func TestAnOpenLinkInNoStatePreventsTheHubsDestructionUntilTheNextApply(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ws := steps.Open(t, steps.InProcess(inProcess))
	config := w.Provider() + replaceOnce(hubHCL(), "force_destroy = true", "") + linkHCL(globex)
	apply := func(o tfcore.Options) error { return ws.Apply(t.Context(), config, o) }
	must(apply(tfcore.Options{}))
	must(ws.Remove(t.Context(), linkGlobex))
	err := apply(tfcore.Options{Destroy: true})
	for _, part := range []string{"Hub acme is in use", "apply the same configuration again and destroy then", "1 open link, whose customer may launch at any moment: globex"} {
		if err == nil || !strings.Contains(strings.Join(strings.Fields(err.Error()), " "), part) {
			t.Errorf("the error is %v, and lacks %q", err, part)
		}
	}
	must(apply(tfcore.Options{}))
	must(apply(tfcore.Options{Destroy: true}))
	if _, err := w.Registry("acme").Hub(t.Context()); !errors.Is(err, registry.ErrNoHub) {
		t.Errorf("the hub still exists: %v", err)
	}
}

func TestALiveStacksAccountAndExternalIDCannotChange(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	rest := w.Provider() + hubHCL()
	role := roleHCL(globex, waits)
	var stack sandbox.Stack
	run(t,
		connected(w, &stack, rest+linkHCL(globex)+role),
		resource.TestStep{
			Config:      rest + linkHCL(customer{id: "globex", account: acctest.Umbrella}) + role,
			ExpectError: loosely(`Customer globex has a live stack in account 222222222222`),
		},
		resource.TestStep{
			Config:      rest + linkHCL(globex.with(`external_id = "another"`)) + role,
			ExpectError: loosely(`Customer globex has a live stack with another external ID`),
		},
		resource.TestStep{ // the role may change, and the customer's stack is outdated then
			Config: rest + linkHCL(globex.with(`role = { managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"] }`)) + role,
			ConfigPlanChecks: before(
				action(linkGlobex, plancheck.ResourceActionUpdate), action(roleGlobex, plancheck.ResourceActionUpdate),
				planned(roleGlobex, "role_arn", is("arn:aws:iam::222222222222:role/acme-globex")),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleGlobex, "outdated", knownvalue.Bool(true)), value(roleGlobex, "status", is("active")),
			},
		},
		resource.TestStep{
			Config:           rest + linkHCL(globex.with(`role = { managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"] }`)) + role,
			ConfigPlanChecks: emptyPlan(),
		},
	)
}
