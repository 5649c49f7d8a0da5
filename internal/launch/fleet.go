// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package launch

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// Ten thousand links differ in a few words. A fleet's template has words in braces
// in their place, which no link has: there braces are escaped.

// What stands in braces in the template of a fleet's links. Which topic a customer's
// stack speaks to follows from their ID: see topicOf.
const (
	wordCustomer   = "customer_id"
	wordAccount    = "account_id"
	wordExternalID = "external_id"
	wordTopic      = "topic:" // and of how many topics, from which on: topic:0+14
)

// FleetTemplate returns what the links of many customers have in common who refer
// to one permission set: Expand makes each customer's of it. Their stacks speak to
// one of so many topics, the first of which has the given number.
func FleetTemplate(set onboarding.PermissionSet, d declaration.Declaration, anAccount account.ID, first, topics int, console string) (string, error) {
	some := onboarding.Link{Hub: set.Hub, Account: anAccount}
	l, err := Of(some.Refer(set), d)
	if err != nil {
		return "", err
	}
	l.Parameters[stacktemplate.ParameterExternalID] = braced(wordExternalID)
	l.Parameters[stacktemplate.ParameterCustomerName] = braced(wordCustomer)
	l.Parameters[stacktemplate.ParameterRoleName] = set.RoleOf(braced(wordCustomer))
	l.Parameters[stacktemplate.ParameterShard] = strconv.Itoa(first)
	if topics > 1 {
		l.Parameters[stacktemplate.ParameterShard] = braced(fmt.Sprintf("%s%d+%d", wordTopic, first, topics))
	}
	if _, has := l.Parameters[stacktemplate.ParameterExpectedAccountID]; has {
		l.Parameters[stacktemplate.ParameterExpectedAccountID] = braced(wordAccount)
	}
	text, err := l.URL(console)
	if err != nil {
		return "", err
	}
	return unescapeWords(text), nil
}

func braced(word string) string { return "{" + word + "}" }

// unescapeWords returns a link with the words in braces as they are read.
func unescapeWords(link string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(link, "%7B")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		word, after, _ := strings.Cut(rest, "%7D")
		plain, err := url.PathUnescape(word)
		switch {
		case err == nil && isWord(plain):
			b.WriteString(braced(plain))
			link = after
		default: // a brace of the link's own stays as it is written
			b.WriteString("%7B")
			link = rest
		}
	}
}

func isWord(s string) bool {
	return s == wordCustomer || s == wordAccount || s == wordExternalID || strings.HasPrefix(s, wordTopic)
}

// Member is one customer of a fleet.
type Member struct {
	CustomerID string
	Account    string
	ExternalID string
	Topic      string // that the stack speaks to; empty: the one that follows from the customer's ID
}

// Expand returns the launch link of a customer from what FleetTemplate returned.
func Expand(template string, m Member) (string, error) {
	var b strings.Builder
	rest := template
	for {
		before, behind, found := strings.Cut(rest, "{")
		b.WriteString(before)
		if !found {
			break
		}
		word, after, closed := strings.Cut(behind, "}")
		value, err := m.value(word)
		if err != nil || !closed {
			return "", errors.Join(errNotTemplate, err)
		}
		b.WriteString(url.QueryEscape(value)) // no value has a space
		rest = after
	}
	text := b.String()
	link, err := quickcreate.Parse(text)
	if err != nil {
		return "", errors.Join(errNotTemplate, err)
	}
	if m.Topic != "" && link.Parameters[stacktemplate.ParameterShard] != m.Topic {
		link.Parameters[stacktemplate.ParameterShard] = m.Topic
		return link.URL(quickcreate.Console(text))
	}
	return text, nil
}

var errNotTemplate = errors.New("this is not the url_template of a fleet")

// value returns what stands for a word in braces.
func (m Member) value(word string) (string, error) {
	switch word {
	case wordCustomer:
		return m.CustomerID, nil
	case wordAccount:
		return m.Account, nil
	case wordExternalID:
		return m.ExternalID, nil
	}
	topics, ok := strings.CutPrefix(word, wordTopic)
	first, count, pair := strings.Cut(topics, "+")
	from, err := strconv.Atoi(first)
	of, err2 := strconv.Atoi(count)
	if !ok || !pair || err != nil || err2 != nil {
		return "", fmt.Errorf("%q is no word of it", word)
	}
	return strconv.Itoa(from + onboarding.Spread(m.CustomerID, of)), nil
}
