// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

const (
	members = "555555555555"
	another = "666666666666"
)

func organization() account.OrganizationID {
	return must(account.ParseOrganizationID("o-a1b2c3d4e5"))
}

func organizationLink(only ...account.ID) *Link {
	link := testLink()
	link.Scope, link.Account = ScopeOrganization, account.ID{}
	link.Organization, link.OnlyAccounts = organization(), only
	return link
}

func anyonesLink() *Link {
	link := testLink()
	link.Scope, link.Account, link.ExpiresAt = ScopeAnyone, account.ID{}, noon.Add(24*time.Hour)
	return link
}

// creating returns a Create of a stack in an account, through a link.
func creating(link *Link, in string) Case {
	stack := stackIn(in, "g1")
	return Case{Snapshot: Snapshot{Hub: testHub(), Stack: Stack{ID: stack}, Link: link}, Request: testRequest(phonehome.Create, stack)}
}

func TestALinkAdmitsOnlyTheAccountsOfItsScope(t *testing.T) {
	reservedBy := func(in string, until time.Duration) *Link {
		link := anyonesLink()
		link.Reservation = &Reservation{Account: id(in), Stack: stackIn(in, "g0"), RequestID: "r", Until: noon.Add(until)}
		return link
	}
	reservedItself := anyonesLink()
	itself := creating(reservedItself, members).Request
	reservedItself.Reservation = &Reservation{Account: id(members), Stack: itself.Stack, RequestID: itself.RequestID, Until: noon.Add(time.Minute)}
	bound := anyonesLink()
	bound.Bound = id(members)
	unknown := testLink()
	unknown.Scope = "galaxy"
	for name, c := range map[string]struct {
		link *Link
		in   string
		want string
	}{
		"the link's account":             {testLink(), customers, "SUCCESS registered"},
		"another account":                {testLink(), members, "FAILED wrong_account"},
		"any account of an organization": {organizationLink(), members, "SUCCESS registered"},
		"the vendor's account":           {organizationLink(), vendor, "FAILED wrong_account"},
		"a listed account":               {organizationLink(id(members), id(another)), members, "SUCCESS registered"},
		"an account that is not listed":  {organizationLink(id(another)), members, "FAILED wrong_account"},
		"the first account":              {anyonesLink(), members, "SUCCESS registered"},
		"the first account, again":       {bound, members, "SUCCESS registered"},
		"the second account":             {bound, another, "FAILED wrong_account"},
		"reserved for another account":   {reservedBy(another, time.Minute), members, "later reserved 5s"},
		"reserved for this request":      {reservedItself, members, "SUCCESS registered"},
		"reserved for another request":   {reservedBy(members, time.Minute), members, "later reserved 5s"},
		"an expired reservation":         {reservedBy(another, -time.Minute), members, "SUCCESS registered"},
		"a scope of a newer release":     {unknown, customers, "FAILED wrong_account"},
	} {
		t.Run(name, func(t *testing.T) {
			d := proving(creating(c.link, c.in), noon.Add(3*time.Second), always(Proven))
			if got := describe(d); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if binds := d.Answer.Change.Binds; binds != (c.link.Scope == ScopeAnyone && c.link.Bound.IsZero() && d.Outcome == OutcomeRegistered) {
				t.Errorf("binds: %v", binds)
			}
		})
	}
}

func TestTheReasonForASecondAccountDoesNotNameTheFirst(t *testing.T) {
	link := anyonesLink()
	link.Bound = id(members)
	reason := proving(creating(link, another), noon.Add(time.Second), always(Proven)).Answer.Response.Reason
	if !strings.Contains(reason, "another account has used this link before") || strings.Contains(reason, members) {
		t.Errorf("the customer reads: %s", reason)
	}
}

