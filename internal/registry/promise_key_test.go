// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// Properties that an earlier release did not know must not change the key while they are
// empty. A promise of that release, that a rollback to the stack's properties will not fail,
// must hold after an upgrade.
func TestAPromiseOfAnEarlierReleaseHasTheSameKey(t *testing.T) {
	stack, err := account.ParseStackARN("arn:aws:cloudformation:eu-central-1:222222222222:stack/acme-access/5f0e1a40-0000-11f1-8000-0123456789ab")
	if err != nil {
		t.Fatal(err)
	}
	p := phonehome.Properties{Hub: "acme", ExternalID: "e", RoleARN: "r", TemplateVersion: "v", GrantedPermissions: []string{"audit"}}
	const first = "PROMISE#44fc8fd101bceac5a308bfabd502e6b379f8f195737097e0e6e0739fc7b4511f"
	if got := promiseKey(stack, "PhoneHome", p).sk; got != first {
		t.Errorf("the key is %s, and was %s", got, first)
	}
	p.Parameters = map[string]string{}
	if got := promiseKey(stack, "PhoneHome", p).sk; got != first {
		t.Errorf("without parameters the key is %s", got)
	}
	p.AdditionalRoleARNs = map[string]string{"a": "b"}
	if got := promiseKey(stack, "PhoneHome", p).sk; got == first {
		t.Error("an additional role does not change the key")
	}
	p.AdditionalRoleARNs = nil
	p.Reported = map[string]string{"a": "b"}
	reported := promiseKey(stack, "PhoneHome", p)
	if reported.sk == first {
		t.Error("a reported value does not change the key")
	}
	p.Reported, p.Parameters = nil, map[string]string{"a": "b"}
	if promiseKey(stack, "PhoneHome", p) == reported {
		t.Error("a parameter gives the same key as a reported value")
	}
	other := promiseKey(stack, "PhoneHome", p)
	if other.sk == first {
		t.Error("a customer parameter does not change the key")
	}
	p.Parameters = map[string]string{"a": "c"}
	if promiseKey(stack, "PhoneHome", p) == other {
		t.Error("another value does not change the key")
	}
}
