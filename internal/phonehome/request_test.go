// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import "testing"

func TestPropertiesAreEqualOnlyIfAllAre(t *testing.T) {
	all := func() Properties {
		return Properties{
			Hub: "acme", ExternalID: "x", RoleARN: "arn", TemplateVersion: "v1",
			GrantedPermissions: []string{"billing"}, Parameters: map[string]string{"bucket": "b"},
		}
	}
	if !all().Equal(all()) {
		t.Error("the same properties differ")
	}
	for name, change := range map[string]func(*Properties){
		"Hub":                func(p *Properties) { p.Hub = "other" },
		"ExternalID":         func(p *Properties) { p.ExternalID = "y" },
		"RoleARN":            func(p *Properties) { p.RoleARN = "arn2" },
		"TemplateVersion":    func(p *Properties) { p.TemplateVersion = "v2" },
		"GrantedPermissions": func(p *Properties) { p.GrantedPermissions = nil },
		"Parameters":         func(p *Properties) { p.Parameters["bucket"] = "c" },
	} {
		other := all()
		change(&other)
		if other.Equal(all()) || all().Equal(other) {
			t.Errorf("properties with different %s are equal", name)
		}
	}
}
