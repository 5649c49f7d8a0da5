// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

const restartHosts = `{
  "Version": "2012-10-17",
  "Statement": [{"Sid": "Restart", "Effect": "Allow", "Action": "ec2:RebootInstances", "Resource": "*"}]
}`

// optional is a specification with optional permissions.
func optional(s Specification, permissions map[string]OptionalPermission) Specification {
	s.OptionalPermissions = permissions
	return s
}

func mixed() map[string]OptionalPermission {
	return map[string]OptionalPermission{
		"restart_hosts": {Description: "Restart hosts that hang.", DefaultEnabled: true, InlinePolicies: map[string]string{"restart": restartHosts}},
		"billing":       {Description: "Read invoices & budgets", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"}},
		"s3_2nd_look": {
			Description:       "Look into ${your} buckets",
			ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", "arn:aws:iam::aws:policy/AmazonAthenaFullAccess"},
			InlinePolicies: map[string]string{
				"tables":  strings.Replace(readBuckets, "s3:ListBucket", "glue:GetTables", 1),
				"buckets": strings.Replace(readBuckets, `"*"`, `"arn:aws:s3:::${aws:PrincipalTag/team}/*"`, 1),
			},
		},
	}
}

func optionalGoldens() map[string]Specification {
	bare := minimal("us-east-1")
	bare.Role = Role{}
	off, on := mixed(), mixed()
	delete(on, "billing")
	delete(on, "s3_2nd_look")
	delete(off, "restart_hosts")
	delete(off, "s3_2nd_look")
	return map[string]Specification{
		"optional-one-on":  optional(minimal("us-east-1"), on),
		"optional-one-off": optional(bare, off),
		"optional-mixed":   optional(everything(), mixed()),
	}
}

func TestASwitchsNameFollowsFromItsKeyAlone(t *testing.T) {
	for key, want := range map[string]string{
		"billing": "EnableBilling", "restart_hosts": "EnableRestartHosts", "s3_2nd_look": "EnableS32ndLook", "a": "EnableA", "a__b_": "EnableAB",
	} {
		if got := SwitchParameter(key); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}

func TestTheVersionFollowsWhatMayBeGrantedAndNotItsWording(t *testing.T) {
	base := Version(optional(everything(), mixed()))
	if base == Version(everything()) {
		t.Error("optional permissions do not change the version")
	}
	if Version(optional(everything(), map[string]OptionalPermission{})) != Version(everything()) {
		t.Error("no optional permissions are another version than none")
	}
	for name, c := range map[string]struct {
		same   bool
		change func(*OptionalPermission)
	}{
		"the description": {true, func(p *OptionalPermission) { p.Description = "other words" }},
		"the default":     {true, func(p *OptionalPermission) { p.DefaultEnabled = true }},
		"the order of the ARNs": {true, func(p *OptionalPermission) {
			p.ManagedPolicyARNs[0], p.ManagedPolicyARNs[1] = p.ManagedPolicyARNs[1], p.ManagedPolicyARNs[0]
		}},
		"the layout of a policy": {true, func(p *OptionalPermission) {
			p.InlinePolicies["tables"] = strings.ReplaceAll(p.InlinePolicies["tables"], "\n", "")
		}},
		"a managed policy":         {false, func(p *OptionalPermission) { p.ManagedPolicyARNs = p.ManagedPolicyARNs[:1] }},
		"an inline policy":         {false, func(p *OptionalPermission) { delete(p.InlinePolicies, "tables") }},
		"an inline policy's words": {false, func(p *OptionalPermission) { p.InlinePolicies["tables"] = restartHosts }},
	} {
		permissions := mixed()
		changed := permissions["s3_2nd_look"]
		c.change(&changed)
		permissions["s3_2nd_look"] = changed
		if got := Version(optional(everything(), permissions)); (got == base) != c.same {
			t.Errorf("%s: the same version is %t", name, got == base)
		}
	}
	permissions := mixed()
	permissions["restart"] = permissions["restart_hosts"]
	delete(permissions, "restart_hosts")
	if Version(optional(everything(), permissions)) == base {
		t.Error("another key, which stacks report, does not change the version")
	}
}

// An update of a stack whose template gains switches keeps the parameters that
// it has, and nobody fills in the new ones.
func TestEveryParameterThatATemplateMayGainHasADefault(t *testing.T) {
	var before, after struct {
		Parameters map[string]struct{ Default *string }
	}
	for template, into := range map[*Template]any{
		new(must(Render(minimal("us-east-1")))):                    &before,
		new(must(Render(optional(minimal("us-east-1"), mixed())))): &after,
	} {
		if err := json.Unmarshal(template.JSON(), into); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := len(after.Parameters), len(before.Parameters)+3; got != want {
		t.Fatalf("%d parameters, want %d", got, want)
	}
	for name, parameter := range after.Parameters {
		if _, old := before.Parameters[name]; !old && parameter.Default == nil {
			t.Errorf("%s has no default", name)
		}
	}
}

func TestWhatIsOptionalStandsInTheDescription(t *testing.T) {
	text := description(optional(minimal("us-east-1"), mixed()))
	if want := "named read. Optional, for you to switch on or off: Read invoices & budgets; Restart hosts that hang; Look into ${your} buckets. Deleting"; !strings.Contains(text, want) {
		t.Errorf("%s\ndoes not say %q", text, want)
	}
	many := map[string]OptionalPermission{}
	for i := range 20 {
		many[fmt.Sprintf("p%d", i)] = OptionalPermission{Description: strings.Repeat("ü", MaxSwitchText), ManagedPolicyARNs: []string{fmt.Sprintf("arn:aws:iam::aws:policy/%0128d", i)}}
	}
	s := optional(minimal("us-east-1"), many)
	if text := description(s); len(text) > maxDescription || !strings.HasSuffix(text, "... Deleting the stack ends the access.") {
		t.Errorf("%d bytes: %s", len(text), text)
	}
	if _, err := Render(s); err != nil {
		t.Error(err)
	}
}

func TestEveryMistakeInAnOptionalPermissionIsOnItsField(t *testing.T) {
	one := func(change func(*OptionalPermission)) map[string]OptionalPermission {
		p := mixed()["restart_hosts"]
		change(&p)
		return map[string]OptionalPermission{"fix": p}
	}
	described := func(text string) map[string]OptionalPermission {
		return one(func(p *OptionalPermission) { p.Description = text })
	}
	managed := func(arns ...string) map[string]OptionalPermission {
		return one(func(p *OptionalPermission) { p.ManagedPolicyARNs = arns })
	}
	inline := func(name, policy string) map[string]OptionalPermission {
		return one(func(p *OptionalPermission) { p.InlinePolicies = map[string]string{name: policy} })
	}
	with := func(key string, p OptionalPermission) map[string]OptionalPermission {
		all := one(func(*OptionalPermission) {})
		all[key] = p
		return all
	}
	audit := OptionalPermission{Description: "Audit", ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/Audit"}}
	for name, c := range map[string]struct {
		permissions map[string]OptionalPermission
		want        string
	}{
		"a key in capitals":         {with("Audit", audit), `optional_permissions["Audit"]: a key has 1 to 41`},
		"a key with dots":           {with("a.b", audit), `optional_permissions["a.b"]: a key has 1 to 41`},
		"an empty key":              {with("", audit), `optional_permissions: a key has 1 to 41`},
		"a long key":                {with(strings.Repeat("k", 42), audit), "a key has 1 to 41"},
		"two keys for one name":     {with("fix_", audit), `optional_permissions["fix_"]: its parameter would be called EnableFix, as that of "fix"`},
		"nothing to grant":          {with("none", OptionalPermission{Description: "None"}), `optional_permissions["none"]: it grants nothing`},
		"no description":            {described(" "), `optional_permissions.fix.description: it is empty`},
		"a long description":        {described(strings.Repeat("ü", 201)), `optional_permissions.fix.description: it has 201 characters, and 200 is the most`},
		"a description in lines":    {described("a\nb"), `optional_permissions.fix.description: it has line breaks`},
		"a dynamic description":     {described("{{resolve:ssm:x}}"), `optional_permissions.fix.description: it has {{resolve:`},
		"a policy's bare name":      {managed("SecurityAudit"), `optional_permissions.fix.managed_policy_arns["SecurityAudit"]: "SecurityAudit" is not the ARN`},
		"a policy over the border":  {managed("arn:aws-cn:iam::aws:policy/P"), "the policy is in partition aws-cn, the hub in aws"},
		"the role's managed policy": {managed("arn:aws:iam::aws:policy/Own"), `optional_permissions.fix.managed_policy_arns["arn:aws:iam::aws:policy/Own"]: the role has this policy already`},
		"another's managed policy":  {map[string]OptionalPermission{"a": audit, "b": audit}, `optional_permissions.b.managed_policy_arns["arn:aws:iam::aws:policy/Audit"]: the optional permission a has this policy already`},
		"another's policy's name":   {with("z", OptionalPermission{Description: "z", InlinePolicies: map[string]string{"restart": restartHosts}}), `optional_permissions.z.inline_policies["restart"]: the optional permission fix has a policy of this name already`},
		"the role's policy's name":  {inline("read", restartHosts), `optional_permissions.fix.inline_policies["read"]: the role has a policy of this name already`},
		"a policy's bad name":       {inline("a b", restartHosts), `optional_permissions.fix.inline_policies["a b"]: "a b" is not a policy name`},
		"broken JSON":               {inline("x", "{"), `optional_permissions.fix.inline_policies["x"]: line 1`},
		"a function in a policy":    {inline("x", strings.Replace(policyOf(`"x"`), "StringEquals", "Fn::If", 1)), `optional_permissions.fix.inline_policies["x"]: the key "Fn::If" would be read`},
		"too long with the role's":  {inline("x", policyOf(`"`+strings.Repeat("x", 10050)+`"`)), "optional_permissions: with all of them switched on the role's inline policies have 10"},
		"too many with the role's":  {managed(manyPolicies(20)...), "optional_permissions: with all of them switched on the role has 21 managed policies, and 20 is the most"},
	} {
		t.Run(name, func(t *testing.T) {
			s := minimal("us-east-1")
			s.Role.ManagedPolicyARNs = []string{"arn:aws:iam::aws:policy/Own"}
			s.OptionalPermissions = c.permissions
			problems := Validate(s)
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), c.want) {
				t.Errorf("got  %v\nwant %s", problems, c.want)
			}
		})
	}
	if problems := ValidateOptional(everything().Role, mixed(), account.Partition{}); len(problems) > 0 {
		t.Errorf("permissions whose hub is not known yet: %v", problems)
	}
}

func TestMoreSwitchesThanAFormCanHaveAreRefused(t *testing.T) {
	many := map[string]OptionalPermission{}
	for i := range MaxOptionalPermissions + 1 {
		many[fmt.Sprintf("p%d", i)] = OptionalPermission{Description: "x", InlinePolicies: map[string]string{fmt.Sprintf("x%d", i): restartHosts}}
	}
	problems := ValidateOptional(Role{}, many, account.Partition{})
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "optional_permissions: there are 51, and 50 is the most") {
		t.Error(problems)
	}
}
