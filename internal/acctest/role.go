// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// Role creates a role of the vendor with a trust policy and an identity policy,
// and returns its ARN.
func (w *World) Role(name, trust, policy string) string {
	w.t.Helper()
	client := w.IAM(sandbox.VendorAccount)
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

// Trust changes the trust policy of a vendor's role.
func (w *World) Trust(name, trust string) {
	w.t.Helper()
	_, err := w.IAM(sandbox.VendorAccount).UpdateAssumeRolePolicy(context.Background(), &iam.UpdateAssumeRolePolicyInput{RoleName: &name, PolicyDocument: &trust})
	if err != nil {
		w.t.Fatal(err)
	}
}

// PoliciesOf returns the names of a role's managed and inline policies, sorted.
func (w *World) PoliciesOf(accountID, role string) []string {
	w.t.Helper()
	client := w.IAM(accountID)
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

// Granted returns the permissions of a role: the ARNs of AWS managed policies, and
// every statement of all other policies as JSON, both sorted.
func (w *World) Granted(accountID, role string) (arns, statements []string) {
	w.t.Helper()
	client, ctx := w.IAM(accountID), context.Background()
	attached, err := client.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &role})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, policy := range attached.AttachedPolicies {
		arn := aws.ToString(policy.PolicyArn)
		if strings.Contains(arn, ":iam::aws:") {
			arns = append(arns, arn)
			continue
		}
		found, err := client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
		if err != nil {
			w.t.Fatal(err)
		}
		version, err := client.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: found.Policy.DefaultVersionId})
		if err != nil {
			w.t.Fatal(err)
		}
		statements = append(statements, w.statements(version.PolicyVersion.Document)...)
	}
	inline, err := client.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &role})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, name := range inline.PolicyNames {
		policy, err := client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name})
		if err != nil {
			w.t.Fatal(err)
		}
		statements = append(statements, w.statements(policy.PolicyDocument)...)
	}
	slices.Sort(arns)
	slices.Sort(statements)
	return arns, statements
}

func (w *World) statements(escaped *string) []string {
	w.t.Helper()
	text, err := url.PathUnescape(aws.ToString(escaped))
	if err != nil {
		w.t.Fatal(err)
	}
	return Statements(w.t, text)
}

// Statements returns the statements of a policy, each as JSON with sorted keys.
func Statements(t testing.TB, policy string) (statements []string) {
	t.Helper()
	var document struct{ Statement []any }
	if err := json.Unmarshal([]byte(policy), &document); err != nil {
		t.Fatal(err)
	}
	for _, statement := range document.Statement {
		text, err := json.Marshal(statement)
		if err != nil {
			t.Fatal(err)
		}
		statements = append(statements, string(text))
	}
	return statements
}

// IAM returns an IAM client of an account's administrator.
func (w *World) IAM(accountID string) *iam.Client {
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
