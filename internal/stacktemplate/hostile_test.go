// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// A vendor's text is in the template as it was written, in the place where it was declared. It never
// becomes a function, a resource or a parameter.
func TestTheVendorsTextStaysText(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := hostileSpecification(r)
		if problems := Validate(s); len(problems) > 0 {
			r.Fatalf("refused: %v", problems)
		}
		template := must(Render(s))
		if err := sameAsYAML(template); err != nil {
			r.Fatal(err)
		}
		var tree map[string]any
		if err := json.Unmarshal(template.JSON(), &tree); err != nil {
			r.Fatal(err)
		}
		if got := functions(tree, ""); !slices.Equal(got, ourFunctions) {
			r.Fatalf("the functions of the template changed: %s", cmp.Diff(ourFunctions, got))
		}
		checkDeclared(r, s, tree)
	})
}

// ourFunctions are all functions of the template, whatever the vendor's texts are.
var ourFunctions = []string{
	"/Conditions/ExtraEnabled Fn::Equals [map[Ref:EnableExtra] Yes]",
	"/Conditions/ExtraEnabled/Fn::Equals/0 Ref EnableExtra",
	"/Conditions/PreviousExternalIdGiven Fn::Not [map[Fn::Equals:[map[Ref:PreviousExternalId] ]]]",
	"/Conditions/PreviousExternalIdGiven/Fn::Not/0 Fn::Equals [map[Ref:PreviousExternalId] ]",
	"/Conditions/PreviousExternalIdGiven/Fn::Not/0/Fn::Equals/0 Ref PreviousExternalId",
	"/Outputs/CustomerName/Value Ref CustomerName",
	"/Outputs/ExternalId/Value Ref ExternalId",
	"/Outputs/RoleArn/Value Fn::GetAtt [Role Arn]",
	"/Resources/PhoneHome/Properties/ExternalId Ref ExternalId",
	"/Resources/PhoneHome/Properties/GrantedPermissions/0 Fn::If ExtraEnabled",
	"/Resources/PhoneHome/Properties/GrantedPermissions/0/Fn::If/2 Ref AWS::NoValue",
	"/Resources/PhoneHome/Properties/PreviousExternalId Fn::If PreviousExternalIdGiven",
	"/Resources/PhoneHome/Properties/PreviousExternalId/Fn::If/1 Ref PreviousExternalId",
	"/Resources/PhoneHome/Properties/PreviousExternalId/Fn::If/2 Ref AWS::NoValue",
	"/Resources/PhoneHome/Properties/RoleArn Fn::GetAtt [Role Arn]",
	"/Resources/PhoneHome/Properties/ServiceToken Fn::Join [- [map[Fn::FindInMap:[SupportedRegions map[Ref:AWS::Region] TopicArn]] map[Ref:Shard]]]",
	"/Resources/PhoneHome/Properties/ServiceToken/Fn::Join/1/0 Fn::FindInMap [SupportedRegions map[Ref:AWS::Region] TopicArn]",
	"/Resources/PhoneHome/Properties/ServiceToken/Fn::Join/1/0/Fn::FindInMap/1 Ref AWS::Region",
	"/Resources/PhoneHome/Properties/ServiceToken/Fn::Join/1/1 Ref Shard",
	"/Resources/Role/Properties/AssumeRolePolicyDocument/Statement/0/Condition/StringEquals/sts:ExternalId Fn::If PreviousExternalIdGiven",
	"/Resources/Role/Properties/AssumeRolePolicyDocument/Statement/0/Condition/StringEquals/sts:ExternalId/Fn::If/1/0 Ref ExternalId",
	"/Resources/Role/Properties/AssumeRolePolicyDocument/Statement/0/Condition/StringEquals/sts:ExternalId/Fn::If/1/1 Ref PreviousExternalId",
	"/Resources/Role/Properties/AssumeRolePolicyDocument/Statement/0/Condition/StringEquals/sts:ExternalId/Fn::If/2 Ref ExternalId",
	"/Resources/Role/Properties/ManagedPolicyArns/0 Ref PolicyCore",
	"/Resources/Role/Properties/ManagedPolicyArns/1 Fn::If ExtraEnabled",
	"/Resources/Role/Properties/ManagedPolicyArns/1/Fn::If/2 Ref AWS::NoValue",
	"/Resources/Role/Properties/ManagedPolicyArns/2 Fn::If ExtraEnabled",
	"/Resources/Role/Properties/ManagedPolicyArns/2/Fn::If/1 Ref PolicyMore",
	"/Resources/Role/Properties/ManagedPolicyArns/2/Fn::If/2 Ref AWS::NoValue",
	"/Resources/Role/Properties/Policies/1 Fn::If ExtraEnabled",
	"/Resources/Role/Properties/Policies/1/Fn::If/2 Ref AWS::NoValue",
	"/Resources/Role/Properties/RoleName Ref RoleName",
	"/Rules/ExpectedAccount/Assertions/0/Assert Fn::Or [map[Fn::Equals:[map[Ref:ExpectedAccountId] ]] map[Fn::Equals:[map[Ref:ExpectedAccountId] map[Ref:AWS::AccountId]]]]",
	"/Rules/ExpectedAccount/Assertions/0/Assert/Fn::Or/0 Fn::Equals [map[Ref:ExpectedAccountId] ]",
	"/Rules/ExpectedAccount/Assertions/0/Assert/Fn::Or/0/Fn::Equals/0 Ref ExpectedAccountId",
	"/Rules/ExpectedAccount/Assertions/0/Assert/Fn::Or/1 Fn::Equals [map[Ref:ExpectedAccountId] map[Ref:AWS::AccountId]]",
	"/Rules/ExpectedAccount/Assertions/0/Assert/Fn::Or/1/Fn::Equals/0 Ref ExpectedAccountId",
	"/Rules/ExpectedAccount/Assertions/0/Assert/Fn::Or/1/Fn::Equals/1 Ref AWS::AccountId",
	"/Rules/SupportedRegion/Assertions/0/Assert Fn::Contains [[us-east-1] map[Ref:AWS::Region]]",
	"/Rules/SupportedRegion/Assertions/0/Assert/Fn::Contains/1 Ref AWS::Region",
}

