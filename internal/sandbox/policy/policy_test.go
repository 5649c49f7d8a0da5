// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

const (
	ownerAccount = "111111111111"
	otherAccount = "222222222222"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func user(account string, identity ...string) *kernel.Principal {
	return &kernel.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":user/ann", UserID: "AIDAANN", Identity: identity}
}

func session(account string, identity ...string) *kernel.Principal {
	return &kernel.Principal{
		Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/Reader/s1", UserID: "AROAREADER:s1",
		RoleARN: "arn:aws:iam::" + account + ":role/team/Reader", Identity: identity,
	}
}

func changed(p *kernel.Principal, change func(*kernel.Principal)) *kernel.Principal {
	change(p)
	return p
}

func statement(effect, action, resource, rest string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":"` + action + `","Resource":"` + resource + `"` + rest + `}]}`
}

func granting(principal string) string {
	return statement("Allow", "sns:Publish", "*", `,"Principal":`+principal)
}

var (
	all     = statement("Allow", "*", "*", "")
	publish = statement("Allow", "sns:Publish", "*", "")
	deny    = statement("Deny", "sns:*", "*", "")
)

const topic = "arn:aws:sns:eu-west-1:" + ownerAccount + ":t"

// ask returns the decision on whether p may publish to a topic of ownerAccount.
func ask(p *kernel.Principal, resourcePolicy string, context map[string][]string) error {
	return NewEvaluator(func() time.Time { return noon }).Authorize(kernel.Authorization{
		Principal: p, Action: "sns:Publish", Resource: topic, ResourceAccount: ownerAccount, ResourcePolicy: resourcePolicy, Context: context,
	})
}

// expect checks that an action was allowed if want is "ok", or that the error's
// code and message contain want.
func expect(t *testing.T, err error, want string) {
	t.Helper()
	if want == "ok" {
		if err != nil {
			t.Errorf("denied: %v", err)
		}
		return
	}
	var refused *kernel.Error
	if !errors.As(err, &refused) {
		t.Errorf("got %v, want %q", err, want)
		return
	}
	if !strings.Contains(refused.Error(), want) {
		t.Errorf("got %q, want %q", refused.Error(), want)
	}
}

func TestWithinAnAccountEitherPolicySuffices(t *testing.T) {
	root := changed(user(ownerAccount), func(p *kernel.Principal) { p.Root, p.ARN = true, "arn:aws:iam::"+ownerAccount+":root" })
	for _, test := range []struct {
		name     string
		p        *kernel.Principal
		resource string
		want     string
	}{
		{"nothing allows", user(ownerAccount), "", "because no identity-based policy allows the sns:Publish action"},
		{"the identity allows", user(ownerAccount, publish), "", "ok"},
		{"the resource names the user", user(ownerAccount), granting(`{"AWS":"arn:aws:iam::` + ownerAccount + `:user/ann"}`), "ok"},
		{"the resource names the user by unique ID", user(ownerAccount), strings.Replace(granting(`{"AWS":"AIDAANN"}`), "AIDAANN", "AIDAANNNNNNNNNNNN", 1), "AccessDenied"},
		{"the resource names another user", user(ownerAccount), granting(`{"AWS":"arn:aws:iam::` + ownerAccount + `:user/bob"}`), "AccessDenied"},
		{"the resource names every principal", user(ownerAccount), granting(`"*"`), "ok"},
		{"the resource names the account, which delegates to IAM", user(ownerAccount), granting(`{"AWS":"` + ownerAccount + `"}`), "no identity-based policy"},
		{"the resource names the account, the identity allows", user(ownerAccount, publish), granting(`{"AWS":"arn:aws:iam::` + ownerAccount + `:root"}`), "ok"},
		{"the account's root needs nothing", root, "", "ok"},
		{"a role's ARN means its sessions", session(ownerAccount), granting(`{"AWS":"arn:aws:iam::` + ownerAccount + `:role/team/Reader"}`), "ok"},
		{"a role's ARN without its path is another role", session(ownerAccount), granting(`{"AWS":"arn:aws:iam::` + ownerAccount + `:role/Reader"}`), "AccessDenied"},
		{"the session's own ARN", session(ownerAccount), granting(`{"AWS":"arn:aws:sts::` + ownerAccount + `:assumed-role/Reader/s1"}`), "ok"},
		{"another session's ARN", session(ownerAccount), granting(`{"AWS":"arn:aws:sts::` + ownerAccount + `:assumed-role/Reader/s2"}`), "AccessDenied"},
		{"a service named is not a user", user(ownerAccount), granting(`{"Service":"sns.amazonaws.com"}`), "AccessDenied"},
	} {
		t.Run(test.name, func(t *testing.T) { expect(t, ask(test.p, test.resource, nil), test.want) })
	}
}

