// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

func TestAGoodSetHasNoProblems(t *testing.T) {
	for name, s := range map[string]Set{"minimal": minimal(), "everything": everything(), "full": full(), "nothing": {}} {
		if problems := s.Validate(vendor, commercial); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
		if problems := s.ValidatePermissions(account.Partition{}); len(problems) > 0 {
			t.Errorf("%s, for a hub that is not known yet: %v", name, problems)
		}
	}
}

// policyOf returns an identity policy with one condition value.
func policyOf(value string) string {
	return `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/x":` + value + `}}}}`
}

func TestEveryMistakeNamesItsField(t *testing.T) {
	inline := func(text string) func(*Set) {
		return func(s *Set) { s.Role.InlinePolicies = Policies{"read": text} }
	}
	managed := func(policies Policies) func(*Set) {
		return func(s *Set) { s.Role.ManagedPolicies = policies }
	}
	principal := func(text string) func(*Set) {
		return func(s *Set) { s.TrustedPrincipals = []string{text} }
	}
	for name, c := range map[string]struct {
		change func(*Set)
		want   string
	}{
		"a principal without ARN":     {principal("Collector"), `trusted_principal_arns["Collector"]: "Collector" is not the ARN of an IAM role`},
		"another account's principal": {principal("arn:aws:iam::222222222222:role/R"), `trusted_principal_arns["arn:aws:iam::222222222222:role/R"]: the role is in account 222222222222`},
		"a wildcard principal":        {principal("arn:aws:iam::111111111111:role/*/R"), "the ARN must name one role, without wildcards"},
		"a question mark":             {principal("arn:aws:iam::111111111111:role/?/R"), "without wildcards"},
		"a variable":                  {principal("arn:aws:iam::111111111111:role/${aws:x}/R"), "without wildcards"},
		"another partition's role":    {principal("arn:aws-cn:iam::111111111111:role/R"), "the role is in partition aws-cn, the hub in aws"},
		"an account of eleven digits": {func(s *Set) { s.TrustedAccountIDs = []string{"22222222222"} }, `trusted_account_ids["22222222222"]: "22222222222" is not an AWS account ID`},
		"the hub's own account":       {func(s *Set) { s.TrustedAccountIDs = []string{"111111111111"} }, `trusted_account_ids["111111111111"]: it is the hub's own account, which is trusted always: leave it out`},
		"a role of neither account": {func(s *Set) {
			s.TrustedAccountIDs, s.TrustedPrincipals = []string{"222222222222"}, []string{"arn:aws:iam::222222222222:role/R", "arn:aws:iam::333333333333:role/R"}
		}, `trusted_principal_arns["arn:aws:iam::333333333333:role/R"]: the role is in account 333333333333, which is neither the hub's account 111111111111 nor one of trusted_account_ids`},
		"more accounts than fit": {func(s *Set) {
			s.AllowSessionTags = true
			for i := range 7 {
				s.TrustedAccountIDs = append(s.TrustedAccountIDs, fmt.Sprintf("22222222222%d", i))
			}
		}, "trusted_account_ids: with 8 accounts and 0 principals the trust policy has 2"},
		"more principals than fit": {func(s *Set) {
			for i := range 40 {
				s.TrustedPrincipals = append(s.TrustedPrincipals, fmt.Sprintf("arn:aws:iam::111111111111:role/application-%02d", i))
			}
		}, "trusted_principal_arns: with 40 principals the trust policy has"},

		"a path without last slash":     {func(s *Set) { s.Role.Path = "/vendors" }, `role.path: "/vendors" is not a role path`},
		"a dynamic path":                {func(s *Set) { s.Role.Path = "/{{resolve:ssm:x}}/" }, "role.path: it contains {{resolve:"},
		"a long description":            {func(s *Set) { s.Role.Description = strings.Repeat("x", 1001) }, "role.description: IAM allows at most 1000 characters"},
		"a Chinese description":         {func(s *Set) { s.Role.Description = "角色" }, "role.description: IAM allows at most"},
		"a dynamic description":         {func(s *Set) { s.Role.Description = "a {{ Resolve:ssm:x}}" }, "role.description: it contains {{resolve:"},
		"a short session":               {func(s *Set) { s.Role.MaxSessionDuration = 60 }, "role.max_session_duration: 60 seconds is not between 3600 and 43200"},
		"a long session":                {func(s *Set) { s.Role.MaxSessionDuration = 46800 }, "role.max_session_duration: 46800"},
		"a policy's bare name":          {func(s *Set) { s.Role.ManagedPolicyARNs = []string{"SecurityAudit"} }, `role.managed_policy_arns["SecurityAudit"]: "SecurityAudit" is not the ARN of a managed policy`},
		"a role for a policy":           {func(s *Set) { s.Role.ManagedPolicyARNs = []string{"arn:aws:iam::111111111111:role/R"} }, "its resource does not start with policy/"},
		"a policy of another partition": {func(s *Set) { s.Role.ManagedPolicyARNs = []string{"arn:aws-cn:iam::aws:policy/P"} }, "the policy is in partition aws-cn, the hub in aws"},
		"a dynamic policy ARN": {func(s *Set) {
			s.Role.ManagedPolicyARNs = []string{"arn:aws:iam::aws:policy/{{resolve:ssm:x}}/P"}
		}, "it contains {{resolve:"},
		"too many managed policies":       {func(s *Set) { s.Role.ManagedPolicyARNs = manyPolicies(21) }, "role.managed_policy_arns: a role can have 20 managed policies at most, not 21"},
		"a bad boundary":                  {func(s *Set) { s.Role.PermissionsBoundaryARN = "x" }, `role.permissions_boundary_arn: "x" is not the ARN`},
		"a policy's bad name":             {func(s *Set) { s.Role.InlinePolicies = Policies{"a b": readBuckets} }, `role.inline_policies["a b"]: "a b" is not a policy name`},
		"broken JSON":                     {inline("{\n\"Statement\": [\n}"), `role.inline_policies["read"]: line 3, column 1: the policy is not valid JSON`},
		"a principal in a policy":         {inline(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`), `has no "Principal"`},
		"policies that are too large":     {inline(policyOf(`"` + strings.Repeat("x", 10240) + `"`)), "role.inline_policies: the inline policies have 10358 characters together, without whitespace, and IAM allows 10240"},
		"a dynamic policy":                {inline(policyOf(`["a", "{{resolve:secretsmanager:x}}"]`)), `role.inline_policies["read"]: it contains {{resolve:`},
		"an escaped dynamic policy":       {inline(policyOf(`"\u007b{resolve:ssm:x}}"`)), "it contains {{resolve:"},
		"a dynamic condition key":         {inline(strings.Replace(policyOf(`"a"`), "PrincipalTag/x", "PrincipalTag/{{resolve:ssm:x}}", 1)), "it contains {{resolve:"},
		"a reference in a policy":         {inline(strings.Replace(policyOf(`"AWS::AccountId"`), "aws:PrincipalTag/x", "Ref", 1)), `the key "Ref" would be read as a CloudFormation function`},
		"a function in a policy":          {inline(strings.Replace(policyOf(`"x"`), "StringEquals", "Fn::Transform", 1)), `the key "Fn::Transform" would be read`},
		"a resource of another partition": {inline(`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws-cn:s3:::b"}}`), `role.inline_policies["read"]: Statement[0] has the resource "arn:aws-cn:s3:::b" of partition aws-cn, and the hub is in aws`},
		"what IAM would refuse":           {inline(`{"Statement":{"Sid":"Read","Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3"}}`), `role.inline_policies["read"]: statement "Read" has the resource "arn:aws:s3", which has 3 of the six parts of an ARN`},
		"a managed policy's name":         {managed(Policies{"a b": readBuckets}), `role.managed_policies["a b"]: "a b" is not a policy name`},
		"a managed policy's JSON":         {managed(Policies{"core": "{"}), `role.managed_policies["core"]: line 1`},
		"a managed policy of 2008":        {managed(Policies{"core": policyOf(`"x"`)}), `role.managed_policies["core"]: a managed policy must have a version`},
		"a dynamic managed policy":        {managed(Policies{"core": strings.Replace(readBuckets, `"*"`, `"arn:aws:s3:::{{resolve:ssm:x}}"`, 1)}), `role.managed_policies["core"]: it contains {{resolve:`},
		"a statement that is too long":    {managed(Policies{"core": policy(sized("Wide", 7000))}), `role.managed_policies["core"]: statement "Wide" has 7000 characters by itself`},
		"too many parts":                  {managed(Policies{"core": describing(2000)}), `role.managed_policies["core"]: it needs at least 22 managed policies, and a role can have 20`},
		"too many policies together": {func(s *Set) {
			s.Role.ManagedPolicyARNs, s.Role.ManagedPolicies = manyPolicies(18), Policies{"core": readBuckets, "collection": describing(150)}
		}, `role.managed_policies: a role can have 20 managed policies at most, not 21: 18 of managed_policy_arns, 2 by collection, 1 by core`},
		"two names for one resource": {managed(Policies{"read-only": readBuckets, "read_only": readBuckets}), `role.managed_policies["read_only"]: its resource would be called PolicyReadOnly, as that of "read-only"`},
		"a name for another's part":  {managed(Policies{"all": describing(150), "all-2": readBuckets}), `role.managed_policies["all-2"]: its resource would be called PolicyAll2, as that of "all"`},
		"too many tags":              {func(s *Set) { s.Role.Tags = manyTags(51) }, "role.tags: a role can have 50 tags at most, not 51"},
		"a tag without a key":        {func(s *Set) { s.Role.Tags = map[string]string{"": "x"} }, "role.tags: a tag's key has 1 to 128"},
		"an invalid tag key":         {func(s *Set) { s.Role.Tags = map[string]string{"a;b": ""} }, `role.tags["a;b"]: a tag's key has 1 to 128`},
		"a tag's long value":         {func(s *Set) { s.Role.Tags = map[string]string{"k": strings.Repeat("x", 257)} }, `role.tags["k"]: a tag's value has at most 256`},
		"a tag of AWS":               {func(s *Set) { s.Role.Tags = map[string]string{"AWS:x": ""} }, `role.tags["AWS:x"]: keys that begin with aws: are reserved by AWS`},
		"a tag in two cases":         {func(s *Set) { s.Role.Tags = map[string]string{"team": "", "Team": ""} }, `role.tags["team"]: IAM considers it the same key as "Team"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := minimal()
			c.change(&s)
			problems := s.Validate(vendor, commercial)
			if len(problems) == 0 {
				t.Fatalf("accepted; want %q", c.want)
			}
			if got := problems[0].Error(); !strings.Contains(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if len(problems) > 1 {
				t.Errorf("one mistake, %d problems: %v", len(problems), problems)
			}
		})
	}
}

func manyPolicies(n int) []string {
	arns := make([]string, n)
	for i := range arns {
		arns[i] = fmt.Sprintf("arn:aws:iam::aws:policy/Policy%d", i)
	}
	return arns
}

func manyTags(n int) map[string]string {
	tags := make(map[string]string, n)
	for i := range n {
		tags[fmt.Sprintf("tag-%d", i)] = ""
	}
	return tags
}
