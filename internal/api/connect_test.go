// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

const asking = `{"permission_set":"more","ask_account_id":true}`

// visitor is a customer's browser, with the page's cookie.
type visitor struct {
	w      *world
	cookie string
}

func (b *visitor) visit(method, path string, form url.Values, headers ...string) answer {
	b.w.t.Helper()
	request, err := http.NewRequestWithContext(b.w.t.Context(), method, b.w.http.URL+path, strings.NewReader(form.Encode()))
	b.w.must(err)
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.cookie != "" {
		request.Header.Set("Cookie", b.cookie)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	a := b.w.do(request)
	if set := a.header.Get("Set-Cookie"); set != "" {
		b.cookie, _, _ = strings.Cut(set, ";")
	}
	return a
}

// address creates a URL of the connect page, and returns its path.
func (w *world) address(customer, body string) string {
	w.t.Helper()
	var made ConnectAddress
	w.want(w.call("backend", "POST", "/v1/customers/"+customer+"/connect", body), http.StatusOK).into(w.t, &made)
	parsed, err := url.Parse(made.URL)
	w.must(err)
	return parsed.Path
}

func TestACustomerEntersTheirAccountAndConnects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve(func(c *Config) { c.Page.ReturnURLs = []string{"https://app.acme.example/settings"} })
	w.box.Clock().SetRate(20)
	w.listen()
	if v := w.want(w.call("backend", "PUT", globex, asking), http.StatusCreated).customer(t); v.State != AwaitingAccount || v.LaunchURL != "" {
		t.Fatalf("got %+v", v)
	}
	path := w.address("globex", `{"return_url":"https://app.acme.example/settings/aws"}`)
	b := &visitor{w: w}
	for range 2 { // a mail scanner may open the page first
		first := w.want(b.visit("GET", path, nil), http.StatusOK)
		for _, text := range []string{"Connect your AWS account to Acme", "AWS account ID", "Restart hosts that hang, after asking you", "See settings that matter for security", "acme-globex"} {
			if !strings.Contains(first.text, text) {
				t.Errorf("the page has no %q\n%s", text, first.text)
			}
		}
		if strings.Contains(first.text, "quickcreate") || b.cookie != "" {
			t.Error("the page has a launch URL, or a session was created, before the exchange")
		}
	}
	wrong := w.want(b.visit("POST", path, url.Values{"account_id": {"12345 <b>"}}), http.StatusUnprocessableEntity)
	if !strings.Contains(wrong.text, "12 digits") || strings.Contains(wrong.text, "<b>") || b.cookie != "" {
		t.Errorf("got %s", wrong.text)
	}
	// An older browser tells only the page's public address, which a proxy may not have
	// in the Host that it sends.
	public := strings.Replace(w.http.URL, "127.0.0.1", "localhost", 1)
	w.want(b.visit("POST", path, url.Values{"account_id": {" 2222-2222 2222 "}}, "Origin", public), http.StatusSeeOther)
	if !strings.HasPrefix(b.cookie, "__Host-xacct-connect=") {
		t.Fatalf("cookie %q", b.cookie)
	}
	page := w.want(b.visit("GET", "/connect", nil), http.StatusOK)
	if !strings.Contains(page.text, "Waiting for your stack") || !strings.Contains(page.text, "222222222222") {
		t.Errorf("got %s", page.text)
	}
	if v := w.want(w.call("backend", "PUT", globex, asking), http.StatusOK).customer(t); v.AccountID != "222222222222" || v.State != Waiting {
		t.Errorf("the vendor's call again: %+v", v)
	}
	link := w.want(w.call("viewer", "GET", globex, ""), http.StatusOK).customer(t)
	if !strings.Contains(page.text, strings.ReplaceAll(link.LaunchURL, "&", "&amp;")) {
		t.Errorf("the button does not lead to %s:\n%s", link.LaunchURL, page.text)
	}
	stack, err := w.box.LaunchURL(t.Context(), link.LaunchURL, "222222222222", sandbox.LaunchOptions{})
	w.must(err)
	if done, err := w.box.WaitStack(t.Context(), stack); err != nil || done.Status != "CREATE_COMPLETE" {
		t.Fatalf("the stack is %s: %s, %v\n%s", done.Status, done.StatusReason, err, w.log)
	}
	for limit := time.Now().Add(20 * time.Second); ; {
		status := w.want(b.visit("GET", "/connect/status", nil), http.StatusOK)
		if strings.Contains(status.text, "arn:aws:iam::222222222222:role/acme-globex") {
			if !strings.Contains(status.text, `href="https://app.acme.example/settings/aws"`) || strings.Contains(status.text, "<html") {
				t.Errorf("got %s", status.text)
			}
			break
		}
		if time.Now().After(limit) {
			t.Fatalf("never connected: %s", status.text)
		}
	}
	if strings.Contains(w.log.String(), strings.TrimPrefix(path, "/connect/")) || strings.Contains(w.log.String(), b.cookie) {
		t.Error("the log has a token or a cookie")
	}
}

func TestACustomerMayEnterThreeAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.want(w.call("backend", "PUT", globex, asking), http.StatusCreated)
	b := &visitor{w: w}
	w.want(b.visit("POST", w.address("globex", "{}"), url.Values{"account_id": {"222222222222"}}), http.StatusSeeOther)
	first := w.want(w.call("viewer", "GET", globex, ""), http.StatusOK).customer(t)
	for id, status := range map[string]int{"333333333333": http.StatusSeeOther} {
		w.want(b.visit("POST", "/connect/account", url.Values{"account_id": {id}}), status)
	}
	second := w.want(w.call("viewer", "GET", globex, ""), http.StatusOK).customer(t)
	if second.AccountID != "333333333333" || second.ExternalID == first.ExternalID {
		t.Errorf("another account has the same external ID: %+v", second)
	}
	w.want(b.visit("POST", "/connect/account", url.Values{"account_id": {"444444444444"}}), http.StatusSeeOther)
	w.want(b.visit("POST", "/connect/account", url.Values{"account_id": {"333333333333"}}), http.StatusSeeOther) // again one of the three
	if a := w.want(b.visit("POST", "/connect/account", url.Values{"account_id": {"555555555555"}}), http.StatusConflict); !strings.Contains(a.text, "named 3 accounts already") {
		t.Errorf("got %s", a.text)
	}
	found, err := w.hub.Registry().Customer(t.Context(), "globex")
	w.must(err)
	if len(found.Link.NamedAccounts) != 3 {
		t.Errorf("named %v", found.Link.NamedAccounts)
	}
}

func TestEveryStateHasItsText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for state, want := range map[State]string{
		Waiting: "Waiting for your stack", Working: "Your stack has reported", Connected: "Connected", Failed: "The stack was not accepted", Degraded: "does not work any more",
		Disconnected: "You can connect again", Expired: "Please ask Acme for a new one", Closed: "Please ask Acme", Blocked: "Please ask Acme", AwaitingAccount: "Which AWS account?",
	} {
		var b strings.Builder
		data := pageData{Vendor: "Acme", State: state, Reason: "<script>", HasSession: true, AsksAccount: true, LaunchURL: "https://console.aws.amazon.com/?a=b&c=d", RoleARN: "arn"}
		w.must(pages().ExecuteTemplate(&b, "page", data))
		if !strings.Contains(b.String(), want) || strings.Contains(b.String(), "<script>") || strings.Contains(b.String(), "style=") || strings.Contains(b.String(), "onclick") {
			t.Errorf("%s:\n%s", state, b.String())
		}
		if told := strings.Contains(b.String(), "&lt;script&gt;"); told != (state == Failed) {
			t.Errorf("%s: the reason is on the page: %t; it must be only for a failed stack", state, told)
		}
		if strings.Count(b.String(), `id="account_id"`) > 1 {
			t.Errorf("%s has two fields with one ID", state)
		}
	}
	if open := (pageData{State: Degraded, Open: true}).Heading(); open != "The role is not safe any more" {
		t.Errorf("an open role: %q", open)
	}
	if len(states) != 10 {
		t.Errorf("%d states", len(states))
	}
}
