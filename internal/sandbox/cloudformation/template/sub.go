// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package template

import "strings"

// sub evaluates Fn::Sub: a text, or a text and the values of its own
// variables.
func (s *Scope) sub(argument any) (any, error) {
	text, own, err := subArguments(argument)
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	for _, piece := range subPieces(text) {
		if !piece.variable {
			out.WriteString(piece.text)
			continue
		}
		value, err := s.subVariable(piece.text, own)
		if err != nil {
			return nil, err
		}
		valueText, ok := scalar(value)
		if !ok {
			return nil, errorf("Template error: variable %s in Fn::Sub expression does not resolve to a string", piece.text)
		}
		out.WriteString(valueText)
	}
	return out.String(), nil
}

func (s *Scope) subVariable(name string, own map[string]any) (any, error) {
	if v, found := own[name]; found {
		return s.Resolve(v)
	}
	if logicalID, attribute, found := strings.Cut(name, "."); found {
		return s.getAtt(logicalID, attribute)
	}
	return s.ref(name)
}

func subArguments(argument any) (text string, own map[string]any, err error) {
	if text, ok := argument.(string); ok {
		return text, nil, nil
	}
	if parts, ok := argument.([]any); ok && len(parts) == 2 {
		text, isText := parts[0].(string)
		own, isMap := parts[1].(map[string]any)
		if isText && isMap {
			return text, own, nil
		}
	}
	return "", nil, errorf("Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string")
}

type subPiece struct {
	text     string
	variable bool
}

// subPieces splits "a ${B} ${!C}" into text and variables; "${!C}" is the text
// "${C}".
func subPieces(text string) []subPiece {
	var pieces []subPiece
	for {
		before, rest, found := strings.Cut(text, "${")
		pieces = append(pieces, subPiece{text: before})
		if !found {
			return pieces
		}
		name, after, closed := strings.Cut(rest, "}")
		switch literal, isLiteral := strings.CutPrefix(name, "!"); {
		case !closed:
			return append(pieces, subPiece{text: "${" + rest})
		case isLiteral:
			pieces = append(pieces, subPiece{text: "${" + literal + "}"})
		default:
			pieces = append(pieces, subPiece{text: strings.TrimSpace(name), variable: true})
		}
		text = after
	}
}
