// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package expr

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
)

func item(t testing.TB, text string) attr.Item {
	t.Helper()
	var i attr.Item
	if err := json.Unmarshal([]byte(text), &i); err != nil {
		t.Fatal(err)
	}
	return i
}

// params returns a value of every type, and a few names.
func params(t testing.TB) *Params {
	return &Params{
		Names: map[string]string{"#name": "name", "#dotted": "a.b", "#zero": "zero"},
		Values: item(t, `{":s":{"S":"bcd"},":b":{"S":"b"},":n":{"N":"5"},":one":{"N":"1"},":ten":{"N":"10"},":bool":{"BOOL":true},
			":null":{"NULL":true},":ss":{"SS":["x","y"]},":x":{"S":"x"},":xset":{"SS":["x"]},":l":{"L":[{"N":"1"}]},":m":{"M":{"k":{"S":"v"}}},
			":S":{"S":"S"},":N":{"S":"N"},":bad":{"S":"XX"}, ":bin":{"B":"AAEC"}}`),
	}
}

const subject = `{"s":{"S":"bcd"},"n":{"N":"5.0"},"bool":{"BOOL":true},"nothing":{"NULL":true},"ss":{"SS":["y","x"]},"ns":{"NS":["1","5"]},
	"l":{"L":[{"N":"1"},{"S":"x"},{"M":{"k":{"S":"v"}}}]},"m":{"M":{"k":{"S":"v"},"deep":{"M":{"n":{"N":"7"}}}}},
	"name":{"S":"reserved"},"a.b":{"S":"dot"},"bin":{"B":"AAECAw=="}}`

func TestConditionsAreEvaluatedAsOnAWS(t *testing.T) {
	subject := item(t, subject)
	for text, want := range map[string]bool{
		"s = :s": true, "s <> :s": false, "n = :n": true, "n = :s": false, "n <> :s": true,
		"n < :ten": true, "n < :n": false, "n <= :n": true, "n > :one": true, "n >= :ten": false, "s > :n": false, "s > :b": true,
		"absent = :n": false, "absent <> :n": true, "absent < :n": false, "absent <> absent2": false,
		"n BETWEEN :one AND :ten": true, "n between :one and :n": true, ":n BETWEEN :one AND n": true, "s BETWEEN :one AND :ten": false,
		"n IN (:one, :ten)": false, "n IN (:one, :n)": true, "n in (:s, m.deep.n, :n)": true,
		"attribute_exists(s)": true, "attribute_exists(absent)": false, "attribute_not_exists(m.absent)": true, "attribute_exists(l[2].k)": true, "attribute_exists(l[3])": false,
		"attribute_type(s, :S)": true, "attribute_type(s, :N)": false, "attribute_type(absent, :S)": false,
		"begins_with(s, :b)": true, "begins_with(s, :x)": false, "begins_with(n, :b)": false, "begins_with(bin, :bin)": true,
		"contains(s, :b)": true, "contains(ss, :x)": true, "contains(ss, :b)": false, "contains(ns, :n)": true, "contains(l, :one)": true, "contains(l, :m)": true, "contains(l, :n)": false,
		"size(s) = :n": false, "size(ss) < :n": true, "size(l) > size(ss)": true, "size(n) = :one": false, "size(m) <> :n": true,
		"m = :m": false, "l[2] = :m": true, "ss = :ss": true, "nothing = :null": true, "bool = :bool": true,
		"#name = :s": false, "attribute_exists(#dotted)": true, "m.deep.n > :n": true, "m.#name = :s": false,
		"s = :s AND n = :one OR bool = :bool": true, "s = :s AND (n = :one OR bool = :bool)": true, "NOT s = :s OR n = :n": true,
		"NOT (s = :s OR n = :n)": false, "not not s = :s": true, "n = :one OR s = :s AND bool = :null": false,
	} {
		t.Run(text, func(t *testing.T) {
			c, err := ParseCondition(text, params(t))
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Holds(subject); got != want {
				t.Errorf("got %t, want %t", got, want)
			}
		})
	}
}

