// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package account

import (
	"encoding"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// parsed is the interface that all values of this package implement.
type parsed interface {
	fmt.Stringer
	encoding.TextMarshaler
	IsZero() bool
}

// parsers holds the parser of each type, by the type's name.
var parsers = map[string]func(string) (parsed, error){
	"account ID":      func(s string) (parsed, error) { return ParseID(s) },
	"external ID":     func(s string) (parsed, error) { return ParseExternalID(s) },
	"organization ID": func(s string) (parsed, error) { return ParseOrganizationID(s) },
	"partition":       func(s string) (parsed, error) { return ParsePartition(s) },
	"Region":          func(s string) (parsed, error) { return ParseRegion(s) },
	"role ARN":        func(s string) (parsed, error) { return ParseRoleARN(s) },
	"policy ARN":      func(s string) (parsed, error) { return ParsePolicyARN(s) },
	"topic ARN":       func(s string) (parsed, error) { return ParseTopicARN(s) },
	"stack ARN":       func(s string) (parsed, error) { return ParseStackARN(s) },
	"bus ARN":         func(s string) (parsed, error) { return ParseEventBusARN(s) },
	"key ARN":         func(s string) (parsed, error) { return ParseKMSKeyARN(s) },
}

var good = map[string][]string{
	"account ID":      {"123456789012", "000000000000"},
	"external ID":     {"ab", "a_b+c=d,e.f@g:h/i-j", strings.Repeat("x", 1224)},
	"organization ID": {"o-a1b2c3d4e5", "o-" + strings.Repeat("z", 32)},
	"partition":       {"aws", "aws-us-gov", "aws-cn", "aws-eusc"},
	"Region":          {"us-east-1", "ap-southeast-7", "mx-central-1", "il-central-1", "us-gov-west-1", "cn-northwest-1", "eusc-de-east-1"},
	"role ARN": {
		"arn:aws:iam::123456789012:role/Name",
		"arn:aws-cn:iam::123456789012:role/a/b+c/Name_+=,.@-",
		"arn:aws-us-gov:iam::123456789012:role/" + strings.Repeat("p", 510) + "/" + strings.Repeat("n", 64),
	},
	"policy ARN": {
		"arn:aws:iam::aws:policy/SecurityAudit",
		"arn:aws-eusc:iam::aws:policy/job-function/ViewOnlyAccess",
		"arn:aws:iam::123456789012:policy/team/" + strings.Repeat("n", 128),
	},
	"topic ARN": {"arn:aws:sns:eu-central-1:123456789012:xacct-acme-0", "arn:aws-cn:sns:cn-north-1:123456789012:T_1"},
	"stack ARN": {
		"arn:aws:cloudformation:us-east-1:123456789012:stack/acme-access/1a2b3c4d-5e6f-11ee-be56-0242ac120002",
		"arn:aws-us-gov:cloudformation:us-gov-east-1:123456789012:stack/A/0",
	},
	"bus ARN": {
		"arn:aws:events:eu-central-1:123456789012:event-bus/default",
		"arn:aws-cn:events:cn-north-1:123456789012:event-bus/of.my-own_1",
	},
	"key ARN": {
		"arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		"arn:aws-cn:kms:cn-north-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab",
	},
}

func TestAParsedValueFormatsAsItsText(t *testing.T) {
	for kind, texts := range good {
		for _, text := range texts {
			v, err := parsers[kind](text)
			if err != nil {
				t.Errorf("%s: %v", kind, err)
				continue
			}
			marshalled, err := v.MarshalText()
			if v.String() != text || string(marshalled) != text || err != nil || v.IsZero() {
				t.Errorf("%s: %s became %s and %s, %v", kind, text, v, marshalled, err)
			}
		}
	}
}

func TestAnInvalidValueIsAShortError(t *testing.T) {
	for kind, texts := range map[string][]string{
		"account ID":      {"12345678901", "1234567890123", "12345678901a", "１２３４５６７８９０１２", "123456789012\n", " 123456789012"},
		"external ID":     {"a", strings.Repeat("x", 1225), "a b", "a*", "a\n", "ü-ü", "${aws:x}"},
		"organization ID": {"o-a1b2c3d4e", "o-" + strings.Repeat("z", 33), "o-A1B2C3D4E5", "r-ab12", "ou-ab12-a1b2c3d4", "a1b2c3d4e5", "o-a1b2c3d4e5\n", "o-*", "o-a1b2c3d4e*"},
		"partition":       {"AWS", "aws-iso", "aws-iso-b", "aws "},
		"Region":          {"us-east", "us-east-1a", "US-EAST-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "xx-east-1", "us-east-1.evil.example", "us-east-1\n", "us-east-100"},
		"role ARN": {
			"arn:aws:iam::123456789012:role/", "arn:aws:iam::123456789012:role//Name", "arn:aws:iam::123456789012:user/Name",
			"arn:aws:iam::123456789012:root", "arn:aws:iam:us-east-1:123456789012:role/Name", "arn:aws:iam::12345678901:role/Name",
			"arn:aws:iam::aws:role/Name", "arn:aws-iso:iam::123456789012:role/Name", "arn:aws:sts::123456789012:assumed-role/Name/session",
			"arn:aws:iam::123456789012:role/Na*me", "arn:aws:iam::123456789012:role/" + strings.Repeat("n", 65), "arn:aws:iam::123456789012:role/" + strings.Repeat("p", 512) + "/N",
			"arn:aws:iam::123456789012:role/a b/Name", "role/Name", "arn:aws:iam::123456789012", "arn:aws:iam::123456789012:role/Name\n",
			"arn:aws:iam::123456789012:role/" + strings.Repeat("a/", 5000) + "N",
		},
		"policy ARN": {
			"arn:aws:iam::aws:role/Name", "arn:aws:iam::aws:policy/", "arn:aws:iam::AWS:policy/Name", "arn:aws:iam::aws:policy/a b",
			"arn:aws:iam:us-east-1:aws:policy/Name", "arn:aws:iam::12:policy/Name", "arn:aws:iam::aws:policy//Name", "SecurityAudit",
			"arn:aws:iam::aws:policy/" + strings.Repeat("n", 129),
		},
		"topic ARN": {
			"arn:aws:sns::123456789012:T", "arn:aws-cn:sns:us-east-1:123456789012:T", "arn:aws:sns:us-east-1:123456789012:T.fifo",
			"arn:aws:sns:us-east-1:123456789012:T:0a1b2c3d-subscription", "arn:aws:sqs:us-east-1:123456789012:T", "arn:aws:sns:us-east-1:123456789012:",
			"arn:aws:sns:moon-1:123456789012:T",
		},
		"bus ARN": {
			"arn:aws:events:us-east-1:123456789012:event-bus/", "arn:aws:events:us-east-1:123456789012:rule/default",
			"arn:aws:events::123456789012:event-bus/default", "arn:aws:events:cn-north-1:123456789012:event-bus/default",
			"arn:aws:events:us-east-1:123456789012:event-bus/aws.partner/example.com/x", "arn:aws:events:us-east-1::event-bus/default",
			"arn:aws:sns:us-east-1:123456789012:event-bus/default", "default", "arn:aws:events:us-east-1:123456789012:event-bus/a b",
		},
		"key ARN": {
			"arn:aws:kms:us-east-1:123456789012:alias/hub", "arn:aws:kms:us-east-1:123456789012:key/", "arn:aws:kms:us-east-1:123456789012:key/*",
			"arn:aws:kms::123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", "arn:aws:kms:us-east-1::key/1234abcd-12ab-34cd-56ef-1234567890ab",
			"1234abcd-12ab-34cd-56ef-1234567890ab", "arn:aws:kms:us-east-1:123456789012:key/1234ABCD-12AB-34CD-56EF-1234567890AB",
		},
		"stack ARN": {
			"arn:aws:cloudformation:us-east-1:123456789012:stack/S", "arn:aws:cloudformation:us-east-1:123456789012:stack/S/",
			"arn:aws:cloudformation:us-east-1:123456789012:stack/S/0/1", "arn:aws:cloudformation:us-east-1:123456789012:stackset/S/0",
			"arn:aws:cloudformation::123456789012:stack/S/0", "arn:aws:cloudformation:us-east-1:123456789012:stack/1S/0",
			"arn:aws:cloudformation:us-east-1:123456789012:stack/S/0|x", "arn:aws:cloudformation:cn-north-1:123456789012:stack/S/0",
		},
	} {
		for _, text := range append(texts, "", "arn:::::\n", strings.Repeat("x", 100_000)) {
			v, err := parsers[kind](text)
			if err == nil {
				t.Errorf("%s: %.200q is accepted", kind, text)
				continue
			}
			if !v.IsZero() || v.String() != "" {
				t.Errorf("%s: %.200q returned %s", kind, text, v)
			}
			if len(err.Error()) > 1500 {
				t.Errorf("%s: the message has %d bytes", kind, len(err.Error()))
			}
		}
	}
}

func TestAnARNIsParsedIntoItsParts(t *testing.T) {
	role, err := ParseRoleARN("arn:aws-cn:iam::123456789012:role/a/b/Name")
	if err != nil || role.Path != "/a/b/" || role.Name != "Name" || role.Account.String() != "123456789012" || role.Partition.String() != "aws-cn" {
		t.Errorf("%+v, %v", role, err)
	}
	byAWS, err := ParsePolicyARN("arn:aws:iam::aws:policy/job-function/ViewOnlyAccess")
	if err != nil || !byAWS.Account.IsZero() || byAWS.Path != "/job-function/" || byAWS.Name != "ViewOnlyAccess" {
		t.Errorf("%+v, %v", byAWS, err)
	}
	topic, err := ParseTopicARN("arn:aws:sns:eu-west-1:123456789012:T")
	if err != nil || topic.Region.String() != "eu-west-1" || topic.Name != "T" {
		t.Errorf("%+v, %v", topic, err)
	}
	stack, err := ParseStackARN("arn:aws:cloudformation:eu-west-1:123456789012:stack/S/0a-1b")
	if err != nil || stack.Name != "S" || stack.GUID != "0a-1b" || stack.Region.Partition().String() != "aws" {
		t.Errorf("%+v, %v", stack, err)
	}
}

func TestEveryPartitionHasItsHostNames(t *testing.T) {
	for region, want := range map[string][3]string{
		"eu-north-1":     {"aws", "amazonaws.com", "console.aws.amazon.com"},
		"us-gov-east-1":  {"aws-us-gov", "amazonaws.com", "console.amazonaws-us-gov.com"},
		"cn-north-1":     {"aws-cn", "amazonaws.com.cn", "console.amazonaws.cn"},
		"eusc-de-east-1": {"aws-eusc", "amazonaws.eu", "console.amazonaws-eusc.eu"},
	} {
		r, err := ParseRegion(region)
		if err != nil {
			t.Fatal(err)
		}
		p := r.Partition()
		if got := [3]string{p.String(), p.DNSSuffix(), p.ConsoleHost()}; got != want {
			t.Errorf("%s: %v, want %v", region, got, want)
		}
	}
}

func TestZeroValuesFormatAsEmptyText(t *testing.T) {
	for _, v := range []parsed{ID{}, ExternalID{}, OrganizationID{}, Partition{}, Region{}, RoleARN{}, PolicyARN{}, TopicARN{}, StackARN{}} {
		text, err := v.MarshalText()
		if !v.IsZero() || v.String() != "" || len(text) != 0 || err != nil {
			t.Errorf("%T: %q, %q, %v", v, v.String(), text, err)
		}
	}
	if p := (Region{}).Partition(); p.DNSSuffix() != "" || p.ConsoleHost() != "" {
		t.Error("the zero Region has a partition")
	}
}

type record struct {
	ID        ID
	External  ExternalID
	Partition Partition
	Region    Region
	Role      RoleARN
	Policy    PolicyARN
	Topic     TopicARN
	Stack     StackARN
}

func TestValuesRoundTripThroughJSON(t *testing.T) {
	pick := func(r *rapid.T, kind string) string {
		return rapid.SampledFrom(append([]string{""}, good[kind]...)).Draw(r, kind)
	}
	rapid.Check(t, func(r *rapid.T) {
		wire := map[string]string{
			"ID": pick(r, "account ID"), "External": pick(r, "external ID"), "Partition": pick(r, "partition"), "Region": pick(r, "Region"),
			"Role": pick(r, "role ARN"), "Policy": pick(r, "policy ARN"), "Topic": pick(r, "topic ARN"), "Stack": pick(r, "stack ARN"),
		}
		text, err := json.Marshal(wire)
		if err != nil {
			r.Fatal(err)
		}
		var first, second record
		if err := json.Unmarshal(text, &first); err != nil {
			r.Fatal(err)
		}
		again, err := json.Marshal(first)
		if err != nil {
			r.Fatal(err)
		}
		if err := json.Unmarshal(again, &second); err != nil || first != second {
			r.Fatalf("%s became %s: %v", text, again, err)
		}
	})
	for field := range map[string]bool{"ID": true, "External": true, "Partition": true, "Region": true, "Role": true, "Policy": true, "Topic": true, "Stack": true} {
		var r record
		if err := json.Unmarshal([]byte(`{"`+field+`":"!"}`), &r); err == nil {
			t.Errorf("%s accepts an invalid value from JSON: %+v", field, r)
		}
	}
}

func TestNamesAreCheckedAgainstIAMsRules(t *testing.T) {
	for name, ok := range map[string]bool{"Name": true, "a_b+c=d,e.f@g-h": true, "": false, "a/b": false, "ä": false, "a b": false} {
		if err := CheckRoleName(name); (err == nil) != ok {
			t.Errorf("role name %q: %v", name, err)
		}
		if err := CheckPolicyName(name); (err == nil) != ok {
			t.Errorf("policy name %q: %v", name, err)
		}
	}
	for path, ok := range map[string]bool{"/": true, "/a/": true, "/a/b!/": true, "": false, "a/": false, "/a": false, "//": false, "/a b/": false, "/" + strings.Repeat("x", 511) + "/": false} {
		if err := CheckRolePath(path); (err == nil) != ok {
			t.Errorf("role path %.40q: %v", path, err)
		}
	}
	for name, ok := range map[string]bool{"a": true, "a-1": true, strings.Repeat("a", 128): true, "": false, "1a": false, "a_b": false, strings.Repeat("a", 129): false} {
		if err := CheckStackName(name); (err == nil) != ok {
			t.Errorf("stack name %.40q: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, texts := range good {
		for _, text := range texts {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for kind, parse := range parsers {
			if v, err := parse(text); err == nil && v.String() != text {
				t.Errorf("%s: %q became %q", kind, text, v)
			}
		}
	})
}
