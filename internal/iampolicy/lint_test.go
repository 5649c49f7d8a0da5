// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package iampolicy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// policyOf returns a document of version 2012-10-17 with statements that have no braces.
func policyOf(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[{` + strings.Join(statements, "},{") + `}]}`
}

func allowing(actions, resource string) string {
	return fmt.Sprintf(`"Effect":"Allow","Action":[%s],"Resource":%q`, quoted(actions), resource)
}

func denying(actions, resource string) string {
	return fmt.Sprintf(`"Effect":"Deny","Action":[%s],"Resource":%q`, quoted(actions), resource)
}

func quoted(words string) string { return `"` + strings.ReplaceAll(words, " ", `","`) + `"` }

func resource(text string) string { return policyOf(allowing("s3:GetObject", text)) }

func condition(text string) string {
	return policyOf(allowing("s3:GetObject", "*") + `,"Condition":` + text)
}

func lines(findings []Finding) string {
	texts := make([]string, len(findings))
	for i, f := range findings {
		texts[i] = f.String()
	}
	return strings.Join(texts, "\n")
}

func TestMistakesThatIAMRefusesAreErrors(t *testing.T) {
	aws, err := account.ParsePartition("aws")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		kind Kind
		want string // the code, and a part of the message
	}{
		"a long managed policy":              {resource("arn:aws:s3:::" + strings.Repeat("x", MaxManagedSize)), Managed, "too-long: the policy has 6254 characters without whitespace, and IAM allows 6144"},
		"a long session policy":              {resource("arn:aws:s3:::" + strings.Repeat("x", MaxSessionSize)), Session, "too-long: IAM allows 2048"},
		"a managed policy without a version": {strings.Replace(resource("*"), `"Version":"2012-10-17",`, "", 1), Managed, `no-version: write "Version": "2012-10-17"`},
		"any service":                        {policyOf(allowing("*:Get*", "*")), Inline, `action-of-no-service: Statement[0] has the action "*:Get*"`},
		"a service with a wildcard":          {policyOf(`"Effect":"Deny","NotAction":"s*:Get","Resource":"*"`), Inline, `action-of-no-service: "s*:Get"`},
		"a resource of two stars":            {resource("**"), Inline, `malformed-resource: "**", which is no ARN`},
		"a truncated ARN":                    {resource("arn:aws:s3"), Inline, "malformed-resource: which has 3 of the six parts of an ARN"},
		"an ARN that lacks the account":      {resource("arn:aws:sqs:us-east-1:jobs"), Inline, "malformed-resource: which has 5 of the six parts"},
		"CloudFormation's partition":         {resource("arn:${AWS::Partition}:s3:::b"), Inline, `malformed-resource: AWS has no partition "${AWS`},
		"no service in an ARN":               {resource("arn:aws::us-east-1:123456789012:b"), Inline, "malformed-resource: whose service must be written in full"},
		"a wildcard for a service":           {resource("arn:aws:*:*:*:*"), Inline, "malformed-resource: whose service must be written in full"},
		"a service in upper case":            {resource("arn:aws:S3:::b"), Inline, "malformed-resource: in lower case"},
		"a Region in upper case":             {resource("arn:aws:sqs:US-EAST-1:123456789012:b"), Inline, `malformed-resource: "US-EAST-1" is no Region`},
		"an account of eleven digits":        {resource("arn:aws:sqs:us-east-1:12345678901:b"), Inline, `malformed-resource: the account "12345678901" has 11 digits`},
		"an ARN without its end":             {resource("arn:aws:s3:::"), Inline, "malformed-resource: names nothing after the last colon"},
		"IAM with a Region":                  {resource("arn:aws:iam:us-east-1:123456789012:role/x"), Inline, "malformed-resource: IAM has no Regions"},
		"a role without its type":            {resource("arn:aws:iam::123456789012:Admin"), Inline, "malformed-resource: write role/NAME"},
		"an ARN of China":                    {resource("arn:aws-cn:s3:::b"), Inline, `other-partition: "arn:aws-cn:s3:::b" of partition aws-cn, and the hub is in aws`},
		"an operator with a typo":            {condition(`{"StringEqual":{"aws:SourceIp":"x"}}`), Inline, `unknown-condition-operator: "StringEqual", which IAM doesn't know`},
		"an unknown set operator":            {condition(`{"ForEach:StringEquals":{"aws:x":"y"}}`), Inline, "unknown-condition-operator"},
		"null if it exists":                  {condition(`{"NullIfExists":{"aws:x":"true"}}`), Inline, "unknown-condition-operator"},
		"a key of no service":                {condition(`{"StringEquals":{"username":"y"}}`), Inline, `malformed-condition-key: "username"; a key is SERVICE:NAME`},
		"a key in two spellings":             {condition(`{"StringEquals":{"aws:PrincipalArn":"y","aws:principalarn":"z"}}`), Inline, "condition-key-twice: are one key to IAM"},
		"a date in words":                    {condition(`{"DateGreaterThan":{"aws:CurrentTime":"tomorrow"}}`), Inline, `malformed-date: "tomorrow", which is no date`},
		"a missing brace":                    {resource("arn:aws:s3:::home/${aws:username"), Inline, "malformed-variable: no closing brace"},
		"an empty variable":                  {resource("arn:aws:s3:::home/${}"), Inline, "malformed-variable: ${} is no policy variable"},
		"a variable without a service":       {condition(`{"StringLike":{"s3:prefix":"${username}/*"}}`), Inline, "malformed-variable: ${username} is no policy variable"},
		"a variable with a space":            {resource("arn:aws:s3:::home/${aws: username}"), Inline, "malformed-variable"},
		"a default without quotes":           {resource("arn:aws:s3:::home/${aws:username, none}"), Inline, "malformed-variable"},
		"Terraform's syntax for a variable":  {resource("arn:aws:s3:::home/&{aws:username}/*"), Inline, `variable-of-terraform: write ${aws:username}`},
		"Terraform's syntax in a condition":  {condition(`{"StringLike":{"s3:prefix":"&{aws:PrincipalTag/team}/*"}}`), Inline, "variable-of-terraform: is a variable only in the data source aws_iam_policy_document"},
		"CloudFormation's pseudo account":    {resource("arn:aws:s3:::logs-${AWS::AccountId}"), Inline, "malformed-variable: is CloudFormation's, which is not filled in here"},
	} {
		t.Run(name, func(t *testing.T) {
			findings, err := Lint(c.text, c.kind, aws)
			if err != nil {
				t.Fatal(err)
			}
			code, part, _ := strings.Cut(c.want, ": ")
			if !slices.ContainsFunc(findings, func(f Finding) bool {
				return f.Severity == SeverityError && f.Code == code && strings.Contains(f.Message, part)
			}) {
				t.Errorf("got  %s\nwant %s", lines(findings), c.want)
			}
		})
	}
}

