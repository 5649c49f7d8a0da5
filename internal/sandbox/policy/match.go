// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"fmt"
	"regexp"
	"strings"
)

// The wildcards of a pattern. A pattern is a policy's text in which each
// unescaped "*" or "?" was replaced by one of these runes, so that a star in the
// value of a variable is a literal star.
const (
	anyText rune = '\uE000'
	anyRune rune = '\uE001'
	// anyWithin is a star that matches no colon.
	anyWithin rune = '\uE002'
)

var wildcards = strings.NewReplacer("*", string(anyText), "?", string(anyRune))

// globText reports whether a text matches a pattern whose wildcards are "*" and
// "?".
func globText(pattern, text string) bool { return glob(wildcards.Replace(pattern), text) }

// glob reports whether a text matches a pattern. It uses linear memory and at
// worst quadratic time: it backtracks only to the last star.
func glob(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	i, j, star, mark := 0, 0, -1, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == anyText:
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == anyRune || p[i] == t[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == anyText {
		i++
	}
	return i == len(p)
}

// matchResource reports whether an ARN matches a Resource element. A star at the
// end of a field can match colons, any other star only text within its field. A
// pattern that ends before its sixth field is completed with stars
// (aws-facts 12.3).
func matchResource(pattern, text string) bool {
	if strings.Count(pattern, ":") < 5 && !strings.HasSuffix(pattern, string(anyText)) {
		pattern += ":" + string(anyText)
	}
	p, colons := []rune(pattern), 0
	inside := false // whether the pattern has an anyWithin
	for i, r := range p {
		switch {
		case r == ':':
			colons++
		case r == anyText && colons < 5 && i+1 < len(p) && p[i+1] != ':':
			p[i], inside = anyWithin, true
		}
	}
	if !inside {
		return glob(string(p), text)
	}
	return globWithin(p, []rune(text))
}

// globWithin is glob for patterns with anyWithin. For each rune of the pattern
// it computes which prefixes of the text match the pattern up to there.
func globWithin(pattern, text []rune) bool {
	reached := make([]bool, len(text)+1)
	reached[0] = true
	for _, r := range pattern {
		next := make([]bool, len(text)+1)
		if r == anyText || r == anyWithin {
			next[0] = reached[0]
		}
		for j, t := range text {
			switch r {
			case anyText:
				next[j+1] = reached[j+1] || next[j]
			case anyWithin:
				next[j+1] = reached[j+1] || next[j] && t != ':'
			default:
				next[j+1] = reached[j] && (r == anyRune || r == t)
			}
		}
		reached = next
	}
	return reached[len(text)]
}

// matchARN reports whether an ARN matches a pattern, compared field by field as
// by the Arn… operators: a star matches colons only in the last of the six
// fields. A text with fewer fields is not an ARN and never matches.
func matchARN(pattern, text string) bool {
	p, t := strings.SplitN(pattern, ":", 6), strings.SplitN(text, ":", 6)
	if len(p) < 6 || len(t) < 6 {
		return false
	}
	for i := range p {
		if !glob(p[i], t[i]) {
			return false
		}
	}
	return true
}

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

// expand returns a text with its policy variables replaced, and with its
// wildcards replaced if it is a pattern. found is false if a variable has no
// value: then the text matches nothing. Documents of version 2008-10-17 have no
// variables.
func (q *question) expand(d *Document, text string, pattern bool) (expanded string, found bool, err error) {
	mark := func(s string) string {
		if pattern {
			return wildcards.Replace(s)
		}
		return s
	}
	if d.Version != "2012-10-17" || !strings.Contains(text, "${") {
		return mark(text), true, nil
	}
	var b strings.Builder
	last := 0
	for _, at := range variable.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(mark(text[last:at[0]]))
		value, found, err := q.variable(text[at[2]:at[3]])
		if err != nil || !found {
			return "", false, err
		}
		b.WriteString(value)
		last = at[1]
	}
	b.WriteString(mark(text[last:]))
	return b.String(), true, nil
}

// expandResource is expand for a Resource element, which can have variables only
// after its fifth colon. Before it "${" is literal text, which no ARN contains
// (aws-facts 12.3).
func (q *question) expandResource(d *Document, text string) (expanded string, found bool, err error) {
	fields := strings.SplitN(text, ":", 6)
	if len(fields) < 6 {
		return wildcards.Replace(text), true, nil
	}
	head := strings.Join(fields[:5], ":") + ":"
	expanded, found, err = q.expand(d, fields[5], true)
	return wildcards.Replace(head) + expanded, found, err
}

// variable returns the value of a policy variable such as "aws:username",
// "aws:PrincipalTag/team, 'none'" or "*", an escaped star. It returns an error
// if the sandbox does not implement the key.
func (q *question) variable(name string) (value string, found bool, err error) {
	switch name {
	case "*", "?", "$":
		return name, true, nil
	}
	name, fallback, hasFallback := strings.Cut(name, ",")
	values, known := q.key(strings.TrimSpace(name))
	switch {
	case !known:
		return "", false, fmt.Errorf("the policy variable ${%s} is not implemented", name)
	case len(values) == 1:
		return values[0], true, nil
	case hasFallback:
		return strings.Trim(strings.TrimSpace(fallback), "'"), true, nil
	default:
		return "", false, nil
	}
}
