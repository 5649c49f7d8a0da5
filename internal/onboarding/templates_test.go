// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// thirdTemplate returns a link with its third template. The first was replaced a day after
// noon, the second a day later. The last two have the same version: they differ only in
// descriptions.
func thirdTemplate(change func(*Link)) Link {
	link := *testLink()
	link.TemplateVersion, link.TemplateURL = "v2", "C"
	link.FormerTemplates = []FormerTemplate{
		{Version: "v2", URL: "B", RetiredAt: noon.Add(2 * day)},
		{Version: "v1", URL: "A", RetiredAt: noon.Add(day)},
	}
	if change != nil {
		change(&link)
	}
	return link
}

const day = 24 * time.Hour

// madeWith returns a live stack whose last change was long ago.
func madeWith(version string, change func(*Registration)) []Registration {
	r := Registration{
		CustomerID: "c1", Account: id(customers), Stack: first, Status: Active,
		TemplateVersion: version, ChangedAt: noon.Add(-100 * day),
	}
	if change != nil {
		change(&r)
	}
	return []Registration{r}
}

func TestTemplatesAreInUseForLinksLiveStacksAndTheGracePeriod(t *testing.T) {
	closed := func(l *Link) { l.Closed, l.ClosedAt = true, noon.Add(3*day) }
	expired := func(l *Link) { l.ExpiresAt = noon }
	gone := func(r *Registration) { r.Status, r.ChangedAt = Disconnected, noon.Add(20*day) }
	updated := func(r *Registration) { r.ChangedAt = noon.Add(20 * day) }
	superseded := func(r *Registration) { r.Superseded = []account.StackARN{second} }
	adopted := func(r *Registration) { r.Stack = account.StackARN{} }
	both := func(r *Registration) { adopted(r); superseded(r) }
	degraded := func(r *Registration) { r.Status = Degraded }
	for _, test := range []struct {
		name string
		link Link
		regs []Registration
		at   time.Duration
		want string
	}{
		{"all for a week after they retired", thirdTemplate(nil), nil, 8*day - 1, "A B C"},
		{"the first one no longer a week after it retired", thirdTemplate(nil), nil, 8 * day, "B C"},
		{"and the next one", thirdTemplate(nil), nil, 9 * day, "C"},
		{"today's, however old the link", thirdTemplate(nil), nil, 1000 * day, "C"},
		{"an expired link's, whose vendor may move the date", thirdTemplate(expired), nil, 1000 * day, "C"},
		{"a closed link's for a week", thirdTemplate(closed), nil, 10*day - 1, "C"},
		{"and no longer", thirdTemplate(closed), nil, 10 * day, ""},
		{"that of a live stack", thirdTemplate(nil), madeWith("v1", nil), 1000 * day, "A C"},
		{"that of a live stack under a closed link", thirdTemplate(closed), madeWith("v1", nil), 1000 * day, "A"},
		{"that of a degraded role", thirdTemplate(closed), madeWith("v1", degraded), 1000 * day, "A"},
		{"all templates of a live stack's version", thirdTemplate(closed), madeWith("v2", nil), 1000 * day, "B C"},
		{"all, if the stack's version is not known", thirdTemplate(closed), madeWith("v0", nil), 1000 * day, "A B C"},
		{"all, if the stack never reported a version", thirdTemplate(closed), madeWith("", nil), 1000 * day, "A B C"},
		{"all, for a week after an update that may be rolled back", thirdTemplate(nil), madeWith("v2", updated), 27*day - 1, "A B C"},
		{"and then what it was updated to", thirdTemplate(nil), madeWith("v2", updated), 27 * day, "B C"},
		{"all, for a week after a stack was deleted", thirdTemplate(closed), madeWith("v1", gone), 27*day - 1, "A B C"},
		{"and then no longer", thirdTemplate(closed), madeWith("v1", gone), 27 * day, ""},
		{"all, while a superseded stack is not deleted", thirdTemplate(closed), madeWith("v2", superseded), 1000 * day, "A B C"},
		{"nothing for an adopted role, which has no stack", thirdTemplate(closed), madeWith("", adopted), 1000 * day, ""},
		{"all, for the stack that it superseded", thirdTemplate(closed), madeWith("", both), 1000 * day, "A B C"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := TemplatesInUse(nil, []Customer{{Link: test.link, Registrations: test.regs}}, noon.Add(test.at))
			if strings.Join(got, " ") != test.want {
				t.Errorf("got %v, want %s", got, test.want)
			}
		})
	}
}

func TestATemplateThatAnotherCustomerUsesIsInUse(t *testing.T) {
	one, other := thirdTemplate(nil), *testLink()
	other.TemplateURL = "A"
	got := TemplatesInUse(nil, []Customer{{Link: one}, {Link: other}, {Link: other}}, noon.Add(1000*day))
	if diff := cmp.Diff([]string{"A", "C"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestALinkKeepsItsFormerTemplatesWhileTheyAreInUse(t *testing.T) {
	now := noon.Add(8*day + day/2) // after the first template's grace period, and within the second one's
	follow := func(regs []Registration, url string) string {
		before := thirdTemplate(nil)
		next := before
		next.TemplateVersion, next.TemplateURL = "v3", url
		next = Customer{Link: before, Registrations: regs}.KeepTemplates(next, now)
		if next.TemplateURL != url || len(before.FormerTemplates) != 2 {
			t.Errorf("Follow changed the template or its input: %+v, %+v", next, before)
		}
		var noted []string
		for _, f := range next.FormerTemplates {
			noted = append(noted, f.URL+" of "+f.Version+" until "+f.RetiredAt.Sub(noon).String())
		}
		return strings.Join(noted, ", ")
	}
	for name, test := range map[string]struct {
		regs []Registration
		url  string
		want string
	}{
		"the one that retires now, and those in use": {nil, "D", "C of v2 until 204h0m0s, B of v2 until 48h0m0s"},
		"what a live stack was made with":            {madeWith("v1", nil), "D", "C of v2 until 204h0m0s, B of v2 until 48h0m0s, A of v1 until 24h0m0s"},
		"not the one that comes back":                {madeWith("v1", nil), "A", "C of v2 until 204h0m0s, B of v2 until 48h0m0s"},
		"nothing new if the template stays":          {nil, "C", "B of v2 until 48h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := follow(test.regs, test.url); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
