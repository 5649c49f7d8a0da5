// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// Role makes a role of the vendor with a trust policy and an identity policy,
// and returns its ARN.
func (w *World) Role(name, trust, policy string) string {
	w.t.Helper()
	keys, err := w.Credentials(sandbox.VendorAccount)
	if err != nil {
		w.t.Fatal(err)
	}
	client := iam.New(iam.Options{
		Region: Region, BaseEndpoint: aws.String(w.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken),
	})
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
