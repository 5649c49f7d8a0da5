// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package launch

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// iamTemplateText is a template with each feature that can become plain IAM. A test in e2e
// compares what such a snippet creates with what the stack creates.
const iamTemplateText = `{
  "Parameters": {
    "ExternalId": {"Type": "String"}, "RoleName": {"Type": "String"}, "PreviousExternalId": {"Type": "String", "Default": ""},
    "EnableBilling": {"Type": "String", "Default": "No", "AllowedValues": ["No", "Yes"], "Description": "Costs: ${not} a template"},
    "InputBucket": {"Type": "String", "Default": "", "Description": "A bucket"}
  },
  "Conditions": {
    "PreviousExternalIdGiven": {"Fn::Not": [{"Fn::Equals": [{"Ref": "PreviousExternalId"}, ""]}]},
    "BillingEnabled": {"Fn::Equals": [{"Ref": "EnableBilling"}, "Yes"]},
    "BucketGiven": {"Fn::Not": [{"Fn::Equals": [{"Ref": "InputBucket"}, ""]}]}
  },
  "Resources": {
    "PhoneHome": {"Type": "Custom::XacctPhoneHome", "Properties": {}},
    "PolicyCore": {"Type": "AWS::IAM::ManagedPolicy", "Condition": "BucketGiven", "Properties": {"Path": "/", "PolicyDocument": {
      "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::", {"Ref": "InputBucket"}, "/${aws:username}/*"]]}}]}}},
    "Role": {"Type": "AWS::IAM::Role", "Properties": {
      "RoleName": {"Ref": "RoleName"}, "Path": "/", "MaxSessionDuration": 7200, "Description": "A \"role\"", "Tags": [{"Key": "team", "Value": "ops"}],
      "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": {"Fn::If": ["PreviousExternalIdGiven", [{"Ref": "ExternalId"}, {"Ref": "PreviousExternalId"}], {"Ref": "ExternalId"}]}}}}]},
      "ManagedPolicyArns": ["arn:aws:iam::aws:policy/SecurityAudit", {"Fn::If": ["BucketGiven", {"Ref": "PolicyCore"}, {"Ref": "AWS::NoValue"}]}],
      "Policies": [{"Fn::If": ["BillingEnabled", {"PolicyName": "costs", "PolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ce:Get*", "Resource": "*"}]}}, {"Ref": "AWS::NoValue"}]}]
    }}
  }
}`

func TestUnknownTemplateFeaturesAreAnError(t *testing.T) {
	for change, want := range map[string]string{
		`"MaxSessionDuration"`:       "property Other is not supported",
		`"Fn::Join"`:                 "this form of Fn::Sub is not supported",
		`{"Ref": "InputBucket"}, ""`: "only comparisons of a parameter",
	} {
		replacement := map[string]string{
			`"MaxSessionDuration"`: `"Other"`, `"Fn::Join"`: `"Fn::Sub"`, `{"Ref": "InputBucket"}, ""`: `"x", ""`,
		}[change]
		text := strings.Replace(iamTemplateText, change, replacement, 1)
		if snippet, err := IAMSnippet([]byte(text), globex()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("with %s: %v, want %q\n%s", replacement, err, want, snippet)
		}
	}
}

// The template's parameters InputEnableBilling and EnableBilling may both exist. They must not become one
// variable.
func TestEveryParameterBecomesAVariableOfItsOwn(t *testing.T) {
	snippet := must(IAMSnippet([]byte(strings.ReplaceAll(iamTemplateText, "InputBucket", "InputEnableBilling")), globex()))
	file, diags := hclsyntax.ParseConfig([]byte(snippet), "iam.tf", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	variables := map[string]bool{}
	for _, block := range file.Body.(*hclsyntax.Body).Blocks {
		if block.Type == "variable" {
			if variables[block.Labels[0]] {
				t.Errorf("variable %s is declared twice:\n%s", block.Labels[0], snippet)
			}
			variables[block.Labels[0]] = true
		}
	}
	for _, name := range []string{"acme_access_enable_billing", "acme_access_input_enable_billing"} {
		if !variables[name] || !strings.Contains(snippet, "var."+name) {
			t.Errorf("%s is declared: %t\n%s", name, variables[name], snippet)
		}
	}
}

// The provider hashicorp/aws accepts a prefix of at most 102 characters, and adds 26.
func TestThePrefixOfAPolicyIsShortEnoughForTerraform(t *testing.T) {
	l := globex()
	l.StackName = strings.Repeat("a", 128)
	snippet := must(IAMSnippet([]byte(iamTemplateText), l))
	_, prefix, found := strings.Cut(snippet, "name_prefix = \"")
	prefix, _, _ = strings.Cut(prefix, `"`)
	if !found || len(prefix) > 102 || !strings.HasSuffix(prefix, "-") {
		t.Errorf("the prefix %q has %d characters", prefix, len(prefix))
	}
}
