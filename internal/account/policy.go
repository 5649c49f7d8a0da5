// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package account

import (
	"encoding"
	"fmt"
	"strings"
)

// PolicyARN names a managed policy:
// arn:PARTITION:iam::ACCOUNT:policy[/PATH/]NAME. AWS managed policies belong to
// no account: their account is the zero value.
type PolicyARN struct {
	Partition Partition
	Account   ID
	Path      string // begins and ends with "/", at least "/"
	Name      string
}

// ParsePolicyARN returns the ARN of an AWS managed or a customer managed policy
// in s.
func ParsePolicyARN(s string) (PolicyARN, error) {
	fail := func(why string) (PolicyARN, error) {
		return PolicyARN{}, fmt.Errorf("%q is not the ARN of a managed policy, such as arn:aws:iam::aws:policy/SecurityAudit: %s", clip(s), why)
	}
	const nobody = "000000000000"
	text, byAWS := s, false
	if parts := strings.SplitN(s, ":", 6); len(parts) == 6 && parts[4] == "aws" {
		parts[4], byAWS = nobody, true
		text = strings.Join(parts, ":")
	}
	a, err := splitARN(text, "iam")
	if err != nil {
		return fail(err.Error())
	}
	if a.region != "" {
		return fail("an IAM ARN has no Region")
	}
	rest, ok := strings.CutPrefix(a.resource, "policy/")
	if !ok {
		return fail("its resource does not start with policy/")
	}
	slash := strings.LastIndex(rest, "/")
	policy := PolicyARN{Partition: a.partition, Account: a.account, Path: "/" + rest[:slash+1], Name: rest[slash+1:]}
	if byAWS {
		policy.Account = ID{}
	}
	if err := CheckPolicyName(policy.Name); err != nil {
		return fail(err.Error())
	}
	if err := CheckRolePath(policy.Path); err != nil {
		return fail(err.Error())
	}
	return policy, nil
}

// CheckPolicyName returns an error if name is not a valid name for an inline or
// a managed policy.
func CheckPolicyName(name string) error {
	if len(name) > 128 || !policyNamePattern().MatchString(name) {
		return fmt.Errorf("%q is not a policy name: it has 1 to 128 characters, letters, digits and _+=,.@-", clip(name))
	}
	return nil
}

// IsZero reports whether p is the zero value, "no policy".
func (p PolicyARN) IsZero() bool { return p == PolicyARN{} }

func (p PolicyARN) String() string {
	if p.IsZero() {
		return ""
	}
	owner := p.Account.String()
	if p.Account.IsZero() {
		owner = "aws"
	}
	return fmt.Sprintf("arn:%s:iam::%s:policy%s%s", p.Partition, owner, p.Path, p.Name)
}

var _ encoding.TextUnmarshaler = (*PolicyARN)(nil)

// MarshalText returns the ARN.
func (p PolicyARN) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText parses the ARN; an empty text gives the zero value.
func (p *PolicyARN) UnmarshalText(text []byte) error { return unmarshal(p, text, ParsePolicyARN) }