// The examples of AWS's documentation are no errors, nor are the restrictions by which vendors
// avoid warnings.
func TestGoodPoliciesHaveNoFindings(t *testing.T) {
	partition, err := account.ParsePartition("aws-us-gov")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"a home directory":           policyOf(allowing("s3:*", "arn:aws-us-gov:s3:::home/${aws:username}/*")),
		"a default":                  resource("arn:aws-us-gov:s3:::home/${aws:PrincipalTag/team, 'none'}/*"),
		"an ampersand and a brace":   resource("arn:aws-us-gov:s3:::a&{b}"),
		"a variable in a name":       policyOf(allowing("logs:*", "arn:aws-us-gov:logs:us-gov-west-1:*:log-group:${aws:PrincipalTag/team}:*")),
		"escaped wildcards":          resource("arn:aws-us-gov:s3:::home/${*}${?}${$}"),
		"variables of web identity":  condition(`{"StringEquals":{"s3:prefix":["${www.amazon.com:user_id}","${cognito-identity.amazonaws.com:sub}"]}}`),
		"every partition":            resource("arn:*:s3:::b/*"),
		"a star over the colons":     resource("arn:aws-us-gov:logs:*"),
		"the account's root":         resource("arn:aws-us-gov:iam::123456789012:root"),
		"AWS's own policy":           resource("arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess"),
		"a wildcard in the Region":   resource("arn:aws-us-gov:ec2:us-gov-*:*:instance/i-*"),
		"colons in a name":           resource("arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:/a:log-stream:*"),
		"every kind of operator":     condition(`{"StringLikeIfExists":{"aws:x":"a*"},"ForAnyValue:StringEquals":{"aws:TagKeys":["a"]},"arnlike":{"aws:PrincipalArn":"arn:aws-us-gov:iam::*:role/*"},"NumericLessThan":{"aws:MultiFactorAuthAge":3600},"Bool":{"aws:SecureTransport":true},"Null":{"aws:TokenIssueTime":"true"},"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:db8::/32","198.51.100.7"]},"DateLessThan":{"aws:CurrentTime":["2030-01-31T18:00:00Z","2030-01-31","1900000000"]}}`),
		"passing one role":           policyOf(allowing("iam:PassRole", "arn:aws-us-gov:iam::*:role/acme-*"), allowing("lambda:CreateFunction lambda:InvokeFunction", "*")),
		"passing to one service":     policyOf(allowing("iam:PassRole", "*")+`,"Condition":{"StringEquals":{"iam:PassedToService":"monitoring.rds.amazonaws.com"}}`, allowing("ec2:RunInstances", "*")),
		"assuming one role":          policyOf(allowing("sts:AssumeRole", "arn:aws-us-gov:iam::123456789012:role/reader")),
		"keys of one user":           policyOf(allowing("iam:CreateAccessKey", "arn:aws-us-gov:iam::*:user/${aws:username}")),
		"a required boundary":        policyOf(allowing("iam:PutRolePolicy iam:AttachRolePolicy", "*") + `,"Condition":{"StringEquals":{"iam:PermissionsBoundary":"arn:aws-us-gov:iam::123456789012:policy/b"}}`),
		"commands to tagged servers": policyOf(allowing("ssm:SendCommand", "*") + `,"Condition":{"StringEquals":{"ssm:resourceTag/owner":"acme"}}`),
		"everything in one bucket":   policyOf(allowing("*", "arn:aws-us-gov:s3:::acme/*")),
		"broad read access":          policyOf(allowing("s3:Get* s3:List* ec2:Describe* iam:Get* iam:List* kms:Describe* sts:GetCallerIdentity", "*")),
		"NotAction in a Deny":        policyOf(`"Effect":"Deny","NotAction":"s3:*","NotResource":"arn:aws-us-gov:s3:::b"`),
		"variables of 2008":          strings.Replace(resource("arn:aws-us-gov:s3:::b"), "2012-10-17", "2008-10-17", 1),
	} {
		t.Run(name, func(t *testing.T) {
			findings, err := Lint(text, Inline, partition)
			if err != nil || len(findings) > 0 {
				t.Errorf("%s\n%v %s", text, err, lines(findings))
			}
		})
	}
}

