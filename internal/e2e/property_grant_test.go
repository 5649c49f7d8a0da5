// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"strings"

	"pgregory.net/rapid"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// grant is one statement of a policy, with its resources as prefixes. The simulator,
// which evaluates the policy's wildcards, must get the same result.
type grant struct {
	statement map[string]any
	deny      bool
	action    func(string) bool
	resource  func(string) bool
	holds     bool   // the result of its condition
	names     string // a hostile resource that it names
}

func (g grant) about(action, resource string) bool {
	return g.holds && g.action(action) && g.resource(resource)
}

func drawGrant(r *rapid.T, version string) grant {
	g := grant{statement: map[string]any{"Effect": "Allow"}, holds: true}
	if g.deny = rapid.IntRange(0, 4).Draw(r, "Deny") == 0; g.deny {
		g.statement["Effect"] = "Deny"
	}
	g.drawActions(r)
	if rapid.IntRange(0, 3).Draw(r, "hostile") == 0 {
		g.drawHostileResource(r, version)
	} else {
		g.drawResources(r)
	}
	g.drawCondition(r, version)
	return g
}

func (g *grant) drawActions(r *rapid.T) {
	var written []string
	var covers []func(string) bool
	for range rapid.IntRange(1, 3).Draw(r, "actions") {
		action := rapid.SampledFrom(askedActions).Draw(r, "action")
		text, beginning := action, ""
		switch rapid.SampledFrom([]string{"name", "name", "beginning", "service", "case", "everything"}).Draw(r, "action's form") {
		case "beginning":
			cut := strings.Index(action, ":") + 1 + rapid.IntRange(0, 6).Draw(r, "letters")
			beginning = action[:min(cut, len(action))]
			text = beginning + "*"
		case "service":
			beginning = action[:strings.Index(action, ":")+1]
			text = beginning + "*"
		case "case":
			text = strings.ToUpper(action)
		case "everything":
			if rapid.IntRange(0, 3).Draw(r, "really everything") == 0 {
				text, covers = "*", append(covers, func(string) bool { return true })
			}
		}
		written = append(written, text)
		covers = append(covers, func(asked string) bool {
			return asked == action || beginning != "" && strings.HasPrefix(asked, beginning)
		})
	}
	g.action = g.element(r, "Action", written, covers)
}

func (g *grant) drawResources(r *rapid.T) {
	var written []string
	var covers []func(string) bool
	for range rapid.IntRange(1, 3).Draw(r, "resources") {
		resource := rapid.SampledFrom(askedResources).Draw(r, "resource")
		text, beginning := resource, resource+"\x00" // no name has this prefix
		switch rapid.SampledFrom([]string{"name", "beginning", "everything"}).Draw(r, "resource's form") {
		case "beginning":
			parts := strings.SplitN(resource, ":", 6)
			cut := len(resource) - len(parts[5]) + rapid.IntRange(0, len(parts[5])).Draw(r, "letters")
			beginning = resource[:cut]
			text = beginning + "*"
		case "everything":
			text, beginning = "*", ""
		}
		written = append(written, text)
		covers = append(covers, func(asked string) bool { return asked == resource || strings.HasPrefix(asked, beginning) })
	}
	g.resource = g.element(r, "Resource", written, covers)
}

// element writes a list, sometimes as NotAction or NotResource. It returns whether a
// value is covered by the result.
func (g *grant) element(r *rapid.T, name string, written []string, covers []func(string) bool) func(string) bool {
	covered := func(asked string) bool {
		for _, one := range covers {
			if one(asked) {
				return true
			}
		}
		return false
	}
	var value any = written
	if len(written) == 1 && rapid.Bool().Draw(r, "without its list") {
		value = written[0]
	}
	if rapid.IntRange(0, 7).Draw(r, "Not"+name) == 0 {
		g.statement["Not"+name] = value
		return func(asked string) bool { return !covered(asked) }
	}
	g.statement[name] = value
	return covered
}