// The same answer is stored, committed and, in a copy, refused.
func TestALinkForAnyoneIsBoundAtTheCommit(t *testing.T) {
	c, now := creating(anyonesLink(), members), noon.Add(3*time.Second)
	a := proving(c, now, always(Proven)).Answer
	reserved := c.Link.Reserve(a)
	if !reserved.Bound.IsZero() || reserved.Reservation.Account != id(members) || reserved.Reservation.Until != a.Change.Deadline.Add(time.Hour) {
		t.Fatalf("the stored answer left %+v", reserved)
	}
	c.Link = &reserved
	bound := Apply(c.Snapshot, a, now).Link
	if bound == nil || bound.Bound != id(members) || bound.Reservation != nil {
		t.Fatalf("the commit left %+v", bound)
	}

	if released, held := reserved.Release(a); !held || released.Reservation != nil || !released.Bound.IsZero() {
		t.Errorf("a refused answer left %v %+v", held, released)
	}
	other := a
	other.RequestID = "another"
	if _, held := reserved.Release(other); held {
		t.Error("another request's refusal released the reservation")
	}
}

func TestAnAcceptedAnswerThatRegistersNothingReleasesTheLink(t *testing.T) {
	c, now := creating(anyonesLink(), members), noon.Add(3*time.Second)
	a := proving(c, now, always(Proven)).Answer
	reserved := c.Link.Reserve(a)
	c.Link = &reserved
	c.Stack.Resources = map[string]Resource{"PhoneHome": {LastRequestAt: noon.Add(time.Second), DeletedAt: noon.Add(time.Second)}}
	c.Stack.Revision = 1
	got := Apply(c.Snapshot, a, now)
	if got.Registration != nil || got.Link == nil || got.Link.Reservation != nil || !got.Link.Bound.IsZero() {
		t.Errorf("got %+v", got)
	}
}

func TestALateCommitDoesNotTakeALinkBoundToAnotherAccount(t *testing.T) {
	c, now := creating(anyonesLink(), members), noon.Add(3*time.Second)
	a := proving(c, now, always(Proven)).Answer
	c.Link.Bound = id(another)
	got := Apply(c.Snapshot, a, noon.Add(3*time.Hour))
	if got.Registration != nil || got.Link != nil || got.Stack != nil || got.History == nil || !got.History.Refused {
		t.Errorf("got %+v", got)
	}
}

func TestCurrentReturnsTheRegistrationsOfTheLinksScope(t *testing.T) {
	reg := func(in string, status RegistrationStatus, external account.ExternalID) Registration {
		return Registration{Account: id(in), Status: status, ExternalID: external}
	}
	today, before := testLink().ExternalID, external("an-older-one")
	all := []Registration{
		reg(customers, Disconnected, today), reg(members, Active, today), reg(another, Disconnected, before), reg(strangers, Degraded, before),
	}
	bound := anyonesLink()
	bound.Bound = id(members)
	for name, c := range map[string]struct {
		link *Link
		want []string
	}{
		"of one account":       {testLink(), []string{customers}},
		"of an organization":   {organizationLink(), []string{customers, members, strangers}},
		"of the bound account": {bound, []string{members}},
		"of no account yet":    {anyonesLink(), nil},
	} {
		var got []string
		for _, r := range (Customer{Link: *c.link, Registrations: all}).Current() {
			got = append(got, r.Account.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestAnOrganizationMayPublishWhileItsLinkIsOpenOrAStackIsLive(t *testing.T) {
	closed := *organizationLink()
	closed.Closed, closed.ClosedAt = true, noon.Add(-30*24*time.Hour)
	live := Registration{Account: id(members), Status: Active}
	gone := Registration{Account: id(members), Status: Disconnected, ChangedAt: noon.Add(-8 * 24 * time.Hour)}
	for name, c := range map[string]struct {
		customer Customer
		want     int
	}{
		"an open link":                       {Customer{Link: *organizationLink()}, 1},
		"a closed link with a live stack":    {Customer{Link: closed, Registrations: []Registration{gone, live}}, 1},
		"a closed link without one":          {Customer{Link: closed, Registrations: []Registration{gone}}, 0},
		"a link that is for another account": {Customer{Link: *testLink(), Registrations: []Registration{live}}, 0},
	} {
		if got := AllowedOrganizations([]Customer{c.customer, c.customer}, noon.Add(-Grace)); len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