func TestBroadPermissionsAreWarnings(t *testing.T) {
	sid := func(name, statement string) string { return fmt.Sprintf(`"Sid":%q,`, name) + statement }
	for name, c := range map[string]struct{ text, want string }{
		"an administrator":                         {policyOf(sid("All", allowing("s3:Get* *", "*"))), `administrator: statement "All" allows every action on every resource`},
		"an administrator of roles":                {policyOf(allowing("*", "arn:aws:iam::*:role/*")), "administrator: allows every action on arn:aws:iam::*:role/*"},
		"an administrator from one address":        {policyOf(allowing("*", "*") + `,"Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.7"}}`), "administrator: "},
		"all of IAM":                               {policyOf(allowing("iam:* kms:*", "*")), "service-administrator: Statement[0] allows iam:* and kms:* on every resource"},
		"all of IAM, another spelling":             {policyOf(allowing("IAM:**", "arn:aws:iam::*:*")), "service-administrator: allows iam:* on arn:aws:iam::*:*"},
		"passing any role":                         {policyOf(allowing("s3:GetObject", "*"), allowing("iam:Pass*", "*")), "pass-role-any: Statement[1] allows iam:PassRole on every resource"},
		"passing any role, with a condition":       {policyOf(allowing("iam:PassRole", "*") + `,"Condition":{"StringNotEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}`), "pass-role-any: "},
		"assuming any role":                        {policyOf(allowing("sts:AssumeRole", "arn:aws:iam::*:role/*")), "assume-role-any: allows sts:AssumeRole on arn:aws:iam::*:role/*"},
		"all but":                                  {policyOf(`"Effect":"Allow","NotAction":["iam:*","sts:*"],"Resource":"*"`), "allow-not-action: allows every action but iam:* and sts:*"},
		"everywhere but":                           {policyOf(`"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::b"`), "allow-not-resource: "},
		"variables in 2008":                        {strings.Replace(resource("arn:aws:s3:::home/${aws:username}"), "2012-10-17", "2008-10-17", 1), `variable-not-filled-in: write "Version": "2012-10-17"`},
		"variables in no version":                  {strings.Replace(resource("arn:aws:s3:::home/${aws:username}"), `"Version":"2012-10-17",`, "", 1), "variable-not-filled-in: "},
		"text instead of a number":                 {condition(`{"NumericLessThan":{"s3:max-keys":"ten"}}`), `value-never-matches: compares s3:max-keys with "ten" by NumericLessThan`},
		"a boolean that is neither true nor false": {condition(`{"Bool":{"aws:SecureTransport":"yes"}}`), "value-never-matches: "},
		"an invalid address":                       {condition(`{"IpAddress":{"aws:SourceIp":"example.com"}}`), "value-never-matches: "},
		"a variable as the account":                {resource("arn:aws:sqs:us-east-1:${aws:PrincipalAccount}:jobs"), `resource-never-matches: after the fifth colon of an ARN only, so it names nothing; write the value, or *, instead of ${aws:PrincipalAccount}`},
		"a variable as the Region":                 {policyOf(denying("sqs:*", "arn:aws:sqs:${aws:RequestedRegion}:*:jobs-${aws:username}")), "resource-never-matches: instead of ${aws:RequestedRegion}"},
		"one escalation":                           {policyOf(allowing("iam:AttachRolePolicy", "*")), "privilege-escalation: Statement[0] allows iam:AttachRolePolicy on every resource, with which the role can give more permissions"},
		"two escalations":                          {policyOf(allowing("iam:*UserPolicy", "*")), "privilege-escalation: allows iam:AttachUserPolicy and iam:PutUserPolicy on every resource, with each of which"},
		"another user's keys":                      {policyOf(allowing("iam:CreateAccessKey", "arn:aws:iam::*:user/*")), "privilege-escalation: the role can act as another user"},
		"another program's function":               {policyOf(allowing("lambda:*", "*")), "privilege-escalation: allows lambda:UpdateFunctionCode"},
		"passing a role to a new server":           {policyOf(allowing("iam:PassRole", "*"), sid("Run", allowing("ec2:Run*", "*"))), `privilege-escalation-by-pass-role: Statement[0] allows iam:PassRole on every resource, and together with ec2:RunInstances (statement "Run")`},
		"passing a role to an allowed service":     {policyOf(allowing("iam:PassRole", "*")+`,"Condition":{"StringLike":{"iam:PassedToService":"ec2*"}}`, allowing("ec2:RunInstances", "*")), "privilege-escalation-by-pass-role: ec2.amazonaws.com"},
		"a Deny elsewhere":                         {policyOf(allowing("iam:PassRole", "*"), denying("iam:PassRole", "arn:aws:iam::*:role/admin")), "pass-role-any: "},
		"a Deny with a condition":                  {policyOf(allowing("sts:AssumeRole", "*"), denying("sts:*", "*")+`,"Condition":{"Bool":{"aws:SecureTransport":"false"}}`), "assume-role-any: "},
		"a Deny of less":                           {policyOf(allowing("*", "*"), denying("iam:*", "*")), "administrator: "},
	} {
		t.Run(name, func(t *testing.T) {
			findings, err := Lint(c.text, Inline, account.Partition{})
			if err != nil {
				t.Fatal(err)
			}
			code, part, _ := strings.Cut(c.want, ": ")
			if !slices.ContainsFunc(findings, func(f Finding) bool {
				return f.Severity == SeverityWarning && f.Code == code && strings.Contains(f.Message, part)
			}) {
				t.Errorf("got  %s\nwant %s", lines(findings), c.want)
			}
		})
	}
}

