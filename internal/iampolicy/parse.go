// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Parse reads a policy document of any kind. It returns a *ParseError with the
// line and column of the first mistake in its form that IAM would refuse.
func Parse(text string) (Document, error) { return parse(text, false) }

// ParseIdentity reads a policy that is attached to a role. It names no
// principal, and every statement has an action and a resource.
func ParseIdentity(text string) (Document, error) { return parse(text, true) }

func parse(text string, identity bool) (Document, error) {
	root, err := readJSON(text)
	if err != nil {
		return Document{}, err
	}
	p := &parser{source: text, identity: identity, sids: map[string]bool{}}
	d := p.document(root)
	if identity {
		p.characters(root)
	}
	if p.err != nil {
		return Document{}, p.err
	}
	return d, nil
}

// parser keeps the first mistake; after it, all methods do nothing.
type parser struct {
	source   string
	identity bool
	sids     map[string]bool
	err      error
}

func (p *parser) fail(offset int, format string, args ...any) {
	if p.err == nil {
		p.err = at(p.source, offset, format, args...)
	}
}

func (p *parser) document(root value) Document {
	if root.members == nil {
		p.fail(root.at, "a policy must be a JSON object")
	}
	var d Document
	var statements *value
	for _, m := range root.members {
		switch m.name {
		case "Version":
			d.Version = p.version(m.value)
		case "Id":
			d.ID = p.text("Id", m.value)
		case "Statement":
			statements = &m.value
		default:
			p.unknown(m, "a policy", "Version", "Id", "Statement")
		}
	}
	if statements == nil {
		p.fail(root.at, `the policy has no "Statement"`)
		return d
	}
	list := statements.items
	if statements.members != nil {
		list = []value{*statements}
	}
	if len(list) == 0 {
		p.fail(statements.at, `"Statement" must be a list with at least one statement`)
	}
	for i, v := range list {
		d.Statements = append(d.Statements, p.statement(fmt.Sprintf("Statement[%d]", i), v))
	}
	return d
}

func (p *parser) version(v value) string {
	version := p.text("Version", v)
	if version != Version2012 && version != Version2008 {
		p.fail(v.at, `%q is not a version of the policy language: write "Version": %q`, version, Version2012)
	}
	return version
}

func (p *parser) statement(where string, v value) Statement {
	if v.members == nil {
		p.fail(v.at, "%s must be a JSON object", where)
	}
	var s Statement
	for _, m := range v.members {
		switch m.name {
		case "Sid":
			s.Sid = p.sid(m.value)
		case "Effect":
			s.Effect = p.effect(m.value)
		case "Principal":
			s.Principal = p.principals(m)
		case "NotPrincipal":
			s.NotPrincipal = p.principals(m)
		case "Action":
			s.Action = p.actions(m)
		case "NotAction":
			s.NotAction = p.actions(m)
		case "Resource":
			s.Resource = p.resources(m)
		case "NotResource":
			s.NotResource = p.resources(m)
		case "Condition":
			s.Condition = p.conditions(m.value)
		default:
			p.unknown(m, "a statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
		}
	}
	p.complete(where, v.at, s)
	return s
}

// complete checks what depends on several elements of a statement.
func (p *parser) complete(where string, offset int, s Statement) {
	if s.Effect == "" {
		p.fail(offset, `%s has no "Effect": it is "Allow" or "Deny"`, where)
	}
	if s.Principal != nil && s.NotPrincipal != nil {
		p.fail(offset, `%s has both "Principal" and "NotPrincipal"`, where)
	}
	if s.Action != nil && s.NotAction != nil {
		p.fail(offset, `%s has both "Action" and "NotAction"`, where)
	}
	if s.Resource != nil && s.NotResource != nil {
		p.fail(offset, `%s has both "Resource" and "NotResource"`, where)
	}
	if s.Action == nil && s.NotAction == nil {
		p.fail(offset, `%s has no "Action"`, where)
	}
	if p.identity && s.Resource == nil && s.NotResource == nil {
		p.fail(offset, `%s has no "Resource"`, where)
	}
}

var identitySid = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9]*$`) })

func (p *parser) sid(v value) string {
	sid := p.text("Sid", v)
	if p.identity && !identitySid().MatchString(sid) {
		p.fail(v.at, "the Sid %q may only have letters and digits", clip(sid))
	}
	if sid != "" && p.sids[sid] {
		p.fail(v.at, "the Sid %q is used twice: it must be unique in the policy", clip(sid))
	}
	p.sids[sid] = true
	return sid
}

func (p *parser) effect(v value) Effect {
	effect := Effect(p.text("Effect", v))
	if effect != Allow && effect != Deny {
		p.fail(v.at, `the Effect is "Allow" or "Deny", not %q`, clip(string(effect)))
	}
	return effect
}

func (p *parser) principals(m member) Principals {
	if p.identity {
		p.fail(m.at, "a policy that is attached to a role has no %q: the role itself is the principal", m.name)
	}
	if m.value.members == nil {
		if m.value.scalar != "*" {
			p.fail(m.value.at, `%q is "*" or an object such as {"AWS": "arn:aws:iam::123456789012:root"}`, m.name)
		}
		return Principals{"AWS": {"*"}}
	}
	principals := Principals{}
	for _, kind := range m.value.members {
		if !slices.Contains([]string{"AWS", "Service", "Federated", "CanonicalUser"}, kind.name) {
			p.unknown(kind, "a principal", "AWS", "Service", "Federated", "CanonicalUser")
		}
		principals[kind.name] = p.texts(m.name, kind.value)
	}
	if len(principals) == 0 {
		p.fail(m.value.at, "%q is empty", m.name)
	}
	return principals
}

var actionPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\*|[A-Za-z0-9*?-]+:[A-Za-z0-9*?_-]+)$`) })