func TestAcrossAccountsBothPoliciesMustAllow(t *testing.T) {
	for _, test := range []struct {
		name     string
		p        *kernel.Principal
		resource string
		want     string
	}{
		{"only the identity", user(otherAccount, all), "", "because no resource-based policy allows the sns:Publish action"},
		{"only the resource, by ARN", user(otherAccount), granting(`{"AWS":"arn:aws:iam::` + otherAccount + `:user/ann"}`), "because no identity-based policy allows the sns:Publish action"},
		{"only the resource, every principal", user(otherAccount), granting(`"*"`), "no identity-based policy"},
		{"both, the account named", user(otherAccount, publish), granting(`{"AWS":"` + otherAccount + `"}`), "ok"},
		{"both, the user named", user(otherAccount, publish), granting(`{"AWS":"arn:aws:iam::` + otherAccount + `:user/ann"}`), "ok"},
		{"both, by a condition", user(otherAccount, publish), statement("Allow", "SNS:Publish", topic, `,"Principal":{"AWS":"*"},"Condition":{"StringEquals":{"aws:PrincipalAccount":["`+otherAccount+`"]}}`), "ok"},
		{"the condition names another account", user(otherAccount, publish), statement("Allow", "SNS:Publish", topic, `,"Principal":{"AWS":"*"},"Condition":{"StringEquals":{"aws:PrincipalAccount":["333333333333"]}}`), "no resource-based policy"},
		{"another account named", user(otherAccount, publish), granting(`{"AWS":"333333333333"}`), "no resource-based policy"},
		{"the identity allows something else", user(otherAccount, statement("Allow", "sns:Subscribe", "*", "")), granting(`{"AWS":"` + otherAccount + `"}`), "no identity-based policy"},
		{"the identity allows another topic", user(otherAccount, statement("Allow", "sns:*", topic+"2", "")), granting(`{"AWS":"` + otherAccount + `"}`), "no identity-based policy"},
		{"another account's root is allowed by the resource", changed(user(otherAccount), func(p *kernel.Principal) { p.Root = true }), granting(`{"AWS":"` + otherAccount + `"}`), "ok"},
	} {
		t.Run(test.name, func(t *testing.T) { expect(t, ask(test.p, test.resource, nil), test.want) })
	}
}

