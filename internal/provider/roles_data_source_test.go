// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
)

func TestRolesAreReadByPageAndByCustomerID(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	links := w.Provider() + hubHCL() + `
resource "xacct_onboarding_link" "all" {
  count       = 5
  hub         = xacct_hub.this.id
  customer_id = "c${count.index}"
  account_id  = format("50000000000%d", count.index)
  ` + aRole + `
}
`
	listed := links + `
data "xacct_customer_roles" "first" {
  hub   = "acme"
  limit = 2
}

data "xacct_customer_roles" "last" {
  hub   = "acme"
  limit = 3
  after = "c1"
}

data "xacct_customer_roles" "active" {
  hub    = "acme"
  limit  = 3
  status = "active"
}

data "xacct_customer_roles" "named" {
  hub          = "acme"
  customer_ids = ["c4", "c2", "missing"]
}
`
	has := func(name string, truncated bool, customers ...string) []statecheck.StateCheck {
		address := "data.xacct_customer_roles." + name
		checks := []statecheck.StateCheck{
			value(address, "roles", knownvalue.ListSizeExact(len(customers))),
			value(address, "truncated", knownvalue.Bool(truncated)),
		}
		for i, id := range customers {
			checks = append(checks, statecheck.ExpectKnownValue(address, tfjsonpath.New("roles").AtSliceIndex(i).AtMapKey("customer_id"), is(id)))
		}
		return checks
	}
	var checks []statecheck.StateCheck
	checks = append(checks, has("first", true, "c0", "c1")...)
	checks = append(checks, has("last", false, "c2", "c3", "c4")...)
	checks = append(checks, has("active", false)...)
	checks = append(checks, has("named", false, "c2", "c4")...)
	run(t,
		resource.TestStep{Config: links},
		resource.TestStep{Config: listed, ConfigStateChecks: checks},
		resource.TestStep{
			Config:      links + "data \"xacct_customer_roles\" \"none\" {\n  hub = \"acme\"\n  limit = 0\n}\n",
			ExpectError: regexp.MustCompile(`(?s)limit.*must be at least 1`),
		},
	)
}
