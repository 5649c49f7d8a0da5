// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"errors"
	"strings"
	"testing"
)

func TestMalformedDocumentsAreRefused(t *testing.T) {
	with := func(fields string) string { return `{"Version":"2012-10-17","Statement":[{` + fields + `}]}` }
	for _, test := range []struct {
		name     string
		kind     Kind
		document string
		want     string // "" means valid
	}{
		{"an identity policy", Identity, with(`"Sid":"A","Effect":"Allow","Action":["s3:*"],"Resource":["*"]`), ""},
		{"a single statement without a list", Identity, `{"Statement":{"Effect":"Deny","NotAction":"s3:Get*","NotResource":"arn:aws:s3:::b/*"}}`, ""},
		{"a trust policy", Trust, with(`"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":{"AWS":["111111111111","arn:aws-cn:iam::111111111111:role/p/r"],"Service":"ec2.amazonaws.com"}`), ""},
		{"ARNs that end with a star or after their service", Identity, with(`"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:logs:*","arn:aws:sns:us-east-1:*","arn:aws:sqs","arn:aws:s3:::b*"]`), ""},
		{"a star for the rest in a resource policy", Resource, with(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:sns:us-east-1:*","Principal":"*"`), ""},
		{"an incomplete ARN in a resource policy", Resource, with(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:sns:us-east-1","Principal":"*"`), "ARN format"},
		{"an incomplete ARN in a session policy", Session, with(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:sqs:*"`), "ARN format"},
		{"a service with a star", Identity, with(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s*:*"`), "ARN format"},
		{"every action of STS in a trust policy", Trust, with(`"Effect":"Allow","Action":["sts:*","*","sts:AssumeRole*","STS:assumerolewithsaml"],"Principal":"*"`), ""},
		{"an unknown action of STS in a trust policy", Trust, with(`"Effect":"Allow","Action":"sts:AssumeRoles","Principal":"*"`), "STS AssumeRole actions"},
		{"another action of STS in a trust policy", Trust, with(`"Effect":"Allow","Action":"sts:GetCallerIdentity","Principal":"*"`), "STS AssumeRole actions"},
		{"invalid JSON", Identity, `{`, "invalid Json"},
		{"text after the JSON", Identity, all + "{}", "invalid Json"},
		{"an array", Identity, `[]`, "Syntax errors"},
		{"no statements", Identity, `{"Version":"2012-10-17","Statement":[]}`, "Statement"},
		{"an unknown version", Identity, strings.Replace(all, "2012", "2030", 1), "version"},
		{"an unknown element", Identity, with(`"Effect":"Allow","Action":"s3:*","Resource":"*","Efect":"Deny"`), "Efect"},
		{"an element twice", Identity, with(`"Effect":"Allow","Effect":"Deny","Action":"s3:*","Resource":"*"`), "duplicate element Effect"},
		{"an operator twice", Identity, with(`"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"a":"b"},"Bool":{"c":"d"}}`), "duplicate element Bool"},
		{"one Sid twice", Identity, `{"Statement":[{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"}]}`, "unique"},
		{"no effect", Identity, with(`"Action":"s3:*","Resource":"*"`), "Effect"},
		{"a wrong effect", Identity, with(`"Effect":"allow","Action":"s3:*","Resource":"*"`), "Effect"},
		{"no action", Identity, with(`"Effect":"Allow","Resource":"*"`), "must contain actions"},
		{"an action without a service", Identity, with(`"Effect":"Allow","Action":"GetObject","Resource":"*"`), "prefaced by a vendor"},
		{"no resource", Identity, with(`"Effect":"Allow","Action":"s3:*"`), "must contain resources"},
		{"a resource that is not an ARN", Identity, with(`"Effect":"Allow","Action":"s3:*","Resource":"bucket"`), "ARN format"},
		{"a resource that is a part of an ARN", Identity, with(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:*"`), "ARN format"},
		{"a principal in an identity policy", Identity, with(`"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"`), "should not specify a principal"},
		{"no principal in a resource policy", Resource, all, "Missing required field Principal"},
		{"a resource in a trust policy", Trust, with(`"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*","Resource":"*"`), "prohibited field Resource"},
		{"another service's action in a trust policy", Trust, with(`"Effect":"Allow","Action":"s3:*","Principal":"*"`), "STS AssumeRole actions"},
		{"a wildcard in a principal", Resource, with(`"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":{"AWS":"arn:aws:iam::111111111111:role/*"}`), "Invalid principal"},
		{"an account ID of 11 digits", Resource, with(`"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":{"AWS":"11111111111"}`), "Invalid principal"},
		{"an unknown type of principal", Resource, with(`"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":{"Aws":"111111111111"}`), "Invalid principal"},
		{"a number as an action", Identity, with(`"Effect":"Allow","Action":1,"Resource":"*"`), "must hold strings"},
		{"unlimited depth", Identity, strings.Repeat("[", 100000), "invalid Json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(test.kind, test.document)
			var malformed Malformed
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (!errors.As(err, &malformed) || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestEveryManagedPolicyIsAValidDocument(t *testing.T) {
	for name, document := range managed {
		if _, err := Parse(Identity, document); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, found := Managed("arn:aws-us-gov:iam::aws:policy/" + name); !found {
			t.Errorf("%s is not found by its ARN", name)
		}
	}
	for _, arn := range []string{"arn:aws:iam::aws:policy/AdministratorAcess", "arn:aws:iam::111111111111:policy/AdministratorAccess", ""} {
		if _, found := Managed(arn); found {
			t.Errorf("%q was found", arn)
		}
	}
}

func FuzzParseAndEvaluate(f *testing.F) {
	f.Add(all, granting(`"*"`))
	f.Add(deny, granting(`{"AWS":["`+otherAccount+`"],"Service":"s3.amazonaws.com"}`))
	f.Add(statement("Allow", "s*", "${aws:username}*", `,"Condition":{"ForAnyValue:StringLikeIfExists":{"aws:CalledVia":["*?${*}",1,true]}}`), "")
	f.Fuzz(func(t *testing.T, identity, resource string) {
		// An allow needs at least one valid policy.
		if ask(user(ownerAccount, identity), resource, nil) == nil {
			_, identityErr := Parse(Identity, identity)
			_, resourceErr := Parse(Resource, resource)
			if identityErr != nil && resourceErr != nil {
				t.Errorf("allowed although neither policy parses: %q and %q", identity, resource)
			}
		}
	})
}

func FuzzGlobAgreesWithItself(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if !strings.ContainsAny(pattern+text, "*?\uE000\uE001") && globText(pattern, text) != (string([]rune(pattern)) == string([]rune(text))) {
			t.Errorf("without wildcards %q and %q must be equal to match", pattern, text)
		}
		if !globText("*", text) {
			t.Errorf("* does not match %q", text)
		}
	})
}