func (p *parser) actions(m member) []string {
	actions := p.texts(m.name, m.value)
	for _, action := range actions {
		if !actionPattern().MatchString(action) {
			p.fail(m.value.at, `%q is not an action: it is SERVICE:ACTION, such as "s3:GetObject", or "*"`, clip(action))
		}
	}
	return actions
}

func (p *parser) resources(m member) []string {
	resources := p.texts(m.name, m.value)
	for _, resource := range resources {
		if p.identity && !strings.HasPrefix(resource, "arn:") && !strings.HasPrefix(resource, "*") {
			p.fail(m.value.at, `%q is not a resource: it is an ARN, such as "arn:aws:s3:::bucket/*", or "*"`, clip(resource))
		}
	}
	return resources
}

func (p *parser) conditions(v value) Conditions {
	if v.members == nil {
		p.fail(v.at, `"Condition" must be an object such as {"StringEquals": {"aws:ResourceTag/team": "data"}}`)
	}
	conditions := Conditions{}
	for _, operator := range v.members {
		if operator.value.members == nil {
			p.fail(operator.value.at, "the condition %q must be an object of condition keys and values", clip(operator.name))
		}
		keys := map[string][]string{}
		for _, key := range operator.value.members {
			keys[key.name] = p.values(key)
		}
		conditions[operator.name] = keys
	}
	return conditions
}

// values returns those of a condition key, as text if they are numbers or
// booleans.
func (p *parser) values(key member) []string {
	list := key.value.items
	if list == nil {
		list = []value{key.value}
	}
	texts := []string{}
	for _, v := range list {
		switch scalar := v.scalar.(type) {
		case string:
			texts = append(texts, scalar)
		case json.Number:
			texts = append(texts, scalar.String())
		case bool:
			texts = append(texts, fmt.Sprint(scalar))
		default:
			p.fail(v.at, "the condition key %q must have a string or a list of strings", clip(key.name))
		}
	}
	return texts
}

// characters refuses what IAM does not accept in the policies of a role: it
// accepts Latin-1 without control characters, however they are escaped in the
// JSON.
func (p *parser) characters(v value) {
	check := func(offset int, text string) {
		for _, r := range text {
			if latin1 := r >= ' ' && r < 0x7f || r >= 0xa0 && r <= 0xff || r == '\t' || r == '\n' || r == '\r'; !latin1 {
				p.fail(offset, "IAM does not accept the character %+q in a policy", r)
			}
		}
	}
	for _, m := range v.members {
		check(m.at, m.name)
		p.characters(m.value)
	}
	for _, item := range v.items {
		p.characters(item)
	}
	if text, ok := v.scalar.(string); ok {
		check(v.at, text)
	}
}

// text returns a value that must be one string.
func (p *parser) text(name string, v value) string {
	s, ok := v.scalar.(string)
	if !ok {
		p.fail(v.at, "%q must be a string", name)
	}
	return s
}

// texts returns a value that must be a string or a non-empty list of strings.
func (p *parser) texts(name string, v value) []string {
	list := v.items
	if list == nil {
		list = []value{v}
	}
	if len(list) == 0 {
		p.fail(v.at, "%q is an empty list", name)
	}
	texts := []string{}
	for _, item := range list {
		s, ok := item.scalar.(string)
		if !ok || s == "" {
			p.fail(item.at, "%q must be a string, or a list of strings", name)
		}
		texts = append(texts, s)
	}
	return texts
}

// unknown refuses a key, and suggests the one that was probably meant.
func (p *parser) unknown(m member, of string, known ...string) {
	for _, name := range known {
		if meant := strings.ToLower(m.name); meant == strings.ToLower(name) || meant == strings.ToLower(name)+"s" {
			p.fail(m.at, "%s has no key %q: did you mean %q?", of, clip(m.name), name)
		}
	}
	p.fail(m.at, "%s has no key %q: it has %s", of, clip(m.name), strings.Join(known, ", "))
}

// clip shortens text for an error message.
func clip(s string) string {
	const limit = 200
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
