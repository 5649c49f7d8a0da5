// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package roleproof proves that a customer's role can be used by the vendor and by no
// other caller: sts:AssumeRole must succeed with the right external ID and be refused
// without one and with a wrong one.
//
// It makes the calls and returns their result. Package onboarding decides how long to
// try, and what follows from the result. Package roleproof also opens the sessions in
// which a proven role is used, because it determines the principal from which a role
// can be assumed.
package roleproof

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// STS has the only operation that a proof calls.
type STS interface {
	AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, options ...func(*sts.Options)) (*sts.AssumeRoleOutput, error)
}

// Config holds what a Prover needs.
type Config struct {
	STS           STS        // STS as the caller itself
	CallerARN     string     // the caller's ARN, as sts:GetCallerIdentity returns it
	VendorAccount account.ID // its roles are never probed
	// Assume returns STS as one of the vendor's own roles, for customers' roles that
	// trust only that one. Nil: no other role can be assumed.
	Assume func(ctx context.Context, role account.RoleARN) (STS, error)
	Random io.Reader // the source of wrong external IDs
}

// Prover proves roles. It is safe for concurrent use.
type Prover struct{ config Config }

// New returns a Prover.
func New(config Config) *Prover { return &Prover{config} }

// denyAll is the session policy of a proof's sessions: the proof only needs to know
// whether AWS grants them, and must not be able to use them.
const denyAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`

const (
	sessionName = "xacct-proof"
	minDuration = 900 // seconds; the least that STS gives (aws-facts 7.1)
)

// Prove tries a role once: with the right external ID, then without one and with a
// wrong one at the same time, and with the right one again. The last call detects a
// role that was changed in between, whose refusals prove nothing (aws-facts 7.3).
func (p *Prover) Prove(ctx context.Context, probe onboarding.Probe) onboarding.Proof {
	if probe.Role.Account == p.config.VendorAccount {
		// A caller with full access to an account can assume its roles regardless of
		// external IDs, so a proof in the vendor's own account would prove nothing, and
		// look like an attack.
		return inconclusive(fmt.Errorf("role %s of customer %s is in the vendor's own account, which is never probed", probe.Role, probe.CustomerID))
	}
	client, err := p.client(ctx, probe.Principals)
	if err != nil {
		return withoutPrincipal(fmt.Errorf("prove role %s of customer %s: %w", probe.Role, probe.CustomerID, err))
	}
	wrong, err := p.wrongExternalID()
	if err != nil {
		return inconclusive(err)
	}
	right := aws.String(probe.ExternalID.String())
	if proof := grants(ctx, client, probe, right); proof.Outcome != onboarding.Proven {
		return proof
	}
	if proof := refuses(ctx, client, probe, wrong); proof.Outcome != onboarding.Proven {
		return proof
	}
	return grants(ctx, client, probe, right)
}

// grants tries the role with an external ID that it must accept.
func grants(ctx context.Context, client STS, probe onboarding.Probe, externalID *string) onboarding.Proof {
	err := try(ctx, client, probe.Role, externalID)
	switch {
	case err == nil:
		return onboarding.Proof{Outcome: onboarding.Proven}
	case IsRefusal(err):
		return onboarding.Proof{Outcome: onboarding.Refused, Err: err}
	}
	return inconclusive(fmt.Errorf("prove role %s of customer %s: %w", probe.Role, probe.CustomerID, err))
}

// refuses tries the role without an external ID and with a wrong one, at the
// same time. If one call is granted a session, another call's failure is ignored.
func refuses(ctx context.Context, client STS, probe onboarding.Probe, wrong string) onboarding.Proof {
	attempts := []struct {
		externalID *string
		weakness   string // what a successful call shows about the role
		err        error
	}{
		{externalID: nil, weakness: "without an external ID"},
		{externalID: &wrong, weakness: "with a wrong external ID"},
	}
	var calls sync.WaitGroup
	for i := range attempts {
		calls.Go(func() { attempts[i].err = try(ctx, client, probe.Role, attempts[i].externalID) })
	}
	calls.Wait()
	for _, a := range attempts {
		if a.err == nil {
			return onboarding.Proof{Outcome: onboarding.Open, Weakness: a.weakness}
		}
	}
	for _, a := range attempts {
		if !IsRefusal(a.err) {
			return inconclusive(fmt.Errorf("prove role %s of customer %s: %w", probe.Role, probe.CustomerID, a.err))
		}
	}
	return onboarding.Proof{Outcome: onboarding.Proven}
}

// try makes one call. It returns nil if a session of the role is granted.
func try(ctx context.Context, client STS, role account.RoleARN, externalID *string) error {
	out, err := client.AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn:         aws.String(role.String()),
		RoleSessionName: aws.String(sessionName),
		ExternalId:      externalID,
		DurationSeconds: aws.Int32(minDuration),
		Policy:          aws.String(denyAll),
	})
	if err != nil {
		return err
	}
	return checkSession(out, role, sessionName)
}

// checkSession returns an error if the session is not one of the requested role. On
// AWS it always is; the check is for servers that stand in for AWS.
func checkSession(out *sts.AssumeRoleOutput, role account.RoleARN, name string) error {
	var got string
	if out != nil && out.AssumedRoleUser != nil {
		got = aws.ToString(out.AssumedRoleUser.Arn)
	}
	// The session's ARN has the role's name, but not its path.
	want := fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", role.Partition, role.Account, role.Name, name)
	if got != want {
		return fmt.Errorf("sts:AssumeRole returned a session of %q, not of role %s", got, role)
	}
	return nil
}

// IsRefusal reports whether STS refused the role itself. Throttling, an expired token
// and a disabled Region are not refusals (aws-facts 7.4).
func IsRefusal(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "AccessDenied" {
		return false
	}
	var response *smithyhttp.ResponseError
	return !errors.As(err, &response) || response.HTTPStatusCode() == http.StatusForbidden
}

// wrongExternalID returns a random external ID.
func (p *Prover) wrongExternalID() (string, error) {
	random := make([]byte, 20)
	if _, err := io.ReadFull(p.config.Random, random); err != nil {
		return "", fmt.Errorf("generate a wrong external ID: %w", err)
	}
	return "xacct-wrong-" + hex.EncodeToString(random), nil
}

// client returns STS as a principal that a role with these trusted principals trusts.
func (p *Prover) client(ctx context.Context, trusted []account.RoleARN) (STS, error) {
	if CanProve(p.config.CallerARN, p.config.VendorAccount, trusted) {
		return p.config.STS, nil
	}
	errs := []error{fmt.Errorf("the role does not trust %s", p.config.CallerARN)}
	for _, principal := range trusted {
		if p.config.Assume == nil {
			break
		}
		client, err := p.config.Assume(ctx, principal)
		if err == nil {
			return client, nil
		}
		errs = append(errs, fmt.Errorf("and the trusted principal %s cannot be assumed: %w", principal, err))
	}
	return nil, errors.Join(errs...)
}

// CanProve reports whether a role trusts the caller with this ARN, as
// sts:GetCallerIdentity returns it. If trusted is empty, the role trusts any
// principal of the vendor's account; otherwise, the sessions of the trusted roles. A
// session's ARN lacks its role's path; role names are unique within an account, so
// the name is enough.
func CanProve(callerARN string, vendor account.ID, trusted []account.RoleARN) bool {
	parts := strings.SplitN(callerARN, ":", 6)
	if len(parts) != 6 || parts[4] != vendor.String() {
		return false
	}
	if len(trusted) == 0 {
		return true
	}
	session := strings.Split(parts[5], "/")
	if parts[2] != "sts" || len(session) != 3 || session[0] != "assumed-role" {
		return false
	}
	for _, role := range trusted {
		if role.Account.String() == parts[4] && role.Partition.String() == parts[1] && role.Name == session[1] {
			return true
		}
	}
	return false
}

func inconclusive(err error) onboarding.Proof {
	return onboarding.Proof{Outcome: onboarding.Inconclusive, Err: err}
}

// withoutPrincipal returns the proof of a role that could not be tried as any
// principal that it trusts.
func withoutPrincipal(err error) onboarding.Proof {
	proof := inconclusive(err)
	var denied *awsclient.PermissionError
	if errors.As(err, &denied) {
		proof.MissingPermission = fmt.Sprintf("%s may not do %s on %s: allow it in a policy of that principal, and in the trust policy of that role",
			denied.Caller, denied.Action, denied.Resource)
	}
	return proof
}
