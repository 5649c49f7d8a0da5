// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// TestADelegatedAdministratorRunsStackSets checks that a member account can manage
// StackSets once it is registered, with CallAs in each call. The StackSets belong to
// the management account.
func TestADelegatedAdministratorRunsStackSets(t *testing.T) {
	c := newCompany(t)
	delegate := func(by, account, service string) string {
		p, err := c.box.Admin(by)
		c.check(err)
		return code(asSDK(kernel.CallJSON(t.Context(), c.box, p, "us-east-1", "organizations", "AWSOrganizationsV20161128", "RegisterDelegatedAdministrator",
			map[string]string{"AccountId": account, "ServicePrincipal": service}, nil)))
	}
	client := cfn.NewFromConfig(as(t, c.box, first))
	list := func(as types.CallAs) string {
		_, err := client.ListStackSets(t.Context(), &cfn.ListStackSetsInput{CallAs: as})
		return code(err)
	}
	const stackSets = "member.org.stacksets.cloudformation.amazonaws.com"
	for _, test := range []struct{ what, got, want string }{
		{"before it is registered", list(types.CallAsDelegatedAdmin), "ValidationError"},
		{"by itself", delegate(first, first, stackSets), "AccessDeniedException"},
		{"the management account", delegate(management, management, stackSets), "ConstraintViolationException"},
		{"an account of no organization", delegate(management, customer, stackSets), "AccountNotFoundException"},
		{"another service", delegate(management, first, "guardduty.amazonaws.com"), "InvalidInputException"},
		{"by the management account", delegate(management, first, stackSets), ""},
		{"twice", delegate(management, first, stackSets), "AccountAlreadyRegisteredException"},
		{"once it is registered", list(types.CallAsDelegatedAdmin), ""},
	} {
		if test.got != test.want {
			t.Errorf("%s: %q, want %q", test.what, test.got, test.want)
		}
	}

	set := c.launched(StackSetLaunch{DelegatedAdmin: first})
	if got := state(set); got != first+":CURRENT/SUCCEEDED "+second+":CURRENT/SUCCEEDED" || set.Account != management {
		t.Errorf("the instances are %s, of account %s", got, set.Account)
	}
	describe := func(as types.CallAs) string {
		_, err := client.DescribeStackSet(t.Context(), &cfn.DescribeStackSetInput{StackSetName: aws.String("acme-access"), CallAs: as})
		return code(err)
	}
	if got := describe(types.CallAsDelegatedAdmin); got != "" {
		t.Errorf("the administrator is refused: %s", got)
	}
	if got := describe(types.CallAsSelf); got != "StackSetNotFoundException" {
		t.Errorf("without CallAs: %q", got)
	}
}
