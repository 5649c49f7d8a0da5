// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package roleproof

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// fakeSTS has one role, whose result depends on the external ID.
type fakeSTS struct {
	allow func(externalID *string) error
	arn   string // the session's ARN; empty means the right one

	mu    sync.Mutex
	calls []*sts.AssumeRoleInput
}

func (f *fakeSTS) AssumeRole(_ context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, in)
	if err := f.allow(in.ExternalId); err != nil {
		return nil, err
	}
	arn := f.arn
	if arn == "" {
		arn = "arn:aws:sts::222222222222:assumed-role/acme-c1/xacct-proof"
	}
	return &sts.AssumeRoleOutput{AssumedRoleUser: &types.AssumedRoleUser{Arn: aws.String(arn)}}, nil
}

func apiError(status int, code string) error {
	return &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
		Err:      &smithy.GenericAPIError{Code: code, Message: "no"},
	}
}

var denied = apiError(403, "AccessDenied")

const vendor = "111111111111"

func probe(t *testing.T) onboarding.Probe {
	t.Helper()
	role, err := account.ParseRoleARN("arn:aws:iam::222222222222:role/vendors/acme-c1")
	if err != nil {
		t.Fatal(err)
	}
	externalID, err := account.ParseExternalID("the-right-one")
	if err != nil {
		t.Fatal(err)
	}
	return onboarding.Probe{CustomerID: "c1", Role: role, ExternalID: externalID}
}

func proverWith(t *testing.T, client STS) Config {
	t.Helper()
	id, err := account.ParseID(vendor)
	if err != nil {
		t.Fatal(err)
	}
	return Config{STS: client, CallerARN: "arn:aws:iam::111111111111:user/ops", VendorAccount: id, Random: strings.NewReader(strings.Repeat("r", 100))}
}

func onlyRight(id *string) error {
	if aws.ToString(id) == "the-right-one" {
		return nil
	}
	return denied
}

func TestAProofRequiresTheRightSuccessesAndRefusals(t *testing.T) {
	second := 0
	tests := []struct {
		name  string
		allow func(*string) error
		want  onboarding.ProofOutcome
		hole  string
		calls int
	}{
		{"only the right external ID", onlyRight, onboarding.Proven, "", 4},
		{"nothing", func(*string) error { return denied }, onboarding.Refused, "", 1},
		{"everything", func(*string) error { return nil }, onboarding.Open, "without an external ID", 3},
		{"any external ID", func(id *string) error {
			if id == nil {
				return denied
			}
			return nil
		}, onboarding.Open, "with a wrong external ID", 3},
		{"throttling", func(*string) error { return apiError(400, "Throttling") }, onboarding.Inconclusive, "", 1},
		{"throttling instead of a refusal", func(id *string) error {
			if id == nil {
				return apiError(400, "Throttling")
			}
			return onlyRight(id)
		}, onboarding.Inconclusive, "", 3},
		{"a hole and throttling", func(id *string) error {
			if id == nil {
				return apiError(400, "Throttling")
			}
			return nil
		}, onboarding.Open, "with a wrong external ID", 3},
		{"a disabled Region", func(*string) error { return apiError(403, "RegionDisabledException") }, onboarding.Inconclusive, "", 1},
		{"an expired token", func(*string) error { return apiError(403, "ExpiredToken") }, onboarding.Inconclusive, "", 1},
		{"AccessDenied with another status", func(*string) error { return apiError(400, "AccessDenied") }, onboarding.Inconclusive, "", 1},
		{"no response", func(*string) error { return errors.New("connection reset") }, onboarding.Inconclusive, "", 1},
		{"a role that changes in between", func(id *string) error {
			if second++; second == 4 {
				return denied
			}
			return onlyRight(id)
		}, onboarding.Refused, "", 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client := &fakeSTS{allow: test.allow}
			got := New(proverWith(t, client)).Prove(t.Context(), probe(t))
			if got.Outcome != test.want || got.Weakness != test.hole || len(client.calls) != test.calls {
				t.Errorf("got %+v after %d calls, want %s %q after %d", got, len(client.calls), test.want, test.hole, test.calls)
			}
		})
	}
}

func TestProbeSessionsHaveNoPermissions(t *testing.T) {
	client := &fakeSTS{allow: onlyRight}
	New(proverWith(t, client)).Prove(t.Context(), probe(t))
	var ids []string
	for _, call := range client.calls {
		ids = append(ids, aws.ToString(call.ExternalId))
		if aws.ToString(call.Policy) != denyAll || aws.ToInt32(call.DurationSeconds) != 900 || len(call.PolicyArns) != 0 {
			t.Errorf("a session with permissions: %+v", call)
		}
		if aws.ToString(call.RoleArn) != "arn:aws:iam::222222222222:role/vendors/acme-c1" {
			t.Errorf("role %s", aws.ToString(call.RoleArn))
		}
	}
	wrong := "xacct-wrong-" + fmt.Sprintf("%x", strings.Repeat("r", 20))
	slices.Sort(ids[1:3]) // these two are sent concurrently
	if want := []string{"the-right-one", "", wrong, "the-right-one"}; !slices.Equal(ids, want) {
		t.Errorf("external IDs %q, want %q", ids, want)
	}
	for _, call := range client.calls {
		if call.ExternalId != nil && *call.ExternalId == "" {
			t.Error("the probe without an external ID sent an empty one")
		}
	}
}

