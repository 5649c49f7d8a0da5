// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package launch

import (
	"fmt"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// condition is the condition under which a part of the template exists: always, never,
// or if an expression is true.
type condition struct {
	expression string
	not        bool // without an expression: never
}

var always = condition{}

func (c condition) always() bool { return c.expression == "" && !c.not }
func (c condition) never() bool  { return c.expression == "" && c.not }

// condition returns one of the template's conditions by name; "" is always.
func (w *iamWriter) condition(name string) (condition, error) {
	if name == "" {
		return always, nil
	}
	tree, there := w.template.Conditions[name]
	if !there {
		return condition{}, fmt.Errorf("there is no condition %s", name)
	}
	c, err := w.decide(tree)
	if err != nil {
		return condition{}, fmt.Errorf("condition %s: %w", name, err)
	}
	return c, nil
}

// decide returns the condition of a tree of Fn::Equals, with a parameter and a text,
// and Fn::Not.
func (w *iamWriter) decide(tree any) (condition, error) {
	if inner, is := function(tree, "Fn::Not"); is && len(inner) == 1 {
		c, err := w.decide(inner[0])
		if c.expression == "" {
			c.not = !c.not
			return c, err
		}
		if rest, negated := strings.CutPrefix(c.expression, "!"); negated {
			return condition{expression: rest}, err
		}
		if before, after, equals := strings.Cut(c.expression, " == "); equals {
			return condition{expression: before + " != " + after}, err
		}
		return condition{expression: "!" + c.expression}, err
	}
	sides, is := function(tree, "Fn::Equals")
	if !is || len(sides) != 2 {
		return condition{}, fmt.Errorf("only Fn::Equals and Fn::Not are supported")
	}
	reference, _ := sides[0].(map[string]any)
	name, _ := reference["Ref"].(string)
	wanted, plain := sides[1].(string)
	if name == "" || !plain {
		return condition{}, fmt.Errorf("only comparisons of a parameter with a string are supported")
	}
	if value, fixed := w.value(name); fixed {
		return condition{not: value != wanted}, nil
	}
	expression, err := w.ref(name)
	if isSwitch(w.template.Parameters[name].AllowedValues) {
		if wanted == permissionset.SwitchedOff {
			expression = "!" + expression
		}
		return condition{expression: expression}, err
	}
	return condition{expression: expression + " == " + text(wanted)}, err
}

// function returns the arguments of an intrinsic function with the given name; false if
// v is a different value.
func function(v any, name string) ([]any, bool) {
	object, is := v.(map[string]any)
	if !is || len(object) != 1 {
		return nil, false
	}
	arguments, is := object[name].([]any)
	return arguments, is
}

func isNothing(v any) bool {
	object, is := v.(map[string]any)
	return is && object["Ref"] == "AWS::NoValue"
}
