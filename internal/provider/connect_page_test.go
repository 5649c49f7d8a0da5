// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
)

func TestAConnectPageChangesInPlaceAndLeavesEveryLinkAsItIs(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	page := func(inner string) string { return hubHCL("connect_page = {" + inner + "}") }
	full := page(`
    logo_url    = "https://cdn.acme.example/logo.svg"
    color       = "#5b2bd9"
    return_urls = ["https://app.acme.example/settings"]
  `)
	shown := knownvalue.ObjectExact(map[string]knownvalue.Check{
		"logo_url": knownvalue.StringExact("https://cdn.acme.example/logo.svg"), "color": knownvalue.StringExact("#5b2bd9"),
		"return_urls": knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact("https://app.acme.example/settings")}),
	})
	rest := linkHCL(globex) + `
data "xacct_hub" "this" { name = xacct_hub.this.id }
`
	run(t,
		resource.TestStep{Config: w.Provider() + hubHCL() + linkHCL(globex), ConfigStateChecks: []statecheck.StateCheck{value(theHub, "connect_page", knownvalue.Null())}},
		resource.TestStep{
			Config:            w.Provider() + full + rest,
			ConfigPlanChecks:  before(action(theHub, plancheck.ResourceActionUpdate), action(linkGlobex, plancheck.ResourceActionNoop)),
			ConfigStateChecks: []statecheck.StateCheck{value(theHub, "connect_page", shown), value("data.xacct_hub.this", "connect_page", shown)},
		},
		resource.TestStep{Config: w.Provider() + full + linkHCL(globex), ConfigPlanChecks: emptyPlan()},
		resource.TestStep{ResourceName: theHub, ImportState: true, ImportStateVerify: true, ImportStateId: "acme", ImportStateVerifyIgnore: []string{"force_destroy"}},
		resource.TestStep{Config: w.Provider() + page(`return_urls = []`) + linkHCL(globex)},
		resource.TestStep{Config: w.Provider() + page(`return_urls = []`) + linkHCL(globex), ConfigPlanChecks: emptyPlan()},
	)
}

func TestAnUnsafeConnectPageIsRefusedAtPlan(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	for attribute, said := range map[string]string{
		`logo_url = "http://cdn.acme.example/logo.svg"`:             `logo_url\s+must\s+be\s+an\s+address\s+that\s+begins\s+with\s+https://`,
		`logo_url = "https://*/logo.svg"`:                           `host\s+that\s+is\s+not\s+a\s+name`,
		`color = "blue"`:                                            `color\s+must\s+be\s+a\s+colour`,
		`return_urls = ["https://app.acme.example/?next=evil"]`:     `has\s+a\s+query`,
		`return_urls = ["https://app.acme.example/a/../../secret"]`: `two\s+dots`,
	} {
		run(t, resource.TestStep{Config: w.Provider() + hubHCL("connect_page = { "+attribute+" }"), PlanOnly: true, ExpectError: regexp.MustCompile(said)})
	}
}

func TestAWebhookChangesInPlaceAndLeavesEveryLinkAsItIs(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	with := hubHCL(`webhook_url = "https://api.acme.example/hooks"`)
	run(t,
		resource.TestStep{Config: w.Provider() + hubHCL() + linkHCL(globex)},
		resource.TestStep{
			Config:            w.Provider() + with + linkHCL(globex),
			ConfigPlanChecks:  before(action(theHub, plancheck.ResourceActionUpdate), action(linkGlobex, plancheck.ResourceActionNoop)),
			ConfigStateChecks: []statecheck.StateCheck{value(theHub, "webhook_url", knownvalue.StringExact("https://api.acme.example/hooks"))},
		},
		resource.TestStep{ResourceName: theHub, ImportState: true, ImportStateVerify: true, ImportStateId: "acme", ImportStateVerifyIgnore: []string{"force_destroy"}},
		resource.TestStep{Config: w.Provider() + hubHCL(`webhook_url = "https://user:secret@api.acme.example/hooks"`), PlanOnly: true, ExpectError: regexp.MustCompile(`user\s+or\s+a\s+fragment`)},
		resource.TestStep{Config: w.Provider() + hubHCL() + linkHCL(globex), ConfigPlanChecks: before(action(theHub, plancheck.ResourceActionUpdate))},
	)
}