func TestAnInvalidConditionIsRefusedWithDynamoDBsMessage(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "can not be empty",
		"s = ":                        `Syntax error; token: "<EOF>", near: "="`,
		"s == :s":                     `Syntax error; token: "=", near: "== :s"`,
		"s = :s AND":                  "Syntax error",
		"s = :s n = :n":               `token: "n"`,
		"s":                           "Syntax error",
		"(s = :s":                     "Syntax error",
		"s = :s)":                     "Syntax error",
		"((s = :s))":                  "redundant parentheses",
		"s = :undefined":              "An expression attribute value used in expression is not defined; attribute value: :undefined",
		"#undefined = :s":             "An expression attribute name used in the document path is not defined; attribute name: #undefined",
		"name = :s":                   "Attribute name is a reserved keyword; reserved keyword: name",
		"Status = :s":                 "reserved keyword: Status",
		"s = 'x'":                     "Syntax error",
		"s = 5":                       "Syntax error",
		"l[-1] = :s":                  "Syntax error",
		"l[99999999999] = :s":         "Syntax error",
		"s = s":                       "first operand must be distinct",
		"s < :bool":                   "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
		"n BETWEEN :ten AND :one":     "upper bound to be greater than or equal to lower bound",
		"n BETWEEN :s AND :one":       "same data type",
		"n BETWEEN :l AND :one":       "Incorrect operand type",
		"begins_with(s, :n)":          "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
		"begins_with(s)":              "Incorrect number of operands",
		"attribute_exists(s, n)":      "Incorrect number of operands",
		"attribute_exists(:s)":        "requires a document path",
		"attribute_type(s, :bad)":     "Invalid attribute type name found; type: XX",
		"attribute_type(s, :n)":       "Incorrect operand type",
		"Attribute_Exists(s)":         "Invalid function name; function: Attribute_Exists",
		"if_not_exists(s, :s)":        "not allowed in a condition expression",
		"size(:n) = :n":               "Incorrect operand type",
		"size(s)":                     "Syntax error",
		"attribute_exists(s) = :bool": "Syntax error",
		"s = contains(s, :s)":         "not allowed to be used this way",
		"n IN ()":                     "Syntax error",
		"s = :s" + strings.Repeat(" OR s = :s", 500):  "Expression size has exceeded",
		"n IN (:n" + strings.Repeat(",:n", 100) + ")": "Invalid operand count for operator IN",
		"_a = :s": "Syntax error",
		"é = :s":  "Syntax error",
	} {
		t.Run(text[:min(40, len(text))], func(t *testing.T) {
			_, err := ParseCondition(text, params(t))
			var wrong Error
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want an error with %q", err, want)
			}
		})
	}
}

