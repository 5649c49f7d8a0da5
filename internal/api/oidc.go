// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// OIDCConfig defines the issuer whose tokens are accepted, and the scopes that the
// tokens grant.
type OIDCConfig struct {
	Issuer   string // https, or http on this machine; exactly as in the tokens' iss
	Audience string // must be among a token's aud
	// Claims are the claims that contain a token's scopes, as a space-separated string
	// or as a list; empty: scope and scp.
	Claims []string
	// Names are the issuer's names of the scopes. The default name of a scope is
	// "xacct:" followed by the scope.
	Names  map[Scope]string
	Client Doer // sends requests to the issuer; must not follow redirects
	Clock  func() time.Time
	Logger *slog.Logger
}

// Doer sends HTTP requests, as http.Client does.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// signatures are the accepted signature algorithms. All of them use a public key, so
// that neither unsigned tokens nor tokens with the public key as HMAC secret are
// accepted.
var signatures = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// OIDC identifies callers by the JWTs of an OpenID Connect issuer.
type OIDC struct {
	config OIDCConfig
	keys   *issuerKeys
}

// OpenOIDC returns an OIDC authenticator with the issuer's keys. It returns an error if
// the issuer's configuration does not exist or names another issuer. If the issuer
// can't be reached, it logs a warning, and the keys are fetched by the next request;
// until then requests fail as temporarily unavailable.
func OpenOIDC(ctx context.Context, config OIDCConfig) (*OIDC, error) {
	issuer, err := url.Parse(config.Issuer)
	switch {
	case err != nil || issuer.Host == "" || issuer.RawQuery != "" || issuer.Fragment != "" || issuer.User != nil:
		return nil, fmt.Errorf("the issuer %q is not a URL such as https://login.acme.example", config.Issuer)
	case issuer.Scheme != "https" && (issuer.Scheme != "http" || !Loopback(issuer)):
		return nil, fmt.Errorf("the issuer %q does not begin with https://: its keys could be replaced in transit", config.Issuer)
	case config.Audience == "":
		return nil, errors.New("the audience is missing: without it, tokens that the issuer made for other services would be accepted")
	}
	for scope := range config.Names {
		if !slices.Contains(Scopes(), scope) {
			return nil, fmt.Errorf("invalid scope %q: must be one of read, write and operate", scope)
		}
	}
	if len(config.Claims) == 0 {
		config.Claims = []string{"scope", "scp"}
	}
	o := &OIDC{config: config, keys: newIssuerKeys(config, issuer)}
	var wrong *wrongIssuerError
	if err := o.keys.refresh(ctx); errors.As(err, &wrong) {
		return nil, err
	} else if err != nil {
		config.Logger.Warn("the token issuer can't be reached; trying again on the next request", "issuer", config.Issuer, "error", err)
	}
	return o, nil
}

// Loopback reports whether an address is a loopback address.
func Loopback(address *url.URL) bool {
	ip, err := netip.ParseAddr(address.Hostname())
	return address.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}

// Authenticate identifies a caller by the subject of their token.
func (o *OIDC) Authenticate(r *http.Request) (Caller, error) {
	raw := bearerToken(r)
	if raw == "" {
		return Caller{}, ErrUnknownCaller
	}
	parsed, err := jose.ParseSignedCompact(raw, signatures)
	if err != nil {
		return Caller{}, unknownCaller("%w", err)
	}
	header := parsed.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); !accessToken(typ) {
		return Caller{}, unknownCaller("a token of type %q is for something else", typ)
	}
	keys, err := o.keys.of(r.Context(), header.KeyID, header.Algorithm)
	if err != nil {
		return Caller{}, err
	}
	algorithms := make([]string, len(signatures))
	for i, algorithm := range signatures {
		algorithms[i] = string(algorithm)
	}
	token, err := oidc.NewVerifier(o.config.Issuer, &oidc.StaticKeySet{PublicKeys: keys}, &oidc.Config{
		ClientID: o.config.Audience, SupportedSigningAlgs: algorithms, Now: o.config.Clock,
	}).Verify(r.Context(), raw)
	if err != nil {
		return Caller{}, unknownCaller("%w", err)
	}
	if !validSubject(token.Subject) {
		return Caller{}, unknownCaller("the token's subject is missing, too long or not printable")
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return Caller{}, unknownCaller("%w", err)
	}
	return Caller{Name: "oidc:" + token.Subject, Scopes: o.scopes(claims)}, nil
}

// unknownCaller returns ErrUnknownCaller with the reason, which is for the log only.
func unknownCaller(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUnknownCaller, fmt.Errorf(format, args...))
}

// accessToken reports whether a JWT of a type may be an access token. Many issuers
// do not use the type of RFC 9068; a type of another kind of token is refused.
func accessToken(typ string) bool {
	typ = strings.ToLower(strings.TrimPrefix(strings.ToLower(typ), "application/"))
	return typ == "" || typ == "jwt" || typ == "at+jwt"
}

// validSubject reports whether a subject conforms to OpenID Connect, at most 255
// ASCII characters, and has only printable ones.
func validSubject(subject string) bool {
	hidden := func(r rune) bool { return r <= ' ' || r > '~' }
	return subject != "" && len(subject) <= 255 && !strings.ContainsFunc(subject, hidden)
}

// scopes returns the scopes that the claims of a token grant.
func (o *OIDC) scopes(claims map[string]any) []Scope {
	var granted []string
	for _, claim := range o.config.Claims {
		switch value := claims[claim].(type) {
		case string:
			granted = append(granted, strings.Fields(value)...)
		case []any:
			for _, one := range value {
				if name, ok := one.(string); ok {
					granted = append(granted, name)
				}
			}
		}
	}
	var scopes []Scope
	for _, scope := range Scopes() {
		if slices.Contains(granted, cmp.Or(o.config.Names[scope], "xacct:"+string(scope))) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// AnyOf identifies callers by the first of several authenticators that recognises them.
type AnyOf []Authenticator

// Authenticate returns the first result other than ErrUnknownCaller.
func (a AnyOf) Authenticate(r *http.Request) (Caller, error) {
	err := ErrUnknownCaller
	for _, way := range a {
		caller, why := way.Authenticate(r)
		if why == nil || !errors.Is(why, ErrUnknownCaller) {
			return caller, why
		}
		err = why
	}
	return Caller{}, err
}
