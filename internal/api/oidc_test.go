// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// issuer is an OpenID Connect issuer.
type issuer struct {
	t      *testing.T
	server *httptest.Server
	asked  atomic.Int64 // requests for its keys
	now    time.Time

	mu   sync.Mutex
	keys []jose.JSONWebKey // published keys
	odd  []string          // published keys of other kinds, as JSON
	says string            // the issuer in its configuration; empty means its own URL
	down bool
}

var aKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{t: t, now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	i.keys = []jose.JSONWebKey{{Key: aKey().Public(), KeyID: "first", Algorithm: "RS256", Use: "sig"}}
	i.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		says := i.says
		if says == "" {
			says = i.server.URL
		}
		switch {
		case i.down:
			w.WriteHeader(http.StatusBadGateway)
		case r.URL.Path == "/.well-known/openid-configuration":
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": says, "jwks_uri": i.server.URL + "/keys"})
		case r.URL.Path == "/keys":
			i.asked.Add(1)
			var all []json.RawMessage
			for _, key := range i.odd {
				all = append(all, json.RawMessage(key))
			}
			for _, key := range i.keys {
				text, _ := json.Marshal(key)
				all = append(all, text)
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"keys": all})
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(i.server.Close)
	return i
}

func (i *issuer) change(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

func (i *issuer) config() OIDCConfig {
	return OIDCConfig{
		Issuer: i.server.URL, Audience: "https://onboarding.acme.example", Client: i.server.Client(),
		Clock: func() time.Time { i.mu.Lock(); defer i.mu.Unlock(); return i.now }, Logger: slog.New(slog.DiscardHandler),
	}
}

func (i *issuer) open(change func(*OIDCConfig)) *OIDC {
	i.t.Helper()
	config := i.config()
	change(&config)
	o, err := OpenOIDC(i.t.Context(), config)
	if err != nil {
		i.t.Fatal(err)
	}
	return o
}

// claims returns the claims of a valid token, with changes; nil removes a claim.
func (i *issuer) claims(changes map[string]any) map[string]any {
	claims := map[string]any{
		"iss": i.server.URL, "aud": "https://onboarding.acme.example", "sub": "backend", "scope": "openid xacct:read xacct:write",
		"iat": i.now.Add(-time.Minute).Unix(), "exp": i.now.Add(time.Hour).Unix(),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// token returns a token with these claims, signed by the issuer.
func (i *issuer) token(changes map[string]any) string {
	return i.sign(jose.RS256, aKey(), "first", "at+jwt", i.claims(changes))
}

func (i *issuer) sign(algorithm jose.SignatureAlgorithm, key any, id, typ string, claims map[string]any) string {
	i.t.Helper()
	options := (&jose.SignerOptions{}).WithHeader("kid", id)
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		i.t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		i.t.Fatal(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		i.t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		i.t.Fatal(err)
	}
	return token
}

func (o *OIDC) caller(token string) (Caller, error) {
	r := httptest.NewRequest(http.MethodGet, "/v1/customers", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return o.Authenticate(r)
}

func names(scopes []Scope) string {
	var all []string
	for _, s := range scopes {
		all = append(all, string(s))
	}
	return strings.Join(all, " ")
}

func TestAJWTGivesTheCallersNameAndScopes(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	plain := i.open(func(*OIDCConfig) {})
	for name, c := range map[string]struct {
		changes map[string]any
		want    string
	}{
		"a string":        {nil, "read write"},
		"a list":          {map[string]any{"scope": []string{"xacct:operate"}}, "operate"},
		"scp":             {map[string]any{"scope": nil, "scp": []string{"xacct:read", "xacct:operate"}}, "read operate"},
		"none":            {map[string]any{"scope": nil}, ""},
		"others":          {map[string]any{"scope": "read write operate xacct:reader XACCT:READ"}, ""},
		"no list of text": {map[string]any{"scope": []any{1, nil, map[string]any{}}}, ""},
		"a number":        {map[string]any{"scope": 7}, ""},
		"many audiences":  {map[string]any{"aud": []string{"https://other", "https://onboarding.acme.example"}}, "read write"},
	} {
		caller, err := plain.caller(i.token(c.changes))
		if err != nil || caller.Name != "oidc:backend" || names(caller.Scopes) != c.want {
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
	}
	named := i.open(func(c *OIDCConfig) {
		c.Claims, c.Names = []string{"permissions"}, map[Scope]string{Read: "acme/customers.read", Operate: "acme/all"}
	})
	caller, err := named.caller(i.token(map[string]any{"scope": "acme/all", "permissions": []string{"acme/customers.read"}}))
	if err != nil || names(caller.Scopes) != "read" {
		t.Errorf("with names of its own: %+v, %v", caller, err)
	}
}

// forgeries returns tokens that must be refused, by what is wrong with them.
func (i *issuer) forgeries() map[string]string {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		i.t.Fatal(err)
	}
	part := func(v any) string {
		text, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	good := i.token(nil)
	pieces := strings.Split(good, ".")
	body := part(i.claims(nil))
	public, err := x509.MarshalPKIXPublicKey(aKey().Public())
	if err != nil {
		i.t.Fatal(err)
	}
	shared := func(key []byte) string { // HS256 with public data as the secret
		head := part(map[string]string{"alg": "HS256", "kid": "first"}) + "." + body
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(head))
		return head + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	at := func(d time.Duration) int64 { return i.now.Add(d).Unix() }
	embedded := (&jose.SignerOptions{EmbedJWK: true}).WithHeader("kid", "first")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: other}, embedded)
	if err != nil {
		i.t.Fatal(err)
	}
	own, _ := signer.Sign([]byte("{}"))
	withOwnKey, _ := own.CompactSerialize()
	return map[string]string{
		"no signature":                   part(map[string]string{"alg": "none"}) + "." + body + ".",
		"none in capitals":               part(map[string]string{"alg": "NONE", "kid": "first"}) + "." + body + "." + pieces[2],
		"HS256 with the public key":      shared(public),
		"HS256 with an empty secret":     shared(nil),
		"another key":                    i.sign(jose.RS256, other, "first", "", i.claims(nil)),
		"a key in its own header":        withOwnKey,
		"another key ID":                 i.sign(jose.RS256, aKey(), "second", "", i.claims(nil)),
		"another algorithm of the key":   i.sign(jose.PS256, aKey(), "first", "", i.claims(nil)),
		"another body":                   pieces[0] + "." + part(i.claims(map[string]any{"sub": "admin"})) + "." + pieces[2],
		"another issuer":                 i.token(map[string]any{"iss": "https://login.other.example"}),
		"no issuer":                      i.token(map[string]any{"iss": nil}),
		"another audience":               i.token(map[string]any{"aud": "https://other.acme.example"}),
		"no audience":                    i.token(map[string]any{"aud": nil}),
		"a prefix of the audience":       i.token(map[string]any{"aud": "https://onboarding.acme"}),
		"expired":                        i.token(map[string]any{"exp": at(-time.Second)}),
		"no expiry":                      i.token(map[string]any{"exp": nil}),
		"not yet":                        i.token(map[string]any{"nbf": at(time.Hour)}),
		"no subject":                     i.token(map[string]any{"sub": nil}),
		"a subject that breaks the line": i.token(map[string]any{"sub": "a\nb"}),
		"a long subject":                 i.token(map[string]any{"sub": strings.Repeat("a", 256)}),
		"a logout token":                 i.sign(jose.RS256, aKey(), "first", "logout+jwt", i.claims(nil)),
		"two signatures":                 `{"payload":"` + pieces[1] + `","signatures":[{"protected":"` + pieces[0] + `","signature":"` + pieces[2] + `"}]}`,
		"nonsense":                       "a.b.c", "empty": "", "half": good[:len(good)/2],
	}
}

func TestAForgedJWTIsRefused(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	o := i.open(func(*OIDCConfig) {})
	for name, token := range i.forgeries() {
		if caller, err := o.caller(token); !errors.Is(err, ErrUnknownCaller) {
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
	}
	if _, err := o.caller(i.token(nil)); err != nil {
		t.Errorf("the valid token: %v", err)
	}
	if asked := i.asked.Load(); asked > 4 {
		t.Errorf("forged tokens have caused %d requests to the issuer", asked)
	}
}

func TestTheIssuersCurrentKeysAreUsed(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	o := i.open(func(*OIDCConfig) {})
	second, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	byFirst, bySecond := i.token(nil), i.sign(jose.ES256, second, "second", "", i.claims(nil))
	if _, err := o.caller(bySecond); !errors.Is(err, ErrUnknownCaller) {
		t.Errorf("before it is published: %v", err)
	}
	i.change(func() {
		i.keys = []jose.JSONWebKey{{Key: second.Public(), KeyID: "second", Algorithm: "ES256", Use: "sig"}}
	})
	if _, err := o.caller(bySecond); err != nil {
		t.Errorf("a new key: %v", err)
	}
	if _, err := o.caller(byFirst); !errors.Is(err, ErrUnknownCaller) {
		t.Errorf("a withdrawn key: %v", err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	i.change(func() {
		i.keys = []jose.JSONWebKey{{Key: small.Public(), KeyID: "small"}, {Key: second.Public(), KeyID: "second", Use: "enc"}}
		i.now = i.now.Add(time.Minute)
	})
	if _, err := o.caller(i.sign(jose.RS256, small, "small", "", i.claims(nil))); !errors.Is(err, ErrUnknownCaller) {
		t.Errorf("a key of 1024 bits: %v", err)
	}
	if _, err := o.caller(bySecond); !errors.Is(err, ErrUnknownCaller) {
		t.Errorf("a key for encryption: %v", err)
	}
}

// An issuer may add keys of new kinds at any time, and RFC 7517 has clients ignore them.
func TestIssuerKeysOfUnknownKindsAreIgnored(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.odd = []string{
		`{"kty":"AKP","alg":"ML-DSA-44","kid":"quantum","pub":"AAAA"}`,
		`{"kty":"EC","crv":"secp256k1","kid":"coin","x":"AAAA","y":"AAAA"}`,
		`{"kty":"OKP","crv":"X25519","kid":"agreement","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}`,
		`{"kty":"RSA","kid":"first","n":"AAAA"}`, `{"kty":"oct","kid":"first","k":"AAAA"}`, `{}`, `[]`, `"first"`, `null`,
	}
	o := i.open(func(*OIDCConfig) {})
	if _, err := o.caller(i.token(nil)); err != nil {
		t.Error(err)
	}
}

func TestAnUnavailableIssuerIsNotTheCallersFault(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.change(func() { i.down = true })
	o := i.open(func(*OIDCConfig) {}) // the server starts nevertheless
	if _, err := o.caller(i.token(nil)); err == nil || errors.Is(err, ErrUnknownCaller) {
		t.Errorf("while the issuer is down: %v", err)
	}
	i.change(func() { i.down, i.now = false, i.now.Add(issuerInterval) })
	if _, err := o.caller(i.token(nil)); err != nil {
		t.Errorf("when the issuer is available again: %v", err)
	}
	i.change(func() { i.down, i.now = true, i.now.Add(maxKeysLifetime-time.Minute) })
	if _, err := o.caller(i.token(nil)); err != nil {
		t.Errorf("with cached keys: %v", err)
	}
	i.change(func() { i.now = i.now.Add(time.Hour) })
	if _, err := o.caller(i.token(nil)); err == nil || errors.Is(err, ErrUnknownCaller) {
		t.Errorf("with keys that are too old: %v", err)
	}
}

func TestAnInvalidIssuerIsAnErrorAtTheStart(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	for name, change := range map[string]func(*OIDCConfig){
		"plain HTTP":      func(c *OIDCConfig) { c.Issuer = "http://login.acme.example" },
		"no address":      func(c *OIDCConfig) { c.Issuer = "login.acme.example" },
		"no audience":     func(c *OIDCConfig) { c.Audience = "" },
		"no such issuer":  func(c *OIDCConfig) { c.Issuer += "/tenant" },
		"another slash":   func(c *OIDCConfig) { c.Issuer += "/" },
		"an unknown name": func(c *OIDCConfig) { c.Names = map[Scope]string{"dance": "x"} },
	} {
		config := i.config()
		change(&config)
		if _, err := OpenOIDC(t.Context(), config); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestTheHistoryNamesTheCallerThatChangedALink(t *testing.T) {
	t.Parallel()
	w, i := newWorld(t), newIssuer(t)
	i.change(func() { i.now = w.now() })
	w.serve(func(c *Config) {
		c.Auth = AnyOf{c.Auth, i.open(func(o *OIDCConfig) { o.Clock = w.now })}
	})
	w.tokens["jwt"] = i.token(nil)
	w.want(w.call("jwt", "PUT", globex, readonly), http.StatusCreated)
	w.want(w.call("operator", "POST", globex+"/block", "{}"), http.StatusOK) // tokens of the file still work
	w.want(w.call("jwt", "POST", globex+"/unblock", ""), http.StatusForbidden)
	i.change(func() { i.down = true })
	w.tokens["jwt"] = i.sign(jose.RS256, aKey(), "other", "", i.claims(nil))
	w.want(w.call("jwt", "GET", globex, ""), http.StatusServiceUnavailable)
	history, err := w.hub.Registry().History(t.Context(), "globex")
	w.must(err)
	var who []string
	for _, entry := range history {
		who = append(who, entry.OnBehalf)
	}
	if strings.Join(who, ", ") != "oidc:backend, operator" || history[0].By != w.clients.CallerARN {
		t.Errorf("the history names %q, by %s", who, history[0].By)
	}
	if !strings.Contains(w.log.String(), `"caller":"oidc:backend"`) || strings.Contains(w.log.String(), strings.Split(w.tokens["jwt"], ".")[1]) {
		t.Errorf("the log:\n%s", w.log)
	}
}
