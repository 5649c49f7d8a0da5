// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"fmt"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Trust describes who may assume a customer's role: accounts of the vendor,
// each with the external ID, and in an account that has principals here, only
// those.
type Trust struct {
	Partition  account.Partition
	Accounts   []account.ID      // in this order; the hub's comes first
	Principals []account.RoleARN // roles in these accounts

	SessionTags    bool // sessions may have tags
	SourceIdentity bool // sessions may have a source identity
}

// Document returns the trust policy. The external ID is the ID itself, or a
// mark that the caller replaces by a reference.
//
// The principal of a statement is an account's root even if roles are named,
// which stand in a condition: IAM turns a role named as principal into its
// unique ID, so that recreating that role would break every customer (aws-facts
// 7.6).
//
// Session tags and source identities are granted by separate statements without
// the external ID, as AWS documents it (12.10): whether these calls would see
// the ID is not known, and they are only made together with an AssumeRole,
// which does.
func (t Trust) Document(externalID string) Document {
	d := Document{Version: Version2012}
	for _, id := range t.Accounts {
		condition := t.onlyPrincipals(id)
		condition["StringEquals"] = map[string][]string{"sts:ExternalId": {externalID}}
		d.Statements = append(d.Statements, t.statement(id, condition, "sts:AssumeRole"))
	}
	var session []string
	if t.SourceIdentity {
		session = append(session, "sts:SetSourceIdentity")
	}
	if t.SessionTags {
		session = append(session, "sts:TagSession")
	}
	for _, id := range t.Accounts {
		if len(session) > 0 {
			d.Statements = append(d.Statements, t.statement(id, t.onlyPrincipals(id), session...))
		}
	}
	return d
}

func (t Trust) statement(id account.ID, condition Conditions, actions ...string) Statement {
	return Statement{
		Effect:    Allow,
		Principal: Principals{"AWS": {fmt.Sprintf("arn:%s:iam::%s:root", t.Partition, id)}},
		Action:    actions,
		Condition: condition,
	}
}

// onlyPrincipals returns the condition that allows only the named roles of an
// account; it is empty if none is named.
func (t Trust) onlyPrincipals(id account.ID) Conditions {
	var arns []string
	for _, principal := range t.Principals {
		if principal.Account == id {
			arns = append(arns, principal.String())
		}
	}
	if len(arns) == 0 {
		return Conditions{}
	}
	slices.Sort(arns)
	return Conditions{"ArnEquals": {"aws:PrincipalArn": slices.Compact(arns)}}
}