func TestUpdatesAreAppliedAsOnAWS(t *testing.T) {
	for text, want := range map[string]string{
		"SET s = :b":                                            `{"s":{"S":"b"}}`,
		"set n = n + :one":                                      `{"n":{"N":"6"}}`,
		"SET n = n - :ten":                                      `{"n":{"N":"-5"}}`,
		"SET n = if_not_exists(n, :one) + :ten":                 `{"n":{"N":"15"}}`,
		"SET fresh = if_not_exists(fresh, :one)":                `{"fresh":{"N":"1"}}`,
		"SET fresh = :n + :one":                                 `{"fresh":{"N":"6"}}`,
		"SET s = n, n = s":                                      `{"s":{"N":"5"},"n":{"S":"bcd"}}`,
		"SET ls = list_append(ls, :l)":                          `{"ls":{"L":[{"S":"a"},{"S":"b"},{"S":"c"},{"N":"1"}]}}`,
		"SET ls = list_append(:l, ls)":                          `{"ls":{"L":[{"N":"1"},{"S":"a"},{"S":"b"},{"S":"c"}]}}`,
		"SET fresh = list_append(if_not_exists(fresh, :l), :l)": `{"fresh":{"L":[{"N":"1"},{"N":"1"}]}}`,
		"SET ls[1] = :n":                                        `{"ls":{"L":[{"S":"a"},{"N":"5"},{"S":"c"}]}}`,
		"SET ls[7] = :n":                                        `{"ls":{"L":[{"S":"a"},{"S":"b"},{"S":"c"},{"N":"5"}]}}`,
		"SET m.k = :n, m.fresh = m":                             `{"m":{"M":{"k":{"N":"5"},"fresh":{"M":{"k":{"S":"v"}}}}}}`,
		"REMOVE s, absent":                                      `{"s":null}`,
		"REMOVE m.k":                                            `{"m":{"M":{}}}`,
		"REMOVE ls[0], ls[2]":                                   `{"ls":{"L":[{"S":"b"}]}}`,
		"REMOVE ls[9]":                                          `{}`,
		"SET ls[1] = :n REMOVE ls[0]":                           `{"ls":{"L":[{"N":"5"},{"S":"c"}]}}`,
		"ADD n :ten":                                            `{"n":{"N":"15"}}`,
		"ADD fresh :ten":                                        `{"fresh":{"N":"10"}}`,
		"ADD ss :xset":                                          `{"ss":{"SS":["b","x"]}}`,
		"ADD fresh :xset":                                       `{"fresh":{"SS":["x"]}}`,
		"DELETE ss :xset":                                       `{}`,
		"DELETE xs :ss":                                         `{"xs":null}`,
		"DELETE absent :ss":                                     `{}`,
		"SET s = :b REMOVE n ADD fresh :one DELETE xs :xset": `{"s":{"S":"b"},"n":null,"fresh":{"N":"1"},"xs":null}`,
	} {
		t.Run(text, func(t *testing.T) {
			before := item(t, `{"s":{"S":"bcd"},"n":{"N":"5"},"ls":{"L":[{"S":"a"},{"S":"b"},{"S":"c"}]},"m":{"M":{"k":{"S":"v"}}},"ss":{"SS":["b"]},"xs":{"SS":["x"]}}`)
			kept := before.Clone()
			u, err := ParseUpdate(text, params(t))
			if err != nil {
				t.Fatal(err)
			}
			got, err := u.Apply(before)
			if err != nil {
				t.Fatal(err)
			}
			if !before.Equal(kept) {
				t.Error("the update changed the item that it was given")
			}
			if diff := cmp.Diff(changed(t, kept, want), asJSON(t, got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// changed returns an item with some attributes replaced, or removed if they are
// null.
func changed(t *testing.T, before attr.Item, changes string) map[string]any {
	out := asJSON(t, before)
	var c map[string]any
	if err := json.Unmarshal([]byte(changes), &c); err != nil {
		t.Fatal(err)
	}
	for name, v := range c {
		if out[name] = v; v == nil {
			delete(out, name)
		}
	}
	return out
}

func asJSON(t *testing.T, i attr.Item) map[string]any {
	t.Helper()
	b, err := json.Marshal(i)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnInvalidUpdateIsRefusedWithDynamoDBsMessage(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "can not be empty",
		"s = :s":                        "Syntax error",
		"SET":                           "Syntax error",
		"SET s":                         "Syntax error",
		"SET s = :s,":                   "Syntax error",
		"SET s = :s SET n = :n":         `The "SET" section can only be used once`,
		"SET s = :s, s = :n":            "Two document paths overlap",
		"SET m = :m REMOVE m.k":         "Two document paths overlap",
		"SET m.k = :s, m[0] = :s":       "Two document paths conflict",
		"SET s = :s + :one":             "Incorrect operand type for operator or function; operator or function: +, operand type: S",
		"SET s = list_append(:s, :l)":   "operator or function: list_append, operand type: S",
		"SET s = if_not_exists(:s, :n)": "requires a document path",
		"SET s = size(n)":               "not allowed in an update expression",
		"SET s = foo(n)":                "Invalid function name; function: foo",
		"SET name = :s":                 "reserved keyword: name",
		"ADD s :s":                      "operator: ADD, operand type: STRING",
		"DELETE s :n":                   "operator: DELETE, operand type: NUMBER",
		"REMOVE :s":                     "Syntax error",
		"CLEAR s":                       "Syntax error",
		// These are found only during execution:
		"SET fresh = absent": "refers to an attribute that does not exist in the item",
		"SET absent.k = :s":  "document path provided in the update expression is invalid",
		"SET s.k = :s":       "document path provided in the update expression is invalid",
		"SET s[0] = :s":      "document path provided in the update expression is invalid",
		"SET n = n + s":      "incorrect data type",
		"ADD s :one":         "incorrect data type",
		"ADD n :ss":          "incorrect data type",
		"DELETE n :ss":       "incorrect data type",
	} {
		t.Run(text, func(t *testing.T) {
			u, err := ParseUpdate(text, params(t))
			if err == nil {
				_, err = u.Apply(item(t, subject))
			}
			var wrong Error
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want an error with %q", err, want)
			}
		})
	}
}

func TestAKeyConditionSelectsOnePartition(t *testing.T) {
	inRange := item(t, `{"n":{"N":"5"}}`)
	for text, want := range map[string]bool{
		"pk = :s": true, "pk = :s AND n = :n": true, "n < :n AND pk = :s": false, "pk = :s AND n BETWEEN :one AND :ten": true, "(pk = :s) AND (n >= :n)": true,
	} {
		k, err := ParseKeyCondition(text, params(t), "pk", "n")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if k.Hash.Text != "bcd" || k.Holds(inRange) != want {
			t.Errorf("%s: hash %s, holds %t", text, k.Hash.Describe(), k.Holds(inRange))
		}
	}
	for text, want := range map[string]string{
		"n = :n":                          "Query condition missed key schema element: pk",
		"pk < :s":                         "Query key condition not supported",
		"begins_with(pk, :s)":             "Query key condition not supported",
		"pk = :s AND another = :n":        "Query condition missed key schema element: n",
		"pk = :s OR n = :n":               "Invalid operator used in KeyConditionExpression: OR",
		"pk = :s AND NOT n = :n":          "Invalid operator used in KeyConditionExpression: NOT",
		"pk = :s AND n IN (:n)":           "Invalid operator used in KeyConditionExpression: IN",
		"pk = :s AND n <> :n":             "Unsupported operator",
		"pk = :s AND contains(n, :n)":     "Invalid operator used in KeyConditionExpression: contains",
		"pk = :s AND n > :n AND n < :ten": "must only contain one condition per key",
		"pk = :s AND pk = :b":             "must only contain one condition per key",
		"pk = n":                          "right operand must be an expression attribute value",
		"pk.x = :s":                       "nested attributes",
		":s = pk":                         "right operand must be",
		":s = :b":                         "left operand must be a key attribute",
	} {
		if _, err := ParseKeyCondition(text, params(t), "pk", "n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", text, err, want)
		}
	}
}

func TestUnusedOrMisnamedPlaceholdersAreRefused(t *testing.T) {
	p := &Params{Names: map[string]string{"#a": "a", "#b": "b"}, Values: item(t, `{":v":{"S":"x"},":w":{"S":"y"}}`)}
	if _, err := ParseCondition("#a = :v", p); err != nil {
		t.Fatal(err)
	}
	if err := p.Unused(); err == nil || !strings.Contains(err.Error(), "ExpressionAttributeNames unused in expressions: keys: {#b}") {
		t.Errorf("got %v", err)
	}
	if _, err := ParseProjection("#b", p); err != nil {
		t.Fatal(err)
	}
	if err := p.Unused(); err == nil || !strings.Contains(err.Error(), "ExpressionAttributeValues unused in expressions: keys: {:w}") {
		t.Errorf("got %v", err)
	}
	for want, p := range map[string]Params{
		"ExpressionAttributeNames must not be empty":                              {Names: map[string]string{}},
		"ExpressionAttributeValues must not be empty":                             {Values: attr.Item{}},
		`ExpressionAttributeNames contains invalid key: Syntax error; key: "a"`:   {Names: map[string]string{"a": "a"}},
		`ExpressionAttributeValues contains invalid key: Syntax error; key: ":"`:  {Values: attr.Item{":": attr.Str("x")}},
		`ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-"`: {Names: map[string]string{"#a-": "a"}},
	} {
		if err := p.Check(true); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := (&Params{Names: map[string]string{"#a": "a"}}).Check(false); err == nil {
		t.Error("names without an expression were accepted")
	}
}

// FuzzExpressions checks that no text makes a parser or an evaluator panic, and
// that the result of an update is a valid item.
func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{
		"s = :s AND (n < :n OR NOT contains(ss, :x))", "size(l) BETWEEN :one AND :ten", "n IN (:n, :one)", "attribute_type(m.deep.n, :N)",
		"SET n = if_not_exists(n, :one) + :ten, l[0] = :s REMOVE ss, l[1] ADD fresh :one DELETE ss :xset",
		"SET l = list_append(l, :l)", "#name, m.deep, l[2].k", "pk = :s AND begins_with(s, :b)", "((s = :s))", "REMOVE l[0], l[1], l[2]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		before := item(t, subject)
		kept := before.Clone()
		if c, err := ParseCondition(text, params(t)); err == nil {
			c.Holds(before)
			c.Holds(nil)
			c.Attributes()
		}
		if k, err := ParseKeyCondition(text, params(t), "s", "n"); err == nil {
			k.Holds(before)
			k.SortOperands()
		}
		if p, err := ParseProjection(text, params(t)); err == nil {
			p.Apply(before)
		}
		if u, err := ParseUpdate(text, params(t)); err == nil {
			if after, err := u.Apply(before); err == nil {
				if _, err := json.Marshal(after); err != nil {
					t.Fatalf("%q resulted in an item that cannot be encoded: %v", text, err)
				}
				u.Touched(after)
			}
		}
		if !before.Equal(kept) {
			t.Fatalf("%q changed the item that it was given", text)
		}
	})
}
