// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package template

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func known(kind string) bool { return kind == "AWS::IAM::Role" || kind == "Test::Thing" }

func parse(t *testing.T, body string) *Template {
	t.Helper()
	tpl, err := Parse(body, known)
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

func scopeOf(t *testing.T, tpl *Template, values map[string]string) *Scope {
	t.Helper()
	bound, err := tpl.Bind(values)
	if err != nil {
		t.Fatal(err)
	}
	s, err := tpl.NewScope(Scope{
		Region: "eu-west-1", Partition: "aws", URLSuffix: "amazonaws.com", AccountID: "222222222222",
		StackID: "arn:stack", StackName: "access",
	}, bound)
	if err != nil {
		t.Fatal(err)
	}
	s.Ref = func(id string) (any, error) { return "ref-of-" + id, nil }
	s.GetAtt = func(id, attribute string) (any, error) { return id + "/" + attribute, nil }
	return s
}

// thing returns a template in YAML whose resource Thing has the property Value.
func thing(properties string) string {
	return `
Parameters:
  Name: {Type: String, Default: acme}
  Zones: {Type: CommaDelimitedList, Default: "a, b ,c"}
Mappings:
  Sizes:
    eu-west-1: {Small: 1, Names: [x, y]}
Conditions:
  IsAcme: !Equals [!Ref Name, acme]
  IsOther: !Not [!Condition IsAcme]
  Both: !And [!Condition IsAcme, !Or [!Condition IsOther, !Equals [1, "1"]]]
Resources:
  Other: {Type: "Test::Thing"}
  Thing:
    Type: Test::Thing
    Properties:
      Value: ` + properties + "\n"
}

func TestIntrinsicFunctionsAreEvaluated(t *testing.T) {
	for source, want := range map[string]any{
		`!Ref Name`:        "acme",
		`!Ref Zones`:       []any{"a", "b", "c"},
		`!Ref Other`:       "ref-of-Other",
		`!Ref AWS::Region`: "eu-west-1",
		`!Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${Name}-${Other.Arn}-${!Name}"`: "arn:aws:iam::222222222222:role/acme-Other/Arn-${Name}",
		`!Sub ["${A}${Name}", {A: !Ref AWS::URLSuffix}]`:                                         "amazonaws.comacme",
		`!Sub "$ {} ${"`:                                       "$ {} ${",
		`!GetAtt Other.Arn`:                                    "Other/Arn",
		`!GetAtt Other.Outputs.Deep`:                           "Other/Outputs.Deep",
		`{"Fn::GetAtt": [Other, Arn]}`:                         "Other/Arn",
		`!Join ["-", [a, !Ref Name, 1, true]]`:                 "a-acme-1-true",
		`!Join [",", !Ref Zones]`:                              "a,b,c",
		`!Split [":", "a:b"]`:                                  []any{"a", "b"},
		`!Select [1, !Split [":", "a:b"]]`:                     "b",
		`!Select ["2", !Ref Zones]`:                            "c",
		`!If [IsAcme, yes-it-is, no-it-is-not]`:                "yes-it-is",
		`!If [IsOther, a, b]`:                                  "b",
		`!If [Both, a, b]`:                                     "a",
		`[a, !If [IsOther, b, !Ref "AWS::NoValue"], c]`:        []any{"a", "c"},
		`{A: !Ref "AWS::NoValue", B: 1}`:                       map[string]any{"B": "1"},
		`!FindInMap [Sizes, !Ref "AWS::Region", Small]`:        "1",
		`!FindInMap [Sizes, eu-west-1, Names]`:                 []any{"x", "y"},
		`!Base64 hello`:                                        "aGVsbG8=",
		`{Condition: {StringEquals: {"sts:ExternalId": "x"}}}`: map[string]any{"Condition": map[string]any{"StringEquals": map[string]any{"sts:ExternalId": "x"}}},
		`{Condition: Name}`:                                    map[string]any{"Condition": "Name"}, // a plain map, outside of Conditions
		`012345678901`:                                         "012345678901",
		`2012-10-17`:                                           "2012-10-17",
		`"true"`:                                               "true",
	} {
		t.Run(source, func(t *testing.T) {
			tpl := parse(t, thing(source))
			properties, err := scopeOf(t, tpl, nil).Properties(tpl.Resources["Thing"])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, Stringify(properties["Value"])); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestJSONAndYAMLAreParsedToTheSameTemplate(t *testing.T) {
	inJSON := parse(t, `{"Resources": {"Thing": {"Type": "Test::Thing", "Properties": {"A": {"Fn::Sub": "${AWS::Region}"}, "N": 14, "B": true, "L": [1, "1"]}}}}`)
	inYAML := parse(t, "Resources:\n  Thing:\n    Type: Test::Thing\n    Properties: {A: !Sub '${AWS::Region}', N: 14, B: true, L: [1, '1']}\n")
	if diff := cmp.Diff(inJSON.Resources, inYAML.Resources); diff != "" {
		t.Errorf("(-json +yaml):\n%s", diff)
	}
}

func TestScalarsBecomeText(t *testing.T) {
	tpl := parse(t, "Resources:\n  Thing:\n    Type: Test::Thing\n    Properties: {N: 14, F: 1.50, B: true, L: [1, {X: false}], S: '7'}\n")
	want := map[string]any{"N": "14", "F": "1.50", "B": "true", "L": []any{"1", map[string]any{"X": "false"}}, "S": "7"}
	if diff := cmp.Diff(want, Stringify(tpl.Resources["Thing"].Properties)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestInvalidTemplatesReturnCloudFormationsErrors(t *testing.T) {
	resource := "\nResources: {Thing: {Type: 'Test::Thing'}}\n"
	for name, test := range map[string]struct{ body, want string }{
		"JSON":                   {`{"Resources": }`, "Template format error: JSON not well-formed. (line 1, column 15)"},
		"text after the JSON":    {`{"Resources": {}} x`, "JSON not well-formed"},
		"YAML":                   {"Resources: [", "Template format error: YAML not well-formed."},
		"a list":                 {"[]", "unsupported structure"},
		"an empty text":          {"", "well-formed"},
		"no resources":           {"Description: x", "At least one Resources member must be defined."},
		"an unknown section":     {"Resource: {}" + resource, "Invalid template property or properties [Resource]"},
		"a transform":            {"Transform: AWS::Serverless-2016-10-31" + resource, "does not implement the template section Transform"},
		"a version":              {"AWSTemplateFormatVersion: 2010-09-10" + resource, "Invalid template format version"},
		"a long description":     {"Description: " + strings.Repeat("x", 1025) + resource, "'Description' length is greater than 1024."},
		"null":                   {"Resources: {Thing: {Type: 'Test::Thing', Properties: {A: null}}}", "[/Resources/Thing/Properties/A] 'null' values are not allowed in templates"},
		"a dynamic reference":    {thing(`"{{resolve:ssm:/x}}"`), "does not implement dynamic references"},
		"an alias":               {"Resources:\n  A: &a {Type: 'Test::Thing'}\n  B: *a\n", "YAML aliases are not allowed"},
		"a key twice":            {"Resources:\n  A: {Type: 'Test::Thing'}\n  A: {Type: 'Test::Thing'}\n", "Duplicate key"},
		"an unknown type":        {"Resources: {A: {Type: 'AWS::Foo::Bar'}}", "Template format error: Unrecognized resource types: [AWS::Foo::Bar]"},
		"a name":                 {"Resources: {A-B: {Type: 'Test::Thing'}}", "Resource name A-B is non alphanumeric."},
		"no type":                {"Resources: {A: {}}", "must contain a Type member"},
		"an attribute":           {"Resources: {A: {Type: 'Test::Thing', Foo: 1}}", "Invalid template resource property 'Foo'"},
		"a creation policy":      {"Resources: {A: {Type: 'Test::Thing', CreationPolicy: {}}}", "does not implement the resource attribute CreationPolicy"},
		"a deletion policy":      {"Resources: {A: {Type: 'Test::Thing', DeletionPolicy: Keep}}", "Unrecognized DeletionPolicy Keep"},
		"a reference":            {thing("!Ref Missing"), "Unresolved resource dependencies [Missing] in the Resources block of the template"},
		"a Sub":                  {thing(`!Sub "${Missing}"`), "Unresolved resource dependencies [Missing]"},
		"a GetAtt":               {thing("!GetAtt Missing.Arn"), "instance of Fn::GetAtt references undefined resource Missing"},
		"DependsOn":              {"Resources: {A: {Type: 'Test::Thing', DependsOn: B}}", "Unresolved resource dependencies [B]"},
		"an If":                  {thing("!If [Missing, a, b]"), "unresolved condition dependency Missing"},
		"a condition":            {"Resources: {A: {Type: 'Test::Thing', Condition: Missing}}", "Unresolved condition dependency Missing"},
		"an unknown function":    {thing("!Foo x"), "Encountered unsupported function: Fn::Foo"},
		"an import":              {thing("!ImportValue x"), "does not implement the function Fn::ImportValue"},
		"a function among keys":  {thing("{Ref: Name, Other: x}"), "must be the only member"},
		"a parameter's type":     {"Parameters: {A: {Type: Strin}}" + resource, "Unrecognized parameter type: Strin"},
		"an SSM parameter":       {"Parameters: {A: {Type: 'AWS::SSM::Parameter::Value<String>'}}" + resource, "does not implement the parameter type"},
		"a parameter's property": {"Parameters: {A: {Type: String, Pattern: x}}" + resource, "Invalid template parameter property 'Pattern'"},
		"an export":              {"Outputs: {A: {Value: x, Export: {Name: y}}}" + resource, "does not implement exported outputs"},
		"an output":              {"Outputs: {A: {Value: !Ref Missing}}" + resource, "Unresolved resource dependencies [Missing] in the Outputs block of the template"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(test.body, known)
			var own *Error
			if err == nil || !errors.As(err, &own) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one that contains %q", err, test.want)
			}
		})
	}
}

func TestParametersAreChecked(t *testing.T) {
	body := `
Parameters:
  Choice: {Type: String, AllowedValues: [a, b], Default: a}
  Pattern: {Type: String, AllowedPattern: "[a-z]+", Default: x}
  Said: {Type: String, AllowedPattern: "[a-z]+", ConstraintDescription: letters only, Default: x}
  Length: {Type: String, MinLength: 2, MaxLength: 3, Default: xx}
  Number: {Type: Number, MinValue: 1, MaxValue: 2.5, Default: 2}
  Numbers: {Type: List<Number>, Default: "1,2"}
  Empty: {Type: String, Default: ""}
Resources: {Thing: {Type: 'Test::Thing'}}
`
	tpl := parse(t, body)
	for _, test := range []struct{ name, value, want string }{
		{"Choice", "b", ""},
		{"Choice", "c", "Parameter 'Choice' must be one of AllowedValues"},
		{"Pattern", "a1", "Parameter 'Pattern' must match pattern [a-z]+"},
		{"Pattern", "a\nb", "Parameter 'Pattern' must match pattern"},
		{"Said", "1", "Parameter Said failed to satisfy constraint: letters only"},
		{"Length", "x", "must contain at least 2 characters"},
		{"Length", "xxxx", "must contain at most 3 characters"},
		{"Number", "2.5", ""},
		{"Number", "2.6", "must be a number not greater than 2.5"},
		{"Number", "0", "must be a number not less than 1"},
		{"Number", "two", "must be a number."},
		{"Numbers", "1, two", "must be a number."},
		{"Empty", strings.Repeat("x", 4097), "at most 4096 characters"},
		{"Missing", "x", "Parameters: [Missing] do not exist in the template"},
	} {
		_, err := tpl.Bind(map[string]string{test.name: test.value})
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s = %.10q: the error is %v, want one that contains %q", test.name, test.value, err, test.want)
		}
	}
	required := parse(t, "Parameters: {B: {Type: String}, A: {Type: String}}\nResources: {Thing: {Type: 'Test::Thing'}}\n")
	if _, err := required.Bind(nil); err == nil || err.Error() != "Parameters: [A, B] must have values" {
		t.Errorf("the error is %v", err)
	}
}

func TestAFalseAssertionOfARuleIsAnError(t *testing.T) {
	with := func(rule string) string {
		return "Parameters: {Env: {Type: String, Default: prod}, List: {Type: CommaDelimitedList, Default: 'a,b'}}\n" +
			"Rules: {Target: " + rule + "}\nResources: {Thing: {Type: 'Test::Thing'}}\n"
	}
	assert := func(a string) string { return with("{Assertions: [{Assert: " + a + ", AssertDescription: it must}]}") }
	for body, want := range map[string]string{
		assert(`!Equals [!Ref AWS::Region, eu-west-1]`):                                           "",
		assert(`!Equals [!Ref AWS::AccountId, "222222222222"]`):                                   "",
		assert(`!Equals [!Ref AWS::Region, us-east-1]`):                                           "it must",
		assert(`!Contains [[eu-west-1, us-east-1], !Ref "AWS::Region"]`):                          "",
		assert(`!Contains [[us-east-1], !Ref "AWS::Region"]`):                                     "it must",
		assert(`!EachMemberIn [!Ref List, [a, b, c]]`):                                            "",
		assert(`!EachMemberIn [!Ref List, [a]]`):                                                  "it must",
		assert(`!EachMemberEquals [!Ref List, a]`):                                                "it must",
		assert(`!Not [!Or [!Equals [a, b], !Equals [a, c]]]`):                                     "",
		assert(`!RefAll "AWS::EC2::VPC::Id"`):                                                     "does not implement the function Fn::RefAll",
		assert(`!Equals [!GetAtt Thing.Arn, x]`):                                                  "Template",
		with(`{RuleCondition: !Equals [!Ref Env, test], Assertions: [{Assert: !Equals [a, b]}]}`): "",
		with(`{RuleCondition: !Equals [!Ref Env, prod], Assertions: [{Assert: !Equals [a, b]}]}`): "Target failed",
	} {
		t.Run(body, func(t *testing.T) {
			tpl := parse(t, body)
			bound, err := tpl.Bind(nil)
			if err != nil {
				t.Fatal(err)
			}
			s, err := tpl.NewScope(Scope{Region: "eu-west-1", AccountID: "222222222222"}, bound)
			if err != nil {
				t.Fatal(err)
			}
			err = tpl.CheckRules(s)
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("the error is %v, want one that contains %q", err, want)
			}
		})
	}
}

func TestResourcesAreOrderedAfterTheirDependencies(t *testing.T) {
	tpl := parse(t, `
Conditions: {Never: !Equals [a, b]}
Resources:
  A: {Type: "Test::Thing", DependsOn: [B, Off]}
  B: {Type: "Test::Thing", Properties: {X: !GetAtt C.Arn, Y: !If [Never, !Ref Off, z]}}
  C: {Type: "Test::Thing", Properties: {X: {Deep: [!Sub "${D}"]}}}
  D: {Type: "Test::Thing"}
  Off: {Type: "Test::Thing", Condition: Never}
`)
	order, needs, err := tpl.Order(scopeOf(t, tpl, nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"D", "C", "B", "A"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{"A": {"B"}, "B": {"C"}, "C": {"D"}, "D": nil}, needs); diff != "" {
		t.Errorf("needs (-want +got):\n%s", diff)
	}
}

func TestCircularAndUnresolvedDependenciesAreRefused(t *testing.T) {
	for body, want := range map[string]string{
		"Resources: {A: {Type: 'Test::Thing', DependsOn: B}, B: {Type: 'Test::Thing', Properties: {X: !Ref A}}}":                                          "Circular dependency between resources: [A, B]",
		"Conditions: {Never: !Equals [a, b]}\nResources: {A: {Type: 'Test::Thing', Properties: {X: !Ref B}}, B: {Type: 'Test::Thing', Condition: Never}}": "Unresolved resource dependencies [B]",
	} {
		tpl := parse(t, body)
		if _, _, err := tpl.Order(scopeOf(t, tpl, nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one that contains %q", err, want)
		}
	}
	tpl := parse(t, "Conditions: {A: !Condition B, B: !Not [!Condition A]}\nResources: {T: {Type: 'Test::Thing'}}")
	if _, err := tpl.NewScope(Scope{}, nil); err == nil || !strings.Contains(err.Error(), "Circular condition dependency") {
		t.Errorf("the error is %v", err)
	}
}

func TestTheFormFollowsTheInterfaceMetadata(t *testing.T) {
	tpl := parse(t, `
Metadata:
  AWS::CloudFormation::Interface:
    ParameterGroups:
      - {Label: {default: From the vendor}, Parameters: [ExternalId, Gone]}
      - {Label: {default: Nothing here}, Parameters: [Gone]}
    ParameterLabels: {ExternalId: {default: Your external ID}}
Parameters: {Extra: {Type: String}, ExternalId: {Type: String}}
Resources: {T: {Type: 'Test::Thing'}}
`)
	var got []string
	for _, g := range tpl.Form() {
		for _, f := range g.Parameters {
			got = append(got, g.Label+": "+f.Name+" as "+f.Label)
		}
	}
	want := []string{"From the vendor: ExternalId as Your external ID", "Other parameters: Extra as Extra"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzParameters checks that a value that Bind accepts is returned unchanged,
// and that Ref returns a value of the parameter's type that is made of it.
func FuzzParameters(f *testing.F) {
	f.Add("String", "AllowedPattern", "[a-z]+", "abc")
	f.Add("String", "MaxLength", "3", "abcd")
	f.Add("Number", "MinValue", "-1.5e3", "0x10")
	f.Add("Number", "MaxValue", "1e999999999", "1e-999999999")
	f.Add("List<Number>", "MaxValue", "7", "1, 2,,3")
	f.Add("CommaDelimitedList", "Default", "a,b", "")
	f.Fuzz(func(t *testing.T, kind, constraint, limit, value string) {
		if constraint == "Type" {
			return
		}
		body, err := json.Marshal(map[string]any{
			"Parameters": map[string]any{"P": map[string]any{"Type": kind, constraint: limit}},
			"Resources":  map[string]any{"A": map[string]any{"Type": "Test::Thing"}},
		})
		if err != nil {
			return
		}
		tpl, err := Parse(string(body), known)
		if err != nil {
			return
		}
		bound, err := tpl.Bind(map[string]string{"P": value})
		if err != nil {
			if !utf8.ValidString(err.Error()) && utf8.ValidString(value) {
				t.Fatalf("the error is not valid UTF-8: %q", err)
			}
			return
		}
		if bound["P"] != value || len(value) > 4096 {
			t.Fatalf("%q is bound to %q", value, bound["P"])
		}
		s, err := tpl.NewScope(Scope{}, bound)
		if err != nil {
			t.Fatalf("%s with %s %q accepts %q, but NewScope returns: %v", kind, constraint, limit, value, err)
		}
		list, isList := s.parameters["P"].([]any)
		if isList != (kind == "CommaDelimitedList" || kind == "List<Number>") {
			t.Fatalf("the value of a %s is %v", kind, s.parameters["P"])
		}
		for _, e := range list {
			if !strings.Contains(value, e.(string)) {
				t.Fatalf("%q has the element %q", value, e)
			}
		}
	})
}

// FuzzParse checks that no template makes the package panic: a template is read
// from a bucket, and may have any content.
func FuzzParse(f *testing.F) {
	f.Add(thing("!Sub \"${Name}${Other.Arn}\""))
	f.Add(`{"Resources": {"A": {"Type": "Test::Thing", "Properties": {"Fn::If": []}}}}`)
	f.Add("Resources: {A: {Type: 'Test::Thing', Properties: {X: !Select [9, [a]]}}}")
	f.Fuzz(func(t *testing.T, body string) {
		tpl, err := Parse(body, known)
		if err != nil {
			return
		}
		s, err := tpl.NewScope(Scope{}, map[string]string{})
		if err != nil {
			return
		}
		s.Ref = func(id string) (any, error) { return id, nil }
		s.GetAtt = func(id, _ string) (any, error) { return id, nil }
		_ = tpl.CheckRules(s)
		if _, _, err := tpl.Order(s); err != nil {
			return
		}
		for _, r := range tpl.Resources {
			if _, err := s.Properties(r); err == nil && s.Wanted(r.Condition) {
				Stringify(r.Properties)
			}
		}
		tpl.Form()
	})
}
