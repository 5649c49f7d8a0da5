// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial/browser"
)

var (
	pictures = flag.String("pictures", "", "folder for the pictures that the documentation shows (make screenshots)")
	every    = flag.String("every", "", "folder for a picture of each state, light, dark and narrow")
)

// documented has the pictures of the documentation by state and look: the file's name, and the
// element at which the picture ends; if it is empty, the picture is the whole page.
var documented = map[string]struct{ name, last string }{
	"account-light": {"connect-account", ""}, "waiting-light": {"connect-waiting", "#status"}, "waiting-dark": {"connect-dark", "#status"},
	"waiting-narrow": {"connect-narrow", "#status"}, "failed-light": {"connect-failed", "#status"}, "working-light": {"connect-working", "#status"}, "degraded-light": {"connect-degraded", "#status"},
	"connected-light": {"connect-connected", "#status"}, "console-review-light": {"console-review", "h4 ~ .scroll"}, "console-stack-dark": {"console-stack", ""},
}

// The pictures are exactly those that the README and the guides show, and their files exist.
func TestEveryPictureExistsAndIsShown(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../templates/guides/*.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`\.github/images/([\w-]+)\.png`).FindAllStringSubmatch(string(text), -1) {
			shown[found[1]] = true
		}
	}
	for _, picture := range documented {
		if !shown[picture.name] {
			t.Errorf("no page shows %s.png", picture.name)
		}
		delete(shown, picture.name)
		if info, err := os.Stat("../../.github/images/" + picture.name + ".png"); err != nil || info.Size() > 64<<10 {
			t.Errorf("%s.png is missing, or has more than 64 KB: make screenshots (%v)", picture.name, err)
		}
	}
	for name := range shown {
		t.Errorf("no test makes %s.png", name)
	}
}

// TestThePicturesOfThePages writes the pictures.
func TestThePicturesOfThePages(t *testing.T) {
	t.Parallel()
	if *pictures == "" {
		t.Skip("writes pictures: make screenshots")
	}
	b := browser.Start(t)
	w, tab := newVendor(t), acmesTab(t, b)
	everyState(w, tab, func(state string) {
		w.picture(tab, state)
		if state == "waiting" {
			w.consolePictures(b)
		}
	})
}

// consolePictures takes pictures of the sandbox's console, for another customer.
func (w *world) consolePictures(b *browser.Browser) {
	tab := b.Tab(w.t)
	const initech = "/v1/customers/initech"
	v := w.want(w.call("backend", "PUT", initech, `{"permission_set":"full","account_id":"333333333333"}`), 201).customer(w.t)
	tab.Open(v.LaunchURL)
	tab.Wait("Which customer are you?")
	w.picture(tab, "console-account")
	tab.Type("input[name=account]", "333333333333\r")
	tab.Wait("What you are about to allow")
	w.picture(tab, "console-review")
	id, err := w.box.LaunchURL(w.t.Context(), v.LaunchURL, "333333333333", sandbox.LaunchOptions{})
	w.must(err)
	tab.Open(w.box.URL() + "/console/cloudformation/stacks/stackinfo?stackId=" + id)
	tab.Wait("CREATE_IN_PROGRESS")
	w.picture(tab, "console-stack")
	tab.Open(w.box.URL() + "/console/")
	w.picture(tab, "console-list")
}

// picture takes a picture of a page: light, dark and narrow.
func (w *world) picture(tab *browser.Tab, state string) {
	w.t.Helper()
	for _, look := range []string{"light", "dark", "narrow"} {
		tab.Size(820, 500)
		tab.Scheme("light")
		switch look {
		case "dark":
			tab.Scheme("dark")
		case "narrow":
			tab.Size(375, 700)
		}
		whole := tab.Picture()
		if *every != "" {
			w.must(os.WriteFile(filepath.Join(*every, state+"-"+look+".png"), whole, 0o644))
		}
		if shown, ok := documented[state+"-"+look]; ok {
			height := 0
			if shown.last != "" {
				height = browser.Eval[int](tab, fmt.Sprintf("Math.ceil(scrollY + document.querySelector(%q).getBoundingClientRect().bottom) + 24", shown.last))
			}
			small, err := browser.Small(whole, height)
			w.must(err)
			w.must(os.WriteFile(filepath.Join(*pictures, shown.name+".png"), small, 0o644))
		}
	}
	tab.Size(1000, 900)
	tab.Scheme("light")
}
