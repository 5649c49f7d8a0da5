// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"errors"
	"strings"
	"testing"

	awspolicy "github.com/hashicorp/awspolicyequivalence"
)

const readBucket = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Read",
      "Effect": "Allow",
      "Action": ["s3:GetObject", "s3:ListBucket"],
      "Resource": "arn:aws:s3:::data/*",
      "Condition": {"Bool": {"aws:SecureTransport": true}, "NumericLessThan": {"aws:MultiFactorAuthAge": 3600}}
    }
  ]
}`

func TestAPolicyIsParsedIntoItsParts(t *testing.T) {
	d, err := ParseIdentity(readBucket)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow",` +
		`"Action":["s3:GetObject","s3:ListBucket"],"Resource":"arn:aws:s3:::data/*",` +
		`"Condition":{"Bool":{"aws:SecureTransport":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}}]}`
	if got := d.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestASingleStatementNeedsNoList(t *testing.T) {
	d, err := ParseIdentity(`{"Statement": {"Effect": "Deny", "NotAction": "*", "NotResource": "*"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Statements) != 1 || d.Statements[0].NotAction[0] != "*" {
		t.Errorf("got %+v", d)
	}
}

func TestEveryMistakeIsReportedWithItsLine(t *testing.T) {
	statement := func(inside string) string { return "{\n \"Statement\": [\n  {" + inside + "}\n ]\n}" }
	const allowAll = `"Effect": "Allow", "Action": "*", "Resource": "*"`
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                     {"  \n", "line 2, column 1: the policy is empty"},
		"no object":                   {`[]`, "line 1, column 1: a policy must be a JSON object"},
		"a missing comma":             {"{\n  \"Version\": \"2012-10-17\"\n  \"Statement\": []\n}", "line 3, column 3: the policy is not valid JSON: invalid character '\"' after object key:value pair"},
		"a trailing comma":            {"{\n  \"Version\": \"2012-10-17\",\n}", "line 3, column 1: the policy is not valid JSON"},
		"a truncated text":            {"{\n  \"Version\":", "line 2, column 13: the policy is not valid JSON: unexpected end of JSON input"},
		"text after the end":          {"{}\n{}", "line 2, column 1: the policy is not valid JSON"},
		"invalid UTF-8":               {"{\"Id\":\n \"\xff\"}", "line 2, column 3: the text is not valid UTF-8"},
		"a key twice":                 {statement(allowAll + `, "Action": "s3:*"`), `line 3, column 55: the key "Action" occurs twice`},
		"an escaped key twice":        {`{"Id":"a","I\u0064":"b"}`, `line 1, column 11: the key "Id" occurs twice`},
		"unknown version":             {"{\n\"Version\": \"2012-10-18\"}", `line 2, column 12: "2012-10-18" is not a version of the policy language: write "Version": "2012-10-17"`},
		"no statement":                {`{"Version":"2012-10-17"}`, `the policy has no "Statement"`},
		"no statements":               {`{"Statement":[]}`, `"Statement" must be a list with at least one statement`},
		"a statement's typo":          {statement(`"Effect": "Allow", "Actions": "*", "Resource": "*"`), `line 3, column 23: a statement has no key "Actions": did you mean "Action"?`},
		"a policy's typo":             {`{"statement":[]}`, `a policy has no key "statement": did you mean "Statement"?`},
		"an unknown key":              {statement(allowAll + `, "Comment": "x"`), `a statement has no key "Comment": it has Sid`},
		"no effect":                   {statement(`"Action": "*", "Resource": "*"`), `line 3, column 3: Statement[0] has no "Effect"`},
		"a wrong effect":              {statement(`"Effect": "allow", "Action": "*", "Resource": "*"`), `the Effect is "Allow" or "Deny", not "allow"`},
		"no action":                   {statement(`"Effect": "Allow", "Resource": "*"`), `Statement[0] has no "Action"`},
		"an empty action list":        {statement(`"Effect": "Allow", "Action": [], "Resource": "*"`), `"Action" is an empty list`},
		"an action without a service": {statement(`"Effect": "Allow", "Action": "GetObject", "Resource": "*"`), `"GetObject" is not an action`},
		"an action that is a number":  {statement(`"Effect": "Allow", "Action": [7], "Resource": "*"`), `"Action" must be a string, or a list of strings`},
		"action and its inverse":      {statement(allowAll + `, "NotAction": "*"`), `Statement[0] has both "Action" and "NotAction"`},
		"no resource":                 {statement(`"Effect": "Allow", "Action": "*"`), `Statement[0] has no "Resource"`},
		"a bucket's bare name":        {statement(`"Effect": "Allow", "Action": "*", "Resource": "bucket"`), `"bucket" is not a resource`},
		"a principal":                 {statement(allowAll + `, "Principal": "*"`), `a policy that is attached to a role has no "Principal"`},
		"a Sid twice":                 {`{"Statement": [{"Sid": "A", ` + allowAll + `}, {"Sid": "A", ` + allowAll + `}]}`, `the Sid "A" is used twice`},
		"a Sid with a space":          {statement(allowAll + `, "Sid": "A B"`), `the Sid "A B" may only have letters and digits`},
		"a Chinese resource":          {statement(`"Effect": "Allow", "Action": "*", "Resource": "arn:\u4e2d"`), `line 3, column 50: IAM does not accept the character '\u4e2d'`},
		"a flat condition":            {statement(allowAll + `, "Condition": {"aws:SourceIp": "1.2.3.4"}`), `the condition "aws:SourceIp" must be an object`},
		"a condition of objects":      {statement(allowAll + `, "Condition": {"StringEquals": {"a": {}}}`), `the condition key "a" must have a string`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseIdentity(c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got  %v\nwant %s", err, c.want)
			}
			var parse *ParseError
			if !errors.As(err, &parse) {
				t.Errorf("%T has no line", err)
			}
		})
	}
}

func TestAResourcePolicyMayNamePrincipals(t *testing.T) {
	d, err := Parse(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Statements[0].Principal["AWS"]; len(got) != 1 || got[0] != "*" {
		t.Errorf("got %v", got)
	}
	if _, err := Parse(`{"Statement":{"Effect":"Allow","Principal":{"aws":"*"},"Action":"sts:AssumeRole"}}`); err == nil || !strings.Contains(err.Error(), `did you mean "AWS"`) {
		t.Errorf("got %v", err)
	}
}

func TestEquivalentDocuments(t *testing.T) {
	const base = `{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/*","Condition":{"StringEquals":{"aws:PrincipalTag/Team":["x","y"]}}},{"Sid":"B","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}`
	for name, c := range map[string]struct {
		other string
		want  bool
	}{
		"itself":                        {base, true},
		"another order":                 {`{"Statement":[{"Sid":"B","Effect":"Deny","Principal":{"AWS":"*"},"Action":["s3:*"],"Resource":["*"]},{"Sid":"A","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root"]},"Action":["s3:PutObject","s3:getobject"],"Resource":"arn:aws:s3:::b/*","Condition":{"StringEquals":{"AWS:principaltag/Team":["y","x"]}}}],"Version":"2012-10-17"}`, true},
		"another Id":                    {strings.Replace(base, `{"Version"`, `{"Id":"x","Version"`, 1), true},
		"another version":               {strings.Replace(base, "2012-10-17", "2008-10-17", 1), false},
		"another tag's case":            {strings.Replace(base, "Tag/Team", "Tag/team", 1), false},
		"another value":                 {strings.Replace(base, `"y"`, `"z"`, 1), false},
		"one action fewer":              {strings.Replace(base, `,"s3:PutObject"`, "", 1), false},
		"another effect":                {strings.Replace(base, "Deny", "Allow", 1), false},
		"another account":               {strings.Replace(base, "111122223333", "111122223334", 1), false},
		"a statement that occurs twice": {strings.Replace(base, `"Statement":[`, `"Statement":[{"Sid":"C","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"},`, 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Equivalent(base, c.other)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestAnotherImplementationParsesTheBuiltDocuments(t *testing.T) {
	for name, d := range builtDocuments(t) {
		t.Run(name, func(t *testing.T) {
			again, err := Parse(d.String())
			if err != nil {
				t.Fatal(err)
			}
			if again.String() != d.String() {
				t.Errorf("got  %s\nwant %s", again, d)
			}
			same, err := awspolicy.PoliciesAreEquivalent(d.String(), again.String())
			if err != nil || !same {
				t.Errorf("awspolicyequivalence: %v, %v", same, err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(readBucket)
	f.Add(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`)
	f.Add(`{"Statement":[{"Effect":"Deny","NotAction":["a:b"],"NotResource":"arn:x","Condition":{"Bool":{"a":true,"b":[1,2]}}}]}`)
	f.Add("{\"Id\":\"\xff\"}")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse(text)
		if err != nil {
			var parse *ParseError
			if !errors.As(err, &parse) || parse.Line < 1 || parse.Column < 1 {
				t.Fatalf("%T without a line: %v", err, err)
			}
			return
		}
		again, err := Parse(d.String())
		if err != nil {
			t.Fatalf("%s\nis read as\n%s\nwhich is refused: %v", text, d, err)
		}
		if again.Canonical() != d.Canonical() {
			t.Fatalf("%s\ndiffers from\n%s", again, text)
		}
		same, err := Equivalent(text, d.String())
		if err != nil || !same {
			t.Fatalf("%v: %s\nis not the same as\n%s", err, text, d)
		}
	})
}