// drawHostileResource adds a resource whose key is a hostile text: neither
// CloudFormation nor IAM may replace anything in it.
func (g *grant) drawHostileResource(r *rapid.T, version string) {
	text := strings.Map(noWildcard, rapid.SampledFrom(evil).Draw(r, "hostile text"))
	g.names = hostileBucket + text
	g.statement["Resource"] = hostileBucket + escaped(text, version)
	g.resource = func(asked string) bool { return asked == hostileBucket+text }
	if version == "2012-10-17" && text == "${aws:username}" && rapid.Bool().Draw(r, "a variable of IAM's") {
		// Roles have no user name, so the statement matches nothing; a template
		// that replaced the variable would make it match something.
		g.statement["Resource"] = hostileBucket + text
		g.resource = func(string) bool { return false }
	}
}

// drawTypedResource adds a resource with references to values that the customer
// entered.
func (g *grant) drawTypedResource(r *rapid.T, key string, typed map[string]string) {
	written := "arn:" + permissionset.PartitionReference + ":s3:::typed/" + permissionset.ParameterReference(key)
	named := typedBucket + typed[key]
	delete(g.statement, "NotResource")
	g.names = ""
	switch rapid.SampledFrom([]string{"alone", "beginning", "with the account"}).Draw(r, "what of it") {
	case "alone":
		g.statement["Resource"] = written
		g.resource = func(asked string) bool { return asked == named }
	case "beginning":
		g.statement["Resource"] = []string{written + "*"}
		g.resource = func(asked string) bool { return strings.HasPrefix(asked, named) }
	case "with the account":
		g.statement["Resource"] = []string{written + "/" + permissionset.AccountReference}
		g.resource = func(asked string) bool { return asked == named+"/"+theAccount }
	}
	if rapid.Bool().Draw(r, "and in a condition") {
		held := rapid.Bool().Draw(r, "which holds")
		value := permissionset.AccountReference
		if !held {
			value = permissionset.ParameterReference(key) // no account has such a name
		}
		g.statement["Condition"] = map[string]any{"StringEquals": map[string]any{"aws:ResourceAccount": []string{value}}}
		g.holds = held
	}
}

func noWildcard(c rune) rune {
	if c == '*' || c == '?' {
		return '.'
	}
	return c
}

// escaped returns a text that IAM takes literally: documents of version 2012-10-17
// may contain variables.
func escaped(text, version string) string {
	if version == "2008-10-17" {
		return text
	}
	return strings.ReplaceAll(text, "${", "${$}{")
}

func (g *grant) drawCondition(r *rapid.T, version string) {
	text := rapid.SampledFrom(evil).Draw(r, "condition's text")
	switch rapid.SampledFrom([]string{"none", "none", "true", "also true", "false", "hostile", "hostile, negated"}).Draw(r, "condition") {
	case "true":
		g.statement["Condition"] = map[string]any{"StringEquals": map[string]any{"aws:PrincipalAccount": theAccount}, "Bool": map[string]any{"aws:SecureTransport": true}}
	case "also true":
		g.statement["Condition"] = map[string]any{"ArnLike": map[string]any{"aws:PrincipalArn": []string{"arn:aws:iam::999999999999:*", "arn:aws:iam::" + theAccount + ":role/*"}}}
	case "false":
		g.statement["Condition"] = map[string]any{"NumericLessThan": map[string]any{"aws:EpochTime": 7}}
		g.holds = false
	case "hostile":
		g.statement["Condition"] = map[string]any{"StringEquals": map[string]any{"aws:PrincipalTag/" + text: []string{escaped(text, version), "xacct-hole-1"}}}
		g.holds = false // the role's session has no tags
	case "hostile, negated":
		g.statement["Condition"] = map[string]any{"StringNotEquals": map[string]any{"aws:PrincipalAccount": []string{escaped(text, version), asFunction(`{"Ref":"AWS::AccountId"}`)}}}
	}
}
