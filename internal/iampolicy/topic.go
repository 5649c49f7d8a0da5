// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// publishersSid starts the Sid of our one statement in a topic's policy; the
// number of the last change follows. Whoever reads the policy can so tell
// whether it is behind the registry.
const publishersSid = "XacctPublishers"

var publishersSidPattern = regexp.MustCompile(`^` + publishersSid + `([0-9]+)$`)

// Topic is the policy of a topic that its owner administers and that the given
// accounts may publish to.
func Topic(topic account.TopicARN, accounts []account.ID, sequence int64) Document {
	d := Document{
		// As SNS itself writes it on a new topic (aws-facts 5.2). The policy
		// of a topic cannot be unset, so this is also what remains at the end.
		Version: Version2008,
		ID:      "__default_policy_ID",
		Statements: []Statement{{
			Sid:       "__default_statement_ID",
			Effect:    Allow,
			Principal: Principals{"AWS": {"*"}},
			Action: []string{
				"SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
				"SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish",
			},
			Resource:  []string{topic.String()},
			Condition: Conditions{"StringEquals": {"AWS:SourceOwner": {topic.Account.String()}}},
		}},
	}
	if len(accounts) > 0 {
		d.Statements = append(d.Statements, publishers(topic, accounts, sequence))
	}
	return d
}

// publishers allows the accounts to publish, through a condition and not as
// principals: SNS refuses a whole document that names one closed account
// (aws-facts 5.4), and the list holds twice as many (5.1). CloudFormation
// publishes as the customer's principal (1.17), whose account this key tells.
func publishers(topic account.TopicARN, accounts []account.ID, sequence int64) Statement {
	return Statement{
		Sid:       publishersSid + strconv.FormatInt(sequence, 10),
		Effect:    Allow,
		Principal: Principals{"AWS": {"*"}},
		Action:    []string{"SNS:Publish"},
		Resource:  []string{topic.String()},
		Condition: Conditions{"StringEquals": {"aws:PrincipalAccount": sorted(idTexts(accounts))}},
	}
}

// MergePublishers is a topic's policy with our statement replaced: the accounts
// that may publish now, and the number of this change. All other statements
// stay as they are, whatever they are. Without accounts our statement goes, and
// with it the number. An empty policy reads as SNS's default.
func MergePublishers(existing string, topic account.TopicARN, accounts []account.ID, sequence int64) (string, error) {
	if existing == "" {
		existing = Topic(topic, nil, 0).String()
	}
	policy, _, err := splitPublishers(existing)
	if err != nil {
		return "", fmt.Errorf("the policy of topic %s cannot be read, so nothing was changed in it: %w", topic, err)
	}
	if len(accounts) > 0 {
		policy.Statement = append(policy.Statement, json.RawMessage(encode(publishers(topic, accounts, sequence).wire())))
	}
	if len(policy.Statement) == 0 {
		return Topic(topic, nil, 0).String(), nil
	}
	merged := encode(policy)
	if err := checkTopic(merged, topic, len(policy.Statement), accounts); err != nil {
		return "", err
	}
	return merged, nil
}

// PublishersOf reads our statement back: who may publish, and the number of the
// change that said so. It is not ok where there is no such statement, more than
// one, or one that was changed by another hand; then the policy is behind.
func PublishersOf(text string) (accounts []account.ID, sequence int64, ok bool) {
	_, ours, err := splitPublishers(text)
	if err != nil || len(ours) != 1 {
		return nil, 0, false
	}
	d, err := Parse(encode(rawPolicy{Version: Version2008, Statement: ours}))
	if err != nil || len(d.Statements[0].Resource) != 1 {
		return nil, 0, false
	}
	s := d.Statements[0]
	topic, err := account.ParseTopicARN(s.Resource[0])
	if err != nil {
		return nil, 0, false
	}
	sequence, err = strconv.ParseInt(publishersSidPattern.FindStringSubmatch(s.Sid)[1], 10, 64)
	if err != nil {
		return nil, 0, false
	}
	for _, text := range s.Condition["StringEquals"]["aws:PrincipalAccount"] {
		id, err := account.ParseID(text)
		if err != nil {
			return nil, 0, false
		}
		accounts = append(accounts, id)
	}
	if len(accounts) == 0 || encode(s.canonical()) != encode(publishers(topic, accounts, sequence).canonical()) {
		return nil, 0, false
	}
	return accounts, sequence, true
}

// rawPolicy keeps statements as they were written: what others added may be
// anything that SNS took, and is none of our business.
type rawPolicy struct {
	Version   string            `json:"Version,omitempty"`
	ID        string            `json:"Id,omitempty"`
	Statement []json.RawMessage `json:"Statement"`
}

// splitPublishers takes a topic's policy apart: the policy without our
// statements, and those.
func splitPublishers(text string) (policy rawPolicy, ours []json.RawMessage, err error) {
	if _, err := readJSON(text); err != nil {
		return rawPolicy{}, nil, err
	}
	var whole struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		return rawPolicy{}, nil, err
	}
	var all []json.RawMessage
	if json.Unmarshal(whole.Statement, &all) != nil {
		all = []json.RawMessage{whole.Statement} // one statement may stand without its list
	}
	policy = rawPolicy{Version: whole.Version, ID: whole.ID}
	for _, raw := range all {
		var s struct{ Sid string }
		if err := json.Unmarshal(raw, &s); err != nil {
			return rawPolicy{}, nil, fmt.Errorf("a statement is no JSON object: %w", err)
		}
		if publishersSidPattern.MatchString(s.Sid) {
			ours = append(ours, raw)
		} else {
			policy.Statement = append(policy.Statement, raw)
		}
	}
	return policy, ours, nil
}

// TopicFullError says that a topic's policy has no room for its publishers.
type TopicFullError struct {
	Topic    account.TopicARN
	Accounts int // how many were to be allowed
	Fit      int // how many would fit beside the other statements
	Size     int // of the policy in bytes
}

func (e *TopicFullError) Error() string {
	return fmt.Sprintf("the policy of topic %s would have %d bytes with %d customer accounts, and SNS allows %d: "+
		"%d accounts fit beside the topic's other statements", e.Topic, e.Size, e.Accounts, MaxTopicSize, e.Fit)
}

func checkTopic(policy string, topic account.TopicARN, statements int, accounts []account.ID) error {
	if statements > MaxTopicStatements {
		return fmt.Errorf("the policy of topic %s would have %d statements, and SNS allows %d: remove some that others added", topic, statements, MaxTopicStatements)
	}
	if over := len(policy) - MaxTopicSize; over > 0 {
		const each = len(`"123456789012",`)
		n := len(sorted(idTexts(accounts)))
		return &TopicFullError{Topic: topic, Accounts: n, Fit: max(0, n-(over+each-1)/each), Size: len(policy)}
	}
	return nil
}

func idTexts(accounts []account.ID) []string {
	ids := make([]string, len(accounts))
	for i, id := range accounts {
		ids[i] = id.String()
	}
	return ids
}
