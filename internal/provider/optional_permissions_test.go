// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

const twoSwitches = `optional_permissions = {
    billing = {
      description         = "Read invoices"
      managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
    }
    restart_hosts = {
      description     = "Restart hosts that hang"
      default_enabled = true
      inline_policies = { restart = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["ec2:RebootInstances"], Resource = "*" }] }) }
    }
  }`

func names(list ...string) knownvalue.Check {
	checks := make([]knownvalue.Check, len(list))
	for i, name := range list {
		checks[i] = knownvalue.StringExact(name)
	}
	return knownvalue.SetExact(checks)
}

func TestACustomerEnablesAndDisablesOptionalPermissions(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := w.Provider() + hubHCL() + linkHCL(globex.with(twoSwitches)) + roleHCL(globex, waits) + `
data "xacct_customer_roles" "all" {
  hub        = xacct_hub.this.id
  depends_on = [xacct_customer_role.globex]
}
`
	var stack sandbox.Stack
	var launched func() sandbox.Stack
	has := func(want ...string) {
		t.Helper()
		if got := w.PoliciesOf(acctest.Globex, "acme-globex"); !slices.Equal(got, want) {
			t.Errorf("the role has %v, want %v", got, want)
		}
	}
	turn := func(switches map[string]string) func() {
		return func() {
			defer w.Registrar("acme")()
			w.Update(stack.ID, sandbox.UpdateOptions{Parameters: switches})
		}
	}
	granted := func(keys ...string) []statecheck.StateCheck {
		return []statecheck.StateCheck{
			value(roleGlobex, "status", is("active")),
			value(roleGlobex, "outdated", knownvalue.Bool(false)),
			value(roleGlobex, "granted_permissions", names(keys...)),
			statecheck.ExpectKnownValue("data.xacct_customer_roles.all", tfjsonpath.New("roles").AtSliceIndex(0).AtMapKey("granted_permissions"), names(keys...)),
		}
	}
	run(t,
		resource.TestStep{
			PreConfig: func() {
				launched = w.LaunchWith("acme", "globex", globex.account, "CREATE_COMPLETE",
					sandbox.LaunchOptions{Parameters: map[string]string{"EnableBilling": "Yes", "EnableRestartHosts": "No"}})
			},
			Config:            config,
			ConfigStateChecks: append(granted("billing"), after(func() { stack = launched(); has("ReadOnlyAccess", "SecurityAudit") })),
		},
		resource.TestStep{ // only a parameter changes, so the phone-home must contain it
			PreConfig:         turn(map[string]string{"EnableRestartHosts": "Yes"}),
			Config:            config,
			ConfigPlanChecks:  emptyPlan(),
			ConfigStateChecks: append(granted("billing", "restart_hosts"), after(func() { has("ReadOnlyAccess", "SecurityAudit", "restart") })),
		},
		resource.TestStep{
			PreConfig:         turn(map[string]string{"EnableBilling": "No", "EnableRestartHosts": "No"}),
			Config:            config,
			ConfigPlanChecks:  emptyPlan(),
			ConfigStateChecks: append(granted(), after(func() { has("SecurityAudit") })),
		},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
	)
}

func TestAnOptionalPermissionHasItsDefaultUntilTheCustomerChangesIt(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := func(more string) string {
		return w.Provider() + hubHCL() + linkHCL(globex.with(more)) + roleHCL(globex, waits)
	}
	var stack sandbox.Stack
	template := statecheck.CompareValue(compare.ValuesDiffer())
	run(t,
		connected(w, &stack, config(twoSwitches)),
		resource.TestStep{
			Config:           config(twoSwitches),
			ConfigPlanChecks: emptyPlan(),
			ConfigStateChecks: []statecheck.StateCheck{
				template.AddStateValue(linkGlobex, tfjsonpath.New("template_url")),
				value(roleGlobex, "granted_permissions", names("restart_hosts")),
			},
		},
		resource.TestStep{ // an equivalent policy is no change
			Config:           config(strings.Replace(twoSwitches, `Action = ["ec2:RebootInstances"]`, `Action = "ec2:RebootInstances"`, 1)),
			ConfigPlanChecks: emptyPlan(),
		},
		resource.TestStep{ // another description: a new template, but no customer is outdated
			Config:           config(strings.Replace(twoSwitches, "Read invoices", "Read invoices and budgets", 1)),
			ConfigPlanChecks: before(action(linkGlobex, plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{
				template.AddStateValue(linkGlobex, tfjsonpath.New("template_url")),
				value(roleGlobex, "outdated", knownvalue.Bool(false)),
			},
		},
		resource.TestStep{ // another grant: every customer is outdated
			Config: config(strings.Replace(twoSwitches, "ec2:RebootInstances", "ec2:StopInstances", 1)),
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleGlobex, "outdated", knownvalue.Bool(true)),
				value(roleGlobex, "granted_permissions", names("restart_hosts")),
			},
		},
	)
}

func TestAnImportedLinkKnowsItsOptionalPermissions(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	run(t,
		resource.TestStep{Config: w.Provider() + hubHCL() + linkHCL(globex.with(twoSwitches))},
		resource.TestStep{ResourceName: linkGlobex, ImportState: true, ImportStateId: "acme/globex", ImportStateVerify: true},
		resource.TestStep{Config: w.Provider() + hubHCL() + linkHCL(globex.with("optional_permissions = {}"))},
		resource.TestStep{ResourceName: linkGlobex, ImportState: true, ImportStateId: "acme/globex", ImportStateVerify: true},
		resource.TestStep{Config: w.Provider() + hubHCL() + linkHCL(globex.with("optional_permissions = {}")), ConfigPlanChecks: emptyPlan()},
	)
}
