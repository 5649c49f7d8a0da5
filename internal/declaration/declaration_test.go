// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package declaration

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// firstRelease returns a declaration with every field of the first release.
func firstRelease() Declaration {
	return Declaration{
		Role: permissionset.Role{
			Name: "acme-globex", Path: "/vendors/", Description: "For <Acme>",
			ManagedPolicyARNs:      []string{"arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/SecurityAudit"},
			InlinePolicies:         permissionset.Policies{"read": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":"*"}]}`},
			PermissionsBoundaryARN: "arn:aws:iam::aws:policy/PowerUserAccess",
			MaxSessionDuration:     7200,
			Tags:                   map[string]string{"team": "sre"},
		},
		Trust:     permissionset.Trust{TrustedPrincipals: []string{"arn:aws:iam::111111111111:role/a", "arn:aws:iam::111111111111:role/b"}},
		StackName: "acme-access",
		Region:    "eu-central-1",
		ExpiresAt: "2030-01-01T00:00:00Z",
		Choices: permissionset.Choices{OptionalPermissions: map[string]permissionset.OptionalPermission{
			"billing": {Description: "Read <invoices>", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/Billing", "arn:aws:iam::aws:policy/Budgets"}},
			"restart": {Description: "Restart hosts", DefaultEnabled: true, InlinePolicies: permissionset.Policies{"restart": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ec2:RebootInstances","Resource":"*"}}`}},
		}},
	}
}

// full returns a declaration with every field.
func full() Declaration {
	d := firstRelease()
	d.Role.ManagedPolicies = permissionset.Policies{"core": d.Role.InlinePolicies["read"]}
	d.TrustedAccountIDs, d.AllowSessionTags, d.AllowSourceIdentity = []string{"222222222222"}, true, true
	restart := d.OptionalPermissions["restart"]
	restart.ManagedPolicies = permissionset.Policies{"more": d.Role.InlinePolicies["read"]}
	d.OptionalPermissions["restart"] = restart
	d.RegisterWithoutStack = true
	d.CustomerParameters = map[string]permissionset.CustomerParameter{
		"bucket":  {Description: "Bucket", AllowedPattern: "[a-z]+", MinLength: 2, MaxLength: 63},
		"reports": {Description: "Reports", Default: new("")},
		"size":    {Description: "Size", Default: new("s"), AllowedValues: []string{"l", "s"}},
	}
	d.CustomerChooses = []string{"permissions_boundary", "role_path"}
	d.AdditionalRoles = map[string]permissionset.AdditionalRole{"scanner": {InlinePolicies: d.Role.InlinePolicies, MaxSessionDuration: 3600}}
	d.TemplateResources, d.TemplateOutputs = `{"Exports": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}}`, `{"bucket": {"Ref": "Exports"}}`
	d.OptionalPermissions["reports"] = permissionset.OptionalPermission{
		Description: "Reports", WhenParameter: "reports", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/Reports"},
	}
	return d
}

// minimum returns a declaration with only the required fields.
func minimum() Declaration {
	return Declaration{Role: permissionset.Role{Name: "r", Path: "/", MaxSessionDuration: 3600}, StackName: "s", Region: "eu-central-1"}
}

// empty returns a declaration whose lists and maps are all empty.
func empty() Declaration {
	return Declaration{
		Role:    permissionset.Role{ManagedPolicyARNs: []string{}, InlinePolicies: permissionset.Policies{}, Tags: map[string]string{}},
		Trust:   permissionset.Trust{TrustedPrincipals: []string{}},
		Choices: permissionset.Choices{OptionalPermissions: map[string]permissionset.OptionalPermission{}},
	}
}

// optionally returns the full declaration with one of its optional permissions changed.
func optionally(key string, change func(*permissionset.OptionalPermission)) Declaration {
	d := full()
	permission := d.OptionalPermissions[key]
	change(&permission)
	d.OptionalPermissions[key] = permission
	return d
}

func TestADeclarationSurvivesEncoding(t *testing.T) {
	for name, d := range map[string]Declaration{
		"everything declared":     full(),
		"nothing but the minimum": minimum(),
		"empty is not null":       empty(),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Of(onboarding.Link{Declared: d.Encode()})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(d, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEquivalentDeclarationsDoNotDiffer(t *testing.T) {
	other := full()
	other.TrustedPrincipals = []string{"arn:aws:iam::111111111111:role/b", "arn:aws:iam::111111111111:role/a"}
	other.ExpiresAt = "2030-01-01T01:00:00+01:00"
	other.Role.InlinePolicies = permissionset.Policies{"read": `{
		"Version": "2012-10-17",
		"Statement": {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": ["*"]}}`}
	other.OptionalPermissions["billing"] = permissionset.OptionalPermission{Description: "Read <invoices>", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/Budgets", "arn:aws:iam::aws:policy/Billing"}}
	if got := full().DiffersFrom(other); got != "" {
		t.Errorf("differs in %s", got)
	}
}

func TestEveryFieldOfAnOptionalPermissionIsCompared(t *testing.T) {
	for name, c := range map[string]struct {
		other       Declaration
		sameWording bool
	}{
		"the description":   {optionally("billing", func(p *permissionset.OptionalPermission) { p.Description = "Read" }), false},
		"the default":       {optionally("billing", func(p *permissionset.OptionalPermission) { p.DefaultEnabled = true }), false},
		"created policies":  {optionally("restart", func(p *permissionset.OptionalPermission) { p.ManagedPolicies = nil }), true},
		"managed policies":  {optionally("billing", func(p *permissionset.OptionalPermission) { p.ManagedPolicyARNs = p.ManagedPolicyARNs[:1] }), true},
		"inline policies":   {optionally("restart", func(p *permissionset.OptionalPermission) { p.InlinePolicies = nil }), true},
		"an additional one": {optionally("other", func(p *permissionset.OptionalPermission) { p.Description = "Other" }), false},
	} {
		if got := full().DiffersFrom(c.other); got != "optional_permissions" {
			t.Errorf("%s: differs in %q", name, got)
		}
		if got := full().SameWording(c.other.Choices); got != c.sameWording {
			t.Errorf("%s: the same wording is %t", name, got)
		}
	}
}

func TestEveryFieldOfACustomerParameterIsComparedAndIsWording(t *testing.T) {
	with := func(key string, change func(*permissionset.CustomerParameter)) Declaration {
		d := full()
		p := d.CustomerParameters[key]
		change(&p)
		d.CustomerParameters[key] = p
		return d
	}
	for name, other := range map[string]Declaration{
		"the description": with("bucket", func(p *permissionset.CustomerParameter) { p.Description = "B" }),
		"the pattern":     with("bucket", func(p *permissionset.CustomerParameter) { p.AllowedPattern = "" }),
		"the minimum":     with("bucket", func(p *permissionset.CustomerParameter) { p.MinLength = 3 }),
		"the maximum":     with("bucket", func(p *permissionset.CustomerParameter) { p.MaxLength = 60 }),
		"a default":       with("bucket", func(p *permissionset.CustomerParameter) { p.Default = new("x") }),
		"an empty one":    with("bucket", func(p *permissionset.CustomerParameter) { p.Default = new("") }),
		"no default":      with("reports", func(p *permissionset.CustomerParameter) { p.Default = nil }),
		"the values":      with("size", func(p *permissionset.CustomerParameter) { p.AllowedValues = []string{"s"} }),
		"one more":        with("more", func(p *permissionset.CustomerParameter) { p.Description = "M" }),
	} {
		if got := full().DiffersFrom(other); got != "customer_parameters" {
			t.Errorf("%s: differs in %q", name, got)
		}
		if full().SameWording(other.Choices) {
			t.Errorf("%s: the template would not be rendered again", name)
		}
	}
}

func TestADeclarationWithoutOptionalPermissionsHasNone(t *testing.T) {
	before := full()
	before.OptionalPermissions = nil
	text := before.Encode()
	if strings.Contains(string(text), "optional") {
		t.Errorf("%s", text)
	}
	got, err := Of(onboarding.Link{Declared: text})
	if err != nil || got.OptionalPermissions != nil {
		t.Errorf("%v, %v", got.OptionalPermissions, err)
	}
}

// One field is changed at a time. If DiffersFrom missed a field, a link that differs in it would be
// taken over silently.
func TestEveryFieldIsCompared(t *testing.T) {
	changeEach(reflect.TypeFor[Declaration](), nil, func(at []int, name string) {
		other := full()
		field := reflect.ValueOf(&other).Elem().FieldByIndex(at)
		field.SetZero()
		if full().DiffersFrom(other) == "" {
			t.Errorf("a difference in %s is not detected", name)
		}
	})
}

func changeEach(in reflect.Type, at []int, change func([]int, string)) {
	for i := range in.NumField() {
		f := in.Field(i)
		path := append(append([]int{}, at...), i)
		if f.Type.Kind() == reflect.Struct {
			changeEach(f.Type, path, change)
			continue
		}
		change(path, f.Name)
	}
}
