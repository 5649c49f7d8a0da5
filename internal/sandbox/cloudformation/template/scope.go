// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package template

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Scope has the values with which a template's functions are evaluated.
type Scope struct {
	Region    string
	Partition string
	URLSuffix string
	AccountID string
	StackID   string
	StackName string

	template   *Template
	parameters map[string]any
	conditions map[string]bool

	// Ref and GetAtt return the values of resources that exist. They are nil in
	// conditions and rules, which cannot refer to resources.
	Ref    func(logicalID string) (any, error)
	GetAtt func(logicalID, attribute string) (any, error)
}

// noValue is AWS::NoValue: a property or element with this value is removed.
type noValue struct{}

// Resolve returns a value with every function in it evaluated.
func (s *Scope) Resolve(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if name, argument, ok := function(v); ok {
			return s.call(name, argument)
		}
		out := make(map[string]any, len(v))
		for _, k := range sorted(v) {
			resolved, err := s.Resolve(v[k])
			if err != nil {
				return nil, err
			}
			if resolved != (noValue{}) {
				out[k] = resolved
			}
		}
		return out, nil
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			resolved, err := s.Resolve(e)
			if err != nil {
				return nil, err
			}
			if resolved != (noValue{}) {
				out = append(out, resolved)
			}
		}
		return out, nil
	}
	return v, nil
}

// Properties returns a resource's properties, evaluated.
func (s *Scope) Properties(r Resource) (map[string]any, error) {
	v, err := s.Resolve(r.Properties)
	if err != nil {
		return nil, err
	}
	m, _ := v.(map[string]any)
	return m, nil
}

// function returns the name and argument of an intrinsic function: a map with
// one member, "Ref" or "Fn::…". It returns false for any other map. "Condition"
// is a function only in the Conditions section, because policies have members
// of that name.
func function(m map[string]any) (name string, argument any, ok bool) {
	if len(m) != 1 {
		return "", nil, false
	}
	for name, argument = range m {
	}
	return name, argument, name == "Ref" || strings.HasPrefix(name, "Fn::")
}

// The functions, by where they may be used. The refused ones exist on AWS, but
// the sandbox does not implement them; all others do not exist.
var (
	valueFunctions = []string{
		"Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::Split", "Fn::Select",
		"Fn::If", "Fn::FindInMap", "Fn::Base64",
	}
	conditionFunctions = []string{"Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not"}
	ruleFunctions      = []string{"Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn"}
	refusedFunctions   = []string{
		"Fn::ImportValue", "Fn::GetAZs", "Fn::Cidr", "Fn::Transform", "Fn::Length", "Fn::ToJsonString",
		"Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll", "Fn::GetStackOutput",
	}
)

func (s *Scope) call(name string, argument any) (any, error) {
	switch name {
	case "Ref":
		id, _ := argument.(string)
		return s.ref(id)
	case "Fn::GetAtt":
		id, attribute, err := getAtt(argument)
		if err != nil {
			return nil, err
		}
		return s.getAtt(id, attribute)
	case "Fn::Sub":
		return s.sub(argument)
	case "Fn::Join":
		return s.join(argument)
	case "Fn::Split":
		return s.split(argument)
	case "Fn::Select":
		return s.choose(argument)
	case "Fn::If":
		condition, yes, no, err := ifArguments(argument)
		if err != nil {
			return nil, err
		}
		if s.Ref == nil {
			return nil, errorf("Template format error: Fn::If cannot be used in the Conditions or Rules block of the template")
		}
		if s.conditions[condition] {
			return s.Resolve(yes)
		}
		return s.Resolve(no)
	case "Fn::FindInMap":
		return s.findInMap(argument)
	case "Fn::Base64":
		text, err := s.text(argument, "Fn::Base64")
		return base64.StdEncoding.EncodeToString([]byte(text)), err
	}
	return nil, unknownFunction(name)
}

func unknownFunction(name string) error {
	if slices.Contains(refusedFunctions, name) || strings.HasPrefix(name, "Fn::ForEach::") {
		return refuse("the function " + name)
	}
	return errorf("Template format error: Encountered unsupported function: %s Supported functions are: [%s]", name,
		strings.Join(slices.Concat(valueFunctions[1:], conditionFunctions), ", "))
}

func (s *Scope) ref(name string) (any, error) {
	if v, found := s.pseudo(name); found {
		return v, nil
	}
	if v, found := s.parameters[name]; found {
		return v, nil
	}
	if s.Ref == nil {
		return nil, errorf("Template format error: Unresolved dependencies [%s]. Cannot reference resources in the Conditions or Rules block of the template", name)
	}
	return s.Ref(name)
}

func (s *Scope) getAtt(logicalID, attribute string) (any, error) {
	if s.GetAtt == nil {
		return nil, errorf("Template format error: Unresolved dependencies [%s]. Cannot reference resources in the Conditions or Rules block of the template", logicalID)
	}
	return s.GetAtt(logicalID, attribute)
}

var pseudoParameters = []string{
	"AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition",
	"AWS::Region", "AWS::StackId", "AWS::StackName", "AWS::URLSuffix",
}