func TestAnExplicitDenyInAnyPolicyTakesPrecedence(t *testing.T) {
	open := granting(`"*"`)
	for _, test := range []struct {
		name     string
		p        *kernel.Principal
		resource string
		want     string
	}{
		{"in an identity policy", user(ownerAccount, all, deny), open, "with an explicit deny in an identity-based policy"},
		{"in the same document as the allow", user(ownerAccount, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"sns:Publish","Resource":"`+topic+`"}]}`), open, "with an explicit deny in an identity-based policy"},
		{"in the resource policy", user(ownerAccount, all), statement("Deny", "*", "*", `,"Principal":"*"`), "with an explicit deny in a resource-based policy"},
		{"in the resource policy, by account", user(otherAccount, all), `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny","Principal":{"AWS":"` + otherAccount + `"},"Action":"*","Resource":"*"}]}`, "explicit deny in a resource-based policy"},
		{"in a session policy", changed(session(ownerAccount, all), func(p *kernel.Principal) { p.Session = []string{deny} }), open, "with an explicit deny in a session policy"},
		{"in a boundary", changed(user(ownerAccount, all), func(p *kernel.Principal) { p.Boundary = []string{all, deny} }), open, "with an explicit deny in a permissions boundary"},
		{"against the root user", changed(user(ownerAccount), func(p *kernel.Principal) { p.Root = true }), statement("Deny", "*", "*", `,"Principal":"*"`), "explicit deny in a resource-based policy"},
		{"it does not apply to another action", user(ownerAccount, all, statement("Deny", "sns:DeleteTopic", "*", "")), "", "ok"},
		{"it applies to every other action", user(ownerAccount, all, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":"sns:Publish","Resource":"*"}]}`), "", "ok"},
		{"it does not apply to other resources", user(ownerAccount, all, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","NotResource":"`+topic+`"}]}`), "", "ok"},
	} {
		t.Run(test.name, func(t *testing.T) { expect(t, ask(test.p, test.resource, nil), test.want) })
	}
}

func TestSessionPoliciesAndBoundariesOnlyLimit(t *testing.T) {
	limited := func(sessionPolicies, boundary []string, identity ...string) *kernel.Principal {
		return changed(session(ownerAccount, identity...), func(p *kernel.Principal) { p.Session, p.Boundary = sessionPolicies, boundary })
	}
	role := granting(`{"AWS":"arn:aws:iam::` + ownerAccount + `:role/team/Reader"}`)
	own := granting(`{"AWS":"arn:aws:sts::` + ownerAccount + `:assumed-role/Reader/s1"}`)
	subscribe := statement("Allow", "sns:Subscribe", "*", "")
	for _, test := range []struct {
		name     string
		p        *kernel.Principal
		resource string
		want     string
	}{
		{"the session policy allows less", limited([]string{subscribe}, nil, all), "", "because no session policy allows the sns:Publish action"},
		{"the session policy allows more, the identity nothing", limited([]string{all}, nil), "", "no identity-based policy"},
		{"both allow", limited([]string{publish}, nil, all), "", "ok"},
		{"one of two session policies allows", limited([]string{subscribe, publish}, nil, all), "", "ok"},
		{"an empty set of session policies allows nothing", limited([]string{}, nil, all), "", "no session policy"},
		{"a grant to the role passes through the session policy", limited([]string{subscribe}, nil), role, "no session policy"},
		{"a grant to the role within the session policy", limited([]string{publish}, nil), role, "ok"},
		{"a grant to the session is not limited by its policy", limited([]string{subscribe}, nil), own, "ok"},
		{"the boundary allows less", limited(nil, []string{subscribe}, all), "", "because no permissions boundary allows the sns:Publish action"},
		{"the boundary allows more, the identity nothing", limited(nil, []string{all}), "", "no identity-based policy"},
		{"a grant to the role passes through the boundary", limited(nil, []string{subscribe}), role, "no permissions boundary"},
		{"a grant to a user is not limited by the boundary", changed(user(ownerAccount), func(p *kernel.Principal) { p.Boundary = []string{subscribe} }), granting(`{"AWS":"arn:aws:iam::` + ownerAccount + `:user/ann"}`), "ok"},
	} {
		t.Run(test.name, func(t *testing.T) { expect(t, ask(test.p, test.resource, nil), test.want) })
	}
}

func TestOnlyTheResourcePolicyAppliesToServicesAndAnonymousCallers(t *testing.T) {
	service := &kernel.Principal{Service: "sns.amazonaws.com", Keys: map[string][]string{"aws:sourcearn": {topic}}}
	bySource := func(arn string) string {
		return statement("Allow", "sns:Publish", "*", `,"Principal":{"Service":"sns.amazonaws.com"},"Condition":{"ArnEquals":{"aws:SourceArn":"`+arn+`"}}`)
	}
	for _, test := range []struct {
		name     string
		p        *kernel.Principal
		resource string
		want     string
	}{
		{"the service is named, and the source fits", service, bySource(topic), "ok"},
		{"the source is another", service, bySource(topic + "2"), "AccessDenied"},
		{"another service is named", service, granting(`{"Service":"events.amazonaws.com"}`), "AccessDenied"},
		{"an account is named", service, granting(`{"AWS":"` + ownerAccount + `"}`), "AccessDenied"},
		{"no policy at all", service, "", "AccessDenied"},
		{"anonymous, every principal is allowed", nil, granting(`"*"`), "ok"},
		{"anonymous, one account is allowed", nil, granting(`{"AWS":"` + ownerAccount + `"}`), "AccessDenied"},
		{"anonymous, no policy", nil, "", "Access Denied"},
	} {
		t.Run(test.name, func(t *testing.T) { expect(t, ask(test.p, test.resource, nil), test.want) })
	}
}

func TestARoleIsAssumedOnlyByPrincipalsThatItTrusts(t *testing.T) {
	trust := func(principal, condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":` + principal + condition + `}]}`
	}
	assume := func(p *kernel.Principal, policy string, externalID []string) error {
		return NewEvaluator(func() time.Time { return noon }).Authorize(kernel.Authorization{
			Principal: p, Action: "sts:AssumeRole", Resource: "arn:aws:iam::" + ownerAccount + ":role/r", ResourceAccount: ownerAccount, ResourcePolicy: policy,
			Context: map[string][]string{"sts:externalid": externalID},
		})
	}
	withID := trust(`{"AWS":"`+otherAccount+`"}`, `,"Condition":{"StringEquals":{"sts:ExternalId":"secret"}}`)
	byRole := trust(`{"AWS":"`+otherAccount+`"}`, `,"Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::`+otherAccount+`:role/team/*"}}`)
	for _, test := range []struct {
		name       string
		p          *kernel.Principal
		policy     string
		externalID []string
		want       string
	}{
		{"in the same account an identity policy alone does not suffice", user(ownerAccount, all), trust(`{"AWS":"`+otherAccount+`"}`, ""), nil, "AccessDenied"},
		{"in the same account the trust policy suffices if it names the user", user(ownerAccount), trust(`{"AWS":"arn:aws:iam::`+ownerAccount+`:user/ann"}`, ""), nil, "ok"},
		{"in the same account a trust policy that names the account delegates to IAM", user(ownerAccount), trust(`{"AWS":"`+ownerAccount+`"}`, ""), nil, "AccessDenied"},
		{"across accounts both allow", user(otherAccount, all), trust(`{"AWS":"`+otherAccount+`"}`, ""), nil, "ok"},
		{"across accounts without an identity policy", user(otherAccount), trust(`{"AWS":"`+otherAccount+`"}`, ""), nil, "AccessDenied"},
		{"the right external ID", user(otherAccount, all), withID, []string{"secret"}, "ok"},
		{"a wrong external ID", user(otherAccount, all), withID, []string{"guess"}, "AccessDenied"},
		{"no external ID", user(otherAccount, all), withID, nil, "AccessDenied"},
		{"aws:PrincipalArn is the role's, with its path", session(otherAccount, all), byRole, nil, "ok"},
		{"aws:PrincipalArn of a user", user(otherAccount, all), byRole, nil, "AccessDenied"},
	} {
		t.Run(test.name, func(t *testing.T) { expect(t, assume(test.p, test.policy, test.externalID), test.want) })
	}
	err := assume(user(otherAccount, all), withID, nil)
	if strings.Contains(err.Error(), "because") {
		t.Errorf("a refusal to assume a role reveals its reason: %v", err)
	}
}

func TestConditionsAreEvaluatedAsOnAWS(t *testing.T) {
	via := changed(user(ownerAccount), func(p *kernel.Principal) { p.Via = []string{"cloudformation.amazonaws.com"} })
	tagged := changed(session(ownerAccount), func(p *kernel.Principal) { p.Keys = map[string][]string{"aws:principaltag/team": {"blue"}} })
	for _, test := range []struct {
		name, condition string
		p               *kernel.Principal
		context         map[string][]string
		holds           bool
	}{
		{"StringEquals", `"StringEquals":{"aws:PrincipalType":["X","User"]}`, nil, nil, true},
		{"StringEquals is case-sensitive", `"StringEquals":{"aws:PrincipalType":"user"}`, nil, nil, false},
		{"StringEquals has no wildcards", `"StringEquals":{"aws:PrincipalType":"*"}`, nil, nil, false},
		{"StringEqualsIgnoreCase", `"StringEqualsIgnoreCase":{"aws:PrincipalType":"user"}`, nil, nil, true},
		{"StringNotEquals of several means none", `"StringNotEquals":{"aws:PrincipalType":["X","User"]}`, nil, nil, false},
		{"StringNotEquals of an absent key", `"StringNotEquals":{"aws:SourceAccount":"1"}`, nil, nil, true},
		{"StringEquals of an absent key", `"StringEquals":{"aws:SourceAccount":"1"}`, nil, nil, false},
		{"IfExists of an absent key", `"StringEqualsIfExists":{"aws:SourceAccount":"1"}`, nil, nil, true},
		{"IfExists of a present key", `"StringEqualsIfExists":{"aws:PrincipalType":"X"}`, nil, nil, false},
		{"StringLike", `"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/a?n"}`, nil, nil, true},
		{"StringNotLike", `"StringNotLike":{"aws:PrincipalArn":"*user*"}`, nil, nil, false},
		{"ArnLike stays within the colons", `"ArnLike":{"aws:PrincipalArn":"arn:*:*:user/ann:*:*"}`, nil, nil, false},
		{"ArnLike of an incomplete ARN", `"ArnLike":{"aws:PrincipalArn":"arn:aws:*"}`, nil, nil, false},
		{"ArnLike", `"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`, nil, nil, true},
		{"ArnNotEquals", `"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::1:user/bob"}`, nil, nil, true},
		{"Bool", `"Bool":{"aws:SecureTransport":"true"}`, nil, nil, true},
		{"Bool as JSON", `"Bool":{"aws:SecureTransport":false}`, nil, nil, false},
		{"Null true of an absent key", `"Null":{"sts:ExternalId":"true"}`, nil, nil, true},
		{"Null false of an absent key", `"Null":{"sts:ExternalId":false}`, nil, nil, false},
		{"Null true of a present key", `"Null":{"aws:PrincipalArn":"true"}`, nil, nil, false},
		{"NumericLessThan", `"NumericLessThan":{"s3:max-keys":"10"}`, nil, map[string][]string{"s3:max-keys": {"9"}}, true},
		{"NumericGreaterThanEquals", `"NumericGreaterThanEquals":{"s3:max-keys":10}`, nil, map[string][]string{"s3:max-keys": {"9"}}, false},
		{"DateLessThan", `"DateLessThan":{"aws:CurrentTime":"2026-05-01T12:00:01Z"}`, nil, nil, true},
		{"DateGreaterThan in seconds", `"DateGreaterThan":{"aws:EpochTime":"4000000000"}`, nil, nil, false},
		{"IpAddress", `"IpAddress":{"aws:SourceIp":["10.0.0.0/8","127.0.0.0/8"]}`, nil, nil, true},
		{"NotIpAddress", `"NotIpAddress":{"aws:SourceIp":"127.0.0.1"}`, nil, nil, false},
		{"all conditions must hold", `"StringEquals":{"aws:PrincipalType":"User"},"Bool":{"aws:SecureTransport":"false"}`, nil, nil, false},
		{"ForAnyValue", `"ForAnyValue:StringEquals":{"aws:CalledVia":"cloudformation.amazonaws.com"}`, via, nil, true},
		{"ForAnyValue of an absent key", `"ForAnyValue:StringEquals":{"aws:CalledVia":"cloudformation.amazonaws.com"}`, nil, nil, false},
		{"ForAllValues of an absent key", `"ForAllValues:StringEquals":{"aws:TagKeys":"a"}`, nil, map[string][]string{"aws:tagkeys": nil}, true},
		{"ForAllValues with one value that doesn't match", `"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}`, nil, map[string][]string{"aws:tagkeys": {"a", "c"}}, false},
		{"ForAnyValue with one value that matches", `"ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}`, nil, map[string][]string{"aws:tagkeys": {"a", "c"}}, true},
		{"ForAllValues:StringNotEquals", `"ForAllValues:StringNotEquals":{"aws:TagKeys":"z"}`, nil, map[string][]string{"aws:tagkeys": {"a", "c"}}, true},
		{"ViaAWSService", `"Bool":{"aws:ViaAWSService":"true"}`, via, nil, true},
		{"a principal's tag", `"StringEquals":{"aws:PrincipalTag/Team":"blue"}`, tagged, nil, true},
		{"an absent tag of a principal", `"StringEquals":{"aws:PrincipalTag/Color":"blue"}`, tagged, nil, false},
		{"a variable", `"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}"}`, nil, nil, true},
		{"a variable without a value matches nothing", `"StringLike":{"aws:PrincipalArn":"*${aws:SourceArn}"}`, nil, nil, false},
		{"a variable's default", `"StringEquals":{"aws:PrincipalType":"${aws:SourceArn, 'User'}"}`, nil, nil, true},
		{"an escaped star", `"StringLike":{"aws:PrincipalType":"${*}"}`, nil, nil, false},
		{"keys and operators in any case", `"stringequals":{"AWS:principaltype":"User"}`, nil, nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := test.p
			if p == nil {
				p = user(ownerAccount)
			}
			p.Identity = []string{statement("Allow", "*", "*", `,"Condition":{`+test.condition+`}`)}
			err := ask(p, "", test.context)
			if test.holds {
				expect(t, err, "ok")
			} else {
				expect(t, err, "AccessDenied")
			}
		})
	}
}

func TestUnsupportedElementsAreErrorsAndNeverAllow(t *testing.T) {
	condition := func(effect, c string) string { return statement(effect, "*", "*", `,"Condition":{`+c+`}`) }
	for _, test := range []struct {
		name     string
		p        *kernel.Principal
		resource string
		want     string
	}{
		{"an unknown operator", user(ownerAccount, all, condition("Deny", `"StringResembles":{"aws:PrincipalType":"x"}`)), "", "StringResembles"},
		{"an unknown operator in an allow", user(ownerAccount, condition("Allow", `"BinaryEquals":{"aws:PrincipalType":"x"}`)), "", "BinaryEquals"},
		{"an unknown quantifier", user(ownerAccount, condition("Allow", `"ForMostValues:StringEquals":{"aws:PrincipalType":"x"}`)), "", "ForMostValues"},
		{"an unknown key", user(ownerAccount, all, condition("Deny", `"StringEquals":{"aws:MoonPhase":"full"}`)), "", "aws:MoonPhase"},
		{"an unknown key with IfExists", user(ownerAccount, condition("Allow", `"StringEqualsIfExists":{"ec2:Region":"x"}`)), "", "ec2:Region"},
		{"an unknown variable", user(ownerAccount, statement("Allow", "*", "arn:aws:sns:*:*:${ec2:Name}", "")), "", "ec2:Name"},
		{"NotPrincipal", user(ownerAccount, all), statement("Deny", "*", "*", `,"NotPrincipal":{"AWS":"`+ownerAccount+`"}`), "NotPrincipal"},
		{"a canonical user", user(ownerAccount, all), granting(`{"CanonicalUser":"abc"}`), "CanonicalUser"},
		{"a document that doesn't parse", user(ownerAccount, "{"), "", "invalid Json"},
		{"a malformed resource policy", user(ownerAccount, all), all, "Missing required field Principal"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := ask(test.p, test.resource, nil)
			expect(t, err, "SandboxNotImplemented")
			expect(t, err, test.want)
		})
	}
}

func TestAnUnknownKeyIsAnErrorOnlyIfItsStatementWouldApply(t *testing.T) {
	elsewhere := statement("Allow", "ec2:*", "*", `,"Condition":{"StringEquals":{"ec2:ResourceTag/a":"b"}}`)
	expect(t, ask(user(ownerAccount, elsewhere, publish), "", nil), "ok")
}

func TestActionsAndResourcesMatchAsOnAWS(t *testing.T) {
	for _, test := range []struct {
		name, action, resource string
		matches                bool
	}{
		{"actions in any case", "SNS:publish", "*", true},
		{"a wildcard in an action", "sns:Pub*", "*", true},
		{"a wildcard for one letter", "sns:Publis?", "*", true},
		{"another service", "sqs:*", "*", false},
		{"the exact resource", "sns:*", topic, true},
		{"resources in exact case", "sns:*", strings.TrimSuffix(topic, "t") + "T", false},
		{"a wildcard part", "sns:*", "arn:aws:sns:*:" + ownerAccount + ":*", true},
		{"a wildcard for several fields", "sns:*", "arn:*:eu-west-1:*:t:*", false},
		{"another account", "sns:*", "arn:aws:sns:*:" + otherAccount + ":*", false},
		{"a variable after the fifth colon", "sns:*", "arn:aws:sns:*:*:${aws:SourceArn, 't'}", true},
		{"a variable before it is text", "sns:*", "arn:aws:sns:*:${aws:PrincipalAccount}:t", false},
		{"a star at the end of the Region", "sns:*", "arn:aws:sns:eu-west-1:*", true},
		{"a star at the end of the service's field", "sns:*", "arn:aws:sns:*", true},
		{"another service's star", "sns:*", "arn:aws:logs:*", false},
		{"an ARN that ends after its service", "sns:*", "arn:aws:sns", true},
		{"an ARN that ends after its Region", "sns:*", "arn:aws:sns:eu-west-2", false},
		{"an ARN with five fields is completed, and its last is the account", "sns:*", "arn:aws:sns:*:t", false},
		{"a star within a field, before missing fields", "sns:*", "arn:aws:sns:eu-*1:t", false},
		{"a star within a field", "sns:*", "arn:aws:sns:e*1:*:t", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := ask(user(ownerAccount, statement("Allow", test.action, test.resource, "")), "", nil)
			if got := err == nil; got != test.matches {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAStarAtTheEndOfAFieldMatchesColons(t *testing.T) {
	t.Parallel()
	const subscription = "arn:aws:sns:eu-west-1:111111111111:t:5be8"
	for pattern, want := range map[string]bool{
		"arn:aws:sns:*:t:5be8": true, "arn:aws:sns:eu*:t:5be8": true, "arn:*:t:5be8:": false,
		"arn:aws:sns:*1:t:5be8": false, "arn:aws:sns:e*1:*1:t:5be8": true, "arn:aws:sns:e*1:t:5be8": false,
		"arn:aws:sns:eu-west-1:*:t:*": true, "arn:aws:sns:eu-west-?:111111111111:t:5be?": true, "arn:aws:sns:": false,
	} {
		if got := matchResource(wildcards.Replace(pattern), subscription); got != want {
			t.Errorf("%s matches: %v, want %v", pattern, got, want)
		}
	}
}

func TestDocumentsOfVersion2008HaveNoVariables(t *testing.T) {
	old := strings.Replace(statement("Allow", "*", "arn:aws:sns:*:*:${aws:SourceArn, 't'}", ""), "2012-10-17", "2008-10-17", 1)
	expect(t, ask(user(ownerAccount, old), "", nil), "AccessDenied")
}
