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

// visitor is a customer's browser, with the cookie of the page.
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

// address makes an address of the connect page, and returns its path.
func (w *world) address(customer, body string) string {
	w.t.Helper()
	var made ConnectAddress
	w.want(w.call("backend", "POST", "/v1/customers/"+customer+"/connect", body), http.StatusOK).into(w.t, &made)
	parsed, err := url.Parse(made.URL)
	w.must(err)
	return parsed.Path
}

func TestACustomerNamesTheirAccountAndConnects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	returns, _ := url.Parse("https://app.acme.example/settings")
	w.serve(func(c *Config) { c.ReturnURLs = []*url.URL{returns} })
	w.box.Clock().SetRate(20)
	w.listen()
	if v := w.want(w.call("backend", "PUT", globex, asking), http.StatusCreated).customer(t); v.State != AwaitingAccount || v.LaunchURL != "" {
		t.Fatalf("got %+v", v)
	}
	path := w.address("globex", `{"return_url":"https://app.acme.example/settings/aws"}`)
	b := &visitor{w: w}
	for range 2 { // a scanner of mails was here first
		first := w.want(b.visit("GET", path, nil), http.StatusOK)
		for _, text := range []string{"Connect your AWS account to Acme", "AWS account ID", "Restart hosts that hang, after asking you", "See settings that matter for security", "acme-globex"} {
			if !strings.Contains(first.text, text) {
				t.Errorf("the page has no %q\n%s", text, first.text)
			}
		}
		if strings.Contains(first.text, "quickcreate") || b.cookie != "" {
			t.Error("the page opens AWS, or a session, before the address was exchanged")
		}
	}
	wrong := w.want(b.visit("POST", path, url.Values{"account_id": {"12345 <b>"}}), http.StatusUnprocessableEntity)
	if !strings.Contains(wrong.text, "12 digits") || strings.Contains(wrong.text, "<b>") || b.cookie != "" {
		t.Errorf("got %s", wrong.text)
	}
	w.want(b.visit("POST", path, url.Values{"account_id": {" 2222-2222 2222 "}}), http.StatusSeeOther)
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

func TestAtMostThreeAccountsAreNamed(t *testing.T) {
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
	w.want(b.visit("POST", "/connect/account", url.Values{"account_id": {"333333333333"}}), http.StatusSeeOther) // one of the three
	if a := w.want(b.visit("POST", "/connect/account", url.Values{"account_id": {"555555555555"}}), http.StatusConflict); !strings.Contains(a.text, "named 3 accounts already") {
		t.Errorf("got %s", a.text)
	}
	found, err := w.hub.Registry().Customer(t.Context(), "globex")
	w.must(err)
	if len(found.Link.NamedAccounts) != 3 {
		t.Errorf("named %v", found.Link.NamedAccounts)
	}
}

