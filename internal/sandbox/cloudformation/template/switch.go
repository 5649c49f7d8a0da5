// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package template

// Switch is a parameter and the value of it that makes a condition true.
type Switch struct{ Parameter, Value string }

// OnlyIf returns the condition and the value of a list's element that exists
// only if the condition is true: an Fn::If with AWS::NoValue as the other
// value. It returns false for other elements.
func OnlyIf(element any) (condition string, value any, ok bool) {
	m, isMap := element.(map[string]any)
	if !isMap {
		return "", nil, false
	}
	name, argument, isFunction := function(m)
	if !isFunction || name != "Fn::If" {
		return "", nil, false
	}
	condition, value, otherwise, err := ifArguments(argument)
	return condition, value, err == nil && refersTo(otherwise, "AWS::NoValue")
}

// SwitchOf returns the parameter and value that make a condition true. It
// returns false if the condition is not a comparison of one parameter with one
// text.
func (t *Template) SwitchOf(condition string) (Switch, bool) {
	m, isMap := t.Conditions[condition].(map[string]any)
	if !isMap {
		return Switch{}, false
	}
	name, argument, isFunction := function(m)
	sides, isList := argument.([]any)
	if !isFunction || name != "Fn::Equals" || !isList || len(sides) != 2 {
		return Switch{}, false
	}
	value, isText := sides[1].(string)
	for _, p := range t.Parameters {
		if isText && refersTo(sides[0], p.Name) {
			return Switch{Parameter: p.Name, Value: value}, true
		}
	}
	return Switch{}, false
}

func refersTo(v any, name string) bool {
	m, ok := v.(map[string]any)
	return ok && len(m) == 1 && m["Ref"] == name
}
