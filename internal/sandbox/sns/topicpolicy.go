// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
)

// The limits of a topic policy (aws-facts 5.1).
const (
	maxPolicyBytes     = 30 * 1024
	maxStatements      = 100
	maxPrincipals      = 200
	errPolicyNull      = "Policy Error: null"
	errPrincipal       = "Policy Error: PrincipalNotFound"
	errOutOfScope      = "Policy statement action out of service scope!"
	errStatementExists = "Statement already exists"

	// AWS's messages for these are not known; its error code is.
	errTooLong      = "Policy Error: the policy is longer than 30720 bytes"
	errTooMany      = "Policy Error: the policy has more than 100 statements"
	errManyNamed    = "Policy Error: a statement has more than 200 principals"
	errResource     = "Policy statement must apply to a single resource!"
	errResourceElse = "Policy statement resource is not this topic"
)

// scope has the actions that a topic policy may have (aws-facts 5.1, 5.3).
// "SNS:*" is not one of them.
var scope = []string{
	"AddPermission", "DeleteTopic", "GetDataProtectionPolicy", "GetTopicAttributes", "ListSubscriptionsByTopic",
	"ListTagsForResource", "Publish", "PutDataProtectionPolicy", "Receive", "RemovePermission", "SetTopicAttributes",
	"Subscribe",
}

// canonicalAction returns an action as SNS spells it, and whether a topic
// policy may have it.
func canonicalAction(name string) (string, bool) {
	for _, known := range scope {
		if strings.EqualFold(known, name) {
			return "SNS:" + known, true
		}
	}
	return "", false
}

// policyDocument is a policy with its statements as raw JSON.
type policyDocument struct {
	Version   string            `json:"Version,omitempty"`
	ID        string            `json:"Id,omitempty"`
	Statement []json.RawMessage `json:"Statement"`
}

// defaultPolicy returns the policy that a topic has until another one is set
// (aws-facts 5.2).
func defaultPolicy(key topicKey) string {
	type statement struct {
		Sid       string
		Effect    string
		Principal map[string]string
		Action    []string
		Resource  string
		Condition map[string]map[string]string
	}
	text, err := json.Marshal(struct {
		Version   string
		ID        string `json:"Id"`
		Statement []statement
	}{"2008-10-17", "__default_policy_ID", []statement{{
		Sid:       "__default_statement_ID",
		Effect:    "Allow",
		Principal: map[string]string{"AWS": "*"},
		Action: []string{
			"SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
			"SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish",
		},
		Resource:  key.arn(),
		Condition: map[string]map[string]string{"StringEquals": {"AWS:SourceOwner": key.account}},
	}}})
	if err != nil {
		return "" // not reached: strings only
	}
	return string(text)
}

// checkPolicy returns a document as GetTopicAttributes returns it, or the error
// of SetTopicAttributes if it is invalid.
func (s *Service) checkPolicy(key topicKey, text string) (string, error) {
	if len(text) > maxPolicyBytes {
		return "", errParameter(errTooLong)
	}
	parsed, err := policy.Parse(policy.Resource, text)
	if err != nil {
		return "", errParameter(errPolicyNull)
	}
	if len(parsed.Statements) > maxStatements {
		return "", errParameter(errTooMany)
	}
	for _, statement := range parsed.Statements {
		if err := s.checkStatement(key, statement); err != nil {
			return "", err
		}
	}
	return rewriteAccounts(text, kernel.Partition(key.region))
}

func (s *Service) checkStatement(key topicKey, statement policy.Statement) error {
	if len(statement.NotActions) > 0 || statement.NotPrincipal {
		return errNotInSandbox("NotAction and NotPrincipal in topic policies")
	}
	for _, action := range statement.Actions {
		service, name, _ := strings.Cut(action, ":")
		if _, ok := canonicalAction(name); !ok || !strings.EqualFold(service, "sns") {
			return errParameter(errOutOfScope)
		}
	}
	if len(statement.Resources) != 1 {
		return errParameter(errResource)
	}
	if statement.Resources[0] != key.arn() {
		return errParameter(errResourceElse)
	}
	if len(statement.Principals) > maxPrincipals {
		return errParameter(errManyNamed)
	}
	for _, p := range statement.Principals {
		if !p.Exists(s.accounts, kernel.Partition(key.region)) {
			// A principal that does not exist makes SNS reject the whole
			// document (aws-facts 5.4).
			return errParameter(errPrincipal)
		}
	}
	return nil
}

