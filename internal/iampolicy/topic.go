// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"encoding/json"
	"fmt"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Topic returns the policy of a topic that its owner administers and that the given
// accounts may publish to.
func Topic(topic account.TopicARN, accounts []account.ID, sequence int64) Document {
	d := Document{
		// This is SNS's default policy for a new topic (aws-facts 5.2). A topic's
		// policy cannot be removed, so the default also remains when our statements
		// are removed.
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
	d.Statements = append(d.Statements, Publishers{Accounts: accounts}.statements(topic, sequence)...)
	return d
}

// MergePublishers returns a topic's policy in which our statements are replaced by those
// for the given publishers and number of the change. Statements of other tools are kept
// unchanged. An empty policy counts as SNS's default.
func MergePublishers(existing string, topic account.TopicARN, who Publishers, sequence int64) (string, error) {
	if existing == "" {
		existing = Topic(topic, nil, sequence).String()
	}
	policy, _, err := splitPublishers(existing)
	if err != nil {
		return "", fmt.Errorf("the policy of topic %s cannot be read, so nothing was changed in it: %w", topic, err)
	}
	if len(policy.Statement) == 0 && who.Empty() {
		return Topic(topic, nil, sequence).String(), nil
	}
	for _, s := range who.statements(topic, sequence) {
		policy.Statement = append(policy.Statement, json.RawMessage(encode(s.wire())))
	}
	merged := encode(policy)
	if err := checkTopic(merged, topic, len(policy.Statement), who.Accounts); err != nil {
		return "", err
	}
	return merged, nil
}

// rawPolicy contains statements as they were written, because statements of other tools
// must be kept unchanged, including ones that this package does not support.
type rawPolicy struct {
	Version   string            `json:"Version,omitempty"`
	ID        string            `json:"Id,omitempty"`
	Statement []json.RawMessage `json:"Statement"`
}

// splitPublishers returns a topic's policy without our statements, and our statements.
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
			return rawPolicy{}, nil, fmt.Errorf("a statement is not a JSON object: %w", err)
		}
		if ourSid().MatchString(s.Sid) {
			ours = append(ours, raw)
		} else {
			policy.Statement = append(policy.Statement, raw)
		}
	}
	return policy, ours, nil
}

// TopicFullError indicates that a topic's policy has no room for its publishers.
type TopicFullError struct {
	Topic    account.TopicARN
	Accounts int // how many were to be allowed
	Room     int // how many would fit beside the other statements
	Size     int // of the policy in bytes
}

func (e *TopicFullError) Error() string {
	return fmt.Sprintf("the policy of topic %s would have %d bytes with %d customer accounts, and SNS allows %d: "+
		"%d accounts fit beside the topic's other statements. Raise the hub's capacity: new customers then get another topic", e.Topic, e.Size, e.Accounts, MaxTopicSize, e.Room)
}

func checkTopic(policy string, topic account.TopicARN, statements int, accounts []account.ID) error {
	if statements > MaxTopicStatements {
		return fmt.Errorf("the policy of topic %s would have %d statements, and SNS allows %d: remove statements that other tools added", topic, statements, MaxTopicStatements)
	}
	if over := len(policy) - MaxTopicSize; over > 0 {
		const each = len(`"123456789012",`)
		n := len(sorted(textsOf(accounts)))
		return &TopicFullError{Topic: topic, Accounts: n, Room: max(0, n-(over+each-1)/each), Size: len(policy)}
	}
	return nil
}