// functions returns the intrinsic functions in a tree, with their places.
func functions(v any, path string) []string {
	var found []string
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			if branches, ok := inner.([]any); ok && key == "Fn::If" {
				found = append(found, fmt.Sprintf("%s %s %v", path, key, branches[0]))
			} else if key == "Ref" || strings.HasPrefix(key, "Fn::") {
				found = append(found, fmt.Sprintf("%s %s %v", path, key, inner))
			}
			found = append(found, functions(inner, path+"/"+key)...)
		}
	case []any:
		for i, inner := range v {
			found = append(found, functions(inner, path+"/"+strconv.Itoa(i))...)
		}
	}
	slices.Sort(found)
	return found
}

func checkDeclared(r *rapid.T, s Specification, tree map[string]any) {
	equal := func(what string, want any, path ...any) {
		if diff := cmp.Diff(want, leaf(tree, path...)); diff != "" {
			r.Fatalf("%s is not as declared: %s", what, diff)
		}
	}
	for _, section := range []string{"Resources", "Parameters", "Mappings", "Rules", "Conditions"} {
		if got, want := len(tree[section].(map[string]any)), map[string]int{"Resources": 4, "Parameters": 7, "Mappings": 1, "Rules": 2, "Conditions": 2}[section]; got != want {
			r.Fatalf("%s has %d entries, not %d", section, got, want)
		}
	}
	role := []any{"Resources", "Role", "Properties"}
	at := func(path ...any) []any { return append(slices.Clone(role), path...) }
	equal("the description", s.Role.Description, at("Description")...)
	equal("the path", s.Role.Path, at("Path")...)
	if s.SupportURL != "" {
		equal("the support URL", s.SupportURL, "Outputs", "SupportUrl", "Value")
	}
	equal("the display name", "Your connection with "+s.DisplayName, "Metadata", "AWS::CloudFormation::Interface", "ParameterGroups", 0, "Label", "default")

	tags := []any{}
	for _, key := range slices.Sorted(maps.Keys(s.Role.Tags)) {
		tags = append(tags, map[string]any{"Key": key, "Value": s.Role.Tags[key]})
	}
	equal("the tags", any(tags), at("Tags")...)
	policies := []any{}
	for _, name := range slices.Sorted(maps.Keys(s.Role.InlinePolicies)) {
		var document any
		if err := json.Unmarshal([]byte(s.Role.InlinePolicies[name]), &document); err != nil {
			r.Fatal(err)
		}
		policies = append(policies, map[string]any{"PolicyName": name, "PolicyDocument": document})
	}
	extra := s.OptionalPermissions["extra"]
	for name, text := range extra.InlinePolicies {
		var document any
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			r.Fatal(err)
		}
		policies = append(policies, map[string]any{"Fn::If": []any{
			"ExtraEnabled", map[string]any{"PolicyName": name, "PolicyDocument": document}, map[string]any{"Ref": "AWS::NoValue"},
		}})
	}
	equal("the inline policies", any(policies), at("Policies")...)
	for id, text := range map[string]string{"PolicyCore": s.Role.ManagedPolicies["core"], "PolicyMore": extra.ManagedPolicies["more"]} {
		var document any
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			r.Fatal(err)
		}
		path := s.Role.Path
		if strings.ContainsAny(path, "!\"#$%&'()*:;<>?[\\]^`{|}~") || strings.Contains(path, "//") {
			path = "/" // IAM accepts such paths only for roles
		}
		equal("the managed policy "+id, map[string]any{"Path": path, "PolicyDocument": document}, "Resources", id, "Properties")
	}
	equal("the optional permission's label", extra.Description, "Metadata", "AWS::CloudFormation::Interface", "ParameterLabels", "EnableExtra", "default")
}

