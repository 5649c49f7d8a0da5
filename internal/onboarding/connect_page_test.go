// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"strings"
	"testing"
)

func TestAConnectPageAcceptsOnlySafeURLsAndColours(t *testing.T) {
	t.Parallel()
	for value, sound := range map[string]bool{
		"https://cdn.acme.example/logo.svg": true, "https://cdn.acme.example:8443/a/logo.png?v=2": true, "https://cdn.acme.example": true,
		"http://cdn.acme.example/logo.svg": false, "data:image/svg+xml,x": false, "https:cdn.acme.example/logo.svg": false, "//cdn.acme.example/logo.svg": false,
		"https:///logo.svg": false, "https://*/logo.svg": false, "https://*.acme.example/logo.svg": false, "https://me:secret@acme.example/": false, "http://me:top@secret@acme.example/": false,
		"https://me:secret@acme.example/" + strings.Repeat("a", 500): false, "http://me:secret@acme.example:x/": false,
		"https://cdn.acme.example/a;script-src *": false, "https://cdn.acme.example/'unsafe-inline'": false, "https://cdn.acme.example/a b": false,
		"https://cdn.acme.example/ä": false, "https://[::1]/logo.svg": false, "https://a_b/": false, "https://acme.example/#top": false, "": false,
		"https://acme.example/" + strings.Repeat("a", 500): false, "https://acme.example/../x": false,
	} {
		if err := CheckLogoURL(value); (err == nil) != sound {
			t.Errorf("logo %q: %v", value, err)
		}
		if err := CheckLogoURL(value); err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error contains the password: %v", err)
		}
	}
	for value, sound := range map[string]bool{"#0b5fff": true, "#FFFFFF": true, "0b5fff": false, "#0b5ff": false, "#0b5fffa": false, "#0b5ffg": false, "red": false, "#000000}body{": false} {
		if err := CheckPageColor(value); (err == nil) != sound {
			t.Errorf("colour %q: %v", value, err)
		}
	}
	if CheckReturnURL("https://app.acme.example/settings") != nil || CheckReturnURL("https://app.acme.example/settings?next=1") == nil {
		t.Error("a return URL must be able to have a path, and must have no query")
	}
	if err := (ConnectPage{ReturnURLs: make([]string, 21)}).Check(); err == nil || !strings.Contains(err.Error(), "at most 20") {
		t.Errorf("21 return URLs: %v", err)
	}
}

func TestAPageAllowsOnlyItsReturnURLs(t *testing.T) {
	t.Parallel()
	page := ConnectPage{ReturnURLs: []string{"https://app.acme.example/settings", "https://acme.example"}}
	for address, may := range map[string]bool{
		"https://app.acme.example/settings": true, "https://app.acme.example/settings/aws?tab=1": true, "https://acme.example/x": true, "https://acme.example/": true,
		"https://app.acme.example/settingsx": false, "https://app.acme.example/": false, "http://app.acme.example/settings": false,
		"https://evil.example/settings": false, "https://acme.example.evil.example/": false, "https://me@acme.example/": false,
		"https://app.acme.example/settings/../admin": false, "https://app.acme.example/settings/%2e%2e/admin": false, "https:acme.example/x": false,
		"https://acme.example\\@evil.example/": false, "javascript:alert(1)": false,
	} {
		if got := page.MayReturn(address); got != may {
			t.Errorf("%s: %v", address, got)
		}
	}
	if (ConnectPage{}).MayReturn("https://acme.example/") {
		t.Error("a page without return URLs allows one")
	}
}

func TestAPagesSettingsOverrideThoseOfTheHub(t *testing.T) {
	t.Parallel()
	hub := ConnectPage{LogoURL: "https://a.example/l", Color: "#111111", ReturnURLs: []string{"https://b.example", "https://a.example"}}
	if got := hub.With(ConnectPage{}); !got.Equal(hub) {
		t.Errorf("%+v", got)
	}
	if got := hub.With(ConnectPage{Color: "#222222", ReturnURLs: []string{"https://c.example"}}); got.Color != "#222222" || got.LogoURL != hub.LogoURL || len(got.ReturnURLs) != 1 {
		t.Errorf("%+v", got)
	}
	if !hub.Equal(ConnectPage{hub.LogoURL, hub.Color, []string{"https://a.example", "https://b.example"}}) {
		t.Error("pages with return URLs in a different order are not equal")
	}
}
