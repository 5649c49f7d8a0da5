// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// acme returns a set with every attribute of the first release.
func acme() Set {
	return Set{
		Role: Role{
			Name: "acme-globex", Path: "/vendors/", Description: "For <Acme>",
			ManagedPolicyARNs:      []string{"arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/SecurityAudit"},
			InlinePolicies:         Policies{"read": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":"*"}]}`},
			PermissionsBoundaryARN: "arn:aws:iam::aws:policy/PowerUserAccess",
			MaxSessionDuration:     7200,
			Tags:                   map[string]string{"team": "sre"},
		},
		Trust: Trust{TrustedPrincipals: []string{"arn:aws:iam::111111111111:role/a", "arn:aws:iam::111111111111:role/b"}},
		Choices: Choices{OptionalPermissions: map[string]OptionalPermission{
			"billing": {Description: "Read <invoices>", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/Billing", "arn:aws:iam::aws:policy/Budgets"}},
			"restart": {Description: "Restart hosts", DefaultEnabled: true, InlinePolicies: Policies{"restart": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ec2:RebootInstances","Resource":"*"}}`}},
		}},
	}
}

// optionally returns acme's set with one of its optional permissions changed.
func optionally(key string, change func(*OptionalPermission)) Set {
	s := acme()
	permission := s.OptionalPermissions[key]
	change(&permission)
	s.OptionalPermissions[key] = permission
	return s
}

// inline returns a set whose role has policies p0, p1, … with the given statements.
func inline(policies ...string) Set {
	d := Set{Role: Role{InlinePolicies: Policies{}}}
	for i, statements := range policies {
		d.Role.InlinePolicies[fmt.Sprintf("p%d", i)] = `{"Version":"2012-10-17","Statement":[` + statements + `]}`
	}
	return d
}

// trusting returns a set that also trusts others.
func trusting(s Set, others Trust) Set {
	others.TrustedPrincipals = s.TrustedPrincipals
	s.Trust = others
	return s
}

// created returns the set of inline, but its policies are created as managed policies.
func created(policies ...string) Set {
	s := inline(policies...)
	s.Role.InlinePolicies, s.Role.ManagedPolicies = nil, s.Role.InlinePolicies
	return s
}

const (
	readsB      = `{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]}`
	readsAll    = `{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":"*"}`
	deniesAdmin = `{"Effect":"Deny","NotAction":["s3:*","ec2:*"],"Resource":"*"}`
	inIreland   = `{"Effect":"Allow","Action":"ec2:DescribeInstances","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}`
	inOhio      = `{"Effect":"Allow","Action":"ec2:DescribeInstances","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-2"}}}`
)

func TestChangesSayWhatACustomerGainsAndLoses(t *testing.T) {
	for name, c := range map[string]struct {
		before, after Set
		want          []string
	}{
		"nothing":                       {acme(), acme(), nil},
		"the same, written differently": {inline(readsB), inline(`{"Sid":"a","Effect":"Allow","Action":"S3:getobject","Resource":["arn:aws:s3:::b/*","arn:aws:s3:::b"]}`, `{"Effect":"Allow","Action":"s3:ListBucket","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]}`), nil},
		"moved to a managed policy":     {inline(readsB), created(readsB), nil},
		"one more, in a managed policy": {created(readsB), created(readsB, deniesAdmin), []string{"gains a denial of everything but ec2:*, s3:* on *"}},
		"more trust":                    {acme(), trusting(acme(), Trust{TrustedAccountIDs: []string{"222222222222"}, AllowSessionTags: true}), []string{"can be assumed by account 222222222222", "lets sessions have tags"}},
		"less trust":                    {trusting(acme(), Trust{TrustedAccountIDs: []string{"222222222222"}, AllowSourceIdentity: true}), acme(), []string{"can no longer be assumed by account 222222222222", "no longer lets sessions have a source identity"}},
		"another policy":                {inline(readsB), inline(readsB, deniesAdmin), []string{"gains a denial of everything but ec2:*, s3:* on *"}},
		"wider resources":               {inline(readsB), inline(readsAll), []string{"gains s3:GetObject, s3:ListBucket on *", "loses s3:GetObject, s3:ListBucket on arn:aws:s3:::b, arn:aws:s3:::b/*"}},
		"another condition":             {inline(inIreland), inline(inOhio), []string{"gains ec2:DescribeInstances on *, under conditions", "loses ec2:DescribeInstances on *, under conditions"}},
		"an additional action":          {inline(readsAll), inline(readsAll, `{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"*"}`), []string{"gains s3:PutObject on *"}},
		"an additional permission":      {func() Set { d := acme(); delete(d.OptionalPermissions, "billing"); return d }(), acme(), []string{"offers optional permission billing"}},
		"another optional permission":   {acme(), optionally("billing", func(p *OptionalPermission) { p.ManagedPolicyARNs = p.ManagedPolicyARNs[:1] }), []string{"optional permission billing: loses managed policy arn:aws:iam::aws:policy/Budgets"}},
		"another wording":               {acme(), optionally("billing", func(p *OptionalPermission) { p.Description, p.DefaultEnabled = "Invoices", true }), nil},
		"all other attributes": {acme(), Set{Role: Role{
			Path: "/", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/job-function/Billing"}, InlinePolicies: acme().Role.InlinePolicies, MaxSessionDuration: 3600,
		}}, []string{
			"gains managed policy arn:aws:iam::aws:policy/job-function/Billing",
			"loses managed policy arn:aws:iam::aws:policy/ReadOnlyAccess",
			"no longer offers optional permission billing",
			"no longer offers optional permission restart",
			"can be assumed by all principals that the vendor's account allows",
			"can no longer be assumed by arn:aws:iam::111111111111:role/a",
			"can no longer be assumed by arn:aws:iam::111111111111:role/b",
			"loses permissions boundary arn:aws:iam::aws:policy/PowerUserAccess",
			"has longest session in seconds 3600 instead of 7200",
			"has path / instead of /vendors/",
			"has another description",
			"has other tags",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.before.Changes(c.after)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever makes customers outdated must be in the plan's changes.
func TestEveryAttributeOfTheVersionIsInTheChanges(t *testing.T) {
	for _, part := range []func(*Set) any{
		func(s *Set) any { return &s.Role }, func(s *Set) any { return &s.Trust }, func(s *Set) any { return &s.Choices }, func(s *Set) any { return &s.Additions },
	} {
		n := full()
		for i, a := range Attributes(reflect.ValueOf(part(&n))) {
			s := full()
			Attributes(reflect.ValueOf(part(&s)))[i].Value.SetZero()
			if named := len(full().Changes(s)) > 0; named != (a.Version != "") {
				t.Errorf("Changes names %s: %t", a.Name, named)
			}
		}
	}
	for key, permission := range full().OptionalPermissions {
		for i, a := range Attributes(reflect.ValueOf(&permission)) {
			s, changed := full(), permission
			Attributes(reflect.ValueOf(&changed))[i].Value.SetZero()
			s.OptionalPermissions[key] = changed
			if named := len(full().Changes(s)) > 0; named != (a.Version != "" && !a.Value.IsZero()) {
				t.Errorf("Changes names %s of the optional permission %s: %t", a.Name, key, named)
			}
		}
	}
}

func TestManyOrLongChangesAreShortened(t *testing.T) {
	var statements, resources []string
	for i := range 40 {
		statements = append(statements, fmt.Sprintf(`{"Effect":"Allow","Action":"s3:GetObject%d","Resource":"arn:aws:s3:::b%d"}`, i, i))
		resources = append(resources, fmt.Sprintf(`"arn:aws:s3:::bücket%d"`, i))
	}
	many := Set{}.Changes(inline(strings.Join(statements, ",")))
	if len(many) != 16 || many[15] != "and 25 changes more" {
		t.Errorf("got %d: %q", len(many), many)
	}
	long := Set{}.Changes(inline(`{"Effect":"Allow","Action":"s3:GetObject","Resource":[` + strings.Join(resources, ",") + `]}`))
	if len(long) != 1 || len([]rune(long[0])) != 301 || !utf8.ValidString(long[0]) {
		t.Errorf("got %q", long)
	}
}

// The version fills in defaults too, so no customer becomes outdated.
func TestADefaultThatIsWrittenOutIsNoChange(t *testing.T) {
	short := Set{Additions: Additions{AdditionalRoles: map[string]AdditionalRole{"scanner": {}}}}
	long := Set{Role: Role{}.WithDefaults(), Additions: Additions{AdditionalRoles: map[string]AdditionalRole{"scanner": withDefaults(AdditionalRole{})}}}
	if changed := short.Changes(long); len(changed) > 0 {
		t.Errorf("the changes are %q", changed)
	}
}
