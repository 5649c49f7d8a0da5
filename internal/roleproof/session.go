// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package roleproof

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Session is what somebody who works with a customer's role asks for.
type Session struct {
	Name     string        // what the customer's CloudTrail shows
	Duration time.Duration // whole seconds, 15 minutes at least (aws-facts 7.1)
	Policy   string        // JSON that narrows the session; empty: all that the role may do
}

// Credentials are those of a session. Printing them shows nothing of them.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}

// String keeps the secrets out of logs and messages.
func (c Credentials) String() string {
	return "credentials until " + c.Expiration.UTC().Format(time.RFC3339)
}

// GoString is String, for %#v.
func (c Credentials) GoString() string { return c.String() }

// Open opens a session of a role that has been proven, with its external ID
// and as somebody whom it trusts. A refusal is one of IsRefusal.
func (p *Prover) Open(ctx context.Context, role onboarding.Probe, ask Session) (Credentials, error) {
	client, err := p.client(ctx, role.Principals)
	if err != nil {
		return Credentials{}, err
	}
	in := &sts.AssumeRoleInput{
		RoleArn:         aws.String(role.Role.String()),
		RoleSessionName: aws.String(ask.Name),
		ExternalId:      aws.String(role.ExternalID.String()),
		DurationSeconds: aws.Int32(int32(ask.Duration / time.Second)),
	}
	if ask.Policy != "" {
		in.Policy = aws.String(ask.Policy)
	}
	out, err := client.AssumeRole(ctx, in)
	if err != nil {
		return Credentials{}, err
	}
	if err := checkSession(out, role.Role, ask.Name); err != nil {
		return Credentials{}, err
	}
	if out.Credentials == nil {
		return Credentials{}, fmt.Errorf("sts:AssumeRole gave a session of role %s without credentials", role.Role)
	}
	return Credentials{
		AccessKeyID:     aws.ToString(out.Credentials.AccessKeyId),
		SecretAccessKey: aws.ToString(out.Credentials.SecretAccessKey),
		SessionToken:    aws.ToString(out.Credentials.SessionToken),
		Expiration:      aws.ToTime(out.Credentials.Expiration),
	}, nil
}
