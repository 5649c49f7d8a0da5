// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
	"github.com/xacct/terraform-provider-xacct/internal/trial/browser"
)

const logo = "https://cdn.acme.example/logo.svg"

// acmesPage is the hub's connect page.
var acmesPage = onboarding.ConnectPage{LogoURL: logo, Color: "#5b2bd9", ReturnURLs: []string{"https://app.acme.example/settings"}}

// acmesTab returns a tab that can load the vendor's logo from the vendor's host.
func acmesTab(t *testing.T, b *browser.Browser) *browser.Tab {
	t.Helper()
	tab := b.Tab(t)
	tab.Serve(logo, "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48" viewBox="0 0 48 48"><rect width="48" height="48" rx="10" fill="#5b2bd9"/><path d="M12 36 24 10l12 26h-7l-5-12-5 12z" fill="#fff"/></svg>`)
	return tab
}

// newVendor returns a world with a large permission set, a page that leads to the sandbox's
// console, and no registrar.
func newVendor(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, func(spec *hub.Spec) { spec.ConnectPage = acmesPage })
	w.set("full", func(s *permissionset.Set) {
		leave := ""
		s.Role.InlinePolicies = permissionset.Policies{"hosts": `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":["cloudwatch:GetMetricData","cloudwatch:ListMetrics","logs:FilterLogEvents","logs:GetQueryResults","ec2:DescribeInstances","s3:GetObject"],"Resource":"*"},
			{"Effect":"Allow","Action":["cloudwatch:PutMetricAlarm","cloudwatch:DeleteAlarms","sns:Subscribe"],"Resource":"*"}]}`}
		s.OptionalPermissions = map[string]permissionset.OptionalPermission{
			"restart_hosts": {Description: "Restart hosts that hang, after asking you", InlinePolicies: permissionset.Policies{"restart": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:RebootInstances","Resource":"*"}]}`}},
			"see_costs":     {Description: "Show what each service costs", DefaultEnabled: true, ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"}},
			"archive":       {Description: "Keep reports in a bucket of yours", WhenParameter: "bucket", InlinePolicies: permissionset.Policies{"archive": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::{{xacct:parameter:bucket}}/*"}]}`}},
		}
		s.CustomerParameters = map[string]permissionset.CustomerParameter{"bucket": {Description: "Name of the bucket for reports", Default: &leave}}
	})
	w.serve(func(c *Config) {
		c.Console = w.box.URL() + "/console"
	})
	w.box.Clock().SetRate(20)
	return w
}

const fully = `{"permission_set":"full","account_id":"222222222222"}`
const fullyAsking = `{"permission_set":"full","ask_account_id":true}`

// issued issues a link and returns the URL of its connect page.
func (w *world) issued(body string) string {
	w.t.Helper()
	w.want(w.call("backend", "PUT", globex, body), http.StatusCreated)
	return w.connectURL()
}

func (w *world) connectURL() string {
	w.t.Helper()
	var made ConnectAddress
	w.want(w.call("backend", "POST", globex+"/connect", `{"return_url":"https://app.acme.example/settings/aws"}`), http.StatusOK).into(w.t, &made)
	return made.URL
}

// silent fails the test if the browser's console has a message: an exception, a failed request, or
// a violation of the page's security policy.
func silent(t *testing.T, tab *browser.Tab) {
	t.Helper()
	said := slices.DeleteFunc(tab.Console(), func(line string) bool { return strings.Contains(line, "status of 422") }) // the response to an invalid account ID
	if len(said) > 0 {
		t.Errorf("the browser's console has:\n%s", strings.Join(said, "\n"))
	}
}

// createStack creates a stack in the sandbox's console, as a customer does.
func createStack(tab *browser.Tab, accountID string) {
	tab.Wait("Which customer are you?")
	tab.Type("input[name=account]", accountID+"\r")
	tab.Wait("What you are about to allow")
	tab.Click("input[name=acknowledged]")
	tab.Click("form button")
	tab.Wait("Stack ID")
}

func TestTheConnectPageInABrowser(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for name, test := range map[string]func(*testing.T, *browser.Browser){
		"a customer pastes their account ID, opens AWS in a new tab, and sees by itself that they are connected": fromPasteToConnected,
		"a customer connects their account without JavaScript":                                                   withoutJavaScript,
		"a waiting stack and a failed one are shown with what to do, and the customer starts again":              failingAndAgain,
		"everything can be done by keyboard, and the focus is always visible":                                    byKeyboard,
		"a screen reader announces the page and its changes":                                                     byScreenReader,
		"in every state the text has enough contrast, light and dark, and fits into 375 pixels":                  inEveryState,
		"a customer can open the URL again from another site":                                                    openedAgain,
		"typed text is kept while the state changes, and a page without connection says so":                      typingAndLost,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, b) })
	}
}

func fromPasteToConnected(t *testing.T, b *browser.Browser) {
	w, tab := newVendor(t), acmesTab(t, b)
	tab.Open(w.issued(fullyAsking))
	for _, text := range []string{"Connect your AWS account to Acme", "See settings that matter for security", "CloudWatch (metrics and alarms): delete alarms, put metric alarm", "Show what each service costs", "on unless you switch it off", "Name of the bucket for reports"} {
		tab.Wait(text)
	}
	if seen := browser.Eval[string](tab, `(i => i.naturalWidth + " " + getComputedStyle(document.querySelector("button")).backgroundColor)(document.querySelector("header img"))`); seen != "48 rgb(91, 43, 217)" {
		t.Errorf("width of the logo and colour of the button are %s", seen)
	}
	tab.Type("#account_id", " 2222–2222 22-22\u00a0\r")
	tab.Wait("Waiting for your stack")
	tab.Wait("account 222222222222")
	button := browser.Eval[map[string]string](tab, `(a => ({target: a.target, rel: a.rel, text: a.textContent}))(document.getElementById("launch"))`)
	if button["target"] != "_blank" || !strings.Contains(button["rel"], "noopener") || !strings.Contains(button["text"], "opens in a new tab") {
		t.Errorf("the button is %v", button)
	}
	tab.Click("#launch")
	aws := tab.Opened()
	if opener := browser.Eval[bool](aws, "window.opener !== null"); opener {
		t.Error("AWS's page can reach the connect page")
	}
	createStack(aws, "222222222222")
	silent(t, aws)
	w.listen()
	tab.Front()
	tab.Wait("arn:aws:iam::222222222222:role/acme-globex")
	if got := browser.Eval[string](tab, "document.title"); got != "Connected – Connect your AWS account to Acme" {
		t.Errorf("the tab is called %q", got)
	}
	if got := browser.Eval[string](tab, `document.querySelector("#status a.button").href`); got != "https://app.acme.example/settings/aws" {
		t.Errorf("the page leads back to %s", got)
	}
	silent(t, tab)
}

func withoutJavaScript(t *testing.T, b *browser.Browser) {
	w, tab := newVendor(t), acmesTab(t, b)
	w.listen()
	tab.WithoutScripts()
	tab.Open(w.issued(fullyAsking))
	tab.Type("#account_id", "12345\r")
	tab.Wait("it has 12 digits")
	tab.Type("#account_id", "\b\b\b\b\b222222222222\r")
	tab.Wait("Waiting for your stack")
	if got := browser.Eval[int](tab, `document.querySelectorAll("meta[http-equiv=refresh]").length`); got != 0 {
		t.Error("the page loads itself again while it has a field")
	}
	tab.Click("#launch")
	// The console's first step needs a script, as AWS's does.
	id := w.launched(tab)
	if done, err := w.box.WaitStack(t.Context(), id); err != nil || done.Status != "CREATE_COMPLETE" {
		t.Fatalf("the stack is %s: %s, %v\n%s", done.Status, done.StatusReason, err, w.log)
	}
	tab.Until("the page shows the role", func() bool {
		if strings.Contains(tab.Text(), "Show how it goes now") {
			tab.Click("noscript a")
		}
		return strings.Contains(tab.Text(), "arn:aws:iam::222222222222:role/acme-globex")
	})
	silent(t, tab)
}

func failingAndAgain(t *testing.T, b *browser.Browser) {
	w, tab := newVendor(t), acmesTab(t, b)
	tab.Open(w.issued(fully))
	tab.Wait("For the AWS account 222222222222")
	tab.Click("button")
	tab.Wait("Waiting for your stack")

	w.must(w.box.AddFault(kernel.FaultRule{Service: "sts", Action: "AssumeRole", Kind: kernel.FaultServerError, Probability: 1}))
	w.listen()
	id := w.launched(tab)
	tab.Wait("Acme is checking that the role works")
	if got := marks(tab); got != "done done now -" {
		t.Errorf("the steps are %s", got)
	}
	w.want(w.call("operator", "POST", globex+"/block", `{}`), http.StatusOK)
	tab.Wait("Not possible at the moment")
	w.box.Faults().Clear()
	if done, err := w.box.WaitStack(t.Context(), id); err != nil || done.Status != "ROLLBACK_COMPLETE" {
		t.Fatalf("the stack is %s: %s, %v", done.Status, done.StatusReason, err)
	}
	w.want(w.call("operator", "POST", globex+"/unblock", ""), http.StatusOK)
	tab.Open(w.server.config.ConnectURL.JoinPath("connect").String())
	for _, text := range []string{"The stack was not accepted", "Acme accepts no new connections or changes from you", "Delete the stack in the console", "Start again in AWS"} {
		tab.Wait(text)
	}
	if got := marks(tab); got != "done done failed -" {
		t.Errorf("the steps are %s", got)
	}
	w.must(w.box.DeleteStack(t.Context(), id))
	tab.Click("#launch")
	createStack(tab.Opened(), "222222222222")
	tab.Front()
	tab.Wait("arn:aws:iam::222222222222:role/acme-globex")
	silent(t, tab)
}

// marks returns the classes of the page's steps.
func marks(tab *browser.Tab) string {
	return browser.Eval[string](tab, `Array.from(document.querySelectorAll(".steps li"), li => li.className || "-").join(" ")`)
}

// launched creates the stack that the page's button launches, without the console.
func (w *world) launched(tab *browser.Tab) string {
	w.t.Helper()
	id, err := w.box.LaunchURL(w.t.Context(), browser.Eval[string](tab, `document.getElementById("launch").href`), "222222222222", sandbox.LaunchOptions{})
	w.must(err)
	return id
}

func byKeyboard(t *testing.T, b *browser.Browser) {
	w, tab := newVendor(t), acmesTab(t, b)
	tab.Open(w.issued(fullyAsking))
	order := func(steps int) (all []string) {
		for range steps {
			tab.Press("\t")
			all = append(all, browser.Eval[string](tab, `(e => (e.id || e.className || e.tagName) + "|" + (getComputedStyle(e).outlineStyle !== "none" && parseFloat(getComputedStyle(e).outlineWidth) >= 2) + "|" + (e.getBoundingClientRect().left >= 0))(document.activeElement)`))
		}
		return all
	}
	want := []string{"skip", "account_id", "button", "SUMMARY", "SUMMARY", "SUMMARY", "A"}
	for i, got := range order(len(want)) {
		if got != want[i]+"|true|true" {
			t.Errorf("tab %d is at %s (name, outline, on the page), want %s", i+1, got, want[i])
		}
	}
	tab.Open(w.connectURL())
	tab.Press("\t\r") // the first stop is the skip link
	tab.Press("\t222222222222\r")
	tab.Wait("Waiting for your stack")
	for range 10 {
		tab.Press("\t")
		if browser.Eval[string](tab, "document.activeElement.id") == "launch" {
			break
		}
	}
	tab.Press("\r")
	aws := tab.Opened()
	createStack(aws, "222222222222")
	w.listen()
	tab.Front()
	tab.Wait("Connected. Acme can use")
	tab.Until("the focus is in the new text, and not lost", func() bool { return browser.Eval[string](tab, "document.activeElement.id") == "status" })
	tab.Press("\t")
	if got := browser.Eval[string](tab, "document.activeElement.textContent"); got != "Back to Acme" {
		t.Errorf("the next stop is %q", got)
	}
}

func byScreenReader(t *testing.T, b *browser.Browser) {
	w, tab := newVendor(t), acmesTab(t, b)
	tab.Open(w.issued(fullyAsking))
	tab.Type("#account_id", "12\r")
	tab.Wait("it has 12 digits")
	for _, want := range []string{
		`banner ""`, `main ""`, `contentinfo ""`, `heading "Connect your AWS account to Acme"`, `region "Which AWS account\?"`, `heading "What the role may do"`,
		`textbox "AWS account ID" described "12 digits, with or without dashes.*This is not an AWS account ID.*invalid=true.*required=true`,
		`alert ""`, `status ""`, `button "Continue"`, `link "Ask Acme"`, `DisclosureTriangle "Show what each service costs on unless you switch it off".*expanded=false`,
	} {
		if tree := tab.Accessible(); !regexp.MustCompile(`(?m)^` + want).MatchString(tree) {
			t.Errorf("the accessibility tree has no %s:\n%s", want, tree)
		}
	}
	if got := browser.Eval[string](tab, "document.activeElement.id"); got != "account_id" {
		t.Errorf("after a wrong number the focus is at %q", got)
	}
	tab.Type("#account_id", "\b\b222222222222\r")
	tab.Wait("Waiting for your stack")
	if tree := tab.Accessible(); !regexp.MustCompile(`(?m)^link "Open AWS \(opens in a new tab\)"`).MatchString(tree) {
		t.Errorf("the button does not say where it leads:\n%s", tree)
	}
	browser.Eval[bool](tab, `(window.spoken = [], new MutationObserver(() => spoken.push(document.getElementById("said").textContent)).observe(document.getElementById("said"), {childList: true, characterData: true, subtree: true}), true)`)
	w.listen()
	w.launched(tab)
	tab.Wait("arn:aws:iam::222222222222:role/acme-globex")
	if got := browser.Eval[[]string](tab, "spoken"); !slices.Equal(slices.Compact(got), []string{"Connected. Acme can use the role below, and only with the external ID that it was given. To end this, delete the stack."}) {
		t.Errorf("the live region has said %q", got)
	}
}

// shownAs writes a line into the customer's history, and waits until the page shows it without
// being reloaded.
func (w *world) shownAs(tab *browser.Tab, heading string, entry onboarding.HistoryEntry) {
	w.t.Helper()
	entry.At, entry.CustomerID, entry.RequestID = w.now(), "globex", "3f0c"
	entry.Account, _ = account.ParseID("222222222222")
	w.must(w.hub.Registry().AddHistory(w.t.Context(), entry))
	tab.Wait(heading)
}

const otherAccount = "This stack is in AWS account 333333333333, but the link was made for another account. Delete the stack, sign in to the account that you told Acme, and open the link there; or tell Acme that it is this account."

// trust changes the trust policy of a customer's role, and returns the former one.
func (w *world) trust(accountID, role, trust string) string {
	w.t.Helper()
	clients, err := trial.Clients(w.t.Context(), w.box, accountID, home)
	w.must(err)
	address := w.box.URL()
	client := iam.NewFromConfig(clients.SDK(), func(o *iam.Options) { o.BaseEndpoint = &address })
	found, err := client.GetRole(w.t.Context(), &iam.GetRoleInput{RoleName: &role})
	w.must(err)
	_, err = client.UpdateAssumeRolePolicy(w.t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: &role, PolicyDocument: &trust})
	w.must(err)
	was, err := url.QueryUnescape(*found.Role.AssumeRolePolicyDocument)
	w.must(err)
	return was
}

// everyState brings the page into each of its states, and calls look in each.
func everyState(w *world, tab *browser.Tab, look func(state string)) {
	w.t.Helper()
	page := w.server.config.ConnectURL.JoinPath("connect").String()
	tab.Open(w.issued(fully))
	tab.Wait("Ready")
	look("ready")
	w.want(w.call("backend", "DELETE", globex, ""), http.StatusOK)
	tab.Open(w.issued(fullyAsking))
	look("account")
	tab.Type("#account_id", "12\r")
	tab.Wait("it has 12 digits")
	look("account-wrong")
	tab.Type("#account_id", "\b\b222222222222\r")
	tab.Wait("Waiting for your stack")
	look("waiting")
	w.shownAs(tab, "Your stack has reported", onboarding.HistoryEntry{Waiting: true})
	look("working")
	w.shownAs(tab, "The stack was not accepted", onboarding.HistoryEntry{Refused: true, Detail: otherAccount})
	look("failed")
	w.want(w.call("operator", "POST", globex+"/block", `{}`), http.StatusOK)
	tab.Wait("Not possible at the moment")
	look("blocked")
	w.want(w.call("operator", "POST", globex+"/unblock", ""), http.StatusOK)
	tab.Open(page)
	w.listen()
	id := w.launched(tab)
	tab.Wait("arn:aws:iam::222222222222:role/acme-globex")
	look("connected")
	name, trust := "acme-globex", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":"sts:AssumeRole"}]}`
	was := w.trust("222222222222", name, trust)
	w.want(w.call("operator", "POST", globex+"/verify", ""), http.StatusOK)
	tab.Open(page)
	tab.Wait("The role does not work any more")
	look("degraded")
	w.trust("222222222222", name, was)
	w.must(w.box.DeleteStack(w.t.Context(), id))
	_, err := w.box.WaitStack(w.t.Context(), id)
	w.must(err)
	tab.Until("the stack is gone", func() bool { tab.Open(page); return strings.Contains(tab.Text(), "Disconnected") })
	look("disconnected")
	w.want(w.call("backend", "DELETE", globex, ""), http.StatusOK)
	tab.Wait("This link is closed")
	look("closed")
	tab.Open(page + "/" + strings.Repeat("A", 43))
	tab.Wait("no longer valid")
	look("gone")
}

func inEveryState(t *testing.T, b *browser.Browser) {
	w, tab := newVendor(t), acmesTab(t, b)
	everyState(w, tab, func(state string) {
		for _, scheme := range []string{"light", "dark"} {
			tab.Scheme(scheme)
			if bad := tab.HardToRead(); len(bad) > 0 {
				t.Errorf("%s, %s: hard to read: %q", state, scheme, bad)
			}
		}
		tab.Size(375, 800)
		if wide := tab.TooWide(); len(wide) > 0 {
			t.Errorf("%s: wider than 375 pixels: %q", state, wide)
		}
		if got := browser.Eval[int](tab, `document.querySelectorAll("h1").length`); got != 1 {
			t.Errorf("%s has %d main headings", state, got)
		}
		tab.Size(1000, 900)
		tab.Scheme("light")
	})
}

// Another site leads to the page's URL, for example the vendor's, or a mail in a browser.
func openedAgain(t *testing.T, b *browser.Browser) {
	w, tab := newVendor(t), acmesTab(t, b)
	address := w.issued(fully)
	other := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(rw, `<link rel="icon" href="data:,"><a href="%s">Connect</a>`, address)
	}))
	t.Cleanup(other.Close)
	for _, heading := range []string{"Ready", "Waiting for your stack"} {
		tab.Open(other.URL)
		tab.Click("a")
		tab.Wait(heading)
		if heading == "Ready" {
			tab.Click("button")
			tab.Wait("Waiting for your stack")
		}
	}
	second := b.Tab(t)
	second.Open(address)
	second.Wait("This link was used already")
}

func typingAndLost(t *testing.T, b *browser.Browser) {
	w, tab := newVendor(t), acmesTab(t, b)
	tab.Open(w.issued(fullyAsking))
	tab.Type("#account_id", "222222222222\r")
	tab.Wait("Waiting for your stack")
	tab.Click("#other summary")
	tab.Type("#account_id", "\b\b\b3")
	asked := len(w.log.String())
	entry := onboarding.HistoryEntry{At: w.now(), CustomerID: "globex", RequestID: "3f0c", Refused: true, Detail: otherAccount}
	w.must(w.hub.Registry().AddHistory(t.Context(), entry))
	tab.Until("the page has looked twice", func() bool { return strings.Count(w.log.String()[asked:], "/connect/status") >= 2 })
	if got := browser.Eval[string](tab, `document.activeElement.value`); got != "2222222223" {
		t.Errorf("the field has %q", got)
	}
	browser.Eval[bool](tab, "(document.activeElement.blur(), true)")
	tab.Wait("The stack was not accepted")
	w.http.Close()
	tab.Wait("This page has no connection at the moment")
}
