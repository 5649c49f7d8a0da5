// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

var (
	home     = must(account.ParseID("222222222222"))
	moved    = must(account.ParseID("333333333333"))
	vendor   = must(account.ParseID("111111111111"))
	virginia = must(account.ParseRegion("us-east-1"))
	ireland  = must(account.ParseRegion("eu-west-1"))
	aStack   = must(account.ParseStackARN("arn:aws:cloudformation:us-east-1:222222222222:stack/acme-access/0001"))
)

// aHub is a record with a key that is the same in every test.
func aHub() registry.HubRecord {
	record := registry.HubRecord{Bucket: "xacct-acme-0123456789abcdef", Key: must(registry.NewKey(strings.NewReader(strings.Repeat("k", 32))))}
	record.Name, record.Account, record.Region = "acme", vendor, virginia
	record.Regions, record.ResponseTimeout = []account.Region{virginia, ireland}, 15*time.Minute
	return record
}

func aDeclaration() declaration.Declaration {
	return declaration.Declaration{
		Role:      permissionset.Role{Name: "acme-globex", Path: "/", MaxSessionDuration: 3600, ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/SecurityAudit"}},
		StackName: "acme-access", Region: "us-east-1",
	}
}

func want(creating bool, change func(*desiredLink)) desiredLink {
	w := desiredLink{record: aHub(), customerID: "globex", scope: linkScope{account: home}, declaration: aDeclaration(), creating: creating}
	if change != nil {
		change(&w)
	}
	return w
}

// issued is the customer as a first create leaves them.
func issued(change func(*onboarding.Customer)) *onboarding.Customer {
	first, diags := want(true, nil).issue(nil)
	if diags.HasError() {
		panic(diags)
	}
	first.link.Revision = 1
	c := &onboarding.Customer{Link: first.link}
	if change != nil {
		change(c)
	}
	return c
}

func closed(c *onboarding.Customer) { c.Link.Closed, c.Link.ClosedAt = true, time.Unix(0, 0) }

func alive(c *onboarding.Customer) {
	c.Registrations = []onboarding.Registration{{CustomerID: "globex", Account: home, Stack: aStack, ExternalID: c.Link.ExternalID, Status: onboarding.Active}}
}

func TestHowALinkIsIssued(t *testing.T) {
	original := issued(nil).Link
	adopted := must(account.ParseExternalID("acme-2019"))
	replacing := func(change func(*desiredLink)) desiredLink {
		return want(true, func(w *desiredLink) {
			w.replacing = true
			change(w)
		})
	}
	for name, c := range map[string]struct {
		want       desiredLink
		existing   *onboarding.Customer
		generation int
		externalID account.ExternalID // zero: another one than the original
		template   bool               // is rendered
		takeover   bool
		refused    string
	}{
		"to a new customer":                         {want: want(true, nil), externalID: original.ExternalID, template: true},
		"with an external ID of the vendor's own":   {want: want(true, func(w *desiredLink) { w.externalID = adopted }), externalID: adopted, template: true},
		"over the same link: taken over":            {want: want(true, nil), existing: issued(nil), externalID: original.ExternalID, template: true, takeover: true},
		"over another link: refused":                {want: want(true, func(w *desiredLink) { w.declaration.StackName = "other" }), existing: issued(nil), refused: "stack_name"},
		"over a link of another account: refused":   {want: want(true, func(w *desiredLink) { w.scope.account = moved }), existing: issued(nil), refused: "account_id"},
		"over one with another external ID":         {want: want(true, func(w *desiredLink) { w.externalID = adopted }), existing: issued(nil), refused: "external_id"},
		"over one that is replaced and changed":     {want: replacing(func(w *desiredLink) { w.declaration.StackName = "other" }), existing: issued(nil), externalID: original.ExternalID, template: true},
		"over one replaced for another account":     {want: replacing(func(w *desiredLink) { w.scope.account = moved }), existing: issued(nil), generation: 1, template: true},
		"to a customer who comes back: as was":      {want: want(true, nil), existing: issued(closed), externalID: original.ExternalID, template: true},
		"to one who comes back elsewhere: anew":     {want: want(true, func(w *desiredLink) { w.scope.account = moved }), existing: issued(closed), generation: 1, template: true},
		"to one whose stack is still there: as was": {want: want(true, nil), existing: issued(func(c *onboarding.Customer) { closed(c); alive(c) }), externalID: original.ExternalID, template: true},
		"again, in place, after it was closed":      {want: want(false, nil), existing: issued(closed), externalID: original.ExternalID, template: true},
		"again, in place":                           {want: want(false, func(w *desiredLink) { w.declaration.ExpiresAt = "2030-01-01T00:00:00Z" }), existing: issued(nil), externalID: original.ExternalID},
		"with another role: another template":       {want: want(false, func(w *desiredLink) { w.declaration.Role.ManagedPolicyARNs = nil }), existing: issued(nil), externalID: original.ExternalID, template: true},
		"with another role name: the same template": {want: want(false, func(w *desiredLink) { w.declaration.Role.Name = "other" }), existing: issued(nil), externalID: original.ExternalID},
		"to another Region: a template that has it": {want: want(false, func(w *desiredLink) { w.declaration.Region = "eu-west-1" }), existing: issued(nil), externalID: original.ExternalID, template: true},
		"to another account":                        {want: want(false, func(w *desiredLink) { w.scope.account = moved }), existing: issued(nil), externalID: original.ExternalID},
		"to another account, under a live stack":    {want: want(false, func(w *desiredLink) { w.scope.account = moved }), existing: issued(alive), refused: "account_id can't change"},
		"with another external ID":                  {want: want(false, func(w *desiredLink) { w.externalID = adopted }), existing: issued(nil), externalID: adopted},
		"with another one, under a live stack":      {want: want(false, func(w *desiredLink) { w.externalID = adopted }), existing: issued(alive), refused: "external_id can't change"},
		"to a Region that the hub has not":          {want: want(true, func(w *desiredLink) { w.declaration.Region = "sa-east-1" }), refused: "choose one of us-east-1, eu-west-1."},
	} {
		t.Run(name, func(t *testing.T) {
			got, diags := c.want.issue(c.existing)
			if c.refused != "" {
				if !diags.HasError() || !strings.Contains(diags[0].Summary()+diags[0].Detail(), c.refused) {
					t.Fatalf("want a refusal that says %q, got %v", c.refused, diags)
				}
				return
			}
			if diags.HasError() {
				t.Fatal(diags)
			}
			if got.takeover != c.takeover || (got.body != nil) != c.template {
				t.Errorf("takeover %t, template rendered %t", got.takeover, got.body != nil)
			}
			if got.link.Generation != c.generation || got.link.Closed {
				t.Errorf("generation %d, closed %t", got.link.Generation, got.link.Closed)
			}
			if c.externalID.IsZero() && got.link.ExternalID == original.ExternalID {
				t.Errorf("external ID %s is issued once more", original.ExternalID)
			}
			if !c.externalID.IsZero() && got.link.ExternalID != c.externalID {
				t.Errorf("external ID %s, want %s", got.link.ExternalID, c.externalID)
			}
		})
	}
}

// Terraform plans a replacement while the link is open and plans it again once it
// is closed; what the two say must be the same.
func TestALinkIsPlannedAsItWillBeIssuedWhetherItIsOpenOrClosed(t *testing.T) {
	for name, change := range map[string]func(*desiredLink){
		"unchanged":       func(*desiredLink) {},
		"another account": func(w *desiredLink) { w.scope.account = moved },
		"another role":    func(w *desiredLink) { w.declaration.Role.ManagedPolicyARNs = nil },
	} {
		planned, diags := want(true, func(w *desiredLink) { w.replacing = true; change(w) }).issue(issued(nil))
		applied, found := want(true, func(w *desiredLink) { w.continued = true; change(w) }).issue(issued(closed))
		if diags.HasError() || found.HasError() {
			t.Fatal(diags, found)
		}
		if planned.link.TemplateURL != applied.link.TemplateURL || planned.link.ExternalID != applied.link.ExternalID || planned.link.Generation != applied.link.Generation {
			t.Errorf("%s: planned\n%+v\napplied\n%+v", name, planned.link, applied.link)
		}
	}
}

func TestPlanAndApplyComeToTheSameLink(t *testing.T) {
	a, _ := want(true, nil).issue(nil)
	b, _ := want(true, func(w *desiredLink) { w.externalID = a.link.ExternalID }).issue(nil)
	if a.link.TemplateURL != b.link.TemplateURL || a.link.ExternalID != b.link.ExternalID || string(a.body) != string(b.body) {
		t.Errorf("the plan says\n%+v\nand apply\n%+v", a.link, b.link)
	}
}

func TestOwnTagsAreThoseThatNoDefaultExplains(t *testing.T) {
	all := map[string]string{"team": "intake", "cost": "7", "same": "x"}
	defaults := map[string]string{"team": "platform", "cost": "7", "same": "x"}
	own := ownTags(all, defaults, map[string]string{"same": "x"})
	if len(own) != 2 || own["team"] != "intake" || own["same"] != "x" {
		t.Errorf("got %v", own)
	}
}
