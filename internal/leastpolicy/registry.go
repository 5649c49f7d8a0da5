// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package leastpolicy

import (
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// Partitions are the partitions of the registry's table by who writes them, as
// patterns for the condition dynamodb:LeadingKeys, which sees partition keys and
// nothing else.
type Partitions struct {
	Vendor    []string // the registrar must not write them, or it could change what it is told of customers
	Registrar []string // the registrar reads and writes them
	// RegistrarReads are those of the vendor's that the registrar decides on; the
	// others it can't even read.
	RegistrarReads []string
	// OperatorReads, OperatorWrites and OperatorChecks are those of both that the
	// commands of operators read, write, and name in the condition of a write.
	OperatorReads, OperatorWrites, OperatorChecks []string
	// Outbox is the registrar's one in which events wait to be sent.
	Outbox string
	// API are those of the onboarding API alone.
	API []string
	// Legacy is where the first release kept what both wrote. Only the provider,
	// which migrates it, needs it.
	Legacy string
}

func (p Partitions) known() bool {
	return len(p.Vendor) > 0 && len(p.Registrar) > 0 && len(p.RegistrarReads) > 0 &&
		len(p.OperatorReads) > 0 && len(p.OperatorWrites) > 0 && len(p.OperatorChecks) > 0 && p.Outbox != "" && p.Legacy != ""
}

// readsItems reads items by their partitions. What names none, which are Scan and
// PartiQL, is allowed to no principal.
var readsItems = []string{"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"}

const leadingKeys = "dynamodb:LeadingKeys"

// items allows actions on the items of some partitions. A condition on a set
// holds if the set is absent, and so the key must be there (aws-facts 12.17).
func (h Parts) items(sid string, partitions []string, actions ...string) iampolicy.Statement {
	s := allow(sid, h.table(), actions...)
	s.Condition = iampolicy.Conditions{
		"ForAllValues:StringLike": {leadingKeys: sorted(partitions)},
		"Null":                    {leadingKeys: {"false"}},
	}
	return s
}

// registrarsItems lets the registrar read what it decides on, and write what is
// its own. It may check, in a transaction, only what it may write: a check on
// the key of the external IDs would tell it the key, question by question.
func (h Parts) registrarsItems() []iampolicy.Statement {
	p := h.Partitions
	return []iampolicy.Statement{
		h.items("RegistryReads", slices.Concat(p.Registrar, p.RegistrarReads), readsItems...),
		h.items("RegistryWrites", p.Registrar, "dynamodb:ConditionCheckItem", "dynamodb:PutItem"),
	}
}

// operatorsItems lets operators read customers and their history, and write links
// (to block a customer) and registrations (after a proof).
func (h Parts) operatorsItems() []iampolicy.Statement {
	p := h.Partitions
	return []iampolicy.Statement{
		h.items("RegistryReads", p.OperatorReads, readsItems...),
		h.items("RegistryWrites", p.OperatorWrites, "dynamodb:PutItem"),
		h.items("RegistryChecks", p.OperatorChecks, "dynamodb:ConditionCheckItem"),
	}
}

// registry: the provider makes the table and keeps its protection, backups,
// expiry and tags, and reads and writes in it. It deletes no item.
func (h Parts) registry() []iampolicy.Statement {
	p := h.Partitions
	return []iampolicy.Statement{
		allow("Table", h.table(),
			"dynamodb:CreateTable", "dynamodb:DescribeTable", "dynamodb:UpdateTable", "dynamodb:DeleteTable",
			"dynamodb:DescribeContinuousBackups", "dynamodb:UpdateContinuousBackups",
			"dynamodb:DescribeTimeToLive", "dynamodb:UpdateTimeToLive",
			"dynamodb:ListTagsOfResource", "dynamodb:TagResource", "dynamodb:UntagResource"),
		h.items("Registry", slices.Concat(p.Vendor, p.Registrar, []string{p.Legacy}),
			append([]string{"dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}, readsItems...)...),
	}
}

// events lets the caller tell the hub's event bus, if it has one, and take out of
// the outbox what was told. Nothing else in the registry can be deleted.
func (h Parts) events(actions ...string) []iampolicy.Statement {
	if h.EventBus.IsZero() {
		return nil
	}
	return []iampolicy.Statement{allow("Events", []string{h.EventBus.String()}, actions...), h.told()}
}

// webhook lets the registrar take out of the outbox what the webhook was told, if it
// may not already.
func (h Parts) webhook() []iampolicy.Statement {
	if !h.Webhook || !h.EventBus.IsZero() {
		return nil
	}
	return []iampolicy.Statement{h.told()}
}

func (h Parts) told() iampolicy.Statement {
	return h.items("Outbox", []string{h.Partitions.Outbox}, "dynamodb:DeleteItem")
}