func TestASessionOfAnotherRoleProvesNothing(t *testing.T) {
	for _, arn := range []string{
		"arn:aws:sts::333333333333:assumed-role/acme-c1/xacct-proof",
		"arn:aws:sts::222222222222:assumed-role/other/xacct-proof",
		"arn:aws-cn:sts::222222222222:assumed-role/acme-c1/xacct-proof",
	} {
		client := &fakeSTS{allow: onlyRight, arn: arn}
		if got := New(proverWith(t, client)).Prove(t.Context(), probe(t)); got.Outcome != onboarding.Inconclusive {
			t.Errorf("%s: %+v", arn, got)
		}
	}
}

func TestTheVendorsOwnAccountIsNeverProbed(t *testing.T) {
	client := &fakeSTS{allow: onlyRight}
	p := probe(t)
	p.Role.Account, _ = account.ParseID(vendor)
	got := New(proverWith(t, client)).Prove(t.Context(), p)
	if got.Outcome != onboarding.Inconclusive || got.Err == nil || len(client.calls) != 0 {
		t.Errorf("%+v after %d calls", got, len(client.calls))
	}
}

func TestNothingIsProvenIfTheSourceOfRandomnessFails(t *testing.T) {
	client := &fakeSTS{allow: onlyRight}
	config := proverWith(t, client)
	config.Random = strings.NewReader("")
	if got := New(config).Prove(t.Context(), probe(t)); got.Outcome != onboarding.Inconclusive || len(client.calls) != 0 {
		t.Errorf("%+v after %d calls", got, len(client.calls))
	}
}

func TestARoleThatTrustsOneRoleOnlyIsProvenAsThatRole(t *testing.T) {
	direct, other := &fakeSTS{allow: onlyRight}, &fakeSTS{allow: onlyRight}
	app, _ := account.ParseRoleARN("arn:aws:iam::111111111111:role/app")
	old, _ := account.ParseRoleARN("arn:aws:iam::111111111111:role/old")
	config := proverWith(t, direct)
	config.Assume = func(_ context.Context, role account.RoleARN) (STS, error) {
		if role == app {
			return other, nil
		}
		return nil, denied
	}
	p := probe(t)
	p.Principals = []account.RoleARN{old, app}
	if got := New(config).Prove(t.Context(), p); got.Outcome != onboarding.Proven || len(direct.calls) != 0 || len(other.calls) != 4 {
		t.Errorf("%+v, %d calls by the caller, %d by the trusted role", got, len(direct.calls), len(other.calls))
	}

	p.Principals = []account.RoleARN{old}
	got := New(config).Prove(t.Context(), p)
	if got.Outcome != onboarding.Inconclusive || !strings.Contains(got.Err.Error(), "role/old cannot be assumed") {
		t.Errorf("without another role to assume: %+v", got)
	}
}

func TestOnlyTrustedCallersCanProve(t *testing.T) {
	id, _ := account.ParseID(vendor)
	app, _ := account.ParseRoleARN("arn:aws:iam::111111111111:role/service/app")
	tests := []struct {
		caller  string
		trusted []account.RoleARN
		want    bool
	}{
		{"arn:aws:iam::111111111111:user/ops", nil, true},
		{"arn:aws:sts::111111111111:assumed-role/anything/s", nil, true},
		{"arn:aws:iam::222222222222:user/ops", nil, false},
		{"arn:aws:sts::111111111111:assumed-role/app/session", []account.RoleARN{app}, true},
		{"arn:aws:sts::111111111111:assumed-role/other/session", []account.RoleARN{app}, false},
		{"arn:aws:sts::222222222222:assumed-role/app/session", []account.RoleARN{app}, false},
		{"arn:aws-cn:sts::111111111111:assumed-role/app/session", []account.RoleARN{app}, false},
		{"arn:aws:iam::111111111111:user/app", []account.RoleARN{app}, false},
		{"arn:aws:iam::111111111111:root", []account.RoleARN{app}, false},
		{"", nil, false},
		{"nonsense", []account.RoleARN{app}, false},
	}
	for _, test := range tests {
		if got := CanProve(test.caller, id, test.trusted); got != test.want {
			t.Errorf("%q with %v: %v, want %v", test.caller, test.trusted, got, test.want)
		}
	}
}

func TestAProofThatTheVendorMayNotMakeNamesThePermission(t *testing.T) {
	worker := account.RoleARN{Partition: probe(t).Role.Partition, Account: probe(t).Role.Account, Path: "/", Name: "worker"}
	p := probe(t)
	p.Principals = []account.RoleARN{worker}
	config := proverWith(t, &fakeSTS{allow: onlyRight})
	for name, c := range map[string]struct {
		err   error
		lacks string
	}{
		"a missing permission": {
			&awsclient.PermissionError{Caller: config.CallerARN, Action: "sts:AssumeRole", Resource: worker.String(), Err: denied},
			"arn:aws:iam::111111111111:user/ops may not do sts:AssumeRole on " + worker.String() + ": allow it in a policy of that principal, and in the trust policy of that role",
		},
		"throttling": {apiError(400, "Throttling"), ""},
	} {
		config.Assume = func(context.Context, account.RoleARN) (STS, error) { return nil, c.err }
		for kind, try := range map[string]func(context.Context, onboarding.Probe) onboarding.Proof{"once": New(config).Prove, "again": New(config).ProveAgain} {
			if got := try(t.Context(), p); got.Outcome != onboarding.Inconclusive || got.MissingPermission != c.lacks || !errors.Is(got.Err, c.err) {
				t.Errorf("%s, %s: %+v", name, kind, got)
			}
		}
	}
	if got := New(proverWith(t, &fakeSTS{allow: func(*string) error { return denied }})).Prove(t.Context(), probe(t)); got.MissingPermission != "" {
		t.Errorf("a customer's refusal is reported as a missing permission: %q", got.MissingPermission)
	}
}
