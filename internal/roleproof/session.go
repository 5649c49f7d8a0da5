// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package roleproof

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Session describes a session of a customer's role that is to be opened.
type Session struct {
	Name     string        // the session name, which the customer's CloudTrail shows
	Duration time.Duration // whole seconds, at least 15 minutes (aws-facts 7.1)
	Policy   string        // JSON of a session policy, which restricts the session; empty: no restriction

	// The role must trust its principals to set these (aws-facts 12.10).
	Tags              map[string]string
	TransitiveTagKeys []string // keys of the tags that remain when the session assumes another role
	SourceIdentity    string   // empty: none
}

// Credentials are the credentials of a session. Formatting them never prints the
// secrets.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}

// String returns a text without the secrets, for logs and messages.
func (c Credentials) String() string {
	return "credentials until " + c.Expiration.UTC().Format(time.RFC3339)
}

// GoString returns the same as String, for the verb %#v.
func (c Credentials) GoString() string { return c.String() }

// Open opens a session of a role that has been proven, with its external ID and as a
// principal that the role trusts. IsRefusal returns true for the error if STS refused
// the role.
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
	for _, key := range slices.Sorted(maps.Keys(ask.Tags)) {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(key), Value: aws.String(ask.Tags[key])})
	}
	in.TransitiveTagKeys = ask.TransitiveTagKeys
	if ask.SourceIdentity != "" {
		in.SourceIdentity = aws.String(ask.SourceIdentity)
	}
	out, err := client.AssumeRole(ctx, in)
	if err != nil {
		return Credentials{}, err
	}
	if err := checkSession(out, role.Role, ask.Name); err != nil {
		return Credentials{}, err
	}
	if out.Credentials == nil {
		return Credentials{}, fmt.Errorf("sts:AssumeRole returned a session of role %s without credentials", role.Role)
	}
	return Credentials{
		AccessKeyID:     aws.ToString(out.Credentials.AccessKeyId),
		SecretAccessKey: aws.ToString(out.Credentials.SecretAccessKey),
		SessionToken:    aws.ToString(out.Credentials.SessionToken),
		Expiration:      aws.ToTime(out.Credentials.Expiration),
	}, nil
}
