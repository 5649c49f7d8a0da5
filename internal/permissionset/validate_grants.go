// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// maxManagedPolicies is how many managed policies IAM allows for one role with a
// raised quota (aws-facts 7.2). The default quota of an account is defaultPolicyQuota.
const (
	maxManagedPolicies = 20
	defaultPolicyQuota = 10
)

// grantsCheck is the information about a set that the check of its grants needs. The
// partition may be zero if it isn't known yet.
type grantsCheck struct {
	Choices
	scope     scope
	partition account.Partition
}

// grantsIn returns the check of grants that apply always, or, if given is not empty,
// while the parameter given has a value.
func (s Set) grantsIn(given string, partition account.Partition) grantsCheck {
	return grantsCheck{s.Choices, scope{s.CustomerParameters, given}, partition}
}

// grants refuses policies that IAM or CloudFormation would not accept, and more
// policies than a role may have. field is the attribute with the policies, such as
// "role".
func (p *Problems) grants(field string, g Grants, in grantsCheck) {
	written := map[string]string{}
	for _, text := range sortedSet(g.ManagedPolicyARNs) {
		p.managedPolicy(field+".managed_policy_arns", text, text, in)
		arn := in.samples(in.partition).in(text)
		if other, twice := written[arn]; twice {
			p.Add(field+".managed_policy_arns", text, "it is the same policy as %s", other)
		}
		written[arn] = text
	}
	p.inlinePolicies(field+".inline_policies", g.InlinePolicies, in)
	if p.policies(field+".managed_policies", g.ManagedPolicies, iampolicy.Managed, in) {
		p.created(field+".managed_policies", g.ManagedPolicies, in)
	}
	if n, counted := in.attached(g); n > maxManagedPolicies {
		last := field + ".managed_policy_arns"
		if len(g.ManagedPolicies) > 0 {
			last = field + ".managed_policies"
		}
		p.Add(last, "", "a role can have %d managed policies at most, not %d%s", maxManagedPolicies, n, counted)
	}
}

// created refuses documents that can't be divided into managed policies.
func (p *Problems) created(field string, policies Policies, in grantsCheck) {
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		if _, err := in.divide(policies[name]); err != nil {
			p.Add(field, name, "%s", err)
		}
	}
}

// attached returns how many managed policies a role would have, and a description of
// the documents that are divided.
func (c Choices) attached(all ...Grants) (n int, counted string) {
	var arns, made []string
	for _, g := range all {
		arns = append(arns, g.ManagedPolicyARNs...)
		for _, name := range slices.Sorted(maps.Keys(g.ManagedPolicies)) {
			parts, _ := c.divide(g.ManagedPolicies[name]) // an error is reported as a mistake of its own
			made = append(made, fmt.Sprintf("%d by %s", len(parts), name))
			n += len(parts)
		}
	}
	own := len(sortedSet(arns))
	if len(made) > 0 {
		counted = fmt.Sprintf(": %d of managed_policy_arns, %s", own, strings.Join(made, ", "))
	}
	return n + own, counted
}

func (p *Problems) managedPolicy(field, key, text string, in grantsCheck) {
	arn, err := account.ParsePolicyARN(in.samples(in.partition).in(text))
	if err != nil {
		p.Add(field, key, "%s", err)
		return
	}
	p.partition(field, key, arn.Partition, in.partition)
	p.referring(field, key, text, in.scope)
}

// Sampled returns a policy document with a sample value in place of each reference,
// for callers that have only the document.
func Sampled(document string) string {
	return Choices{}.samples(account.Partition{}).inPolicy(document)
}

// CheckPolicyARN returns an error if text is not the ARN of a managed policy. The ARN
// may contain references; their parameters are not checked.
func CheckPolicyARN(text string) error {
	_, err := account.ParsePolicyARN(Choices{}.samples(account.Partition{}).in(text))
	return err
}

// policies refuses documents that IAM or CloudFormation would not accept, and reports
// whether all of them could be parsed.
func (p *Problems) policies(field string, policies Policies, kind iampolicy.Kind, in grantsCheck) bool {
	sound := true
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		if err := account.CheckPolicyName(name); err != nil {
			p.Add(field, name, "%s", err)
		}
		findings, err := iampolicy.Lint(in.samples(in.partition).inPolicy(policies[name]), kind, in.partition)
		if err != nil {
			p.Add(field, name, "%s", err)
			sound = false
			continue
		}
		if p.inertPolicy(field, name, policies[name], in.scope) {
			p.refused(field, name, findings)
		}
	}
	return sound
}

func (p *Problems) inlinePolicies(field string, policies Policies, in grantsCheck) {
	if !p.policies(field, policies, iampolicy.Inline, in) {
		return
	}
	if sum, err := iampolicy.InlineSize(in.longest().inPolicies(policies)); err == nil && sum > iampolicy.MaxInlineSize {
		p.Add(field, "", "the inline policies have %d characters together, without whitespace, and IAM allows %d: move permissions to managed policies", sum, iampolicy.MaxInlineSize)
	}
}

// inertPolicy refuses a policy document that CloudFormation would change in other
// places than its references, and reports whether the document is accepted.
func (p *Problems) inertPolicy(field, name, text string, in scope) bool {
	before := len(*p)
	if tree, err := Decode([]byte(text)); err == nil {
		p.inertTree(field, name, FillPolicy(tree, func(text string) any {
			p.referring(field, name, text, in)
			return nil
		}))
	}
	return len(*p) == before
}

// refused adds the linter's errors; Review returns its warnings.
func (p *Problems) refused(field, name string, findings []iampolicy.Finding) {
	for _, f := range findings {
		if f.Severity == iampolicy.SeverityError && f.Code != iampolicy.TooLong { // a document that is too long is divided
			p.Add(field, name, "%s", f.Message)
		}
	}
}

// inertTree checks a part of a policy: CloudFormation interprets an object with one of
// these keys as a function.
func (p *Problems) inertTree(field, name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key == "Ref" || strings.HasPrefix(key, "Fn::") {
				p.Add(field, name, "the key %q would be read as a CloudFormation function", key)
			}
			p.Inert(field, name, key)
			p.inertTree(field, name, v[key])
		}
	case []any:
		for _, inner := range v {
			p.inertTree(field, name, inner)
		}
	case string:
		p.Inert(field, name, v)
	}
}
