// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crypto/rand"
)

func TestEveryCallRequiresATokenWithItsScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated)
	calls := map[string]struct {
		method, path, body, allowed string
	}{
		"put": {"PUT", globex, readonly, "backend"}, "get": {"GET", globex, "", "viewer backend"}, "list": {"GET", "/v1/customers", "", "viewer backend"},
		"delete": {"DELETE", "/v1/customers/none", "", "backend"}, "verify": {"POST", globex + "/verify", "", "operator"},
		"block": {"POST", globex + "/block", "{}", "operator"}, "unblock": {"POST", globex + "/unblock", "", "operator"},
		"events": {"GET", "/v1/customers/none/events", "", "viewer backend"},
	}
	for name, c := range calls {
		for _, as := range []string{"", "viewer", "backend", "operator"} {
			status := w.call(as, c.method, c.path, c.body).status
			switch allowed := as != "" && strings.Contains(c.allowed, as); {
			case as == "" && status != http.StatusUnauthorized, as != "" && !allowed && status != http.StatusForbidden, allowed && status >= 400 && status != http.StatusNotFound:
				t.Errorf("%s as %q: %d", name, as, status)
			}
		}
	}
	for name, header := range map[string]string{
		"no scheme": w.tokens["backend"], "basic": "Basic " + w.tokens["backend"], "cut": "Bearer " + w.tokens["backend"][:40],
		"longer": "Bearer " + w.tokens["backend"] + "0", "upper case": "Bearer " + strings.ToUpper(w.tokens["backend"]), "empty": "Bearer ", "none": "Bearer xacct_",
	} {
		if a := w.call("", "GET", globex, "", "Authorization", header); a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if strings.Contains(w.log.String(), w.tokens["backend"]) {
		t.Error("the log has a token")
	}
}

func TestARemovedTokenIsRefused(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "tokens")
	first, line, err := NewToken(rand.Reader, "first", []Scope{Read})
	if err != nil {
		t.Fatal(err)
	}
	second, other, _ := NewToken(rand.Reader, "second", []Scope{Write, Operate})
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# callers\n" + line + "\n\n" + other + "\n")
	file, err := OpenTokenFile(path, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	caller := func(token string) string {
		r, _ := http.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		c, err := file.Authenticate(r)
		if err != nil {
			return err.Error()
		}
		return c.Name
	}
	if caller(first) != "first" || caller(second) != "second" {
		t.Fatalf("%s, %s", caller(first), caller(second))
	}
	write(other + "\n")
	now = now.Add(time.Minute)
	if got := caller(first); got != ErrUnknownCaller.Error() || caller(second) != "second" {
		t.Errorf("a removed token: %s", got)
	}
	write("broken")
	now = now.Add(time.Minute)
	if got := caller(second); !strings.Contains(got, "line 1") {
		t.Errorf("with a broken file: %s", got)
	}
	for text, want := range map[string]string{
		"": "no token", "a read": "line 1", "a dance sha256:00": "scopes are", "a read sha256:00": "64 hexadecimal", "a read " + first: "must not be in the file", line + "\n" + line: "two tokens",
	} {
		write(text)
		if _, err := OpenTokenFile(path, time.Now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A line that can't be read would make all tokens of its file invalid.
func TestATokenIsOnlyMadeIfItsLineCanBeRead(t *testing.T) {
	t.Parallel()
	for name, sound := range map[string]bool{
		"backend": true, "oidc:backend-2": true, "müller": true, strings.Repeat("x", 64): true,
		"": false, " ": false, "a b": false, "a\u00a0b": false, "a\vb": false, "a\u2028b": false, "#a": false, "a\x1b[1m": false, strings.Repeat("x", 65): false,
	} {
		_, line, err := NewToken(rand.Reader, name, []Scope{Read})
		if (err == nil) != sound {
			t.Errorf("%q: %v", name, err)
		}
		if err != nil {
			continue
		}
		if entries, err := parseTokens(strings.NewReader(line)); err != nil || entries[0].caller.Name != name {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestTheAddressesOfOneNetworkAreOne: a customer of IPv6 has a network of 64 bits, and
// could use another address of it for each request.
func TestTheAddressesOfOneNetworkAreOne(t *testing.T) {
	t.Parallel()
	for peer, want := range map[string]string{
		"192.0.2.7:1234": "192.0.2.7", "[2001:db8:1:2:3:4:5:6]:1234": "2001:db8:1:2::/64", "[2001:db8:1:2::1]:9": "2001:db8:1:2::/64", "[2001:db8:1:3::1]:9": "2001:db8:1:3::/64",
		"[::ffff:192.0.2.7]:1234": "192.0.2.7", "[fe80::1%eth0]:1": "fe80::/64", "192.0.2.8": "192.0.2.8", "@": "@", "": "",
	} {
		if got := address(&http.Request{RemoteAddr: peer}); got != want {
			t.Errorf("%q: got %q, want %q", peer, got, want)
		}
	}
}
