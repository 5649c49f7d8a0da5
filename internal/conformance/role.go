// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// makeRole creates a role with a trust policy. The caller adds the other policies.
func (w *World) makeRole(ctx context.Context, p *Party, part string, trust ...statement) (arn string, err error) {
	name := w.name(part)
	if err := w.creates(p, "role", p.Region, name); err != nil {
		return "", err
	}
	out, err := p.iam().CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: &name, AssumeRolePolicyDocument: aws.String(policyJSON(trust...)), Tags: []iamtypes.Tag{{Key: aws.String(Tag), Value: &w.Run}},
	})
	if err != nil {
		return "", err
	}
	return *out.Role.Arn, nil
}

func (w *World) grant(ctx context.Context, p *Party, part, document string) error {
	_, err := p.iam().PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: aws.String(w.name(part)), PolicyName: aws.String("conformance"), PolicyDocument: &document,
	})
	return err
}

// principal returns an account as seen by a new role that has one policy. It waits
// until IAM knows the role.
func (w *World) principal(ctx context.Context, p *Party, part string, policy ...statement) (*Party, error) {
	return w.principalWith(ctx, p, part, policyJSON(policy...))
}

func (w *World) principalWith(ctx context.Context, p *Party, part, policy string) (*Party, error) {
	arn, err := w.makeRole(ctx, p, part, trusts(p, "sts:AssumeRole", nil))
	if err != nil {
		return nil, err
	}
	if err := w.grant(ctx, p, part, policy); err != nil {
		return nil, err
	}
	var keys aws.Credentials
	err = w.until(ctx, unsettled, func() error {
		keys, err = assume(ctx, p, sts.AssumeRoleInput{RoleArn: &arn})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("become role %s: %w", arn, err)
	}
	return w.as(ctx, p, &keys)
}

// trusts returns a statement of a trust policy for all principals of an account.
func trusts(p *Party, action any, condition map[string]any) statement {
	s := statement{"Effect": "Allow", "Principal": map[string]any{"AWS": p.root()}, "Action": action}
	if condition != nil {
		s["Condition"] = condition
	}
	return s
}

func externalID(id string) map[string]any {
	return map[string]any{"StringEquals": map[string]any{"sts:ExternalId": id}}
}

// assume assumes a role for an hour.
func assume(ctx context.Context, p *Party, in sts.AssumeRoleInput) (aws.Credentials, error) {
	in.RoleSessionName, in.DurationSeconds = aws.String("xacct-conformance"), aws.Int32(3600)
	out, err := p.STS(p.Region).AssumeRole(ctx, &in)
	if err != nil {
		return aws.Credentials{}, err
	}
	c := out.Credentials
	return aws.Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken}, nil
}
