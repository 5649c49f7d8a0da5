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

// The links of a fleet differ only in a few values. A fleet's template has placeholders
// in braces instead of these. Braces cannot occur in links otherwise, because they are
// escaped there.

// The placeholders in the template of a fleet's links. The topic of a customer's stack
// is computed from the customer's ID.
const (
	wordCustomer   = "customer_id"
	wordAccount    = "account_id"
	wordExternalID = "external_id"
	wordTopic      = "topic:" // followed by the first topic and the number of topics: topic:0+14
)

// FleetTemplate returns the template of the launch links of many customers with one
// permission set; Expand returns the link of each customer from it. Their stacks
// publish to one of the given number of topics, beginning with the number first.
func FleetTemplate(set onboarding.PermissionSet, d declaration.Declaration, anAccount account.ID, first, topics int, console string) (string, error) {
	some := onboarding.Link{Hub: set.Hub, Account: anAccount}
	l, err := Of(some.WithSet(set), d)
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

// unescapeWords returns a link with its placeholders unescaped.
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
		default: // a brace that is part of a value stays escaped
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
	Topic      string // topic of the stack; empty: computed from the customer's ID
}

// Expand returns the launch link of a customer from a template of FleetTemplate.
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

// value returns the value of a placeholder.
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
		return "", fmt.Errorf("%q is not a placeholder of it", word)
	}
	return strconv.Itoa(from + onboarding.ShardIndex(m.CustomerID, of)), nil
}
