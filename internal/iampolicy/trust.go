// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"fmt"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Trust defines who may assume a customer's role: the principals of the vendor's
// accounts, with the external ID. In an account in which Principals are named, only
// these may.
type Trust struct {
	Partition  account.Partition
	Accounts   []account.ID      // in this order; the hub's comes first
	Principals []account.RoleARN // roles in these accounts

	SessionTags    bool // sessions may have tags
	SourceIdentity bool // sessions may have a source identity
}

// Document returns the trust policy. The external ID is the ID itself, or a placeholder
// that the caller replaces with a reference.
//
// The principal of a statement is always an account's root. Named roles are in a
// condition, because IAM replaces a role that is a principal with its unique ID:
// recreating the role would then break every customer (aws-facts 7.6).
//
// Session tags and source identities are allowed by separate statements without the
// external ID, as AWS documents it (12.10). It is not known whether a condition on the
// external ID would be met for these actions. They are only used together with an
// AssumeRole, whose statement has the condition.
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
