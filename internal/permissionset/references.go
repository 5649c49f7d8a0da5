// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"maps"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// A reference is a fixed string that represents a value which only the customer's
// account has: a customer parameter, the account's ID, or its partition. It may be
// used in resources, in the values of conditions and in ARNs, where the renderer
// replaces it by a function. Elsewhere, text that looks like a reference is refused.

// The references, as vendors write them.
const (
	AccountReference   = referenceBegin + "account_id" + referenceEnd
	PartitionReference = referenceBegin + "partition" + referenceEnd

	referenceBegin  = "{{xacct:"
	referenceEnd    = "}}"
	parameterPrefix = "parameter:"
)

// ParameterReference returns the reference to a customer parameter.
func ParameterReference(key string) string {
	return referenceBegin + parameterPrefix + key + referenceEnd
}

// Piece is a part of a string: plain text, or one reference.
type Piece struct {
	Text      string
	Account   bool   // the customer's account ID
	Partition bool   // its partition
	Parameter string // the key of a customer parameter
}

// IsReference reports whether the piece is a reference.
func (p Piece) IsReference() bool { return p.Account || p.Partition || p.Parameter != "" }

// Pieces splits a string into pieces, none of which is empty. Text that only looks
// like a reference remains text: validation refuses it.
func Pieces(text string) []Piece {
	var pieces []Piece
	for {
		before, rest, found := strings.Cut(text, referenceBegin)
		name, after, closed := strings.Cut(rest, referenceEnd)
		piece, known := reference(name)
		if !found || !closed || !known {
			if text != "" {
				pieces = append(pieces, Piece{Text: text})
			}
			return pieces
		}
		if before != "" {
			pieces = append(pieces, Piece{Text: before})
		}
		pieces = append(pieces, piece)
		text = after
	}
}

func reference(name string) (Piece, bool) {
	switch name {
	case "account_id":
		return Piece{Account: true}, true
	case "partition":
		return Piece{Partition: true}, true
	}
	key, found := strings.CutPrefix(name, parameterPrefix)
	return Piece{Parameter: key}, found && ValidSwitchKey(key)
}

// looksLikeReference reports whether a string contains something that a vendor may
// have meant as a reference, or that CloudFormation might interpret as one.
func looksLikeReference(text string) bool {
	for {
		_, rest, found := strings.Cut(text, "{{")
		if !found {
			return false
		}
		if word := strings.TrimLeft(rest, "{ \t\r\n"); len(word) >= 5 && strings.EqualFold(word[:5], "xacct") {
			return true
		}
		text = rest
	}
}

// displayText returns a string for people, with references in angle brackets.
func displayText(text string) string {
	words := ""
	for _, p := range Pieces(text) {
		switch {
		case p.Account:
			words += "<your account>"
		case p.Partition:
			words += "<your partition>"
		case p.Parameter != "":
			words += "<" + p.Parameter + ">"
		default:
			words += p.Text
		}
	}
	return words
}

// scope is the place of a reference: which parameters exist there, and which
// parameter, of those that may be left empty, has a value there.
type scope struct {
	parameters map[string]CustomerParameter
	given      string
}

// referring checks a string that may contain references.
func (p *Problems) referring(field, key, text string, in scope) {
	p.dynamic(field, key, text)
	if !looksLikeReference(text) {
		return
	}
	pieces, before := Pieces(text), ""
	for i, piece := range pieces {
		if !piece.IsReference() {
			if strings.Contains(piece.Text, "{{") {
				p.Add(field, key, "%q is not a reference, or is next to one: the references are %s, %s and %s",
					clipped(piece.Text), ParameterReference("NAME"), AccountReference, PartitionReference)
				return
			}
			before += piece.Text
			continue
		}
		after := ""
		if i+1 < len(pieces) {
			after = pieces[i+1].Text
		}
		if open := strings.LastIndex(before, "${"); open > strings.LastIndex(before, "}") ||
			strings.HasSuffix(before, "$") || strings.HasSuffix(before, "{") || strings.HasPrefix(after, "{") || strings.HasPrefix(after, "}") {
			p.Add(field, key, "a reference is within or next to the braces of a policy variable, which would change the variable")
			return
		}
		p.parameterHere(field, key, piece.Parameter, in)
	}
}

func (p *Problems) parameterHere(field, key, parameter string, in scope) {
	if parameter == "" {
		return
	}
	declared, there := in.parameters[parameter]
	switch {
	case !there:
		p.Add(field, key, "there is no customer parameter %q", parameter)
	case declared.Optional() && in.given != parameter:
		p.Add(field, key, "the customer may leave %q empty: refer to it only in an optional permission with when_parameter = %q, or give it another default", parameter, parameter)
	}
}

// values are the values that references represent.
type values struct {
	account, partition string
	parameter          func(key string) string
}

func (v values) in(text string) string {
	filled := ""
	for _, p := range Pieces(text) {
		switch {
		case p.Account:
			filled += v.account
		case p.Partition:
			filled += v.partition
		case p.Parameter != "":
			filled += v.parameter(p.Parameter)
		default:
			filled += p.Text
		}
	}
	return filled
}

// samples returns values as a customer might enter them. A partition that isn't known
// yet is the commercial one.
func (c Choices) samples(partition account.Partition) values {
	v := values{account: "123456789012", partition: "aws", parameter: func(key string) string { return c.CustomerParameters[key].sample(key) }}
	if !partition.IsZero() {
		v.partition = partition.String()
	}
	return v
}

// longest returns values of the maximum length.
func (c Choices) longest() values {
	return values{account: "123456789012", partition: "aws-us-gov", parameter: func(key string) string {
		return strings.Repeat("x", c.CustomerParameters[key].Longest())
	}}
}

// inPolicies returns the policies with references filled in.
func (v values) inPolicies(policies Policies) Policies {
	filled := make(Policies, len(policies))
	for name, text := range policies {
		filled[name] = v.inPolicy(text)
	}
	return filled
}

// inPolicy returns a document with references filled in. A document without
// references, or one that can't be read, is returned unchanged.
func (v values) inPolicy(text string) string {
	tree, err := Decode([]byte(text))
	if err != nil {
		return text
	}
	found := false
	FillPolicy(tree, func(text string) any {
		for _, p := range Pieces(text) {
			found = found || p.IsReference()
		}
		return v.in(text)
	})
	if !found {
		return text
	}
	return string(encode(tree))
}

// FillPolicy replaces the strings of a policy document that may contain references:
// its resources and the values of its conditions. It changes the document, which must
// come from Decode.
func FillPolicy(document any, fill func(text string) any) any {
	policy, _ := document.(map[string]any)
	for _, statement := range listed(policy["Statement"]) {
		s, _ := statement.(map[string]any)
		for _, name := range []string{"Resource", "NotResource"} {
			fillValue(s, name, fill)
		}
		operators, _ := s["Condition"].(map[string]any)
		for _, operator := range slices.Sorted(maps.Keys(operators)) {
			keys, _ := operators[operator].(map[string]any)
			for _, key := range slices.Sorted(maps.Keys(keys)) {
				fillValue(keys, key, fill)
			}
		}
	}
	return document
}

// fillValue replaces a string, or the strings of a list.
func fillValue(in map[string]any, name string, fill func(text string) any) {
	switch v := in[name].(type) {
	case string:
		in[name] = fill(v)
	case []any:
		for i, element := range v {
			if text, ok := element.(string); ok {
				v[i] = fill(text)
			}
		}
	}
}

func listed(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

func clipped(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return text
}
