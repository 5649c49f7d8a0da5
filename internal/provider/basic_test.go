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
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
)

// value returns a check of one attribute in the state.
func value(address, attribute string, want knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), want)
}

func is(s string) knownvalue.Check { return knownvalue.StringExact(s) }
func like(pattern string) knownvalue.Check {
	return knownvalue.StringRegexp(regexp.MustCompile(pattern))
}
func emptyPlan() resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}
}

func TestAHubIsCreatedAndTheNextPlanIsEmpty(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := w.Provider() + hubHCL(`regions = ["us-east-1", "eu-central-1"]`, `tags = { team = "intake" }`)
	run(t,
		resource.TestStep{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				value("xacct_hub.this", "id", is("acme")),
				value("xacct_hub.this", "region", is("us-east-1")),
				value("xacct_hub.this", "account_id", is("111111111111")),
				value("xacct_hub.this", "queue_arn", is("arn:aws:sqs:us-east-1:111111111111:xacct-acme")),
				value("xacct_hub.this", "dead_letter_queue_arn", is("arn:aws:sqs:us-east-1:111111111111:xacct-acme-dead-letters")),
				value("xacct_hub.this", "table_name", is("xacct-acme")),
				value("xacct_hub.this", "template_bucket", like(`^xacct-acme-111111111111-us-east-1-an$`)),
				value("xacct_hub.this", "topic_arns", knownvalue.MapExact(map[string]knownvalue.Check{
					"us-east-1":    is("arn:aws:sns:us-east-1:111111111111:xacct-acme-0"),
					"eu-central-1": is("arn:aws:sns:eu-central-1:111111111111:xacct-acme-0"),
				})),
			},
		},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{
			ResourceName: "xacct_hub.this", ImportState: true, ImportStateId: "acme", ImportStateVerify: true, ImportStateVerifyIgnore: []string{"force_destroy"},
		},
	)
}

func TestACustomerLaunchesWhileApplyWaits(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := w.Provider() + hubHCL() + linkHCL(globex) + roleHCL(globex, waits) + `
data "xacct_customer_roles" "all" {
  hub        = xacct_hub.this.id
  depends_on = [xacct_customer_role.globex]
}
`
	journey(t,
		resource.TestStep{
			PreConfig: func() { w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE") },
			Config:    config,
			ConfigStateChecks: []statecheck.StateCheck{
				value("xacct_onboarding_link.globex", "id", is("acme/globex")),
				value("xacct_onboarding_link.globex", "status", is("open")),
				value("xacct_onboarding_link.globex", "stack_name", is("acme-access")),
				value("xacct_onboarding_link.globex", "region", is("us-east-1")),
				value("xacct_customer_role.globex", "status", is("active")),
				value("xacct_customer_role.globex", "role_arn", is("arn:aws:iam::222222222222:role/acme-globex")),
				value("xacct_customer_role.globex", "stack_region", is("us-east-1")),
				value("xacct_customer_role.globex", "outdated", knownvalue.Bool(false)),
				value("data.xacct_customer_roles.all", "role_arns", knownvalue.MapExact(map[string]knownvalue.Check{
					"globex": is("arn:aws:iam::222222222222:role/acme-globex"),
				})),
			},
		},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
	)
}
