// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package declaration

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

func TestALinkThatRefersToASetHasTheSetsDeclaration(t *testing.T) {
	whole := full()
	set := whole.Set()
	set.Role.Name = ""
	record := onboarding.PermissionSet{Hub: "acme", Name: "readonly", Declared: EncodeSet(set)}
	link := onboarding.Link{Hub: "acme", CustomerID: "globex", Declared: whole.EncodeProposal()}.WithSet(record)
	found, err := Of(link)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole, found); diff != "" {
		t.Errorf("declared and found differ (-declared +found):\n%s", diff)
	}
	proposed, err := Proposed(link)
	if err != nil || proposed.Region != whole.Region || proposed.StackName != whole.StackName || !proposed.Expires().Equal(whole.Expires()) {
		t.Errorf("the link proposes %+v (%v)", proposed, err)
	}
	if diff := cmp.Diff(permissionset.Set{}, proposed.Set()); diff != "" {
		t.Errorf("the link's own declaration has something of a role:\n%s", diff)
	}
}

func TestATemplateIsRenderedAgainIfAnythingInItChanges(t *testing.T) {
	virginia, err := account.ParseRegion("us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	ireland, err := account.ParseRegion("eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	hub := onboarding.Hub{Name: "acme", Region: virginia, Regions: []account.Region{virginia, ireland}, ResponseTimeout: 15 * time.Minute}
	set := full().Set()
	spec, _ := Specification(hub, set)
	same := spec
	same.Regions = []account.Region{ireland, virginia}
	same.Role.Name = "another"
	if Rendering(same) != Rendering(spec) {
		t.Error("the order of Regions or the role's name changes the rendering")
	}
	for name, change := range map[string]func(*stacktemplate.Specification){
		"display name": func(s *stacktemplate.Specification) { s.DisplayName = "Acme" },
		"support URL":  func(s *stacktemplate.Specification) { s.SupportURL = "https://acme.example" },
		"Regions":      func(s *stacktemplate.Specification) { s.Regions = s.Regions[:1] },
		"timeout":      func(s *stacktemplate.Specification) { s.ResponseTimeout = time.Hour },
		"path":         func(s *stacktemplate.Specification) { s.Role.Path = "/other/" },
		"an optional permission": func(s *stacktemplate.Specification) {
			s.OptionalPermissions = map[string]permissionset.OptionalPermission{"billing": {Description: "Another text"}}
		},
		"trust": func(s *stacktemplate.Specification) { s.AllowSessionTags = false },
	} {
		changed := spec
		if change(&changed); Rendering(changed) == Rendering(spec) {
			t.Errorf("%s changes, but not the rendering", name)
		}
	}
}
