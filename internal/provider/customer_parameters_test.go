// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// newerArguments has all arguments of a link that were added after the first release.
const newerArguments = `role = {
    managed_policy_arns = ["arn:${provider::xacct::customer_partition()}:iam::aws:policy/SecurityAudit"]
    managed_policies = {
      logs = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::${provider::xacct::customer_parameter("log_bucket")}/*",
        Condition = { StringEquals = { "s3:ResourceAccount" = provider::xacct::customer_account_id() } } }] })
    }
  }
  trusted_account_ids   = ["333333333333"]
  allow_session_tags    = true
  allow_source_identity = false
  customer_parameters = {
    log_bucket    = { description = "Name of the bucket with your logs", allowed_pattern = "[a-z0-9.-]+", min_length = 3, max_length = 63 }
    report_bucket = { description = "Name of the bucket with your reports", default = "" }
    environment   = { description = "Which environment this is", default = "test", allowed_values = ["test", "production"] }
  }
  optional_permissions = {
    reports = {
      description     = "Read your reports"
      when_parameter  = "report_bucket"
      inline_policies = { reports = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::${provider::xacct::customer_parameter("report_bucket")}/*" }] }) }
    }
  }`

func TestCustomerParametersAreReportedAndFollowUpdates(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := w.Provider() + hubHCL() + linkHCL(globex.with(newerArguments)) + roleHCL(globex, waits)
	var launched func() sandbox.Stack
	var stack sandbox.Stack
	typed := func(status string, values map[string]string, granted ...string) []statecheck.StateCheck {
		all := map[string]knownvalue.Check{}
		for key, value := range values {
			all[key] = is(value)
		}
		return []statecheck.StateCheck{
			value(roleGlobex, "status", is(status)),
			value(roleGlobex, "parameters", knownvalue.MapExact(all)),
			value(roleGlobex, "granted_permissions", names(granted...)),
		}
	}
	run(t,
		resource.TestStep{
			PreConfig: func() {
				launched = w.LaunchWith("acme", "globex", globex.account, "CREATE_COMPLETE", sandbox.LaunchOptions{Parameters: map[string]string{"InputLogBucket": "globex-logs"}})
			},
			Config: config,
			ConfigStateChecks: append(typed("active", map[string]string{"log_bucket": "globex-logs", "environment": "test"}),
				value(linkGlobex, "url", like(`&param_ExpectedAccountId=222222222222&.*&param_InputLogBucket=&`)),
				value(linkGlobex, "allow_source_identity", knownvalue.Bool(false)),
				after(func() { stack = launched() })),
		},
		resource.TestStep{
			PreConfig: func() {
				defer w.Registrar("acme")()
				w.Update(stack.ID, sandbox.UpdateOptions{Parameters: map[string]string{"InputReportBucket": "globex-reports", "InputEnvironment": "production"}})
			},
			Config: config, ConfigPlanChecks: emptyPlan(),
			ConfigStateChecks: append(typed("active", map[string]string{"log_bucket": "globex-logs", "environment": "production", "report_bucket": "globex-reports"}, "reports"),
				after(func() {
					if got := w.PoliciesOf(acctest.Globex, "acme-globex"); !slices.Contains(got, "reports") {
						t.Errorf("the role has %v", got)
					}
				})),
		},
		resource.TestStep{ResourceName: linkGlobex, ImportState: true, ImportStateId: "acme/globex", ImportStateVerify: true, ImportStateVerifyIgnore: []string{"allow_source_identity"}},
		resource.TestStep{ // another description: a new template, but no customer is outdated
			Config:           strings.Replace(config, "Name of the bucket with your logs", "The bucket with your logs", 1),
			ConfigPlanChecks: before(action(linkGlobex, plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleGlobex, "outdated", knownvalue.Bool(false)), value(roleGlobex, "parameters", knownvalue.MapSizeExact(3)),
			},
		},
	)
}

func TestARoleARNWithAChosenPathIsKnownOnceTheRoleExists(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	const chosen = `customer_chooses = ["permissions_boundary", "role_path"]`
	link := w.Provider() + hubHCL() + linkHCL(globex.with(chosen))
	var launched func() sandbox.Stack
	run(t,
		resource.TestStep{
			Config:            link + roleHCL(globex),
			ConfigStateChecks: []statecheck.StateCheck{value(roleGlobex, "role_arn", knownvalue.Null()), value(roleGlobex, "account_id", is(globex.account))},
		},
		resource.TestStep{Config: link + roleHCL(globex), ConfigPlanChecks: emptyPlan()},
		resource.TestStep{
			PreConfig: func() {
				launched = w.LaunchWith("acme", "globex", globex.account, "CREATE_COMPLETE", sandbox.LaunchOptions{Parameters: map[string]string{"RolePath": "/third-parties/"}})
			},
			Config: link + roleHCL(globex, waits),
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleGlobex, "role_arn", is("arn:aws:iam::222222222222:role/third-parties/acme-globex")),
				value(roleGlobex, "parameters", knownvalue.MapExact(map[string]knownvalue.Check{"role_path": is("/third-parties/")})),
				after(func() { launched() }),
			},
		},
		resource.TestStep{Config: link + roleHCL(globex, waits), ConfigPlanChecks: emptyPlan()},
		resource.TestStep{ResourceName: linkGlobex, ImportState: true, ImportStateId: "acme/globex", ImportStateVerify: true},
	)
}

func TestAPlanRefusesAnUpdateThatLiveStacksCannotApply(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	link := func(more string) string { return hubHCL() + linkHCL(globex.with(more)) }
	policies := func(letter string) string {
		statement := `{ Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::${join("", [for i in range(600) : "` + letter + `000000000"])}" }`
		return `role = { inline_policies = { ` + letter + ` = jsonencode({ Version = "2012-10-17", Statement = [` + statement + `] }) } }`
	}
	asks := `customer_parameters = { bucket = { description = "Your bucket" } }`
	s.apply(link(policies("a")))
	s.plan(linkGlobex, link(policies("b"))) // no customer has launched yet
	stop := w.Registrar("acme")
	w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE")()
	stop()
	for more, want := range map[string]string{
		policies("b"):                 "for that time the role has inline policies of 12",
		policies("a") + "\n  " + asks: `Live stacks have no value for "bucket"`,
	} {
		_, found := s.Plan(t.Context(), w.Provider()+link(more), tfcore.Options{})
		if err := found.Err(); err == nil || !strings.Contains(strings.Join(strings.Fields(err.Error()), " "), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
