// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// call returns a step that calls a function and checks its result.
func call(function, arguments string, want knownvalue.Check) resource.TestStep {
	return resource.TestStep{
		Config:            callHCL(function, arguments),
		ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownOutputValue("got", want)},
	}
}

// refuses returns a step that calls a function with an invalid argument. Engines wrap
// messages at any space.
func refuses(function, arguments, message string) resource.TestStep {
	return resource.TestStep{
		Config:      callHCL(function, arguments),
		ExpectError: regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(message), " ", `[\s│|]+`)),
	}
}

func callHCL(function, arguments string) string {
	return fmt.Sprintf("output \"got\" {\n  value = provider::xacct::%s(%s)\n}\n", function, arguments)
}

// functions runs steps that need no hub.
func functions(t *testing.T, all ...resource.TestStep) {
	t.Helper()
	run(t, all...)
}

const (
	aLaunchPage = "/cloudformation/home?region=%s#/stacks/quickcreate?templateURL=https%%3A%%2F%%2Fb.s3.us-east-1.amazonaws.com%%2Ft.json" +
		"&stackName=acme-access&param_CustomerName=globex&param_ExternalId=a%%2Cb"
)

func launchURL(console, region string) string { return console + fmt.Sprintf(aLaunchPage, region) }

func TestQuickCreateURLChangesTheRegionOfALink(t *testing.T) {
	t.Parallel()
	url := launchURL("https://us-east-1.console.aws.amazon.com", "us-east-1")
	functions(t,
		call("quick_create_url", fmt.Sprintf("%q, %q", url, "eu-central-1"), is(launchURL("https://eu-central-1.console.aws.amazon.com", "eu-central-1"))),
		call("quick_create_url", fmt.Sprintf("%q, %q", launchURL("http://127.0.0.1:4566/console", "us-east-1"), "eu-west-1"), is(launchURL("http://127.0.0.1:4566/console", "eu-west-1"))),
		refuses("quick_create_url", fmt.Sprintf("%q, %q", url, "cn-north-1"), "Region cn-north-1 is in partition aws-cn, and the link is for aws. A hub works in one partition"),
		refuses("quick_create_url", fmt.Sprintf("%q, %q", url, "Frankfurt"), `"Frankfurt" is not an AWS Region`),
		refuses("quick_create_url", fmt.Sprintf("%q, %q", "https://example.com", "eu-west-1"), `"https://example.com" is not a quick-create link`),
	)
}

func TestALinkBecomesACommandOrATerraformSnippet(t *testing.T) {
	t.Parallel()
	url := fmt.Sprintf("%q", launchURL("https://us-east-1.console.aws.amazon.com", "us-east-1"))
	functions(t,
		call("cli_command", url, is(`aws cloudformation create-stack \
  --region us-east-1 \
  --stack-name acme-access \
  --template-url https://b.s3.us-east-1.amazonaws.com/t.json \
  --parameters '[{"ParameterKey":"CustomerName","ParameterValue":"globex"},{"ParameterKey":"ExternalId","ParameterValue":"a,b"}]' \
  --capabilities CAPABILITY_NAMED_IAM`)),
		call("terraform_snippet", url, like(`(?s)^# .*resource "aws_cloudformation_stack" "acme_access" \{\n.*    CustomerName = "globex"\n    ExternalId   = "a,b"\n  \}\n\}\n$`)),
		refuses("cli_command", strings.Replace(url, "&stackName=acme-access", "", 1), "the link has no stack name, and only the console asks for one"),
		refuses("terraform_snippet", `"nonsense"`, `"nonsense" is not a quick-create link`),
	)
}

func TestTrustPolicyEqualsThatOfTheTemplates(t *testing.T) {
	t.Parallel()
	functions(t,
		call("trust_policy", `"111111111111", "us-east-1", "an-id"`,
			is(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"an-id"}}}]}`)),
		call("trust_policy", `"111111111111", "us-gov-west-1", "an-id", ["arn:aws-us-gov:iam::111111111111:role/ops/deploy"]...`,
			is(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws-us-gov:iam::111111111111:root"},"Action":"sts:AssumeRole","Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws-us-gov:iam::111111111111:role/ops/deploy"},"StringEquals":{"sts:ExternalId":"an-id"}}}]}`)),
		refuses("trust_policy", `"1111", "us-east-1", "an-id"`, `"1111" is not an AWS account ID`),
		refuses("trust_policy", `"111111111111", "us-east-1", "a b"`, `"a b" is not an external ID`),
		refuses("trust_policy", `"111111111111", "us-east-1", "an-id", "arn:aws:iam::111111111111:role/*"`, "name each role in full"),
		refuses("trust_policy", `"111111111111", "us-east-1", "an-id", "arn:aws:iam::222222222222:role/a"`, "is not one of the vendor's account 111111111111"),
	)
}

func TestEnginesCallFunctions(t *testing.T) {
	t.Parallel()
	journey(t, call("trust_policy", `"111111111111", "us-east-1", "an-id"`, like(`an-id`)))
}
