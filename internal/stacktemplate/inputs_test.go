// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// aboutBucket returns a policy for the bucket that a parameter names.
func aboutBucket(parameter string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],
		"Resource":["arn:` + permissionset.PartitionReference + `:s3:::` + permissionset.ParameterReference(parameter) + `","arn:` + permissionset.PartitionReference + `:s3:::` + permissionset.ParameterReference(parameter) + `/${aws:PrincipalTag/team}/*"],
		"Condition":{"StringEquals":{"s3:ResourceAccount":"` + permissionset.AccountReference + `"}}}]}`
}

// asking returns a specification with customer parameters of every kind, and references to them in every
// place.
func asking() Specification {
	s := minimal("us-east-1", "eu-west-1")
	s.CustomerParameters = map[string]permissionset.CustomerParameter{
		"log_bucket":    {Description: "Name of the bucket with your logs.", AllowedPattern: "^[a-z0-9][a-z0-9.-]+$", MinLength: 3, MaxLength: 63},
		"report_bucket": {Description: "Name of the bucket with your cost reports", Default: new("")},
		"environment":   {Description: "Which environment this account is", Default: new("test"), AllowedValues: []string{"test", "production"}},
		"owner":         {Description: "Who owns it, if you like", Default: new(""), AllowedValues: []string{"ops", "dev"}},
	}
	own := "arn:" + permissionset.PartitionReference + ":iam::" + permissionset.AccountReference + ":policy/" + permissionset.ParameterReference("environment") + "/"
	s.Role.PermissionsBoundaryARN = own + "Boundary"
	s.Role.ManagedPolicyARNs = []string{own + "Always", "arn:aws:iam::aws:policy/SecurityAudit"}
	s.Role.InlinePolicies["logs"] = aboutBucket("log_bucket")
	s.Role.ManagedPolicies = permissionset.Policies{"more": aboutBucket("log_bucket")}
	s.OptionalPermissions = map[string]permissionset.OptionalPermission{
		"enable":  {Description: "Read what is open", ManagedPolicyARNs: []string{own + "Optional"}},
		"enabled": {Description: "Restart hosts", InlinePolicies: permissionset.Policies{"restart": restartHosts}},
		"reports": {
			Description: "Read cost reports.", WhenParameter: "report_bucket",
			InlinePolicies:  permissionset.Policies{"reports": aboutBucket("report_bucket")},
			ManagedPolicies: permissionset.Policies{"reports-too": aboutBucket("report_bucket")},
		},
	}
	return s
}

// choosing returns a specification whose customers may choose everything that can be chosen.
func choosing() Specification {
	s := asking()
	s.Role.PermissionsBoundaryARN, s.Role.Path = "arn:aws:iam::aws:policy/ReadOnlyAccess", "/vendors/"
	s.CustomerChooses = []string{permissionset.ChoosesPath, permissionset.ChoosesBoundary}
	return s
}

// CloudFormation keeps parameters, conditions and resources apart, but people could confuse them if they
// had the same name.
func TestParametersConditionsAndResourcesHaveDifferentNames(t *testing.T) {
	clash := asking()
	clash.Role.ManagedPolicies["x-enabled"] = readBuckets // PolicyXEnabled
	clash.OptionalPermissions["policy_x"] = permissionset.OptionalPermission{Description: "X", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/X"}}
	clash.OptionalPermissions["enabled_condition"] = permissionset.OptionalPermission{Description: "Y", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/Y"}}
	clash.OptionalPermissions["input_z"] = permissionset.OptionalPermission{Description: "Z", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/Z"}}
	clash.CustomerParameters["z_enabled"] = permissionset.CustomerParameter{Description: "A value", Default: new("")} // InputZEnabled
	for name, s := range map[string]Specification{"asking": asking(), "choosing": choosing(), "clash": clash, "resources": withResources(), "optional": optional(everything(), mixed())} {
		var template struct {
			Parameters, Conditions, Resources map[string]any
		}
		if err := json.Unmarshal(must(Render(s)).JSON(), &template); err != nil {
			t.Fatal(err)
		}
		all := slices.Concat(sortedKeys(template.Parameters), sortedKeys(template.Conditions), sortedKeys(template.Resources))
		slices.Sort(all)
		if once := slices.Compact(slices.Clone(all)); len(once) != len(all) {
			t.Errorf("%s: a name occurs twice in %v", name, all)
		}
		want := len(s.OptionalPermissions) + 1 // the condition of a second external ID
		if s.Chooses(permissionset.ChoosesBoundary) {
			want++
		}
		if got := len(template.Conditions); got != want {
			t.Errorf("%s: %d conditions, want %d", name, got, want)
		}
	}
}

func TestLinkParametersIncludeThoseThatTheCustomerMustEnter(t *testing.T) {
	if got := must(Render(asking())).LinkParameters(); !slices.Equal(got, []string{"ExpectedAccountId", "InputLogBucket", "PreviousExternalId"}) {
		t.Errorf("%v", got)
	}
	if got := must(Render(minimal("us-east-1"))).LinkParameters(); !slices.Equal(got, []string{"ExpectedAccountId", "PreviousExternalId"}) {
		t.Errorf("%v", got)
	}
}

// A reference becomes a function, but never Fn::Sub, which would also replace IAM's ${…}.
func TestReferencesBecomeFunctionsWithoutFnSub(t *testing.T) {
	text := string(must(Render(asking())).JSON())
	for _, left := range []string{"{{xacct", "Fn::Sub"} {
		if strings.Contains(text, left) {
			t.Errorf("the template has %s", left)
		}
	}
	if !strings.Contains(text, "/${aws:PrincipalTag/team}/*") {
		t.Error("the policy variable is not as it was")
	}
}
