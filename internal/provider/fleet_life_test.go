// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// scannersSet is a permission set with an additional role and a customer parameter.
const scannersSet = `
  managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]
  customer_parameters = { bucket = { description = "Your bucket" } }
  additional_roles    = { scanner = { managed_policy_arns = ["arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"] } }
`

// rolesOfAll reads the roles of a fleet's customers with both data sources.
const rolesOfAll = `
data "xacct_customer_roles" "all" { hub = xacct_hub.this.id }
data "xacct_customer_role" "globex" {
  hub         = xacct_hub.this.id
  customer_id = "globex"
}
`

// A fleet is declared, launched by some customers, shrunk, forgotten, imported and
// destroyed. Its permission set has an additional role and a customer parameter.
func TestTheLifeOfAFleet(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	base := w.Provider() + hubHCL() + setHCL("readonly", scannersSet)
	whole, shrunk := base+fleetHCL("main", threeCustomers), base+fleetHCL("main", twoCustomers)
	const role = "arn:aws:iam::222222222222:role/acme-globex"
	open := func(want map[string]bool) statecheck.StateCheck {
		return after(func() {
			for customer, open := range want {
				if link := linkOf(t, w, customer); link.Closed == open || link.Fleet != "main" {
					t.Errorf("the link of %s is closed: %t, in fleet %q", customer, link.Closed, link.Fleet)
				}
			}
		})
	}
	sameID := statecheck.CompareValue(sameAsBefore{})
	forget := base + `
removed {
  from = xacct_fleet.main
  lifecycle { destroy = false }
}`
	journey(t,
		resource.TestStep{
			Config: whole + urlOfGlobex,
			ConfigStateChecks: []statecheck.StateCheck{
				value(fleetMain, "external_ids", knownvalue.MapSizeExact(3)), statecheck.ExpectKnownOutputValue("url", like(`param_InputBucket=`)),
				sameID.AddStateValue(fleetMain, tfjsonpath.New("external_ids").AtMapKey("globex")),
			},
		},
		resource.TestStep{ // two of three launch, and fill in the parameter
			PreConfig: func() {
				defer w.Registrar("acme")()
				typed := func(bucket string) sandbox.LaunchOptions {
					return sandbox.LaunchOptions{Parameters: map[string]string{"InputBucket": bucket}}
				}
				globex := w.LaunchWith("acme", "globex", acctest.Globex, "CREATE_COMPLETE", typed("globex-data"))
				initech := w.LaunchWith("acme", "initech", acctest.Initech, "CREATE_COMPLETE", typed("initech-data"))
				globex()
				initech()
			},
			Config: whole + rolesOfAll,
			ConfigStateChecks: []statecheck.StateCheck{
				value("data.xacct_customer_roles.all", "role_arns", knownvalue.MapExact(map[string]knownvalue.Check{
					"globex": is(role), "initech": is("arn:aws:iam::" + acctest.Initech + ":role/acme-initech"),
				})),
				value("data.xacct_customer_role.globex", "parameters", knownvalue.MapExact(map[string]knownvalue.Check{"bucket": is("globex-data")})),
				value("data.xacct_customer_role.globex", "additional_role_arns", knownvalue.MapExact(map[string]knownvalue.Check{"scanner": is(role + "-scanner")})),
				sameID.AddStateValue(fleetMain, tfjsonpath.New("external_ids").AtMapKey("globex")),
			},
		},
		resource.TestStep{Config: whole, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{
			Config:            shrunk,
			ConfigPlanChecks:  before(action(fleetMain, plancheck.ResourceActionUpdate), planned(fleetMain, "external_ids", knownvalue.MapSizeExact(2))),
			ConfigStateChecks: []statecheck.StateCheck{open(map[string]bool{"globex": true, "initech": true, "umbrella": false})},
		},
		resource.TestStep{Config: forget, ConfigStateChecks: []statecheck.StateCheck{open(map[string]bool{"globex": true, "initech": true})}},
		resource.TestStep{Config: shrunk, ResourceName: fleetMain, ImportState: true, ImportStateId: "acme/main", ImportStatePersist: true},
		resource.TestStep{Config: shrunk, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{ // live stacks don't prevent the destroy, and keep their roles
			Config: base + rolesOfAll,
			ConfigStateChecks: []statecheck.StateCheck{
				open(map[string]bool{"globex": false, "initech": false}),
				value("data.xacct_customer_role.globex", "status", is("active")), value("data.xacct_customer_role.globex", "role_arn", is(role)),
			},
		},
	)
}
