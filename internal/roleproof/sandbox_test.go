// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package roleproof_test

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/roleproof"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

const customer = "222222222222"

func as(t *testing.T, box *sandbox.Sandbox, accountID string) aws.Config {
	t.Helper()
	keys, err := box.Credentials(accountID)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"), config.WithBaseEndpoint(box.URL()),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, "")))
	if err != nil {
		t.Fatal(err)
	}
	c.HTTPClient = awsclient.HTTPClient()
	return c
}

// The sandbox evaluates trust policies, over HTTP and with the SDK.
func TestTheTrustPolicyOfARoleDecidesItsProof(t *testing.T) {
	box := trial.Sandbox(t)
	if err := box.OpenAccount(customer, "aws"); err != nil {
		t.Fatal(err)
	}
	vendors, customers := as(t, box, sandbox.VendorAccount), as(t, box, customer)
	const allow = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"`
	roles := map[string]string{
		"good":     allow + `,"Condition":{"StringEquals":{"sts:ExternalId":"the-right-one"}}}]}`,
		"another":  allow + `,"Condition":{"StringEquals":{"sts:ExternalId":"another"}}}]}`,
		"open":     allow + `}]}`,
		"sloppy":   allow + `,"Condition":{"StringLike":{"sts:ExternalId":"*"}}}]}`,
		"only-app": allow + `,"Condition":{"StringEquals":{"sts:ExternalId":"the-right-one"},"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/app"}}}]}`,
	}
	for name, trust := range roles {
		if _, err := iam.NewFromConfig(customers).CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trust)}); err != nil {
			t.Fatal(err)
		}
	}
	app := must(account.ParseRoleARN("arn:aws:iam::111111111111:role/app"))
	createApp(t, vendors)
	caller, err := sts.NewFromConfig(vendors).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	prover := roleproof.New(roleproof.Config{
		STS: sts.NewFromConfig(vendors), CallerARN: aws.ToString(caller.Arn),
		VendorAccount: must(account.ParseID(sandbox.VendorAccount)), Random: rand.Reader,
		Assume: func(ctx context.Context, role account.RoleARN) (roleproof.STS, error) {
			out, err := sts.NewFromConfig(vendors).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(role.String()), RoleSessionName: aws.String("test")})
			if err != nil {
				return nil, err
			}
			c := vendors.Copy()
			c.Credentials = credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
			return sts.NewFromConfig(c), nil
		},
	})
	tests := []struct {
		role    string
		trusted []account.RoleARN
		want    onboarding.ProofOutcome
		hole    string
	}{
		{"good", nil, onboarding.Proven, ""},
		{"another", nil, onboarding.Refused, ""},
		{"missing", nil, onboarding.Refused, ""},
		{"open", nil, onboarding.Open, "without an external ID"},
		{"sloppy", nil, onboarding.Open, "with a wrong external ID"},
		{"only-app", nil, onboarding.Refused, ""},
		{"only-app", []account.RoleARN{app}, onboarding.Proven, ""},
	}
	for _, test := range tests {
		got := prover.Prove(t.Context(), onboarding.Probe{
			CustomerID: "c1", Role: must(account.ParseRoleARN("arn:aws:iam::" + customer + ":role/" + test.role)),
			ExternalID: must(account.ParseExternalID("the-right-one")), Principals: test.trusted,
		})
		if got.Outcome != test.want || got.Weakness != test.hole {
			t.Errorf("role %s trusting %v: %+v, want %s %q", test.role, test.trusted, got, test.want, test.hole)
		}
	}
}

// createApp creates a role of the vendor that one of the customer's roles trusts.
func createApp(t *testing.T, vendors aws.Config) {
	t.Helper()
	client := iam.NewFromConfig(vendors)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"}]}`
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`
	if _, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("app"), AssumeRolePolicyDocument: &trust}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("app"), PolicyName: aws.String("prove"), PolicyDocument: &policy}); err != nil {
		t.Fatal(err)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
