// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Publishers are the principals that may publish to a topic. The zero value has
// none.
type Publishers struct {
	Accounts      []account.ID
	Organizations []account.OrganizationID // all accounts of these organizations
	Anyone        bool                     // every account of the partition, regardless of the lists
}

// Empty reports whether no principal may publish.
func (p Publishers) Empty() bool {
	return !p.Anyone && len(p.Accounts) == 0 && len(p.Organizations) == 0
}

// Equal reports whether the same principals may publish. The lists are ignored if Anyone
// is set.
func (p Publishers) Equal(o Publishers) bool {
	if p.Anyone || o.Anyone {
		return p.Anyone == o.Anyone
	}
	return slices.Equal(sorted(textsOf(p.Accounts)), sorted(textsOf(o.Accounts))) &&
		slices.Equal(sorted(textsOf(p.Organizations)), sorted(textsOf(o.Organizations)))
}

// ourSid matches the Sids of our statements in a topic's policy. A policy has at most
// one of each kind, and always the one that refuses requests without TLS. The number in
// the Sid is that of the last change: it shows whether the policy is older than the
// registry's list.
var ourSid = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^Xacct(Publishers|Organizations|Anyone|OnlyTLS)([0-9]+)$`)
})

// statements returns the statements that allow the publishers to publish to a topic.
// They name accounts in conditions and not as principals: SNS refuses a document if one
// of its principals is a closed account (aws-facts 5.4), and a condition has room for
// twice as many accounts (5.1). CloudFormation publishes as the customer's
// principal (1.17), whose account and organization are in these condition keys.
func (p Publishers) statements(topic account.TopicARN, sequence int64) []Statement {
	allow := func(sid, operator, key string, values []string) Statement {
		return Statement{
			Sid:       "Xacct" + sid + strconv.FormatInt(sequence, 10),
			Effect:    Allow,
			Principal: Principals{"AWS": {"*"}},
			Action:    []string{"SNS:Publish"},
			Resource:  []string{topic.String()},
			Condition: Conditions{operator: {key: values}},
		}
	}
	var all []Statement
	switch {
	case p.Anyone:
		// This matches every account, but no unsigned request, because that
		// lacks the condition key.
		all = append(all, allow("Anyone", "StringLike", "aws:PrincipalAccount", []string{"*"}))
	default:
		if len(p.Accounts) > 0 {
			all = append(all, allow("Publishers", "StringEquals", "aws:PrincipalAccount", sorted(textsOf(p.Accounts))))
		}
		if len(p.Organizations) > 0 {
			all = append(all, allow("Organizations", "StringEquals", "aws:PrincipalOrgID", sorted(textsOf(p.Organizations))))
		}
	}
	return append(all, onlyTLS("XacctOnlyTLS"+strconv.FormatInt(sequence, 10), []string{"SNS:Publish"}, topic.String()))
}

// PublishersOf returns the publishers in a topic's policy, and the number of the change
// that wrote them. ok is false if the policy has no statements of ours, or if one of
// them was changed by another tool: then the policy has to be written again.
func PublishersOf(text string) (who Publishers, sequence int64, ok bool) {
	_, ours, err := splitPublishers(text)
	if err != nil || len(ours) == 0 {
		return Publishers{}, 0, false
	}
	d, err := Parse(encode(rawPolicy{Version: Version2008, Statement: ours}))
	if err != nil || len(d.Statements[0].Resource) != 1 {
		return Publishers{}, 0, false
	}
	topic, err := account.ParseTopicARN(d.Statements[0].Resource[0])
	if err != nil {
		return Publishers{}, 0, false
	}
	for n, s := range d.Statements {
		number, err := who.read(s)
		if err != nil || n > 0 && number != sequence {
			return Publishers{}, 0, false
		}
		sequence = number
	}
	if !sameStatements(d.Statements, who.statements(topic, sequence)) {
		return Publishers{}, 0, false
	}
	return who, sequence, true
}

// read adds the publishers of one of our statements, and returns its number.
func (p *Publishers) read(s Statement) (sequence int64, err error) {
	sid := ourSid().FindStringSubmatch(s.Sid)
	if sid == nil {
		return 0, fmt.Errorf("statement %q was not written by xacct", s.Sid)
	}
	if sequence, err = strconv.ParseInt(sid[2], 10, 64); err != nil {
		return 0, err
	}
	switch sid[1] {
	case "Anyone":
		p.Anyone = true
	case "OnlyTLS": // compared as a whole
	case "Organizations":
		p.Organizations, err = parseAll(s.Condition["StringEquals"]["aws:PrincipalOrgID"], account.ParseOrganizationID)
	default:
		p.Accounts, err = parseAll(s.Condition["StringEquals"]["aws:PrincipalAccount"], account.ParseID)
	}
	return sequence, err
}

func sameStatements(a, b []Statement) bool {
	return slices.EqualFunc(a, b, func(a, b Statement) bool { return encode(a.canonical()) == encode(b.canonical()) })
}

func parseAll[T any](texts []string, parse func(string) (T, error)) ([]T, error) {
	var all []T
	for _, text := range texts {
		v, err := parse(text)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func textsOf[T fmt.Stringer](values []T) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.String()
	}
	return texts
}
