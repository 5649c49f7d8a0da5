// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"reflect"
	"testing"
)

func TestASetIsToldInPlainWords(t *testing.T) {
	t.Parallel()
	policy := func(statement string) Policies {
		return Policies{"p": `{"Version":"2012-10-17","Statement":[` + statement + `]}`}
	}
	set := Set{
		Role: Role{
			ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/Unheard"},
			InlinePolicies:    policy(`{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket","ec2:RebootInstances","ec2:describeInstances","sqs:*"],"Resource":"*"},{"Effect":"Deny","Action":"iam:*","Resource":"*"}`),
		},
		Choices: Choices{OptionalPermissions: map[string]OptionalPermission{
			"all": {Description: "Do it all", DefaultEnabled: true, ManagedPolicies: policy(`{"Effect":"Allow","Action":"*","Resource":"*"}`)},
			"but": {Description: "Do the rest", InlinePolicies: policy(`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`)},
		}},
	}
	got, want := set.InWords(), Words{
		Sees:    []string{"EC2 (servers and networks)", "S3 (files)"},
		Changes: []string{"EC2 (servers and networks): RebootInstances", "SQS (queues): everything"},
		Whole:   []string{"See settings that matter for security, but not your data (AWS policy SecurityAudit)", "Everything in the policy Unheard"},
		Optional: []OptionalWords{
			{"all", "Do it all", true, Words{Whole: []string{"Everything in the account"}}},
			{"but", "Do the rest", false, Words{Whole: []string{"Everything but iam:*"}}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}