func leaf(v any, path ...any) any {
	for _, step := range path {
		switch key := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[key]
		case int:
			v = v.([]any)[key]
		}
	}
	return v
}

// hostileSpecification returns a specification with texts that have a meaning for one of the parsers:
// JSON, YAML, CloudFormation, goformation, HTML.
func hostileSpecification(r *rapid.T) Specification {
	evil := rapid.SampledFrom([]string{
		`{"Ref":"AWS::AccountId"}`, asFunction(`{"Ref":"AWS::AccountId"}`), asFunction(`{"Fn::GetAtt":["Role","Arn"]}`), asFunction(`{"Fn::Sub":"${AWS::Region}"}`),
		"${AWS::AccountId}", "${!Literal}", "!Ref Role", "!Sub '${AWS::Region}'", "{{x}}", "xacct-hole-0", "xacct-hole-99", "Ref", "Fn::Sub",
		"yes", "null", "~", "0x10", "1e3", "2012-10-17", "012", "- a", "a: b", "# c", "& d", "* e", "'", `"`, `\`, "\\u0000", "<script>", "%", "|", ">", "---", "...", " x ",
		"AWS::NoValue",
	})
	text := func(label string) string {
		return evil.Draw(r, label) + rapid.StringMatching(`[ -~¡-ÿ]{0,12}`).Draw(r, label+"'s end")
	}
	// Names and tags allow fewer characters, but those of base64 are among them.
	word := rapid.SampledFrom([]string{asFunction(`{"Ref":"A"}`), asFunction(`{"Fn::Sub":"x"}`), "Ref", "xacct-hole-1", "true", "null", "0123", "2012-10-17", "="})

	s := minimal("us-east-1")
	s.DisplayName = evil.Draw(r, "display name") + strings.Map(visible, rapid.StringN(0, 40, -1).Draw(r, "display name's end"))
	s.SupportURL = rapid.SampledFrom([]string{"", "https://x.example/${AWS::AccountId}", "mailto:a@b.example?subject={{x}}"}).Draw(r, "support URL")
	s.Role.Description = text("description")
	s.Role.Path = rapid.SampledFrom([]string{"/", "/${AWS::Region}/", "/{\"Ref\":1}/", "/*/"}).Draw(r, "path")
	s.Role.Tags = map[string]string{"one": word.Draw(r, "tag's value"), "k" + word.Draw(r, "tag's key"): ""}
	policy := func(version string) string {
		value := func(label string) string {
			if version == "2008-10-17" { // which has no variables
				return text(label)
			}
			return strings.ReplaceAll(text(label), "${", "${aws:username}${$}{")
		}
		condition := map[string]any{"StringEquals": map[string]any{"aws:PrincipalTag/" + text("condition's key"): []any{value("condition's value"), value("condition's other value"), true, 7}}}
		return string(must(json.Marshal(map[string]any{"Version": version, "Statement": []any{
			map[string]any{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::" + value("resource"), "Condition": condition},
		}})))
	}
	version := rapid.SampledFrom([]string{"2012-10-17", "2008-10-17"}).Draw(r, "policies' version")
	s.Role.InlinePolicies = permissionset.Policies{word.Draw(r, "policy's name"): policy(version)}
	s.Role.ManagedPolicies = permissionset.Policies{"core": policy("2012-10-17")}
	s.OptionalPermissions = map[string]permissionset.OptionalPermission{"extra": {
		Description:       evil.Draw(r, "label") + "x",
		ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/" + word.Draw(r, "managed policy's name")},
		InlinePolicies:    permissionset.Policies{"k" + word.Draw(r, "optional policy's name"): policy(version)},
		ManagedPolicies:   permissionset.Policies{"more": policy("2012-10-17")},
	}}
	return s
}

// visible drops the characters that a display name must not have.
func visible(r rune) rune {
	if permissionset.Invisible(r) {
		return -1
	}
	return r
}
