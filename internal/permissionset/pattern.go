// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// Patterns of customer parameters are evaluated twice: here by Go, and in the
// customer's account by CloudFormation, which uses Java's regular expressions. So only
// syntax with the same meaning in both is accepted. A pattern must also not match
// characters with which a value would be more than a plain string: a wildcard or a
// variable of a policy, or the braces of a reference.

// meaningful are the characters that no value may contain.
const meaningful = `* ? $ { } " \`

func harmless(r rune) bool {
	return r >= ' ' && r < unicode.MaxASCII && !strings.ContainsRune(`*?${}"\`, r)
}

// trimAnchors removes anchors from the ends of the pattern: a pattern always matches
// the whole value.
func trimAnchors(pattern string) string {
	pattern = strings.TrimPrefix(pattern, "^")
	if rest, anchored := strings.CutSuffix(pattern, "$"); anchored && !strings.HasSuffix(rest, `\`) {
		return rest
	}
	return pattern
}

// checkPattern returns an error if a pattern is not supported.
func checkPattern(pattern string) error {
	body := trimAnchors(pattern)
	if err := checkSpelling(body); err != nil {
		return err
	}
	tree, err := syntax.Parse(body, syntax.Perl)
	if err != nil {
		return fmt.Errorf("it is not a valid regular expression: %w", err)
	}
	return checkRunes(tree)
}

// checkSpelling refuses syntax that differs between Java and Go, or that only one of
// them supports.
func checkSpelling(body string) error {
	inClass, classStart := false, 0
	for i := 0; i < len(body); i++ {
		c := body[i]
		switch {
		case c < ' ' || c >= unicode.MaxASCII:
			return fmt.Errorf("it contains %q, but a pattern may contain only printable ASCII", c)
		case c == '\\':
			i++
			if i == len(body) {
				return fmt.Errorf(`it ends in \`)
			}
			if next := body[i]; next != 'd' && next != 'w' && (next >= '0' && next <= '9' || next >= 'A' && next <= 'Z' || next >= 'a' && next <= 'z') {
				return fmt.Errorf(`it contains \%c: only \d and \w have the same meaning everywhere`, next)
			}
		case inClass:
			switch {
			case c == ']' && i > classStart:
				inClass = false
			case c == ']' || c == '[' || c == '^' || c == '&' && i+1 < len(body) && body[i+1] == '&':
				return fmt.Errorf(`it contains %q within [ ], whose meaning differs between engines: write \%c`, c, c)
			case c == '-' && !plainHyphen(body, i, classStart):
				return fmt.Errorf(`it has a hyphen within [ ] that is neither the first, the last nor between two letters or digits: write \-`)
			}
		case c == '[':
			inClass, classStart = true, i+1
		case c == '(' && i+1 < len(body) && body[i+1] == '?' && !strings.HasPrefix(body[i:], "(?:"):
			return fmt.Errorf("it contains a (? group: only (?: has the same meaning everywhere")
		case c == '^' || c == '$':
			return fmt.Errorf("it contains %q in the middle: a pattern always matches the whole value", c)
		}
	}
	return nil
}

func plainHyphen(body string, i, classStart int) bool {
	if i == classStart || i+1 < len(body) && body[i+1] == ']' {
		return true
	}
	return i+1 < len(body) && alphanumeric(body[i-1]) && alphanumeric(body[i+1]) && (i-2 < classStart || body[i-2] != '-')
}

func alphanumeric(c byte) bool { return !notAlphanumeric(rune(c)) }

// checkRunes refuses a pattern that matches a character which no value may contain.
func checkRunes(tree *syntax.Regexp) error {
	refused := func(r rune) error {
		return fmt.Errorf("it allows %q, but a value may contain only printable ASCII without %s: list the allowed characters, such as [a-z0-9-]+", r, meaningful)
	}
	switch tree.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return refused('*')
	case syntax.OpLiteral:
		for _, r := range tree.Rune {
			if !harmless(r) {
				return refused(r)
			}
		}
	case syntax.OpCharClass:
		for i := 0; i+1 < len(tree.Rune); i += 2 {
			for r := tree.Rune[i]; r <= tree.Rune[i+1]; r++ { // it returns at the first character that is not ASCII
				if !harmless(r) {
					return refused(r)
				}
			}
		}
	case syntax.OpNoMatch, syntax.OpEmptyMatch, syntax.OpCapture, syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat, syntax.OpConcat, syntax.OpAlternate:
	default:
		return fmt.Errorf("it contains %s, whose meaning differs between engines: remove it", tree)
	}
	for _, inner := range tree.Sub {
		if err := checkRunes(inner); err != nil {
			return err
		}
	}
	return nil
}

// shortestMatch returns a short string that a pattern matches; x if the pattern is
// empty or invalid.
func shortestMatch(pattern string) string {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || pattern == "" {
		return "x"
	}
	var b strings.Builder
	match(tree, &b)
	if b.Len() == 0 {
		return "x"
	}
	return b.String()
}

func match(tree *syntax.Regexp, b *strings.Builder) {
	switch tree.Op {
	case syntax.OpLiteral:
		b.WriteString(string(tree.Rune))
	case syntax.OpCharClass:
		b.WriteRune(pickRune(tree.Rune))
	case syntax.OpRepeat:
		for range max(tree.Min, 1) {
			match(tree.Sub[0], b)
		}
	case syntax.OpAlternate:
		match(tree.Sub[0], b)
	default:
		for _, inner := range tree.Sub {
			match(inner, b)
		}
	}
}

// pickRune returns a character of a class, preferably a letter or a digit.
func pickRune(ranges []rune) rune {
	for _, wanted := range []rune{'x', 'X', '1'} {
		for i := 0; i+1 < len(ranges); i += 2 {
			if wanted >= ranges[i] && wanted <= ranges[i+1] {
				return wanted
			}
		}
	}
	return slices.Concat(ranges, []rune{'x'})[0]
}
