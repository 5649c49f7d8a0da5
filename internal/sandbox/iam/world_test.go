// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iam_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

const (
	vendor   = sandbox.VendorAccount
	customer = "222222222222"
)

// world is a sandbox with the admins of two accounts.
type world struct {
	*testing.T
	*sandbox.Sandbox
	iam *iam.Client // the customer's
	sts *sts.Client // the vendor's
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{T: t, Sandbox: s}
	w.iam = iam.NewFromConfig(w.config(w.admin(customer)))
	w.sts = sts.NewFromConfig(w.config(w.admin(vendor)))
	return w
}

func (w *world) admin(account string) sandbox.Credentials {
	w.Helper()
	c, err := w.Credentials(account)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

func (w *world) config(c sandbox.Credentials) aws.Config {
	return aws.Config{
		Region: "eu-west-1", HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(w.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// as returns an SDK configuration with a session's credentials.
func (w *world) as(c *ststypes.Credentials) aws.Config {
	return w.config(sandbox.Credentials{
		AccessKeyID: aws.ToString(c.AccessKeyId), SecretAccessKey: aws.ToString(c.SecretAccessKey), SessionToken: aws.ToString(c.SessionToken),
	})
}

// role creates a role in the customer's account, and returns its ARN.
func (w *world) role(name, trust string, change ...func(*iam.CreateRoleInput)) string {
	w.Helper()
	in := &iam.CreateRoleInput{RoleName: aws.String(name), AssumeRolePolicyDocument: aws.String(trust)}
	for _, c := range change {
		c(in)
	}
	out, err := w.iam.CreateRole(w.Context(), in)
	if err != nil {
		w.Fatal(err)
	}
	return aws.ToString(out.Role.Arn)
}

func (w *world) allow(role, policy, document string) {
	w.Helper()
	if _, err := w.iam.PutRolePolicy(w.Context(), &iam.PutRolePolicyInput{
		RoleName: aws.String(role), PolicyName: aws.String(policy), PolicyDocument: aws.String(document),
	}); err != nil {
		w.Fatal(err)
	}
}

// assume assumes a role as the vendor.
func (w *world) assume(arn string, change ...func(*sts.AssumeRoleInput)) (*sts.AssumeRoleOutput, error) {
	in := &sts.AssumeRoleInput{RoleArn: aws.String(arn), RoleSessionName: aws.String("probe")}
	for _, c := range change {
		c(in)
	}
	return w.sts.AssumeRole(w.Context(), in)
}

func externalID(id string) func(*sts.AssumeRoleInput) {
	return func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String(id) }
}

func trusting(principal string, conditions ...string) string {
	condition := ""
	if len(conditions) > 0 {
		condition = `,"Condition":{` + strings.Join(conditions, ",") + `}`
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"` + condition + `}]}`
}

const (
	root     = `{"AWS":"arn:aws:iam::` + vendor + `:root"}`
	secretID = `"StringEquals":{"sts:ExternalId":"secret-id"}`
)

func allowing(actions, resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + actions + `],"Resource":"` + resource + `"}]}`
}

func code(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api):
		return api.ErrorCode()
	default:
		return "not an AWS error: " + err.Error()
	}
}

// want checks that an error has a code, and a message that contains text; the
// code "" means no error.
func (w *world) want(err error, want, text string) {
	w.Helper()
	if code(err) != want || err != nil && !strings.Contains(err.Error(), text) {
		w.Errorf("got %v, want %s %q", err, want, text)
	}
}
