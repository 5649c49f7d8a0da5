// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strconv"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
)

// globex's link exists before the hub grows. The links of initech and umbrella are
// created in the same apply, so they are planned with topics that don't exist yet.
func TestRaisingTheCapacityMovesNoCustomerAndGivesNewOnesNewTopics(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	records := w.Registry("acme")
	shard := func(customer string, low, high int) func() {
		return func() {
			t.Helper()
			found, err := records.Customer(t.Context(), customer)
			if err != nil {
				t.Fatal(err)
			}
			if n := found.Link.Shard; n < low || n > high {
				t.Errorf("customer %s has topic %s", customer, strconv.Itoa(n))
			}
		}
	}
	small := w.Provider() + hubHCL() + linkHCL(globex)
	large := w.Provider() + hubHCL(`capacity = 4500`) + linkHCL(globex) + linkHCL(initech) + linkHCL(umbrella)
	var stacks []string
	run(t,
		resource.TestStep{Config: small},
		resource.TestStep{
			Config: large,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(linkGlobex, plancheck.ResourceActionNoop),
			}},
			ConfigStateChecks: []statecheck.StateCheck{
				after(shard("globex", 0, 0)), after(shard("initech", 1, 2)), after(shard("umbrella", 1, 2)),
			},
		},
		resource.TestStep{Config: large, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{ // customers on old and new topics are registered
			PreConfig: func() {
				stop := w.Registrar("acme")
				defer stop()
				for customer, account := range map[string]string{"globex": globex.account, "initech": initech.account} {
					stacks = append(stacks, w.Launch("acme", customer, account, "CREATE_COMPLETE")().ID)
				}
			},
			Config: large, ConfigPlanChecks: emptyPlan(),
		},
		resource.TestStep{ // lowering the capacity deletes no topic
			PreConfig: func() {
				stop := w.Registrar("acme")
				defer stop()
				for _, stack := range stacks {
					w.Leave(stack)
				}
			},
			Config: w.Provider() + hubHCL(`capacity = 1500`) + linkHCL(globex) + linkHCL(initech) + linkHCL(umbrella),
		},
	)
}
