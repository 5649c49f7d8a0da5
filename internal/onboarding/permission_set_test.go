// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"
	"testing"
)

func aSet(version string, former ...FormerTemplate) PermissionSet {
	return PermissionSet{Hub: "acme", Name: "readonly", RolePath: "/", TemplateVersion: version, TemplateURL: "https://" + version, FormerTemplates: former}
}

func urls(templates []FormerTemplate) []string {
	var list []string
	for _, t := range templates {
		list = append(list, t.URL)
	}
	return list
}

func TestALinkIsRecordedWithoutTheValuesOfItsSet(t *testing.T) {
	before := Link{Hub: "acme", CustomerID: "globex", FormerTemplates: []FormerTemplate{{Version: "own", URL: "https://own"}}}
	set := aSet("v2", FormerTemplate{Version: "v1", URL: "https://v1"})
	link := before.WithSet(set)
	if link.RoleName != "acme-globex" || link.TemplateVersion != "v2" || !slices.Equal(urls(link.FormerTemplates), []string{"https://own", "https://v1"}) {
		t.Errorf("the link is %+v", link)
	}
	again := link.WithSet(aSet("v3", FormerTemplate{Version: "v2", URL: "https://v2"}, FormerTemplate{Version: "v1", URL: "https://v1"}))
	for name, l := range map[string]Link{"at once": link, "with the set's next revision": again} {
		alone := l.WithoutSet()
		if alone.RoleName+alone.RolePath+alone.TemplateVersion+alone.TemplateURL != "" || !slices.Equal(urls(alone.FormerTemplates), []string{"https://own"}) {
			t.Errorf("%s: recorded is %+v", name, alone)
		}
		if !l.SameRecord(link) {
			t.Errorf("%s: the link would be written, although only its set has changed", name)
		}
	}
	other := link
	if other.Blocked = true; other.SameRecord(link) {
		t.Error("a change of the link itself would not be written")
	}
	own := Link{CustomerID: "initech", RoleName: "role", TemplateVersion: "v1"}
	if got := own.WithoutSet(); got.RoleName != "role" || got.TemplateVersion != "v1" {
		t.Errorf("a link without a set lost its own values: %+v", got)
	}
}

func TestARolesNameIsThatOfTheSetOrOfHubAndCustomer(t *testing.T) {
	set := aSet("v1")
	if got := set.RoleOf("globex"); got != "acme-globex" {
		t.Errorf("got %s", got)
	}
	set.RoleName = "AcmeAccess"
	if got := set.RoleOf("globex"); got != "AcmeAccess" {
		t.Errorf("got %s", got)
	}
}

func TestASetKeepsFormerTemplatesThatCustomersMayUse(t *testing.T) {
	later := noon.Add(1000 * day)
	v1 := FormerTemplate{Version: "v1", URL: "https://v1", RetiredAt: noon}
	before := aSet("v2", v1)
	for name, c := range map[string]struct {
		customers []Customer
		want      []string
	}{
		"of no customer":        {nil, []string{"https://v2"}}, // v2 retires now
		"of a live stack":       {[]Customer{{Link: Link{}.WithSet(before), Registrations: madeWith("v1", nil)}}, []string{"https://v2", "https://v1"}},
		"of another set's only": {[]Customer{{Link: Link{}.WithSet(PermissionSet{Name: "other", FormerTemplates: []FormerTemplate{v1}}), Registrations: madeWith("v1", nil)}}, []string{"https://v2"}},
	} {
		next := aSet("v3").Succeed(before, c.customers, later)
		if got := urls(next.FormerTemplates); !slices.Equal(got, c.want) {
			t.Errorf("%s: the former templates are %v, want %v", name, got, c.want)
		}
	}
}

func TestTheTemplateOfASetIsInUseForAWeekAfterTheSetRetired(t *testing.T) {
	set := aSet("v1")
	if got := TemplatesInUse([]PermissionSet{set}, nil, noon); !slices.Equal(got, []string{"https://v1"}) {
		t.Errorf("a set without links: in use are %v", got)
	}
	set.RetiredAt = noon
	if got := TemplatesInUse([]PermissionSet{set}, nil, noon.Add(6*day)); len(got) != 1 {
		t.Errorf("retired lately: in use are %v", got)
	}
	if got := TemplatesInUse([]PermissionSet{set}, nil, noon.Add(8*day)); len(got) != 0 {
		t.Errorf("retired long ago: in use are %v", got)
	}
	open := Customer{Link: Link{CustomerID: "globex"}.WithSet(set)}
	if got := TemplatesInUse([]PermissionSet{set}, []Customer{open}, noon.Add(8*day)); len(got) != 1 {
		t.Errorf("retired under an open link: in use are %v", got)
	}
}
