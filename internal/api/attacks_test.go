// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// attack is a row of the table of attacks in the guide on the API.
type attack struct {
	name   string
	try    func() answer
	status int
}

// attacks returns the attacks in the order in which they are tried. Some change what later ones
// find.
func (w *world) attacks() []attack {
	w.t.Helper()
	const initech = "/v1/customers/initech"
	w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated)
	ofInitech := strings.Replace(readonly, "222222222222", "333333333333", 1)
	w.want(w.call("backend", "PUT", initech, ofInitech), http.StatusCreated)
	path := w.address("globex", "{}")
	genuine, other := &visitor{w: w}, &visitor{w: w}
	w.want(genuine.visit("POST", path, url.Values{}), http.StatusSeeOther)
	w.want(other.visit("POST", w.address("initech", "{}"), url.Values{}), http.StatusSeeOther)
	id, secret, _ := strings.Cut(strings.TrimPrefix(genuine.cookie, cookieName+"="), ".")
	otherID, _, _ := strings.Cut(strings.TrimPrefix(other.cookie, cookieName+"="), ".")
	form := url.Values{"account_id": {"999999999999"}}
	page := func(cookie, method, path string, form url.Values, headers ...string) func() answer {
		return func() answer { return (&visitor{w, cookie}).visit(method, path, form, headers...) }
	}
	call := func(as, method, path, body string, headers ...string) func() answer {
		return func() answer { return w.call(as, method, path, body, headers...) }
	}
	back := func(address string) func() answer {
		return call("backend", "POST", globex+"/connect", fmt.Sprintf(`{"return_url":%q}`, address))
	}
	after := func(do func(), try func() answer) func() answer { return func() answer { do(); return try() } }
	return []attack{
		{"no token", call("", "GET", globex, ""), 401},
		{"a token in the query", call("", "GET", globex+"?access_token="+w.tokens["backend"], ""), 401},
		{"a token that may read, for a change", call("viewer", "PUT", globex, readonly), 403},
		{"a token that may write, for a block", call("backend", "POST", globex+"/block", "{}"), 403},
		{"a forged, changed or expired JWT", w.forged, 401},
		{"a principal of IAM in a header", call("", "GET", globex, "", "X-Amzn-Iam-User-Arn", "arn:aws:iam::111111111111:role/backend"), 401},
		{"another method in a header", call("viewer", "GET", globex, "", "X-HTTP-Method-Override", "DELETE"), 200},
		{"a token of the page at the API", call("", "GET", globex, "", "Authorization", "Bearer "+strings.TrimPrefix(path, "/connect/")), 401},
		{"the page's cookie at the API", page(genuine.cookie, "GET", globex, nil), 401},
		{"a form of another site at the API", page(genuine.cookie, "PUT", globex, url.Values{"a": {"b"}}), 401},
		{"JSON as plain text, which other sites may send", call("backend", "PUT", globex, readonly, "Content-Type", "text/plain"), 415},
		{"replay of an address in another browser", page("", "GET", path, nil), 410},
		{"replay of an exchange", page("", "POST", path, url.Values{}), 410},
		{"a guessed address", page("", "GET", "/connect/"+strings.Repeat("A", 43), nil), 410},
		{"the page without a cookie", page("", "GET", "/connect", nil), 410},
		{"the secret of one customer with the token of another", page(cookieName+"="+otherID+"."+secret, "GET", "/connect", nil), 410},
		{"a token of the page without its secret", page(cookieName+"="+id+".", "GET", "/connect", nil), 410},
		{"a second cookie, of a subdomain", page(genuine.cookie+"; "+other.cookie, "GET", "/connect", nil), 410},
		{"a form of another site at the page", page(genuine.cookie, "POST", "/connect/account", form, "Sec-Fetch-Site", "cross-site"), 403},
		{"the same from an old browser", page(genuine.cookie, "POST", "/connect/account", form, "Origin", "https://evil.example"), 403},
		{"an account for a link that does not ask", page(genuine.cookie, "POST", "/connect/account", form), 303},
		{"an oversized body", call("backend", "PUT", globex, `{"permission_set":"`+strings.Repeat("x", maxBody)+`"}`), 413},
		{"an oversized form", page(genuine.cookie, "POST", "/connect/account", url.Values{"account_id": {strings.Repeat("1", maxBody)}}), 422},
		{"more metadata than there is room for", call("backend", "PUT", "/v1/customers/hooli", fmt.Sprintf(`{"permission_set":"readonly","account_id":"444444444444","metadata":{"a":%q}}`, strings.Repeat("x", 300))), 422},
		{"line breaks in a customer's ID", call("backend", "PUT", "/v1/customers/a%0d%0aSet-Cookie:%20a=b", readonly), 422},
		{"a path out of the API", call("backend", "GET", "/v1/customers/..%2f..%2fopenapi.json", ""), 422},
		{"an internal address as a name", call("backend", "PUT", globex, `{"permission_set":"http://169.254.169.254/"}`), 422},
		{"an internal address to return to", back("http://169.254.169.254/"), 422},
		{"a return address that is not listed", back("https://evil.example/"), 422},
		{"a listed host as a user name", back("https://app.acme.example@evil.example/settings"), 422},
		{"a listed host as a subdomain of another", back("https://app.acme.example.evil.example/settings"), 422},
		{"a path beside the listed one", back("https://app.acme.example/settings/../admin"), 422},
		{"a return address that is a script", back("javascript:alert(1)"), 422},
		{"a page that was revoked", after(func() { w.want(w.call("backend", "DELETE", globex+"/connect", ""), http.StatusNoContent) }, page(genuine.cookie, "GET", "/connect", nil)), 410},
		{"the page of a link that was closed and issued again", after(func() {
			w.want(other.visit("GET", "/connect", nil), http.StatusOK)
			w.want(w.call("backend", "DELETE", initech, ""), http.StatusOK)
			w.want(w.call("backend", "PUT", initech, ofInitech), http.StatusCreated)
		}, page(other.cookie, "GET", "/connect", nil)), 410},
		{"an address whose time is over", func() answer {
			late := w.address("initech", `{"valid_for_seconds":60}`)
			w.box.Clock().Advance(61 * time.Second)
			return page("", "POST", late, url.Values{})()
		}, 410},
		{"guessing tokens, with another X-Forwarded-For each", w.guessed, 429},
		{"the same, for callers with a token at the same address", call("viewer", "GET", globex, ""), 200},
	}
}

