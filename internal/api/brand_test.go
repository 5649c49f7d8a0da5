// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func TestTheServersPageSettingsOverrideThoseOfTheHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *hub.Spec) { s.ConnectPage = acmesPage })
	w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated)
	launch := w.want(w.call("viewer", "GET", globex, ""), http.StatusOK).customer(t)
	returns := func(address string) answer {
		return w.call("backend", "POST", globex+"/connect", fmt.Sprintf(`{"return_url":%q}`, address))
	}
	look := func(path, logo, color string) {
		t.Helper()
		page := w.want((&visitor{w: w}).visit("GET", path, nil), http.StatusOK)
		host := ""
		if logo != "" {
			host = " https://" + strings.Split(logo, "/")[2]
		}
		if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "img-src 'self'"+host+";") {
			t.Errorf("pictures may not come from %q only: %s", host, policy)
		}
		if strings.Contains(page.text, "<img") != (logo != "") || !strings.Contains(page.text, logo) || !strings.Contains(page.text, "/connect/color/"+color+"/brand.css") {
			t.Errorf("the page has no logo %q or colour %s:\n%s", logo, color, page.text)
		}
		style := w.want((&visitor{w: w}).visit("GET", "/connect/color/"+color+"/brand.css", nil), http.StatusOK)
		if !strings.Contains(style.text, "--brand:#"+color) {
			t.Errorf("the style is %s", style.text)
		}
	}
	path := w.address("globex", "{}")
	look(path, logo, "5b2bd9")
	w.want(returns("https://app.acme.example/settings/aws"), http.StatusOK)
	if p := w.want(returns("https://other.example/"), http.StatusUnprocessableEntity).problem(t); !strings.Contains(fmt.Sprint(p), "return_urls") {
		t.Errorf("the problem is %+v", p)
	}

	w.serve(func(c *Config) {
		c.Page = onboarding.ConnectPage{LogoURL: "https://img.acme.example/l.png", Color: "#000000", ReturnURLs: []string{"https://other.example"}}
	})
	look(path, "https://img.acme.example/l.png", "000000")
	w.want(returns("https://other.example/"), http.StatusOK)
	w.want(returns("https://app.acme.example/settings/aws"), http.StatusUnprocessableEntity)

	w.serve(func(*Config) {})
	spec := w.spec
	spec.ConnectPage = onboarding.ConnectPage{}
	_, err := w.hub.Update(t.Context(), spec)
	w.must(err)
	look(path, "", defaultColor)
	if now := w.want(w.call("viewer", "GET", globex, ""), http.StatusOK).customer(t); now.LaunchURL != launch.LaunchURL {
		t.Errorf("changing the page has changed the link: %+v", now)
	}
	for _, color := range []string{"red", "0b5fffa", "0b5ff}"} {
		w.want((&visitor{w: w}).visit("GET", "/connect/color/"+color+"/brand.css", nil), http.StatusNotFound)
	}
}

// A return URL that was allowed when the page's URL was created may not be allowed any more.
func TestAReturnURLIsCheckedAgainstTheCurrentSettings(t *testing.T) {
	t.Parallel()
	record := registry.HubRecord{ConnectPage: acmesPage}
	s := &Server{}
	if !s.brand(record).MayReturn("https://app.acme.example/settings/aws") {
		t.Error("the hub's own address is refused")
	}
	s.config.Page.ReturnURLs = []string{"https://other.example"}
	if s.brand(record).MayReturn("https://app.acme.example/settings/aws") {
		t.Error("the page allows a return URL that the server's setting has replaced")
	}
}

// WCAG requires a contrast of 4.5.
func TestTextOnEveryColourHasEnoughContrast(t *testing.T) {
	t.Parallel()
	worst := 21.0
	for n := 0; n < 1<<24; n += 4093 {
		color := fmt.Sprintf("#%06x", n)
		one, other := luminance(color)+0.05, luminance(textOn(color))+0.05
		worst = min(worst, max(one, other)/min(one, other))
	}
	if worst < 4.5 {
		t.Errorf("the contrast is %.2f", worst)
	}
}
