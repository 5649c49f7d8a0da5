// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
)

// roleInFleet is the role of a fleet's customer.
const roleInFleet = `
resource "xacct_customer_role" "globex" {
  link       = "${xacct_fleet.main.hub}/globex"
  depends_on = [xacct_fleet.main]
}
`

// named is an argument that gives a set's role another name.
const named = `role_name = "AcmeAccess"`

// The apply plans the role again after it has written the set. Terraform refuses the
// second plan if it differs from the first.
func TestTheRoleOfAFleetsCustomerFollowsTheSetInTheSameApply(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ hub, before string }{
		"a role that exists":                  {hubHCL(), roleInFleet},
		"a new role":                          {hubHCL(), ""},
		"a new role, and links have no url":   {hubHCL(`template_access = "presigned"`), ""},
		"a role that exists, and no link has": {hubHCL(`template_access = "presigned"`), roleInFleet},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := acctest.Start(t)
			base := w.Provider() + c.hub
			next := base + setHCL("readonly", named, grants("s3:GetObject")) + fleetHCL("main", twoCustomers) + roleInFleet
			run(t,
				resource.TestStep{Config: base + setHCL("readonly") + fleetHCL("main", twoCustomers) + c.before},
				resource.TestStep{Config: next},
				resource.TestStep{
					Config: next, ConfigPlanChecks: emptyPlan(),
					ConfigStateChecks: []statecheck.StateCheck{value(roleGlobex, "role_arn", is("arn:aws:iam::222222222222:role/AcmeAccess"))},
				},
			)
		})
	}
}

// A plan that doesn't know yet how a fleet will change its customers' links shows their
// roles as unknown, and doesn't warn that there is no link.
func TestTheRoleOfAFleetsCustomerIsUnknownWhileTheFleetIs(t *testing.T) {
	t.Parallel()
	later := func(value string) string {
		return "\nresource \"terraform_data\" \"later\" {\n  input = " + value + "\n}\n"
	}
	fleet := fleetHCL("main", twoCustomers)
	ofLater := replaceOnce(fleet, `"222222222222"`, "terraform_data.later.output") + later(`"222222222222"`)
	for name, c := range map[string]struct{ before, after string }{
		"the account of a new customer": {setHCL("readonly"), setHCL("readonly") + ofLater + roleInFleet},
		"the set of a new role": {
			setHCL("readonly") + fleet, setHCL("readonly", "role_name = terraform_data.later.output", grants("s3:GetObject")) + fleet + roleInFleet + later(`"AcmeAccess"`),
		},
		"the set of a role that exists": {
			setHCL("readonly") + fleet + roleInFleet, setHCL("readonly", "role_name = terraform_data.later.output", grants("s3:GetObject")) + fleet + roleInFleet + later(`"AcmeAccess"`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := acctest.Start(t)
			s := newState(t, w)
			s.apply(hubHCL(), c.before)
			for _, d := range s.plan(roleGlobex, hubHCL(), c.after) {
				if d.Summary != "No registrar is running for this hub" {
					t.Errorf("the plan warns: %s", d.Summary)
				}
			}
			s.apply(hubHCL(), c.after)
			s.wantEmptyPlan(hubHCL(), c.after)
		})
	}
}

// Nothing in the fleet's configuration changes, but its links do.
func TestAFleetFollowsAHubThatIsNotKnownYet(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	rest := setHCL("readonly") + fleetHCL("main", twoCustomers) + roleInFleet + urlOfGlobex
	s.apply(hubHCL(), rest)
	was := outputOf(s, "url")
	next := replaceOnce(hubHCL("support_url = terraform_data.later.output"), "  support_url  = \"https://acme.example/support\"\n", "") +
		"resource \"terraform_data\" \"later\" {\n  input = \"https://acme.example/later\"\n}\n" + rest
	s.apply(next)
	if now := outputOf(s, "url"); now == was {
		t.Errorf("the launch link is still %v", now)
	}
	s.wantEmptyPlan(next)
}