// rewriteAccounts returns a document with root ARNs in place of account IDs, as
// AWS returns it (aws-facts 5.5). It returns a document without account IDs
// unchanged.
func rewriteAccounts(text, partition string) (string, error) {
	document, err := parseDocument(text)
	if err != nil {
		return "", errParameter(errPolicyNull)
	}
	changed := false
	for i, raw := range document.Statement {
		statement := map[string]json.RawMessage{}
		var principal map[string]any
		if json.Unmarshal(raw, &statement) != nil || json.Unmarshal(statement["Principal"], &principal) != nil {
			continue // Principal is "*"
		}
		rewritten, did := rootARNs(principal["AWS"], partition)
		if !did {
			continue
		}
		principal["AWS"], changed = rewritten, true
		if statement["Principal"], err = json.Marshal(principal); err != nil {
			return "", err
		}
		if document.Statement[i], err = json.Marshal(statement); err != nil {
			return "", err
		}
	}
	if !changed {
		return text, nil
	}
	return document.text()
}

var accountNumber = regexp.MustCompile(`^\d{12}$`)

func rootARNs(value any, partition string) (any, bool) {
	switch v := value.(type) {
	case string:
		if accountNumber.MatchString(v) {
			return "arn:" + partition + ":iam::" + v + ":root", true
		}
	case []any:
		changed := false
		for i, item := range v {
			rewritten, did := rootARNs(item, partition)
			v[i], changed = rewritten, changed || did
		}
		return v, changed
	}
	return value, false
}

// parseDocument parses a policy. It also accepts a single statement that is not
// in a list.
func parseDocument(text string) (policyDocument, error) {
	var outer struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &outer); err != nil {
		return policyDocument{}, err
	}
	d := policyDocument{Version: outer.Version, ID: outer.ID}
	if json.Unmarshal(outer.Statement, &d.Statement) != nil {
		d.Statement = []json.RawMessage{outer.Statement}
	}
	return d, nil
}

func (d policyDocument) text() (string, error) {
	text, err := json.Marshal(d)
	return string(text), err
}

var labelForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// addPermission appends one statement without conditions (aws-facts 5.3).
func (s *Service) addPermission(c *kernel.Call, q kernel.Query) (any, error) {
	t, err := s.topic(c, "AddPermission", q.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	label, accounts, names := q.Get("Label"), q.List("AWSAccountId"), q.List("ActionName")
	if !labelForm.MatchString(label) || len(accounts) == 0 || len(names) == 0 {
		return nil, errParameter("Label, AWSAccountId and ActionName are required")
	}
	var actions, arns []string
	for _, name := range names {
		action, ok := canonicalAction(name)
		if !ok {
			return nil, errParameter(errOutOfScope)
		}
		actions = append(actions, action)
	}
	for _, account := range accounts {
		if !accountNumber.MatchString(account) {
			return nil, errParameter("AWSAccountId")
		}
		arns = append(arns, "arn:"+kernel.Partition(t.key.region)+":iam::"+account+":root")
	}
	statement, err := json.Marshal(struct {
		Sid       string
		Effect    string
		Principal map[string]any
		Action    any
		Resource  string
	}{label, "Allow", map[string]any{"AWS": oneOrList(arns)}, oneOrList(actions), t.key.arn()})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	document, err := parseDocument(t.policy)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(document.Statement, hasSid(label)) {
		return nil, errParameter(errStatementExists)
	}
	document.Statement = append(document.Statement, statement)
	return nil, s.replacePolicy(t, document)
}

// removePermission succeeds for a label that does not exist. AWS's behaviour is
// not confirmed (aws-facts 5.3).
func (s *Service) removePermission(c *kernel.Call, q kernel.Query) (any, error) {
	t, err := s.topic(c, "RemovePermission", q.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	document, err := parseDocument(t.policy)
	if err != nil {
		return nil, err
	}
	before := len(document.Statement)
	document.Statement = slices.DeleteFunc(document.Statement, hasSid(q.Get("Label")))
	if len(document.Statement) == before {
		return nil, nil
	}
	return nil, s.replacePolicy(t, document)
}

func (s *Service) replacePolicy(t *topic, document policyDocument) error {
	text, err := document.text()
	if err != nil {
		return err
	}
	return s.setAttribute(t, "Policy", text)
}

func hasSid(label string) func(json.RawMessage) bool {
	return func(raw json.RawMessage) bool {
		var statement struct{ Sid string }
		return json.Unmarshal(raw, &statement) == nil && statement.Sid == label
	}
}

func oneOrList(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}
