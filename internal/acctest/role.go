// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// Role makes a role of the vendor with a trust policy and an identity policy,
// and returns its ARN.
func (w *World) Role(name, trust, policy string) string {
	w.t.Helper()
	client := w.iam(sandbox.VendorAccount)
	made, err := client.CreateRole(context.Background(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = client.PutRolePolicy(context.Background(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("work"), PolicyDocument: &policy})
	if err != nil {
		w.t.Fatal(err)
	}
	return aws.ToString(made.Role.Arn)
}

// Trust changes whom a role of the vendor trusts.
func (w *World) Trust(name, trust string) {
	w.t.Helper()
	_, err := w.iam(sandbox.VendorAccount).UpdateAssumeRolePolicy(context.Background(), &iam.UpdateAssumeRolePolicyInput{RoleName: &name, PolicyDocument: &trust})
	if err != nil {
		w.t.Fatal(err)
	}
}

// PoliciesOf are the policies that a role really has, as its account sees it:
// the names of the managed and of the inline ones, sorted.
func (w *World) PoliciesOf(accountID, role string) []string {
	w.t.Helper()
	client := w.iam(accountID)
	attached, err := client.ListAttachedRolePolicies(context.Background(), &iam.ListAttachedRolePoliciesInput{RoleName: &role})
	if err != nil {
		w.t.Fatal(err)
	}
	inline, err := client.ListRolePolicies(context.Background(), &iam.ListRolePoliciesInput{RoleName: &role})
	if err != nil {
		w.t.Fatal(err)
	}
	names := inline.PolicyNames
	for _, policy := range attached.AttachedPolicies {
		names = append(names, aws.ToString(policy.PolicyName))
	}
	slices.Sort(names)
	return names
}

func (w *World) iam(accountID string) *iam.Client {
	w.t.Helper()
	keys, err := w.Credentials(accountID)
	if err != nil {
		w.t.Fatal(err)
	}
	return iam.New(iam.Options{
		Region: Region, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(w.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken),
	})
}
