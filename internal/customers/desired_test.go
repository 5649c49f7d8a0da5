// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package customers

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

// aHub returns a hub's record, with the same key in every test.
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

func want(creating bool, change func(*Desired)) Desired {
	w := Desired{Record: aHub(), CustomerID: "globex", Scope: Scope{Account: home}, Declaration: aDeclaration(), Creating: creating}
	if change != nil {
		change(&w)
	}
	return w
}

// issued returns the customer after their first link was issued.
func issued(change func(*onboarding.Customer)) *onboarding.Customer {
	first, err := want(true, nil).Issue(nil)
	if err != nil {
		panic(err)
	}
	first.Link.Revision = 1
	c := &onboarding.Customer{Link: first.Link}
	if change != nil {
		change(c)
	}
	return c
}

func closed(c *onboarding.Customer) { c.Link.Closed, c.Link.ClosedAt = true, time.Unix(0, 0) }

func owned(c *onboarding.Customer) { c.Link.Owner = onboarding.OwnerAPI }

func alive(c *onboarding.Customer) {
	c.Registrations = []onboarding.Registration{{CustomerID: "globex", Account: home, Stack: aStack, ExternalID: c.Link.ExternalID, Status: onboarding.Active}}
}

func TestIssuingALink(t *testing.T) {
	original := issued(nil).Link
	adopted := must(account.ParseExternalID("acme-2019"))
	replacing := func(change func(*Desired)) Desired {
		return want(true, func(w *Desired) {
			w.Replacing = true
			change(w)
		})
	}
	for name, c := range map[string]struct {
		want       Desired
		existing   *onboarding.Customer
		generation int
		externalID account.ExternalID // zero if it must differ from the original
		template   bool               // whether the template is rendered
		takeover   bool
		refused    string
	}{
		"to a new customer":                                         {want: want(true, nil), externalID: original.ExternalID, template: true},
		"with an external ID of the vendor's own":                   {want: want(true, func(w *Desired) { w.ExternalID = adopted }), externalID: adopted, template: true},
		"over the same link: taken over":                            {want: want(true, nil), existing: issued(nil), externalID: original.ExternalID, template: true, takeover: true},
		"over another link: refused":                                {want: want(true, func(w *Desired) { w.Declaration.StackName = "other" }), existing: issued(nil), refused: "stack_name"},
		"over a link of another account: refused":                   {want: want(true, func(w *Desired) { w.Scope.Account = moved }), existing: issued(nil), refused: "account_id"},
		"over one with another external ID":                         {want: want(true, func(w *Desired) { w.ExternalID = adopted }), existing: issued(nil), refused: "external_id"},
		"over one that is replaced and changed":                     {want: replacing(func(w *Desired) { w.Declaration.StackName = "other" }), existing: issued(nil), externalID: original.ExternalID, template: true},
		"over one replaced for another account":                     {want: replacing(func(w *Desired) { w.Scope.Account = moved }), existing: issued(nil), generation: 1, template: true},
		"to a customer who returns: as before":                      {want: want(true, nil), existing: issued(closed), externalID: original.ExternalID, template: true},
		"to a customer who returns with another account: a new one": {want: want(true, func(w *Desired) { w.Scope.Account = moved }), existing: issued(closed), generation: 1, template: true},
		"to one with a live stack: as before":                       {want: want(true, nil), existing: issued(func(c *onboarding.Customer) { closed(c); alive(c) }), externalID: original.ExternalID, template: true},
		"again, in place, after it was closed":                      {want: want(false, nil), existing: issued(closed), externalID: original.ExternalID, template: true},
		"again, in place":                                           {want: want(false, func(w *Desired) { w.Declaration.ExpiresAt = "2030-01-01T00:00:00Z" }), existing: issued(nil), externalID: original.ExternalID},
		"with another role: another template":                       {want: want(false, func(w *Desired) { w.Declaration.Role.ManagedPolicyARNs = nil }), existing: issued(nil), externalID: original.ExternalID, template: true},
		"with another role name: the same template":                 {want: want(false, func(w *Desired) { w.Declaration.Role.Name = "other" }), existing: issued(nil), externalID: original.ExternalID},
		"to another Region: a template that has it":                 {want: want(false, func(w *Desired) { w.Declaration.Region = "eu-west-1" }), existing: issued(nil), externalID: original.ExternalID, template: true},
		"to another account":                                        {want: want(false, func(w *Desired) { w.Scope.Account = moved }), existing: issued(nil), externalID: original.ExternalID},
		"to another account, under a live stack":                    {want: want(false, func(w *Desired) { w.Scope.Account = moved }), existing: issued(alive), refused: "account_id can't change"},
		"with another external ID":                                  {want: want(false, func(w *Desired) { w.ExternalID = adopted }), existing: issued(nil), externalID: adopted},
		"with another one, under a live stack":                      {want: want(false, func(w *Desired) { w.ExternalID = adopted }), existing: issued(alive), refused: "external_id can't change"},
		"over another tool's: refused":                              {want: want(true, nil), existing: issued(owned), refused: "belongs to the onboarding API"},
		"in place of another tool's: refused":                       {want: want(false, nil), existing: issued(owned), refused: "belongs to the onboarding API"},
		"over another tool's, which is adopted":                     {want: want(true, func(w *Desired) { w.Adopting = true }), existing: issued(owned), externalID: original.ExternalID, template: true, takeover: true},
		"after another tool's was closed":                           {want: want(true, nil), existing: issued(func(c *onboarding.Customer) { owned(c); closed(c) }), externalID: original.ExternalID, template: true},
		"for an account that the customer will name":                {want: want(true, func(w *Desired) { w.Scope = Scope{AsksAccount: true} }), externalID: original.ExternalID, template: true},
		"again, once the customer has named it":                     {want: want(true, func(w *Desired) { w.Scope = Scope{AsksAccount: true} }), existing: issued(func(c *onboarding.Customer) { c.Link.AsksAccount = true }), externalID: original.ExternalID, template: true, takeover: true},
		"to a Region that the hub does not have":                    {want: want(true, func(w *Desired) { w.Declaration.Region = "sa-east-1" }), refused: "choose one of us-east-1, eu-west-1."},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.want.Issue(c.existing)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Fatalf("want an error with %q, got %v", c.refused, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Takeover != c.takeover || (got.body != nil) != c.template {
				t.Errorf("takeover %t, template rendered %t", got.Takeover, got.body != nil)
			}
			if got.Link.Generation != c.generation || got.Link.Closed {
				t.Errorf("generation %d, closed %t", got.Link.Generation, got.Link.Closed)
			}
			if c.externalID.IsZero() && got.Link.ExternalID == original.ExternalID {
				t.Errorf("external ID %s is issued again", original.ExternalID)
			}
			if !c.externalID.IsZero() && got.Link.ExternalID != c.externalID {
				t.Errorf("external ID %s, want %s", got.Link.ExternalID, c.externalID)
			}
		})
	}
}

