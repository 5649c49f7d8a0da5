// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import (
	"fmt"
	"strings"
	"testing"
)

// attaching returns a set with AWS's managed policies of the numbers from … to-1.
func attaching(from, to int) Set {
	var s Set
	for i := from; i < to; i++ {
		s.Role.ManagedPolicyARNs = append(s.Role.ManagedPolicyARNs, fmt.Sprintf("arn:aws:iam::aws:policy/Policy%02d", i))
	}
	return s
}

// writing returns a set with inline policies of these sizes, by their names.
func writing(sizes map[string]int) Set {
	s := Set{Role: Role{InlinePolicies: Policies{}}}
	for name, size := range sizes {
		s.Role.InlinePolicies[name] = policy(sized("S", size-len(policy(""))))
	}
	return s
}

func TestAnUpdateThatTemporarilyExceedsALimitIsRefused(t *testing.T) {
	optional := attaching(0, 11)
	optional.OptionalPermissions = map[string]OptionalPermission{"o": {ManagedPolicyARNs: attaching(11, 20).Role.ManagedPolicyARNs}}
	created := attaching(0, 0)
	created.Role.ManagedPolicies = Policies{"all": describing(1500)} // 17 parts
	grown := attaching(0, 0)
	grown.Role.ManagedPolicies = Policies{"all": describing(1700)} // 19 parts, of which 17 are unchanged
	asks := one(func(*CustomerParameter) {})
	for name, c := range map[string]struct {
		was, next Set
		want      string // empty if the update works
	}{
		"nothing changes":                     {full(), full(), ""},
		"from nothing":                        {Set{}, full(), `customer_parameters.bucket.default: live stacks have no value for "bucket"`},
		"twenty stay":                         {attaching(0, 20), attaching(0, 20), ""},
		"ten for ten others":                  {attaching(0, 10), attaching(10, 20), ""},
		"eleven for ten others":               {attaching(0, 11), attaching(11, 21), "role.managed_policy_arns: while a live stack is updated"},
		"with an optional permission":         {optional, attaching(20, 21), "for that time the role has 21 managed policies, and IAM allows 20"},
		"created policies for others":         {attaching(0, 4), created, "role.managed_policies: while a live stack is updated"},
		"a created one that grows":            {created, grown, ""},
		"inline policies that stay":           {writing(map[string]int{"a": 5000, "b": 5000}), writing(map[string]int{"a": 5000, "b": 5000}), ""},
		"an inline policy under another name": {writing(map[string]int{"a": 6000}), writing(map[string]int{"b": 6000}), "role.inline_policies: while a live stack is updated"},
		"an inline policy that is exchanged":  {writing(map[string]int{"a": 6000}), writing(map[string]int{"a": 7000}), ""},
		"one shrinks while the other grows":   {writing(map[string]int{"a": 9000, "b": 1000}), writing(map[string]int{"a": 1000, "b": 9000}), "for that time the role has inline policies of 18000 characters together, and IAM allows 10240"},
		"from inline to managed":              {writing(map[string]int{"a": 9000}), created, ""},
		"an additional required value":        {minimal(), asks, `customer_parameters.bucket.default: live stacks have no value for "bucket"`},
		"an additional value with a default":  {minimal(), one(func(p *CustomerParameter) { p.Default = new("b") }), ""},
		"an additional optional value":        {minimal(), one(func(p *CustomerParameter) { p.Default = new("") }), ""},
		"a required value that stays":         {asks, asks, ""},
	} {
		t.Run(name, func(t *testing.T) {
			problems := c.was.ValidateUpdate(c.next)
			if c.want == "" && len(problems) > 0 {
				t.Errorf("%v", problems)
			}
			if c.want != "" && (len(problems) != 1 || !strings.Contains(problems[0].Error(), c.want)) {
				t.Errorf("got  %v\nwant %s", problems, c.want)
			}
		})
	}
}

func TestTheTwoStepsNameTheRemovedAndTheAddedPolicies(t *testing.T) {
	problems := attaching(0, 19).ValidateUpdate(attaching(17, 22))
	want := "first apply the role without what goes (arn:aws:iam::aws:policy/Policy00, arn:aws:iam::aws:policy/Policy01, arn:aws:iam::aws:policy/Policy02, arn:aws:iam::aws:policy/Policy03, arn:aws:iam::aws:policy/Policy04 and 12 more) " +
		"and without what comes (arn:aws:iam::aws:policy/Policy19, arn:aws:iam::aws:policy/Policy20, arn:aws:iam::aws:policy/Policy21), and let the customers update their stacks; then add what comes"
	if len(problems) != 1 || !strings.Contains(problems[0].Problem, want) {
		t.Errorf("got  %v\nwant %s", problems, want)
	}
}
