// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

// CloudFormation's intrinsic functions. goformation has helpers of the same names, but
// those return strings that only its JSON encoding converts to functions.

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

// joined returns what join does, for a function whose value is a list.
func joined(separator string, list function) function {
	return function{"Fn::Join": []any{separator, list}}
}

func contains(list []string, value function) function {
	return function{"Fn::Contains": []any{list, value}}
}

func equals(a, b any) function { return function{"Fn::Equals": []any{a, b}} }

func or(conditions ...function) function { return function{"Fn::Or": conditions} }

func not(condition function) function { return function{"Fn::Not": []any{condition}} }

// when returns a function whose value is the given one if the condition is true.
// Otherwise CloudFormation omits the property, or the element of the list (aws-facts
// 9.1).
func when(condition string, value any) function {
	return function{"Fn::If": []any{condition, value, ref("AWS::NoValue")}}
}
