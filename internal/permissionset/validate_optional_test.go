// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"strings"
	"testing"
)

func TestEveryMistakeInAnOptionalPermissionNamesItsField(t *testing.T) {
	one := func(change func(*OptionalPermission)) map[string]OptionalPermission {
		p := mixed()["restart_hosts"]
		p.ManagedPolicies = Policies{"fixes": readBuckets}
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
		return one(func(p *OptionalPermission) { p.InlinePolicies = Policies{name: policy} })
	}
	created := func(name, policy string) map[string]OptionalPermission {
		return one(func(p *OptionalPermission) { p.ManagedPolicies = Policies{name: policy} })
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
		"a long description":        {described(strings.Repeat("ü", 201)), `optional_permissions.fix.description: it has 201 characters, but at most 200 are allowed`},
		"a line break in it":        {described("a\nb"), `optional_permissions.fix.description: it has line breaks`},
		"a dynamic description":     {described("{{resolve:ssm:x}}"), `optional_permissions.fix.description: it contains {{resolve:`},
		"a policy's bare name":      {managed("SecurityAudit"), `optional_permissions.fix.managed_policy_arns["SecurityAudit"]: "SecurityAudit" is not the ARN`},
		"another partition":         {managed("arn:aws-cn:iam::aws:policy/P"), "the policy is in partition aws-cn, the hub in aws"},
		"the role's managed policy": {managed("arn:aws:iam::aws:policy/Own"), `optional_permissions.fix.managed_policy_arns["arn:aws:iam::aws:policy/Own"]: the role has this policy already`},
		"another's managed policy":  {map[string]OptionalPermission{"a": audit, "b": audit}, `optional_permissions.b.managed_policy_arns["arn:aws:iam::aws:policy/Audit"]: the optional permission a has this policy already`},
		"another's policy's name":   {with("z", OptionalPermission{Description: "z", InlinePolicies: Policies{"restart": restartHosts}}), `optional_permissions.z.inline_policies["restart"]: the optional permission fix has a policy of this name already`},
		"the role's policy's name":  {inline("read", restartHosts), `optional_permissions.fix.inline_policies["read"]: the role has a policy of this name already`},
		"the role's created policy": {created("core", readBuckets), `optional_permissions.fix.managed_policies["core"]: the role has a policy of this name already`},
		"another's created policy":  {with("z", OptionalPermission{Description: "z", ManagedPolicies: Policies{"fixes": readBuckets}}), `optional_permissions.z.managed_policies["fixes"]: the optional permission fix has a policy of this name already`},
		"the role's resource":       {created("co-re", readBuckets), `optional_permissions.fix.managed_policies["co-re"]: its resource would be called PolicyCoRe, as that of "co_re"`},
		"too many created":          {created("all", describing(1700)), "optional_permissions: with all of them switched on the role has 22 managed policies, but at most 20 are allowed: 1 of managed_policy_arns, 1 by co_re, 1 by core, 19 by all"},
		"a policy's bad name":       {inline("a b", restartHosts), `optional_permissions.fix.inline_policies["a b"]: "a b" is not a policy name`},
		"broken JSON":               {inline("x", "{"), `optional_permissions.fix.inline_policies["x"]: line 1`},
		"a function in a policy":    {inline("x", strings.Replace(policyOf(`"x"`), "StringEquals", "Fn::If", 1)), `optional_permissions.fix.inline_policies["x"]: the key "Fn::If" would be read`},
		"too long with the role's":  {inline("x", policyOf(`"`+strings.Repeat("x", 10050)+`"`)), "optional_permissions: with all of them switched on the role's inline policies have 10"},
		"too many with the role's":  {managed(manyPolicies(19)...), "optional_permissions: with all of them switched on the role has 23 managed policies, but at most 20 are allowed: 20 of managed_policy_arns, 1 by co_re, 1 by core, 1 by fixes"},
	} {
		t.Run(name, func(t *testing.T) {
			s := minimal()
			s.Role.ManagedPolicyARNs = []string{"arn:aws:iam::aws:policy/Own"}
			s.Role.ManagedPolicies = Policies{"core": readBuckets, "co_re": readBuckets}
			s.OptionalPermissions = c.permissions
			problems := s.Validate(vendor, commercial)
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), c.want) {
				t.Errorf("got  %v\nwant %s", problems, c.want)
			}
		})
	}
}

func TestMoreSwitchesThanAFormCanHaveAreRefused(t *testing.T) {
	many := map[string]OptionalPermission{}
	for i := range MaxOptionalPermissions + 1 {
		many[fmt.Sprintf("p%d", i)] = OptionalPermission{Description: "x", InlinePolicies: Policies{fmt.Sprintf("x%d", i): restartHosts}}
	}
	problems := Set{Choices: Choices{OptionalPermissions: many}}.Validate(vendor, commercial)
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "optional_permissions: there are 51, but a customer can be asked to decide about at most 50") {
		t.Error(problems)
	}
}
