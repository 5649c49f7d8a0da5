// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
)

// Every mistake is reported at plan, on its attribute, with the values that are valid.
// Terraform wraps long lines at any space, so the patterns allow for that.
func TestMistakesAreErrorsAtPlan(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	link := func(arguments string) string { return hubHCL() + linkHCL(globex.with(arguments)) }
	role := func(arguments string) string { return link("role = {\n" + arguments + "\n}") }
	longPolicy := func(n int) string {
		return fmt.Sprintf(`jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = [for i in range(%d) : "s3:GetObject%%{ if i > 0 }${i}%%{ endif }"], Resource = "*" }] })`, n)
	}
	for name, c := range map[string]struct{ config, want string }{
		"hub name":           {`resource "xacct_hub" "this" { name = "Acme_1" }`, `name must be 2 to 31 lower-case letters.*"Acme_1"`},
		"response timeout":   {hubHCL(`response_timeout = "90s"`), `response_timeout must be a duration between 2m and 1h: got "90s"`},
		"support address":    {strings.Replace(hubHCL(), "https://acme.example/support", "acme.example", 1), `begins with https:// or mailto:`},
		"region of a hub":    {hubHCL(`regions = ["us-east-1", "frankfurt"]`), `"frankfurt" is not an AWS Region, such as us-east-1`},
		"another partition":  {hubHCL(`regions = ["us-east-1", "cn-north-1"]`), `Region cn-north-1 is in partition aws-cn, the hub in aws`},
		"no regions":         {hubHCL(`regions = []`), `at least 1`},
		"unknown publishers": {hubHCL(`publishers = "friends"`), `must be one of "known_accounts", "anyone": got "friends"`},
		"template access":    {hubHCL(`template_access = "private"`), `must be one of "public", "presigned", "accounts": got "private"`},
		"capacity":           {hubHCL(`capacity = 500000`), `capacity value must be between 1 and 150000`},
		"customer ID":        {hubHCL() + strings.Replace(linkHCL(globex), `customer_id = "globex"`, `customer_id = "globex inc"`, 1), `customer_id must be 1 to 64 letters`},
		"11 digits":          {hubHCL() + linkHCL(customer{id: "globex", account: "22222222222"}), `"22222222222" is not an AWS account ID: it has 12 digits.*a number loses its leading zeros: write it in quotes; this one has 11 characters`},
		"role name":          {role(`name = "acme/globex"`), `role.name must be the name of an IAM role: "acme/globex" is not a role name`},
		"default name too long": {strings.Replace(hubHCL(), `"acme"`, `"acme-monitoring-of-the-world"`, 1) + strings.ReplaceAll(linkHCL(globex), `xacct_hub.this.id`, `xacct_hub.this.name`) + `
resource "xacct_onboarding_link" "long" {
  hub         = xacct_hub.this.name
  customer_id = "globex-corporation-of-cypress-creek-and-beyond"
  account_id  = "222222222222"
  role        = {}
}`, `has 75 characters, and IAM allows 64. Set role.name`},
		"role path":                               {role(`path = "vendors"`), `begins and ends with /`},
		"managed policy":                          {role(`managed_policy_arns = ["SecurityAudit"]`), `managed_policy_arns\[Value\("SecurityAudit"\)\] must be the ARN of an IAM managed policy`},
		"malformed JSON":                          {role("inline_policies = { read = <<-EOT\n{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n}\nEOT\n }"), `inline_policies\["read"\] must be an IAM policy document as JSON: line 4, column`},
		"principal in a policy":                   {role(`inline_policies = { read = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = "*", Action = "s3:*", Resource = "*" }] }) }`), `Principal`},
		"truncated ARN":                           {role(`inline_policies = { read = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "Read", Effect = "Allow", Action = "s3:*", Resource = "arn:aws:s3" }] }) }`), `role.inline_policies\["read"\] must be an IAM policy document as JSON: statement "Read" has the resource "arn:aws:s3", which has 3 of the six parts`},
		"unknown operator":                        {role(`inline_policies = { read = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*", Condition = { StringEqual = { "aws:x" = "y" } } }] }) }`), `Statement\[0\] has the condition operator "StringEqual", which IAM doesn't know`},
		"another partition's ARN":                 {role(`inline_policies = { read = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "arn:aws-cn:s3:::b" }] }) }`), `Statement\[0\] has the resource "arn:aws-cn:s3:::b" of partition aws-cn, and the hub is in aws`},
		"policies too long":                       {role("inline_policies = { a = " + longPolicy(300) + ", b = " + longPolicy(300) + " }"), `may have 10240 characters together, white space not counted; these have 1\d\d\d\d`},
		"session duration":                        {role(`max_session_duration = 600`), `must be between 3600 and 43200`},
		"boundary":                                {role(`permissions_boundary_arn = "arn:aws:iam::aws:role/Boundary"`), `permissions_boundary_arn must be the ARN of an IAM managed policy`},
		"key of an optional permission":           {link(`optional_permissions = { Billing = { description = "x", managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"] } }`), `optional_permissions\["Billing"\] must be 1 to 41 lower-case letters`},
		"optional permission that grants nothing": {link(`optional_permissions = { billing = { description = "x" } }`), `optional_permissions = \{.*It grants nothing: set managed_policy_arns, inline_policies or managed_policies, and check for a misspelt name, which is ignored`},
		"optional permission already granted":     {link(`optional_permissions = { billing = { description = "x", managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"] } }`), `The role has this policy already`},
		"policy of an optional permission":        {link(`optional_permissions = { billing = { description = "x", inline_policies = { read = "{}" } } }`), `optional_permissions\["billing"\].inline_policies\["read"\] must be an IAM policy document`},
		"trusted wildcard":                        {link(`trusted_principal_arns = ["arn:aws:iam::111111111111:role/acme-*"]`), `has a wildcard, which would trust roles that don't exist yet`},
		"trusted user":                            {link(`trusted_principal_arns = ["arn:aws:iam::111111111111:user/ci"]`), `must be the full ARN of an IAM role`},
		"stack name":                              {link(`stack_name = "1st"`), `stack_name must be the name of a CloudFormation stack`},
		"region of a link":                        {link(`region = "moon-1"`), `"moon-1" is not an AWS Region`},
		"external ID":                             {link(`external_id = "a b"`), `external_id must be an external ID`},
		"expiry":                                  {link(`expires_at = "tomorrow"`), `got "tomorrow"; write it like 2030-01-31T18:00:00Z`},
		"link of a role":                          {`resource "xacct_customer_role" "x" { link = "globex" }`, `"globex" is not in the form hub/customer, such as acme/globex`},
		"timeouts": {`resource "xacct_customer_role" "x" { 
  link = "acme/globex" 
  timeouts = { create = "soon" } 
}`, `"soon" cannot be parsed|must be a string[\s\S]*containing`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, resource.TestStep{Config: w.Provider() + c.config, PlanOnly: true, ExpectError: loosely(c.want)})
		})
	}
}

// loosely returns a regular expression in which a space matches any white space, and the
// bar that Terraform draws at the left of a message.
func loosely(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`(?s)` + strings.ReplaceAll(pattern, " ", `[\s│]+`))
}
