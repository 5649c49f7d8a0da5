// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package iampolicy reads and writes IAM policy documents. It parses what a
// vendor declares for a role strictly, with the line of every mistake, and it
// is the only place that builds the policies that the project itself needs
// (trust, topic, queue and bucket policies).
//
// It compares documents by meaning, knows AWS's size limits, and reports what
// IAM would refuse or a reviewer would question. It does not evaluate policies,
// and does not check whether an action or a resource exists.
package iampolicy

import (
	"bytes"
	"encoding/json"
)

// Document is one policy. A list that AWS also accepts as a single string is
// always a list here.
type Document struct {
	Version    string // "2012-10-17", "2008-10-17", or empty, which means the latter
	ID         string
	Statements []Statement
}

// The two versions of the policy language.
const (
	Version2012 = "2012-10-17"
	Version2008 = "2008-10-17"
)

// Statement is one rule of a document. Of each pair (Principal, NotPrincipal),
// (Action, NotAction) and (Resource, NotResource) at most one is set.
type Statement struct {
	Sid          string
	Effect       Effect
	Principal    Principals
	NotPrincipal Principals
	Action       []string
	NotAction    []string
	Resource     []string
	NotResource  []string
	Condition    Conditions
}

// Effect is what a statement does.
type Effect string

// The two effects; IAM spells them exactly so.
const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// Principals holds the values by their type: "AWS", "Service", "Federated" or
// "CanonicalUser". The short form "*" reads as {"AWS": "*"}, which AWS
// documents as equal.
type Principals map[string][]string

// Conditions holds the values by operator and key. Numbers and booleans are
// read as their text, which is how AWS compares them.
type Conditions map[string]map[string][]string

// String returns the document as compact JSON with its elements in AWS's usual
// order; the same document always gives the same text.
func (d Document) String() string {
	wire := wireDocument{Version: d.Version, ID: d.ID, Statement: make([]wireStatement, len(d.Statements))}
	for i, s := range d.Statements {
		wire.Statement[i] = s.wire()
	}
	return encode(wire)
}

type wireDocument struct {
	Version   string          `json:"Version,omitempty"`
	ID        string          `json:"Id,omitempty"`
	Statement []wireStatement `json:"Statement"`
}

type wireStatement struct {
	Sid          string                      `json:"Sid,omitempty"`
	Effect       Effect                      `json:"Effect"`
	Principal    map[string]texts            `json:"Principal,omitempty"`
	NotPrincipal map[string]texts            `json:"NotPrincipal,omitempty"`
	Action       texts                       `json:"Action,omitempty"`
	NotAction    texts                       `json:"NotAction,omitempty"`
	Resource     texts                       `json:"Resource,omitempty"`
	NotResource  texts                       `json:"NotResource,omitempty"`
	Condition    map[string]map[string]texts `json:"Condition,omitempty"`
}

func (s Statement) wire() wireStatement {
	w := wireStatement{
		Sid: s.Sid, Effect: s.Effect,
		Principal: textsByName(s.Principal), NotPrincipal: textsByName(s.NotPrincipal),
		Action: s.Action, NotAction: s.NotAction,
		Resource: s.Resource, NotResource: s.NotResource,
	}
	if len(s.Condition) > 0 {
		w.Condition = make(map[string]map[string]texts, len(s.Condition))
		for operator, keys := range s.Condition {
			w.Condition[operator] = textsByName(keys)
		}
	}
	return w
}

func textsByName(values map[string][]string) map[string]texts {
	byName := make(map[string]texts, len(values))
	for name, list := range values {
		byName[name] = list
	}
	return byName
}

// texts is a list that AWS also writes as a single string.
type texts []string

func (t texts) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return []byte(encode(t[0])), nil
	}
	return []byte(encode([]string(t))), nil
}

// encode is json.Marshal without the HTML escapes, which would count against
// the size limits. The values encoded here cannot fail.
func encode(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
