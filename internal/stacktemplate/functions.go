// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

// The intrinsic functions of our templates. goformation has helpers of the same
// names, but theirs are strings that only its JSON step turns into functions.

type function map[string]any

func ref(name string) function { return function{"Ref": name} }

func getAtt(logicalID, attribute string) function {
	return function{"Fn::GetAtt": []any{logicalID, attribute}}
}

func findInMap(mapping string, key function, attribute string) function {
	return function{"Fn::FindInMap": []any{mapping, key, attribute}}
}

func join(separator string, parts ...any) function {
	return function{"Fn::Join": []any{separator, parts}}
}

// joined is join for a function that gives a list.
func joined(separator string, list function) function {
	return function{"Fn::Join": []any{separator, list}}
}

func contains(list []string, value function) function {
	return function{"Fn::Contains": []any{list, value}}
}

func equals(a, b any) function { return function{"Fn::Equals": []any{a, b}} }

func or(conditions ...function) function { return function{"Fn::Or": conditions} }

func not(condition function) function { return function{"Fn::Not": []any{condition}} }

// when gives the value if the condition holds, and otherwise nothing: the
// property, or the element of the list, is then not there (aws-facts 9.1).
func when(condition string, value any) function {
	return function{"Fn::If": []any{condition, value, ref("AWS::NoValue")}}
}