// forged tries every forged JWT, and returns the first response that did not refuse the token, or
// the last response.
func (w *world) forged() (last answer) {
	w.t.Helper()
	i := newIssuer(w.t)
	i.change(func() { i.now = w.now() })
	w.serve(func(c *Config) {
		c.Page, c.Auth = w.server.config.Page, AnyOf{c.Auth, i.open(func(o *OIDCConfig) { o.Clock = w.now })}
	})
	w.want(w.call("", "GET", globex, "", "Authorization", "Bearer "+i.token(nil)), http.StatusOK)
	for name, token := range i.forgeries() {
		if last = w.call("", "GET", globex, "", "Authorization", "Bearer "+token); last.status != http.StatusUnauthorized {
			w.t.Errorf("%s: %d", name, last.status)
			return last
		}
	}
	return last
}

// guessed sends wrong tokens until the response is another than 401.
func (w *world) guessed() (last answer) {
	w.t.Helper()
	w.serve(func(c *Config) { c.Rate = 10 })
	for n := range 50 {
		if last = w.call("", "GET", globex, "", "Authorization", "Bearer xacct_guess", "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", n)); last.status != http.StatusUnauthorized {
			return last
		}
	}
	return last
}

// TestAttacks tries every row of the guide's table of attacks.
func TestAttacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	guide, err := os.ReadFile("../../templates/guides/onboarding-api.md.tmpl")
	w.must(err)
	var asked atomic.Int64 // requests to an address that a field names
	internal := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(internal.Close)
	w.serve(func(c *Config) { c.Page.ReturnURLs = []string{"https://app.acme.example/settings", internal.URL} })
	w.must(w.box.OpenAccount("444444444444", "aws"))
	rows := w.attacks()
	w.want(w.call("backend", "POST", globex+"/connect", fmt.Sprintf(`{"return_url":%q}`, internal.URL)), http.StatusOK)
	for _, a := range rows {
		got := a.try()
		if got.status != a.status {
			t.Errorf("%s: %d, want %d\n%s", a.name, got.status, a.status, got.text)
		}
		if got.status != http.StatusOK && strings.Contains(got.text, "222222222222") && a.status != 503 && a.status != 422 {
			t.Errorf("%s: the response contains the account\n%s", a.name, got.text)
		}
		w.strictly(a.name, got.header)
		if row := fmt.Sprintf("| %s | %d ", a.name, a.status); !strings.Contains(string(guide), row) {
			t.Errorf("the guide on the API has no row %q", row)
		}
	}
	if told := strings.Count(string(guide), "| 4") + strings.Count(string(guide), "| 5") + strings.Count(string(guide), "| 200 ") + strings.Count(string(guide), "| 303 "); told != len(rows) {
		t.Errorf("the guide has %d attacks, but %d were tried", told, len(rows))
	}
	if asked.Load() != 0 {
		t.Errorf("the server has sent %d requests to the page's return URL", asked.Load())
	}
}

