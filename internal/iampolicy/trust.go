// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"fmt"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Trust is the trust policy of a customer's role: the vendor's account may
// assume it with the external ID, and, where principals are given, only they
// may.
//
// The principal is the account's root even then, and the roles stand in a
// condition: IAM turns a role named as principal into its unique ID, so that
// recreating that role would break every customer (aws-facts 7.6).
//
// externalID is the ID itself, or a mark that the caller replaces by a
// reference.
func Trust(vendor account.ID, partition account.Partition, externalID string, principals []account.RoleARN) Document {
	condition := Conditions{"StringEquals": {"sts:ExternalId": {externalID}}}
	if len(principals) > 0 {
		arns := make([]string, len(principals))
		for i, principal := range principals {
			arns[i] = principal.String()
		}
		slices.Sort(arns)
		condition["ArnEquals"] = map[string][]string{"aws:PrincipalArn": slices.Compact(arns)}
	}
	return Document{
		Version: Version2012,
		Statements: []Statement{{
			Effect:    Allow,
			Principal: Principals{"AWS": {fmt.Sprintf("arn:%s:iam::%s:root", partition, vendor)}},
			Action:    []string{"sts:AssumeRole"},
			Condition: condition,
		}},
	}
}