func TestADenyOnEveryResourceSilencesAWarning(t *testing.T) {
	for name, text := range map[string]string{
		"by name":         policyOf(allowing("iam:PassRole sts:AssumeRole iam:CreateAccessKey", "*"), denying("iam:PassRole sts:AssumeRole iam:CreateAccessKey", "*")),
		"by wildcard":     policyOf(denying("i*:*", "*"), allowing("iam:PutRolePolicy", "*")),
		"of everything":   policyOf(allowing("*", "*"), denying("*", "*")),
		"of a service":    policyOf(allowing("iam:*", "*"), denying("IAM:*", "*")),
		"of all but":      policyOf(allowing("iam:PutRolePolicy ec2:RunInstances", "*"), `"Effect":"Deny","NotAction":"ec2:*","Resource":"*"`),
		"of one of two":   policyOf(allowing("ec2:RunInstances", "*"), allowing("iam:PassRole", "*")+`,"Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}`, denying("ec2:RunInstances", "*")),
		"nothing to deny": policyOf(allowing("s3:GetObject", "*")),
	} {
		t.Run(name, func(t *testing.T) {
			if findings := Review([]Policy{{Document: text}}); len(findings) > 0 {
				t.Error(lines(findings))
			}
		})
	}
}

func TestThePoliciesOfARoleAreReviewedTogether(t *testing.T) {
	pass := Policy{"pass", policyOf(allowing("iam:PassRole", "*"))}
	run := Policy{"run", policyOf(allowing("lambda:CreateFunction", "arn:aws:lambda:*:*:function:acme"), allowing("lambda:InvokeFunction", "*"))}
	never := Policy{"never", policyOf(denying("iam:PassRole", "*"))}

	if findings := Review([]Policy{run}); len(findings) > 0 {
		t.Errorf("running its own function is an escalation: %s", lines(findings))
	}
	findings := Review([]Policy{run, pass})
	const want = `together with lambda:CreateFunction (Statement[0] of policy "run") and lambda:InvokeFunction (Statement[1] of policy "run") ` +
		`the role can do whatever any role may that can be passed to lambda.amazonaws.com; name the roles that may be passed`
	last := findings[len(findings)-1]
	if last.Policy != 1 || last.Statement != "Statement[0]" || !strings.HasSuffix(last.Message, want) {
		t.Errorf("got  %s\nwant %s", lines(findings), want)
	}
	if findings := Review([]Policy{run, pass, never}); len(findings) > 0 {
		t.Errorf("a Deny in another policy is ignored: %s", lines(findings))
	}
	if findings := Review([]Policy{{"broken", "{"}, pass}); len(findings) != 1 || findings[0].Policy != 1 {
		t.Errorf("a policy that can't be parsed gives warnings: %s", lines(findings))
	}
}

