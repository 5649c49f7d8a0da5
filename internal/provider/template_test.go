// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
)

// templateHCL returns a data source that renders a template for the hub acme.
func templateHCL(name, more string) string {
	return fmt.Sprintf("\ndata \"xacct_stack_template\" %q {\n  hub = \"acme\"\n  %s\n}\n", name, more)
}

func TestARenderedTemplateEqualsTheOneThatALinkPublishes(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	trusted := w.Role("acme-worker", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"}]}`,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`)
	role := `role = {
    path                = "/vendors/"
    managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]
    inline_policies     = { read = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:ListAllMyBuckets", Resource = "*" }] }) }
    tags                = { owner = "acme" }
  }
  trusted_principal_arns = ["` + trusted + `"]
  optional_permissions = {
    billing = {
      description         = "Read your bills"
      managed_policy_arns = ["arn:aws:iam::aws:policy/job-function/Billing"]
    }
    restart_hosts = {
      description     = "Restart hosts"
      default_enabled = true
      inline_policies = { restart = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "ec2:RebootInstances", Resource = "*" }] }) }
    }
  }`
	described := `vendor = {
    account_id = "111111111111", regions = ["us-east-1"], display_name = "Acme Monitoring", support_url = "https://acme.example/support"
  }
  ` + role
	same := func(attribute string) statecheck.StateCheck {
		return statecheck.CompareValuePairs("data.xacct_stack_template.there", tfjsonpath.New(attribute), "data.xacct_stack_template.described", tfjsonpath.New(attribute), compare.ValuesSame())
	}
	digest := `
output "same_object" {
  value = tostring(strcontains(xacct_onboarding_link.globex.template_url, data.xacct_stack_template.there.digest))
}
output "same_digest" {
  value = tostring(sha256(data.xacct_stack_template.there.json) == data.xacct_stack_template.there.digest)
}`
	before := w.Provider() + templateHCL("described", described)
	run(t,
		resource.TestStep{
			Config: before, // the hub does not exist yet
			ConfigStateChecks: []statecheck.StateCheck{
				value("data.xacct_stack_template.described", "json", like(`^\{\n  "AWSTemplateFormatVersion": "2010-09-09"`)),
				value("data.xacct_stack_template.described", "yaml", like(`(?s)^AWSTemplateFormatVersion: .*Acme Monitoring.*arn:aws:iam::aws:policy/SecurityAudit`)),
				value("data.xacct_stack_template.described", "json", like(`(?s)"EnableBilling": \{[^}]*"Default": "No".*"EnableRestartHosts": \{[^}]*"Default": "Yes"`)),
			},
		},
		resource.TestStep{Config: before + hubHCL() + linkHCL(globex.with(role))},
		resource.TestStep{
			Config: before + hubHCL() + linkHCL(globex.with(role)) + templateHCL("there", role) + digest,
			ConfigStateChecks: []statecheck.StateCheck{
				same("json"), same("template_version"),
				statecheck.CompareValuePairs(linkGlobex, tfjsonpath.New("template_version"), "data.xacct_stack_template.there", tfjsonpath.New("template_version"), compare.ValuesSame()),
				statecheck.ExpectKnownOutputValue("same_object", is("true")),
				statecheck.ExpectKnownOutputValue("same_digest", is("true")),
			},
		},
	)
}

func TestMistakesInARenderedTemplateAreErrors(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	wrong := func(more, message string) resource.TestStep {
		return resource.TestStep{Config: w.Provider() + templateHCL("wrong", more), ExpectError: regexp.MustCompile(message)}
	}
	vendor := `vendor = { account_id = "111111111111", regions = ["us-east-1"] }
  `
	run(t,
		wrong(aRole, `No hub acme`),
		wrong(vendor+`role = { inline_policies = { read = "{}" } }`, `Invalid IAM policy`),
		wrong(vendor+`role = { managed_policy_arns = ["arn:aws-cn:iam::aws:policy/SecurityAudit"] }`, `(?s)Invalid managed_policy_arns.*aws-cn`),
		wrong(vendor+aRole+"\n  trusted_principal_arns = [\"arn:aws:iam::222222222222:role/theirs\"]", `(?s)only roles of the\s+vendor's\s+account`),
		wrong(vendor+aRole+"\n  optional_permissions = { Billing = { description = \"Read your bills\" } }", `Invalid optional permission key`),
		wrong(vendor+aRole+"\n  optional_permissions = { billing = { description = \"Read your bills\" } }", `(?s)optional_permissions.*billing`),
		wrong(`vendor = { account_id = "111111111111", regions = ["us-east-1", "cn-north-1"] }
  `+aRole, `create a hub in\s+each`),
	)
}
