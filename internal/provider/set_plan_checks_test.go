// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// The numbers in the warning, and its grammar, are right even if every link is closed.
func TestAWarningOfASetsStacksHasTheirNumber(t *testing.T) {
	t.Parallel()
	globex, err := account.ParseID("222222222222")
	if err != nil {
		t.Fatal(err)
	}
	customer := func(id string, closed, live bool) onboarding.Customer {
		c := onboarding.Customer{Link: onboarding.Link{CustomerID: id, Closed: closed}}
		if live {
			stack := account.StackARN{Account: globex, Name: "a", GUID: "1"}
			c.Registrations = []onboarding.Registration{{Status: onboarding.Active, Stack: stack, TemplateVersion: "1"}}
		}
		return c
	}
	for want, customers := range map[string][]onboarding.Customer{
		"1 open link refers to permission set readonly, and 1 live stack was made": {customer("a", false, true)},
		"1 open link refers to permission set readonly, and 2 live stacks were":    {customer("a", false, true), customer("b", true, true)},
		"No open link refers to permission set readonly, but 1 live stack was":     {customer("b", true, true)},
		"1 open link refers to permission set readonly, and no live stack has":     {customer("a", false, false)},
	} {
		found := warnOfSetChange(onboarding.PermissionSet{TemplateVersion: "1"}, onboarding.PermissionSet{Name: "readonly", TemplateVersion: "2"}, permissionset.Set{}, permissionset.Set{}, customers)
		if len(found) != 1 || !strings.HasPrefix(found[0].Detail(), want) {
			t.Errorf("want %q, got %v", want, found)
		}
	}
}