// TestAttacks is the table of attacks on API and page, with what they get.
func TestAttacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{"globex", "initech"} {
		w.want(w.call("backend", "PUT", "/v1/customers/"+id, strings.Replace(readonly, "222222222222", map[string]string{"globex": "222222222222", "initech": "333333333333"}[id], 1)), http.StatusCreated)
	}
	path := w.address("globex", "{}")
	honest := &visitor{w: w}
	w.want(honest.visit("POST", path, url.Values{}), http.StatusSeeOther)
	other := &visitor{w: w}
	w.want(other.visit("POST", w.address("initech", "{}"), url.Values{}), http.StatusSeeOther)
	id, secret, _ := strings.Cut(strings.TrimPrefix(honest.cookie, cookieName+"="), ".")
	otherID, _, _ := strings.Cut(strings.TrimPrefix(other.cookie, cookieName+"="), ".")
	thief := func(cookie string) *visitor { return &visitor{w, cookie} }
	form := url.Values{"account_id": {"999999999999"}}
	table := []struct {
		name   string
		got    answer
		status int
	}{
		{"replay of an address in another browser", thief("").visit("GET", path, nil), 410},
		{"replay of an exchange", thief("").visit("POST", path, url.Values{}), 410},
		{"a guessed address", thief("").visit("GET", "/connect/"+strings.Repeat("A", 43), nil), 410},
		{"no cookie", thief("").visit("GET", "/connect", nil), 410},
		{"the secret of one customer with the token of another", thief(cookieName+"="+otherID+"."+secret).visit("GET", "/connect", nil), 410},
		{"a token without its secret", thief(cookieName+"="+id+".").visit("GET", "/connect", nil), 410},
		{"a cookie of a subdomain, beside the right one", thief(honest.cookie+"; "+other.cookie).visit("GET", "/connect", nil), 410},
		{"CSRF from another site", honest.visit("POST", "/connect/account", form, "Sec-Fetch-Site", "cross-site"), 403},
		{"CSRF with another origin", honest.visit("POST", "/connect/account", form, "Origin", "https://evil.example"), 403},
		{"an account for a link that doesn't ask", honest.visit("POST", "/connect/account", form), 503},
		{"the page's cookie at the API", honest.visit("GET", globex, nil), 401},
		{"a token of the page at the API", w.call("", "GET", globex, "", "Authorization", "Bearer "+strings.TrimPrefix(path, "/connect/")), 401},
		{"an oversized body", w.call("backend", "PUT", globex, `{"permission_set":"`+strings.Repeat("x", mostBody)+`"}`), 413},
		{"an oversized form", honest.visit("POST", "/connect/account", url.Values{"account_id": {strings.Repeat("1", mostBody)}}), 422},
		{"a return address that the vendor doesn't allow", w.call("backend", "POST", globex+"/connect", `{"return_url":"https://evil.example/"}`), 422},
		{"a return address that runs a script", w.call("backend", "POST", globex+"/connect", `{"return_url":"javascript:alert(1)"}`), 422},
		{"an address of this machine in a field", w.call("backend", "PUT", globex, `{"permission_set":"http://169.254.169.254/"}`), 422},
		{"a path out of the API", w.call("backend", "GET", "/v1/customers/..%2f..%2fopenapi.json", ""), 422},
		{"a form at the API", honest.visit("PUT", globex, url.Values{"a": {"b"}}), 401},
		{"another media type", w.call("backend", "PUT", globex, readonly, "Content-Type", "text/plain"), 415},
	}
	for _, attack := range table {
		if attack.got.status != attack.status {
			t.Errorf("%s: %d, want %d\n%s", attack.name, attack.got.status, attack.status, attack.got.text)
		}
		if strings.Contains(attack.got.text, "222222222222") && attack.name != "CSRF" && attack.status != 503 && attack.status != 422 {
			t.Errorf("%s: the answer tells the account\n%s", attack.name, attack.got.text)
		}
		h := attack.got.header
		if !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || strings.Contains(h.Get("Content-Security-Policy"), "unsafe") ||
			h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: headers %v", attack.name, h)
		}
	}
	if echoed := w.call("viewer", "GET", globex, "", "X-Request-Id", "abc\tdef ghi").header.Get("X-Request-Id"); strings.ContainsAny(echoed, "\t ") || echoed == "" {
		t.Errorf("an ID that is none comes back: %q", echoed)
	}
	w.want(w.call("backend", "DELETE", globex+"/connect", ""), http.StatusNoContent)
	w.want(honest.visit("GET", "/connect", nil), http.StatusGone)
	w.want(other.visit("GET", "/connect", nil), http.StatusOK)
	w.want(w.call("backend", "DELETE", "/v1/customers/initech", ""), http.StatusOK)
	w.want(w.call("backend", "PUT", "/v1/customers/initech", strings.Replace(readonly, "222222222222", "333333333333", 1)), http.StatusCreated)
	w.want(other.visit("GET", "/connect", nil), http.StatusGone) // another link
	late := w.address("initech", `{"valid_for_seconds":60}`)
	w.box.Clock().Advance(61 * time.Second)
	w.want(thief("").visit("POST", late, url.Values{}), http.StatusGone)
}

func TestEveryStateHasASentenceAndWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for state, want := range map[State]string{
		Waiting: "Waiting for your stack", Working: "Your stack has reported", Connected: "Connected", Failed: "The stack was not accepted", Degraded: "does not work any more",
		Disconnected: "You can connect again", Expired: "Please ask Acme for a new one", Closed: "Please ask Acme", Blocked: "Please ask Acme", AwaitingAccount: "Which AWS account?",
	} {
		var b strings.Builder
		data := pageData{Vendor: "Acme", State: state, Reason: "<script>", Begun: true, Asks: true, LaunchURL: "https://console.aws.amazon.com/?a=b&c=d", RoleARN: "arn"}
		w.must(pages().ExecuteTemplate(&b, "page", data))
		if !strings.Contains(b.String(), want) || strings.Contains(b.String(), "<script>") || strings.Contains(b.String(), "style=") || strings.Contains(b.String(), "onclick") {
			t.Errorf("%s:\n%s", state, b.String())
		}
		if strings.Count(b.String(), `id="account_id"`) > 1 {
			t.Errorf("%s has two fields with one ID", state)
		}
	}
	if len(states) != 10 {
		t.Errorf("%d states", len(states))
	}
}
