// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"reflect"
	"testing"
)

func TestASummaryDescribesASetInPlainWords(t *testing.T) {
	t.Parallel()
	policy := func(statement string) Policies {
		return Policies{"p": `{"Version":"2012-10-17","Statement":[` + statement + `]}`}
	}
	set := Set{
		Role: Role{
			ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/Unheard", "arn:aws:iam::aws:policy/job-function/Billing", "arn:aws:iam::222222222222:policy/ReadOnlyAccess"},
			InlinePolicies:    policy(`{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket","ec2:RebootInstances","ec2:describeInstances","sqs:*","sns:Create*","sns:DeleteDBTags"],"Resource":"*"},{"Effect":"Deny","Action":"iam:*","Resource":"*"}`),
		},
		Choices: Choices{OptionalPermissions: map[string]OptionalPermission{
			"all": {Description: "Do it all", DefaultEnabled: true, ManagedPolicies: policy(`{"Effect":"Allow","Action":"*","Resource":"*"}`)},
			"but": {Description: "Do the rest", WhenParameter: "rest", InlinePolicies: policy(`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`)},
		}, CustomerParameters: map[string]CustomerParameter{"rest": {Description: "What is left"}}},
		Additions: Additions{AdditionalRoles: map[string]AdditionalRole{"deploy": {Description: "Deploys", InlinePolicies: policy(`{"Effect":"Allow","Action":"*","Resource":"*"}`)}}},
	}
	got, want := set.Summary(), Summary{
		Reads:   []string{"EC2 (servers and networks)", "S3 (files)"},
		Changes: []string{"EC2 (servers and networks): reboot instances", "SNS (notifications): create anything, delete dbtags", "SQS (queues): everything"},
		Broad:   []string{"Everything in the policy ReadOnlyAccess", "See settings that matter for security, but not your data (AWS policy SecurityAudit)", "Everything in the policy Unheard", "See and manage bills and costs (AWS policy Billing)"},
		Optional: []OptionalSummary{
			{"all", "Do it all", true, "", Summary{Broad: []string{"Everything in the account"}}},
			{"but", "Do the rest", false, "What is left", Summary{Broad: []string{"Everything but iam:*"}}},
		},
		Roles: []RoleSummary{{"deploy", "Deploys", Summary{Broad: []string{"Everything in the account"}}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}
