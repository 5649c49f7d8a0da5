// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"reflect"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// The tests in this file are about the parameters of a call. Operations of
// StackSets, with the sandbox's IAM and SNS, are tested in package sandbox.

func TestPreferencesLimitFailuresAndConcurrency(t *testing.T) {
	for name, test := range map[string]struct {
		given             kernel.Query
		tolerated, atOnce int // of 50 accounts
	}{
		"defaults":                         {nil, 0, 1},
		"counts":                           {kernel.Query{"FailureToleranceCount": {"4"}, "MaxConcurrentCount": {"3"}}, 4, 3},
		"percentages round down":           {kernel.Query{"FailureTolerancePercentage": {"5"}, "MaxConcurrentPercentage": {"3"}}, 2, 1},
		"at least one at once":             {kernel.Query{"MaxConcurrentPercentage": {"1"}}, 0, 1},
		"no more at once than may fail":    {kernel.Query{"FailureToleranceCount": {"1"}, "MaxConcurrentPercentage": {"100"}}, 1, 2},
		"unless concurrency is soft":       {kernel.Query{"MaxConcurrentCount": {"9"}, "ConcurrencyMode": {"SOFT_FAILURE_TOLERANCE"}}, 0, 9},
		"everything may fail, all at once": {kernel.Query{"FailureTolerancePercentage": {"100"}, "MaxConcurrentPercentage": {"100"}}, 50, 50},
	} {
		q := kernel.Query{}
		for key, values := range test.given {
			q["OperationPreferences."+key] = values
		}
		p, err := queryPreferences(q)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		tolerated := p.tolerated(50)
		if atOnce := p.atOnce(50, tolerated); tolerated != test.tolerated || atOnce != test.atOnce {
			t.Errorf("%s: %d may fail, %d at once; want %d and %d", name, tolerated, atOnce, test.tolerated, test.atOnce)
		}
	}
}

func TestInvalidPreferencesAreRefused(t *testing.T) {
	for name, value := range map[string]string{
		"FailureToleranceCount": "-1", "FailureTolerancePercentage": "101", "MaxConcurrentCount": "0", "MaxConcurrentPercentage": "x",
		"ConcurrencyMode": "HARD", "RegionConcurrencyType": "PARALLEL", "Other": "1",
	} {
		if _, err := queryPreferences(kernel.Query{"OperationPreferences." + name: {value}}); err == nil || !strings.Contains(err.Error(), "ValidationError") {
			t.Errorf("%s %s: %v", name, value, err)
		}
	}
	if _, err := queryPreferences(kernel.Query{"OperationPreferences.MaxConcurrentCount": {"1"}, "OperationPreferences.MaxConcurrentPercentage": {"1"}}); err == nil {
		t.Error("a count together with a percentage was accepted")
	}
}

func TestRegionsAreInRegionOrder(t *testing.T) {
	p := preferences{regions: []string{"c", "a", "nowhere"}}
	if got := p.order([]string{"a", "b", "c"}); !reflect.DeepEqual(got, []string{"c", "a", "b"}) {
		t.Errorf("the order is %v", got)
	}
}

func TestTargetsAreTheRootFilteredByAccounts(t *testing.T) {
	all := []string{"1", "2", "3"}
	for filter, want := range map[string]struct {
		accounts string
		whole    bool
	}{
		"":             {"1 2 3", true},
		"NONE":         {"1 2 3", true},
		"INTERSECTION": {"2", false},
		"DIFFERENCE":   {"1 3", true},
		"UNION":        {"1 2 3", true},
	} {
		q := kernel.Query{"DeploymentTargets.OrganizationalUnitIds.member.1": {"r-root"}, "Regions.member.1": {"eu-west-1"}}
		if filter != "" {
			q["DeploymentTargets.AccountFilterType"] = []string{filter}
		}
		if filter != "" && filter != "NONE" {
			q["DeploymentTargets.Accounts.member.1"] = []string{"2"}
		}
		got, err := queryTargets(q, "r-root")
		if err != nil || strings.Join(got.of(all), " ") != want.accounts || got.whole() != want.whole {
			t.Errorf("%s: %v, %v (%v), want %+v", filter, got.of(all), got.whole(), err, want)
		}
	}
}
