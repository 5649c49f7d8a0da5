// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"fmt"
)

// The most common mistake of customers is to launch in another account than the one
// for which the link was made. The link contains the expected account, and a rule of
// the template refuses any other before CloudFormation creates anything (aws-facts
// 12.2, 12.18).
//
// This is a convenience and not a security check: the customer may change or empty the
// parameter, and then the registrar refuses the stack. Links for many accounts or for
// any account leave the parameter empty, and so do updates of stacks that were created
// before templates had it.
const (
	expectedAccountRule = "ExpectedAccount"
	pseudoAccount       = "AWS::AccountId"
)

func expectedAccountParameter(s Specification, h *placeholders) parameter {
	return parameter{
		Type: "String",
		Description: h.text("The AWS account that this link is for: in any other one nothing is created. " +
			"It comes with the link from " + s.vendorName() + ": please leave it as it is."),
		Default:               "",
		AllowedPattern:        new(`^([0-9]{12})?$`),
		ConstraintDescription: new("The 12 digits of an AWS account, or nothing."),
	}
}

// expectedAccount returns the rule: the parameter is empty, or the stack's own
// account.
func expectedAccount(s Specification) map[string]any {
	expected := ref(ParameterExpectedAccountID)
	return map[string]any{
		"Assertions": []any{map[string]any{
			"Assert": or(equals(expected, ""), equals(expected, ref(pseudoAccount))),
			"AssertDescription": fmt.Sprintf("This link of %[1]s is for another AWS account than the one that you are signed in to. "+
				"Sign in to the account in the field \"Expected account\", and open the link again; or tell %[1]s that it should be this account.", s.vendorName()),
		}},
	}
}
