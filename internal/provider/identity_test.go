// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
)

func TestEveryResourceIsImportedByIdentity(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	everything := hubHCL() + setHCL("readonly") + fleetHCL("main", []string{"umbrella=" + acctest.Umbrella}) + linkHCL(globex) + roleHCL(globex)
	forget, imports := "", ""
	for address, identity := range map[string]string{
		theHub: `{ name = "acme" }`, linkGlobex: `{ hub = "acme", customer_id = "globex" }`, roleGlobex: `{ hub = "acme", customer_id = "globex" }`,
		setReadonly: `{ hub = "acme", name = "readonly" }`, fleetMain: `{ hub = "acme", name = "main" }`,
	} {
		forget += "\nremoved {\n  from = " + address + "\n  lifecycle {\n    destroy = false\n  }\n}\n"
		imports += "\nimport {\n  to       = " + address + "\n  identity = " + identity + "\n}\n"
	}
	run(t,
		resource.TestStep{Config: w.Provider() + everything},
		resource.TestStep{Config: w.Provider() + forget},
		resource.TestStep{
			Config: w.Provider() + everything + imports,
			ConfigPlanChecks: before(
				action(linkGlobex, plancheck.ResourceActionNoop), action(roleGlobex, plancheck.ResourceActionNoop),
				action(setReadonly, plancheck.ResourceActionNoop), action(fleetMain, plancheck.ResourceActionNoop),
				action(theHub, plancheck.ResourceActionUpdate), // force_destroy is only in the configuration, so an import lacks it
			),
			ConfigStateChecks: []statecheck.StateCheck{
				value(theHub, "id", is("acme")), value(linkGlobex, "id", is("acme/globex")), value(roleGlobex, "link", is("acme/globex")),
				value(setReadonly, "id", is("acme/readonly")), value(fleetMain, "id", is("acme/main")),
			},
		},
		resource.TestStep{Config: w.Provider() + everything, ConfigPlanChecks: emptyPlan()},
	)
}
