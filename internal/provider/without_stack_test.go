// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/zclconf/go-cty/cty"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/trial/plainiam"
)

// output returns a check of an output of the configuration.
func output(name string, want knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownOutputValue(name, want)
}

// A customer without CloudFormation creates the role from the resources that the
// vendor's Terraform prints, and it is registered. The printed resources follow the
// permission set in the apply that changes it, although its template is not published
// when Terraform plans.
//
// The test is not parallel: the function reads the template without credentials, and
// takes the address of S3 from the environment.
func TestACustomerOfTheGalleryNeedsNoStack(t *testing.T) {
	w := acctest.Start(t)
	t.Setenv("AWS_ENDPOINT_URL_S3", w.URL())
	text, err := os.ReadFile("../../examples/gallery/" + withoutStack + "/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	shape := shape{granted: []string{"artifacts"}, policies: 1}
	config := w.Provider() + string(text) + roleHCL(globex, "wait = false")
	changed := replaceOnce(config, `, "ec2:DescribeInstances"`, `, "ec2:DescribeTags"`)
	second := changed + replaceOnce(anotherSet, "SET", `register_without_stack = true`)
	var snippet string
	kept := knownvalue.StringFunc(func(v string) error { snippet = v; return nil })
	run(t,
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{value(roleGlobex, "status", is("pending")), output("for_terraform", kept)}},
		resource.TestStep{
			PreConfig: func() {
				customer := plainiam.Applier{Client: w.IAM(globex.account), Account: globex.account}
				if err := customer.Apply(t.Context(), snippet, map[string]cty.Value{"acme_access_enable_artifacts": cty.True}); err != nil {
					t.Fatalf("%v\n%s", err, snippet)
				}
				w.Seek("acme", 2*time.Minute)
			},
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleGlobex, "status", is("active")), value(roleGlobex, "role_arn", is("arn:aws:iam::222222222222:role/acme-globex")), value(roleGlobex, "stack_id", knownvalue.Null()),
				after(func() { shape.exactly(t, w) }),
			},
		},
		resource.TestStep{
			Config:            changed,
			ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectUnknownOutputValue("for_terraform")}},
			ConfigStateChecks: []statecheck.StateCheck{output("for_terraform", like(`ec2:DescribeTags`)), output("for_terraform", like(`"autoscaling:SetDesiredCapacity"`))},
		},
		resource.TestStep{Config: changed, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{Config: second, ConfigStateChecks: []statecheck.StateCheck{output("of_initech", like(`name += "acme-initech"`)), output("of_umbrella", like(`name += "acme-umbrella"`))}},
		resource.TestStep{Config: second, ConfigPlanChecks: emptyPlan()},
	)
	if !strings.Contains(snippet, `resource "aws_iam_role" "acme_access"`) {
		t.Errorf("the snippet is\n%s", snippet)
	}
}

// anotherSet is another permission set on an existing hub, with a link and a fleet.
const anotherSet = `
resource "xacct_permission_set" "second" {
  hub                 = xacct_hub.this.id
  name                = "second"
  managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]
  SET
}

resource "xacct_onboarding_link" "initech" {
  hub            = xacct_hub.this.id
  permission_set = xacct_permission_set.second.id
  customer_id    = "initech"
  account_id     = "333333333333"
}

resource "xacct_fleet" "main" {
  hub            = xacct_hub.this.id
  name           = "main"
  permission_set = xacct_permission_set.second.id
  customers      = { umbrella = "444444444444" }
}

output "of_initech" {
  value = provider::xacct::terraform_snippet(xacct_onboarding_link.initech.url, "iam")
}

output "of_umbrella" {
  value = provider::xacct::terraform_snippet(provider::xacct::fleet_url(xacct_fleet.main, "umbrella"), "iam")
}
`

// Resources are printed only for published templates of a hub that can be read without
// credentials. Errors give the reason and what to do.
func TestPlainResourcesArePrintedOnlyForPublicTemplates(t *testing.T) {
	w := acctest.Start(t)
	t.Setenv("AWS_ENDPOINT_URL_S3", w.URL())
	url := `"` + launchURL("https://us-east-1.console.aws.amazon.com", "us-east-1") + `"`
	nowhere := strings.Replace(url, "b.s3.us-east-1.amazonaws.com%2Ft.json", "missing.s3.us-east-1.amazonaws.com%2Ftemplates%2F"+strings.Repeat("0", 64)+".json", 1)
	elsewhere := strings.Replace(url, "b.s3.us-east-1.amazonaws.com", "evil.example", 1)
	functions(t,
		refuses("terraform_snippet", url+`, "iam"`, "https://b.s3.us-east-1.amazonaws.com/t.json is not a template of a hub"),
		refuses("terraform_snippet", nowhere+`, "iam"`, "it is not published yet, or the hub's template_access is not"),
		refuses("terraform_snippet", elsewhere+`, "iam"`, "is not a template of a hub"),
		refuses("terraform_snippet", url+`, "yaml"`, `There is no such format: leave the second argument out, or use one of ["iam"]`),
		refuses("terraform_snippet", url+`, "iam", "iam"`, "There is no such format"),
	)
}