// Terraform plans a replacement while the link is open, and plans it again after it was closed.
// Both plans must be equal.
func TestAReplacementIsPlannedAlikeWhileTheLinkIsOpenAndOnceItIsClosed(t *testing.T) {
	for name, change := range map[string]func(*Desired){
		"unchanged":       func(*Desired) {},
		"another account": func(w *Desired) { w.Scope.Account = moved },
		"another role":    func(w *Desired) { w.Declaration.Role.ManagedPolicyARNs = nil },
	} {
		planned, err := want(true, func(w *Desired) { w.Replacing = true; change(w) }).Issue(issued(nil))
		applied, other := want(true, func(w *Desired) { w.Continued = true; change(w) }).Issue(issued(closed))
		if err != nil || other != nil {
			t.Fatal(err, other)
		}
		if planned.Link.TemplateURL != applied.Link.TemplateURL || planned.Link.ExternalID != applied.Link.ExternalID || planned.Link.Generation != applied.Link.Generation {
			t.Errorf("%s: planned\n%+v\napplied\n%+v", name, planned.Link, applied.Link)
		}
	}
}

func TestPlanAndApplyIssueTheSameLink(t *testing.T) {
	a, _ := want(true, nil).Issue(nil)
	b, _ := want(true, func(w *Desired) { w.ExternalID = a.Link.ExternalID }).Issue(nil)
	if a.Link.TemplateURL != b.Link.TemplateURL || a.Link.ExternalID != b.Link.ExternalID || string(a.body) != string(b.body) {
		t.Errorf("planned\n%+v\napplied\n%+v", a.Link, b.Link)
	}
}
