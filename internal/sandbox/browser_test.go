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

// inspect checks what holds for every page of the console: contrast in both color
// schemes, no scrolling sideways on 375 pixels, and names for a screen reader.
func inspect(t *testing.T, tab *browser.Tab, page string) {
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

// described checks that the fields of a page are equally wide, and that a screen
// reader reads the description of EnableBilling with its field.
func described(t *testing.T, tab *browser.Tab) {
	t.Helper()
	if widths := browser.Eval[[]float64](tab, `Array.from(new Set(Array.from(document.querySelectorAll(".field > input, .field > select"), e => e.getBoundingClientRect().width)))`); len(widths) != 1 {
		t.Errorf("the fields are %v pixels wide", widths)
	}
	if tree := tab.Accessible(); !strings.Contains(tree, `combobox "EnableBilling" described "Whether Acme sees what each of your services costs. You can change this later."`) {
		t.Errorf("a field is not described:\n%s", tree)
	}
}

// readAloud records what a screen reader reads aloud on a stack's page from now on;
// spoken returns it.
func readAloud(tab *browser.Tab) (spoken func() []string) {
	browser.Eval[bool](tab, `(window.spoken = [], new MutationObserver(() => spoken.push(document.getElementById("said").textContent)).observe(document.getElementById("said"), {childList: true}), true)`)
	return func() []string { return browser.Eval[[]string](tab, "spoken") }
}

// untilTitled waits until the page's title has a status, which it gets last.
func untilTitled(tab *browser.Tab, status string) {
	tab.Until("the title has "+status, func() bool { return strings.HasSuffix(browser.Eval[string](tab, "document.title"), ": "+status) })
}

func TestTheConsoleInABrowser(t *testing.T) {
	t.Parallel()
	tab := browser.Start(t).Tab(t)
	in := newIntake(t)
	in.publish("templates/a.yaml", asksMore)
	boundary := "arn:aws:iam::" + customer + ":policy/boundary"
	link := strings.Replace(in.link, "https://eu-west-1.console.aws.amazon.com", in.box.URL()+"/console", 1)
	tab.Open(link + "&param_Boundary=" + url.QueryEscape(boundary))
	tab.Wait("Which customer are you?")
	inspect(t, tab, "the chooser")
	tab.Type("#account", customer+"\r")
	tab.Wait("What you are about to allow")
	tab.Wait("The role may do no more than this policy allows: " + boundary)
	inspect(t, tab, "the review")
	described(t, tab)
	tab.Type("#param_Boundary", strings.Repeat("\b", len(boundary)))
	tab.Click("input[name=acknowledged]")
	tab.Click("form button")
	tab.Wait("CREATE_IN_PROGRESS")
	inspect(t, tab, "the stack")
	spoken := readAloud(tab)
	in.succeed(in.next(), "xacct-1")
	tab.Wait("CREATE_COMPLETE")
	untilTitled(tab, "CREATE_COMPLETE")
	if heard := spoken(); !slices.Equal(heard, []string{"acme-access: CREATE_COMPLETE"}) {
		t.Errorf("a screen reader has read %q aloud", heard)
	}
	inspect(t, tab, "the complete stack")
	tab.Open(in.box.URL() + "/console/")
	inspect(t, tab, "the list")
	if said := tab.Console(); len(said) > 0 {
		t.Errorf("the browser's console says:\n%s", strings.Join(said, "\n"))
	}
}

// An update link leads to a page that shows what changes, with the boundary that the
// customer fills in; then the stack's page follows the update.
func TestTheConsolesUpdateInABrowser(t *testing.T) {
	t.Parallel()
	tab := browser.Start(t).Tab(t)
	in := newIntake(t)
	in.publish("templates/a.yaml", asksMore)
	id := in.launch(LaunchOptions{})
	in.succeed(in.next(), "xacct-1")
	in.settled(id, "CREATE_COMPLETE")
	in.publish("templates/b.yaml", strings.NewReplacer(`"logs:Get*"`, `["logs:Get*", "logs:List*"]`, "Version: !Ref Version", `Version: !Sub "${Version}.1"`).Replace(asksMore))

	const boundary = "arn:aws:iam::aws:policy/SecurityAudit"
	tab.Open(in.box.URL() + "/console/cloudformation/home?region=eu-west-1#/stacks/update/template?stackId=" + url.QueryEscape(id) +
		"&templateURL=" + url.QueryEscape("https://acme-templates.s3.eu-west-1.amazonaws.com/templates/b.yaml"))
	tab.Wait("What changes in what you allow")
	tab.Wait("Allow logs:List* on *")
	inspect(t, tab, "the update")
	described(t, tab)
	if tree := tab.Accessible(); !strings.Contains(tree, `textbox "The external ID"`) || !strings.Contains(tree, `heading "Update stack acme-access"`) {
		t.Errorf("a screen reader is not told which stack this is, or what the field is:\n%s", tree)
	}
	if text := tab.Text(); strings.Contains(text, boundary) || strings.Contains(text, "Allow logs:Get*") {
		t.Errorf("the page shows as a change what is none:\n%s", text)
	}

	tab.Type("#param_Boundary", boundary)
	tab.Click("form button")
	tab.Wait("The stack was not updated")
	tab.Wait("the permissions boundary " + boundary + " of acme-access")
	tab.Click("details > summary")
	tab.Wait("The role may do no more than this policy allows: " + boundary)
	inspect(t, tab, "the refused update")
	if kept := browser.Eval[string](tab, `document.getElementById("param_Boundary").value`); kept != boundary {
		t.Errorf("after the refusal the field has %q", kept)
	}
	tab.Click("input[name=acknowledged]")
	tab.Click("form button")
	tab.Wait("UPDATE_IN_PROGRESS")
	inspect(t, tab, "the stack")
	spoken := readAloud(tab)
	in.succeed(in.next(), "xacct-1")
	untilTitled(tab, "UPDATE_COMPLETE")
	heard := spoken()
	if len(heard) == 0 || heard[len(heard)-1] != "acme-access: UPDATE_COMPLETE" || len(slices.Compact(slices.Clone(heard))) != len(heard) {
		t.Errorf("a screen reader has read %q aloud", heard)
	}
	inspect(t, tab, "the updated stack")
	if got, _ := in.box.Stack(id); got.Parameters["Boundary"] != boundary {
		t.Errorf("the stack has the parameters %v", got.Parameters)
	}
	refused := func(line string) bool { return strings.Contains(line, "status of 400") } // the update without an acknowledgement
	if said := slices.DeleteFunc(tab.Console(), refused); len(said) > 0 {
		t.Errorf("the browser's console says:\n%s", strings.Join(said, "\n"))
	}
}