func TestPowerfulManagedPoliciesGiveAWarning(t *testing.T) {
	for arn, want := range map[string]bool{
		"arn:aws:iam::aws:policy/AdministratorAccess":          true,
		"arn:aws-us-gov:iam::aws:policy/PowerUserAccess":       true,
		"arn:aws-cn:iam::aws:policy/IAMFullAccess":             true,
		"arn:aws:iam::aws:policy/ReadOnlyAccess":               false,
		"arn:aws:iam::aws:policy/ReadOnlyAcces":                true, // no such policy
		"arn:aws:iam::aws:policy/ViewOnlyAccess":               true, // path missing
		"arn:aws:iam::aws:policy/job-function/ViewOnlyAccess":  false,
		"arn:aws:iam::123456789012:policy/AdministratorAccess": false, // a customer managed policy, which is not reviewed
		"AdministratorAccess":                                  false,
	} {
		if got := len(ReviewManaged(arn)) == 1; got != want {
			t.Errorf("%s gives a warning: %t", arn, got)
		}
	}
}

// Each escalation must be found by itself, and not if one of its actions is denied.
func TestEveryEscalationIsFound(t *testing.T) {
	for _, w := range ways() {
		findings := Review([]Policy{{Document: policyOf(allowing(strings.Join(w.actions, " "), "*"))}})
		if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Code == w.code && strings.Contains(f.Message, w.gain) }) {
			t.Errorf("%v: %s", w.actions, lines(findings))
		}
		for _, action := range w.actions {
			denied := Review([]Policy{{Document: policyOf(allowing(strings.Join(w.actions, " "), "*"), denying(action, "*"))}})
			if slices.ContainsFunc(denied, func(f Finding) bool { return f.Code == w.code && strings.Contains(f.Message, w.gain) }) {
				t.Errorf("%v without %s: %s", w.actions, action, lines(denied))
			}
		}
	}
}

func FuzzLint(f *testing.F) {
	f.Add(readBucket)
	f.Add(policyOf(allowing("iam:* *", "arn:aws:iam::*"), denying("*:*", "*")))
	f.Add(condition(`{"ForAnyValue:NullIfExists":{":":"${${a:b, 'c'}"},"Date":{"a:b":[1e9,"${"]}}`))
	f.Fuzz(func(t *testing.T, text string) {
		findings, err := Lint(text, Inline, account.Partition{})
		if _, refused := ParseIdentity(text); (err == nil) != (refused == nil) {
			t.Fatalf("Lint returns %v, Parse %v", err, refused)
		}
		for _, finding := range findings {
			if finding.Code == "" || finding.Message == "" || finding.Severity != SeverityError && finding.Severity != SeverityWarning {
				t.Fatalf("%+v", finding)
			}
		}
	})
}