// strictly checks the security headers of a response.
func (w *world) strictly(name string, h http.Header) {
	w.t.Helper()
	if !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || strings.Contains(h.Get("Content-Security-Policy"), "unsafe") ||
		h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Content-Type-Options") != "nosniff" ||
		h.Get("Access-Control-Allow-Origin") != "" || h.Get("Set-Cookie") != "" || h.Get("Cache-Control") != "no-store" {
		w.t.Errorf("%s: headers %v", name, h)
	}
}

func TestTooManyConcurrentCallsAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated)
	w.serve(func(c *Config) { c.MaxConcurrent = 1 })
	var held atomic.Bool
	holds, release, answered := make(chan struct{}), make(chan struct{}), make(chan int, 1)
	w.box.Faults().Before(func(*kernel.Call) error {
		if held.CompareAndSwap(false, true) {
			close(holds)
			<-release
		}
		return nil
	})
	go func() { answered <- w.call("viewer", "GET", globex, "").status }()
	<-holds
	refused := w.want(w.call("viewer", "GET", globex, ""), http.StatusServiceUnavailable)
	if refused.header.Get("Retry-After") == "" || refused.problem(t).Type != problemType("busy") {
		t.Errorf("got %v %s", refused.header, refused.text)
	}
	if first := w.follow("viewer", globex+"/events", "").next(); first.CustomerID != "globex" {
		t.Errorf("a stream begins with %+v", first)
	}
	close(release)
	if status := <-answered; status != http.StatusOK {
		t.Errorf("the first call: %d", status)
	}
	w.want(w.call("viewer", "GET", globex, ""), http.StatusOK)
}

func TestHeadersOfTheCallerAreNotTrusted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated)
	if echoed := w.call("viewer", "GET", globex, "", "X-Request-Id", "abc\tdef ghi").header.Get("X-Request-Id"); strings.ContainsAny(echoed, "\t ") || echoed == "" {
		t.Errorf("an invalid request ID is returned: %q", echoed)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.http.URL+globex+"/connect", strings.NewReader("{}"))
	w.must(err)
	request.Host = "evil.example"
	request.Header.Set("X-Forwarded-Host", "evil.example")
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+w.tokens["backend"])
	if a := w.want(w.do(request), http.StatusOK); strings.Contains(a.text, "evil.example") {
		t.Errorf("the page's URL has the caller's host: %s", a.text)
	}
}
