// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/trial/browser"
)

// asksMore asks for more than onboardingTemplate: a choice, texts beside the fields,
// and a boundary that the customer may give.
var asksMore = strings.NewReplacer(
	"Parameters:\n", `Parameters:
  EnableBilling: {Type: String, Default: "No", AllowedValues: ["Yes", "No"], Description: "Whether Acme sees what each of your services costs. You can change this later."}
  Boundary: {Type: String, Default: "", Description: "ARN of a policy of yours that is the role's permissions boundary. Empty: none."}
`,
	"Resources:\n", "Conditions:\n  Bounded: !Not [!Equals [!Ref Boundary, \"\"]]\nResources:\n",
	"      RoleName: acme-access\n", "      RoleName: acme-access\n      PermissionsBoundary: !If [Bounded, !Ref Boundary, !Ref \"AWS::NoValue\"]\n",
).Replace(onboardingTemplate)

func TestTheConsoleInABrowser(t *testing.T) {
	t.Parallel()
	tab := browser.Start(t).Tab(t)
	in := newIntake(t)
	in.publish("templates/a.yaml", asksMore)
	look := func(page string) {
		t.Helper()
		for _, scheme := range []string{"dark", "light"} {
			tab.Scheme(scheme)
			if bad := tab.HardToRead(); len(bad) > 0 {
				t.Errorf("%s, %s: hard to read: %q", page, scheme, bad)
			}
		}
		tab.Size(375, 800)
		if wide := tab.TooWide(); len(wide) > 0 {
			t.Errorf("%s: wider than 375 pixels: %q", page, wide)
		}
		tab.Size(1000, 900)
		if bad := tab.Nameless(); len(bad) > 0 {
			t.Errorf("%s: without a name: %q", page, bad)
		}
		if tree := tab.Accessible(); !strings.Contains(tree, "\nmain ") || !strings.Contains(tree, "\nheading ") {
			t.Errorf("%s: a screen reader finds neither a main part nor a heading:\n%s", page, tree)
		}
	}
	boundary := "arn:aws:iam::" + customer + ":policy/boundary"
	link := strings.Replace(in.link, "https://eu-west-1.console.aws.amazon.com", in.box.URL()+"/console", 1)
	tab.Open(link + "&param_Boundary=" + url.QueryEscape(boundary))
	tab.Wait("Which customer are you?")
	look("the chooser")
	tab.Type("#account", customer+"\r")
	tab.Wait("What you are about to allow")
	tab.Wait("The role may do no more than this policy allows: " + boundary)
	look("the review")
	if widths := browser.Eval[[]float64](tab, `Array.from(new Set(Array.from(document.querySelectorAll(".field > input, .field > select"), e => e.getBoundingClientRect().width)))`); len(widths) != 1 {
		t.Errorf("the fields are %v pixels wide", widths)
	}
	if tree := tab.Accessible(); !strings.Contains(tree, `combobox "EnableBilling" described "Whether Acme sees what each of your services costs. You can change this later."`) {
		t.Errorf("a field is not described:\n%s", tree)
	}
	tab.Type("#param_Boundary", strings.Repeat("\b", len(boundary)))
	tab.Click("input[name=acknowledged]")
	tab.Click("form button")
	tab.Wait("CREATE_IN_PROGRESS")
	look("the stack")
	browser.Eval[bool](tab, `(window.spoken = [], new MutationObserver(() => spoken.push(document.getElementById("said").textContent)).observe(document.getElementById("said"), {childList: true}), true)`)
	in.succeed(in.next(), "xacct-1")
	tab.Wait("CREATE_COMPLETE")
	tab.Until("the whole stack is there", func() bool { return strings.Contains(browser.Eval[string](tab, "document.title"), "CREATE_COMPLETE") })
	if spoken := browser.Eval[[]string](tab, "spoken"); !slices.Equal(spoken, []string{"acme-access: CREATE_COMPLETE"}) {
		t.Errorf("a screen reader has heard %q", spoken)
	}
	look("the stack that is there")
	tab.Open(in.box.URL() + "/console/")
	look("the list")
	if said := tab.Console(); len(said) > 0 {
		t.Errorf("the browser's console says:\n%s", strings.Join(said, "\n"))
	}
}
