// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package roleproof

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

func TestARoleIsProvenAgainWithOneCall(t *testing.T) {
	for name, test := range map[string]struct {
		answer error
		want   onboarding.ProofOutcome
	}{
		"it works":                         {nil, onboarding.Proven},
		"it is refused":                    {denied, onboarding.Refused},
		"throttling":                       {apiError(400, "Throttling"), onboarding.Inconclusive},
		"an internal failure":              {apiError(500, "InternalFailure"), onboarding.Inconclusive},
		"an expired token":                 {apiError(403, "ExpiredTokenException"), onboarding.Inconclusive},
		"a disabled Region":                {apiError(403, "RegionDisabledException"), onboarding.Inconclusive},
		"AccessDenied with another status": {apiError(503, "AccessDenied"), onboarding.Inconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			client := &fakeSTS{allow: func(*string) error { return test.answer }}
			got := New(proverWith(t, client)).ProveAgain(t.Context(), probe(t))
			if got.Outcome != test.want || (got.Err == nil) != (test.want == onboarding.Proven) {
				t.Errorf("got %+v, want %s", got, test.want)
			}
			if len(client.calls) != 1 || aws.ToString(client.calls[0].ExternalId) != "the-right-one" {
				t.Errorf("%d calls: %+v", len(client.calls), client.calls)
			}
		})
	}
}

func TestASessionOfAnotherRoleProvesNothingAgain(t *testing.T) {
	client := &fakeSTS{allow: onlyRight, arn: "arn:aws:sts::222222222222:assumed-role/other/xacct-proof"}
	if got := New(proverWith(t, client)).ProveAgain(t.Context(), probe(t)); got.Outcome != onboarding.Inconclusive {
		t.Errorf("got %+v", got)
	}
}

func TestTheVendorsOwnAccountIsNeverProbedAgain(t *testing.T) {
	client := &fakeSTS{allow: onlyRight}
	p := probe(t)
	p.Role.Account, _ = account.ParseID(vendor)
	if got := New(proverWith(t, client)).ProveAgain(t.Context(), p); got.Outcome != onboarding.Inconclusive || len(client.calls) != 0 {
		t.Errorf("%+v after %d calls", got, len(client.calls))
	}
}

func TestARoleThatTrustsOnlyOneRoleIsProvenAgainAsThatRole(t *testing.T) {
	direct, other := &fakeSTS{allow: onlyRight}, &fakeSTS{allow: onlyRight}
	app, _ := account.ParseRoleARN("arn:aws:iam::111111111111:role/app")
	config := proverWith(t, direct)
	config.Assume = func(context.Context, account.RoleARN) (STS, error) { return other, nil }
	p := probe(t)
	p.Principals = []account.RoleARN{app}
	if got := New(config).ProveAgain(t.Context(), p); got.Outcome != onboarding.Proven || len(direct.calls) != 0 || len(other.calls) != 1 {
		t.Errorf("%+v, %d calls by the caller, %d by the trusted role", got, len(direct.calls), len(other.calls))
	}

	// If the vendor's own role cannot be assumed, that is not evidence against the customer's.
	config.Assume = func(context.Context, account.RoleARN) (STS, error) { return nil, denied }
	got := New(config).ProveAgain(t.Context(), p)
	if got.Outcome != onboarding.Inconclusive || !strings.Contains(got.Err.Error(), "role/app cannot be assumed") {
		t.Errorf("without another role to assume: %+v", got)
	}
}
