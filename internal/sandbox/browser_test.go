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

// extendedTemplate is onboardingTemplate with more parameters: a choice, and a
// permissions boundary that the customer may set, both with a description.
var extendedTemplate = strings.NewReplacer(
	"Parameters:\n", `Parameters:
  EnableBilling: {Type: String, Default: "No", AllowedValues: ["Yes", "No"], Description: "Whether Acme sees what each of your services costs. You can change this later."}
  Boundary: {Type: String, Default: "", Description: "ARN of a policy of yours that is the role's permissions boundary. Empty: none."}
`,
	"Resources:\n", "Conditions:\n  Bounded: !Not [!Equals [!Ref Boundary, \"\"]]\nResources:\n",
	"      RoleName: acme-access\n", "      RoleName: acme-access\n      PermissionsBoundary: !If [Bounded, !Ref Boundary, !Ref \"AWS::NoValue\"]\n",
).Replace(onboardingTemplate)

// inspect checks the requirements on every page of the console: contrast in both
// color schemes, no horizontal scrolling at a width of 375 pixels, and names for a
// screen reader.
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

// inspectFields checks that the fields of a page are equally wide, and that a
// screen reader reads the description of EnableBilling with its field.
func inspectFields(t *testing.T, tab *browser.Tab) {
	t.Helper()
	if widths := browser.Eval[[]float64](tab, `Array.from(new Set(Array.from(document.querySelectorAll(".field > input, .field > select"), e => e.getBoundingClientRect().width)))`); len(widths) != 1 {
		t.Errorf("the fields are %v pixels wide", widths)
	}
	if tree := tab.Accessible(); !strings.Contains(tree, `combobox "EnableBilling" described "Whether Acme sees what each of your services costs. You can change this later."`) {
		t.Errorf("a field has no description:\n%s", tree)
	}
}

// readAloud begins to record what a screen reader reads aloud on a stack's page;
// spoken returns the record.
func readAloud(tab *browser.Tab) (spoken func() []string) {
	browser.Eval[bool](tab, `(window.spoken = [], new MutationObserver(() => spoken.push(document.getElementById("said").textContent)).observe(document.getElementById("said"), {childList: true}), true)`)
	return func() []string { return browser.Eval[[]string](tab, "spoken") }
}

// waitForTitle waits until the page's title ends with a status. The page updates
// its title last.
func waitForTitle(tab *browser.Tab, status string) {
	tab.Until("the title ends with "+status, func() bool { return strings.HasSuffix(browser.Eval[string](tab, "document.title"), ": "+status) })
}

func TestACustomerLaunchesAStackInABrowser(t *testing.T) {
	t.Parallel()
	tab := browser.Start(t).Tab(t)
	in := newIntake(t)
	in.publish("templates/a.yaml", extendedTemplate)
	boundary := "arn:aws:iam::" + customer + ":policy/boundary"
	link := strings.Replace(in.link, "https://eu-west-1.console.aws.amazon.com", in.box.URL()+"/console", 1)
	tab.Open(link + "&param_Boundary=" + url.QueryEscape(boundary))
	tab.Wait("Which customer are you?")
	inspect(t, tab, "the chooser")
	tab.Type("#account", customer+"\r")
	tab.Wait("What you are about to allow")
	tab.Wait("The role may do no more than this policy allows: " + boundary)
	inspect(t, tab, "the review")
	inspectFields(t, tab)
	tab.Type("#param_Boundary", strings.Repeat("\b", len(boundary)))
	tab.Click("input[name=acknowledged]")
	tab.Click("form button")
	tab.Wait("CREATE_IN_PROGRESS")
	inspect(t, tab, "the stack")
	spoken := readAloud(tab)
	in.succeed(in.next(), "xacct-1")
	tab.Wait("CREATE_COMPLETE")
	waitForTitle(tab, "CREATE_COMPLETE")
	if heard := spoken(); !slices.Equal(heard, []string{"acme-access: CREATE_COMPLETE"}) {
		t.Errorf("a screen reader has read %q aloud", heard)
	}
	inspect(t, tab, "the complete stack")
	tab.Open(in.box.URL() + "/console/")
	inspect(t, tab, "the list")
	if messages := tab.Console(); len(messages) > 0 {
		t.Errorf("the browser's console has messages:\n%s", strings.Join(messages, "\n"))
	}
}

// TestACustomerUpdatesAStackInABrowser opens an update link, whose page shows the
// changes, and enters a boundary; then the stack's page follows the update.
func TestACustomerUpdatesAStackInABrowser(t *testing.T) {
	t.Parallel()
	tab := browser.Start(t).Tab(t)
	in := newIntake(t)
	in.publish("templates/a.yaml", extendedTemplate)
	id := in.launch(LaunchOptions{})
	in.succeed(in.next(), "xacct-1")
	in.settled(id, "CREATE_COMPLETE")
	in.publish("templates/b.yaml", strings.NewReplacer(`"logs:Get*"`, `["logs:Get*", "logs:List*"]`, "Version: !Ref Version", `Version: !Sub "${Version}.1"`).Replace(extendedTemplate))

	const boundary = "arn:aws:iam::aws:policy/SecurityAudit"
	tab.Open(in.box.URL() + "/console/cloudformation/home?region=eu-west-1#/stacks/update/template?stackId=" + url.QueryEscape(id) +
		"&templateURL=" + url.QueryEscape("https://acme-templates.s3.eu-west-1.amazonaws.com/templates/b.yaml"))
	tab.Wait("What changes in what you allow")
	tab.Wait("Allow logs:List* on *")
	inspect(t, tab, "the update")
	inspectFields(t, tab)
	if tree := tab.Accessible(); !strings.Contains(tree, `textbox "The external ID"`) || !strings.Contains(tree, `heading "Update stack acme-access"`) {
		t.Errorf("for a screen reader, the page does not name the stack or the field:\n%s", tree)
	}
	if text := tab.Text(); strings.Contains(text, boundary) || strings.Contains(text, "Allow logs:Get*") {
		t.Errorf("the page shows something unchanged as a change:\n%s", text)
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
	waitForTitle(tab, "UPDATE_COMPLETE")
	heard := spoken()
	if len(heard) == 0 || heard[len(heard)-1] != "acme-access: UPDATE_COMPLETE" || len(slices.Compact(slices.Clone(heard))) != len(heard) {
		t.Errorf("a screen reader has read %q aloud", heard)
	}
	inspect(t, tab, "the updated stack")
	if got, _ := in.box.Stack(id); got.Parameters["Boundary"] != boundary {
		t.Errorf("the stack has the parameters %v", got.Parameters)
	}
	refused := func(line string) bool { return strings.Contains(line, "status of 400") } // the update without an acknowledgement
	if messages := slices.DeleteFunc(tab.Console(), refused); len(messages) > 0 {
		t.Errorf("the browser's console has messages:\n%s", strings.Join(messages, "\n"))
	}
}