func (s *Scope) pseudo(name string) (any, bool) {
	switch name {
	case "AWS::AccountId":
		return s.AccountID, true
	case "AWS::NoValue":
		return noValue{}, true
	case "AWS::NotificationARNs":
		return []any{}, true
	case "AWS::Partition":
		return s.Partition, true
	case "AWS::Region":
		return s.Region, true
	case "AWS::StackId":
		return s.StackID, true
	case "AWS::StackName":
		return s.StackName, true
	case "AWS::URLSuffix":
		return s.URLSuffix, true
	}
	return nil, false
}

// text evaluates an argument that must be a string, number or boolean, and
// returns its text.
func (s *Scope) text(argument any, function string) (string, error) {
	v, err := s.Resolve(argument)
	if err != nil {
		return "", err
	}
	text, ok := scalar(v)
	if !ok {
		return "", errorf("Template error: every %s object must have a String-typed value.", function)
	}
	return text, nil
}

func (s *Scope) join(argument any) (any, error) {
	parts, ok := argument.([]any)
	if !ok || len(parts) != 2 {
		return nil, errorf("Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.")
	}
	delimiter, ok := parts[0].(string)
	if !ok {
		return nil, errorf("Template error: every Fn::Join object requires a string delimiter")
	}
	list, err := s.list(parts[1], "Fn::Join")
	if err != nil {
		return nil, err
	}
	texts := make([]string, 0, len(list))
	for _, e := range list {
		text, ok := scalar(e)
		if !ok {
			return nil, errorf("Template error: every Fn::Join object requires a list of strings to be joined")
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, delimiter), nil
}

func (s *Scope) list(argument any, function string) ([]any, error) {
	v, err := s.Resolve(argument)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		return nil, errorf("Template error: every %s object requires a list", function)
	}
	return list, nil
}

func (s *Scope) split(argument any) (any, error) {
	parts, ok := argument.([]any)
	if !ok || len(parts) != 2 {
		return nil, errorf("Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.")
	}
	delimiter, _ := parts[0].(string)
	if delimiter == "" {
		return nil, errorf("Template error: every Fn::Split object requires a non-empty string delimiter")
	}
	text, err := s.text(parts[1], "Fn::Split")
	if err != nil {
		return nil, err
	}
	var list []any
	for _, part := range strings.Split(text, delimiter) {
		list = append(list, part)
	}
	return list, nil
}

func (s *Scope) choose(argument any) (any, error) {
	parts, ok := argument.([]any)
	if !ok || len(parts) != 2 {
		return nil, errorf("Template error: Fn::Select requires a list argument with two elements: an integer index and a list")
	}
	text, err := s.text(parts[0], "Fn::Select")
	if err != nil {
		return nil, err
	}
	list, err := s.list(parts[1], "Fn::Select")
	if err != nil {
		return nil, err
	}
	index, err := strconv.Atoi(text)
	if err != nil || index < 0 || index >= len(list) {
		return nil, errorf("Template error: Fn::Select cannot select nonexistent value at index %s", text)
	}
	return list[index], nil
}

func (s *Scope) findInMap(argument any) (any, error) {
	parts, ok := argument.([]any)
	if !ok || len(parts) != 3 {
		return nil, errorf("Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value")
	}
	var keys [3]string
	for i, part := range parts {
		text, err := s.text(part, "Fn::FindInMap")
		if err != nil {
			return nil, err
		}
		keys[i] = text
	}
	top, found := s.template.Mappings[keys[0]].(map[string]any)
	if !found {
		return nil, errorf("Template error: Mapping named '%s' is not present in the 'Mappings' section of template.", keys[0])
	}
	second, _ := top[keys[1]].(map[string]any)
	value, found := second[keys[2]]
	if !found {
		return nil, errorf("Template error: Unable to get mapping for %s::%s::%s", keys[0], keys[1], keys[2])
	}
	return value, nil
}

func getAtt(argument any) (logicalID, attribute string, err error) {
	parts, ok := argument.([]any)
	if text, isText := argument.(string); isText {
		logicalID, attribute, ok = strings.Cut(text, ".")
		parts = []any{logicalID, attribute}
	}
	if ok && len(parts) == 2 {
		logicalID, _ = parts[0].(string)
		attribute, _ = parts[1].(string)
		if logicalID != "" && attribute != "" {
			return logicalID, attribute, nil
		}
	}
	return "", "", errorf("Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
}

func ifArguments(argument any) (condition string, yes, no any, err error) {
	parts, ok := argument.([]any)
	if ok && len(parts) == 3 {
		if condition, ok = parts[0].(string); ok {
			return condition, parts[1], parts[2], nil
		}
	}
	return "", nil, nil, errorf("Template error: every Fn::If object requires three arguments, the name of a condition and two values")
}

// Stringify returns a value with the text of every scalar in it, as
// CloudFormation sends the properties of a custom resource (aws-facts 1.4).
func Stringify(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = Stringify(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = Stringify(e)
		}
		return out
	case bool, json.Number:
		text, _ := scalar(v)
		return text
	}
	return v
}
