// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

func createIn(c *sdk.Client, name string, namespace types.BucketNamespace) (*sdk.CreateBucketOutput, error) {
	input := &sdk.CreateBucketInput{Bucket: &name, BucketNamespace: namespace}
	if region := c.Options().Region; region != "us-east-1" {
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	return c.CreateBucket(ctx, input)
}

func TestOnlyTheNamedAccountCanCreateAnAccountRegionalBucket(t *testing.T) {
	t.Parallel()
	s := start(t)
	const own = "xacct-acme-111111111111-eu-west-1-an"
	for _, test := range []struct {
		name      string
		account   string
		region    string
		bucket    string
		namespace types.BucketNamespace
		code      string
	}{
		{"another account", customer, region, own, "account-regional", "InvalidBucketNamespace"},
		{"another account, without the header", customer, region, own, "", "MissingNamespaceHeader"},
		{"the global namespace", vendor, region, own, "global", "InvalidNamespaceHeader"},
		{"without the header", vendor, region, own, "", "MissingNamespaceHeader"},
		{"another Region", vendor, region, "xacct-acme-111111111111-eu-west-2-an", "account-regional", "InvalidBucketNamespace"},
		{"a name without the suffix", vendor, region, "xacct-acme", "account-regional", "InvalidNamespaceHeader"},
		{"an incomplete suffix", vendor, region, "xacct-acme-an", "", "InvalidBucketName"},
		{"an invalid namespace", vendor, region, own, "mine", "InvalidArgument"},
		{"a Region without the namespace", vendor, "me-south-1", "xacct-acme-111111111111-me-south-1-an", "account-regional", "InvalidRequest"},
		{"a global name in a Region without the namespace", vendor, "me-south-1", "xacct-acme-me", "global", ""},
		{"the account's own name", vendor, region, own, "account-regional", ""},
		{"the account's own name again", vendor, region, own, "account-regional", "BucketAlreadyOwnedByYou"},
		{"a Region of GovCloud", "444444444444", "us-gov-west-1", "xacct-444444444444-us-gov-west-1-an", "account-regional", ""},
	} {
		if test.account == "444444444444" {
			noError(t, s.OpenAccount(test.account, "aws-us-gov"))
		}
		out, err := createIn(client(t, s, test.account, test.region), test.bucket, test.namespace)
		switch {
		case test.code != "":
			if err == nil {
				t.Errorf("%s was accepted", test.name)
				continue
			}
			wantCode(t, err, test.code)
		case err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.namespace == "account-regional" && aws.ToString(out.BucketArn) == "":
			t.Errorf("%s: no ARN in the response", test.name)
		}
	}
	// A deleted name stays reserved for its account.
	_, err := client(t, s, vendor, region).DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: aws.String(own)})
	noError(t, err)
	_, err = createIn(client(t, s, customer, region), own, "account-regional")
	wantCode(t, err, "InvalidBucketNamespace")
}

func TestAPolicyCanRequireTheAccountRegionalNamespace(t *testing.T) {
	t.Parallel()
	s := start(t)
	c, err := s.NewUser(vendor, "careful", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:CreateBucket","Resource":"*"},
		{"Effect":"Deny","Action":"s3:CreateBucket","Resource":"*","Condition":{"StringNotEquals":{"s3:x-amz-bucket-namespace":"account-regional"}}}]}`)
	noError(t, err)
	careful := clientOf(s, c, region)
	_, err = createIn(careful, "xacct-acme", "")
	wantCode(t, err, "AccessDenied")
	_, err = createIn(careful, "xacct-acme-111111111111-eu-west-1-an", "account-regional")
	noError(t, err)
}

func TestABucketsEncryptionCanBeReset(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := client(t, s, sandbox.VendorAccount, region)
	bucket := create(t, c, "templates")
	rule := types.ServerSideEncryptionRule{
		BucketKeyEnabled:                   aws.Bool(true),
		ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAes256},
	}
	_, err := c.PutBucketEncryption(ctx, &sdk.PutBucketEncryptionInput{Bucket: bucket, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{rule}}})
	noError(t, err)
	keyed := func() bool {
		out, err := c.GetBucketEncryption(ctx, &sdk.GetBucketEncryptionInput{Bucket: bucket})
		noError(t, err)
		return *out.ServerSideEncryptionConfiguration.Rules[0].BucketKeyEnabled
	}
	if !keyed() {
		t.Error("the bucket key is off")
	}
	_, err = c.DeleteBucketEncryption(ctx, &sdk.DeleteBucketEncryptionInput{Bucket: bucket})
	noError(t, err)
	if keyed() {
		t.Error("the bucket key is still on")
	}
}
