// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

const (
	// keysLifetime is how long keys are valid before they are fetched again. A key that
	// the issuer has withdrawn becomes invalid then.
	keysLifetime = 15 * time.Minute
	// maxKeysLifetime is how long keys are valid if the issuer can't be reached.
	maxKeysLifetime = 6 * time.Hour
	// issuerInterval is the average interval at which unknown keys may cause requests
	// to the issuer; bursts of three are allowed.
	issuerInterval = 10 * time.Second
	// maxKeys is the maximum size of a response of the issuer, in bytes.
	maxKeys = 1 << 20
	// issuerTimeout is the maximum time that a caller waits for the issuer.
	issuerTimeout = 5 * time.Second
)

// wrongIssuerError indicates that the issuer's address is wrong, so that a retry would
// not help.
type wrongIssuerError struct{ why error }

func (e *wrongIssuerError) Error() string { return "this is no issuer of tokens: " + e.why.Error() }
func (e *wrongIssuerError) Unwrap() error { return e.why }

// issuerKeys caches the public keys of an issuer. It replaces go-oidc's RemoteKeySet,
// which keeps a withdrawn key until a token with an unknown key arrives, sends a
// request to the issuer for every unknown key, and returns the same error for an
// unreachable issuer as for a wrong signature.
type issuerKeys struct {
	issuer       *url.URL
	name         string // the issuer as in its tokens
	client       Doer
	now          func() time.Time
	logger       *slog.Logger
	refreshLimit *rate.Limiter
	flight       singleflight.Group

	mu   sync.Mutex
	keys []jose.JSONWebKey
	read time.Time // when the keys were fetched
	err  error     // of the last request
}

func newIssuerKeys(config OIDCConfig, issuer *url.URL) *issuerKeys {
	return &issuerKeys{
		issuer: issuer, name: config.Issuer, client: config.Client, now: config.Clock, logger: config.Logger,
		refreshLimit: rate.NewLimiter(rate.Every(issuerInterval), 3),
	}
}

// of returns the keys that may have signed a token with this algorithm and key ID,
// which may be empty. The error is ErrUnknownCaller if there are none, and a different
// one if the issuer can't be reached.
func (k *issuerKeys) of(ctx context.Context, id, algorithm string) ([]crypto.PublicKey, error) {
	found, age := k.known(id, algorithm)
	if len(found) > 0 && age < maxKeysLifetime {
		if age >= keysLifetime {
			go func() { _ = k.refresh(context.WithoutCancel(ctx)) }() // refresh logs its error, and the keys remain valid
		}
		return found, nil
	}
	if err := k.refresh(ctx); err != nil {
		return nil, err
	}
	if found, _ = k.known(id, algorithm); len(found) == 0 {
		return nil, unknownCaller("the issuer has no key %q for %s", id, algorithm)
	}
	return found, nil
}

func (k *issuerKeys) known(id, algorithm string) (found []crypto.PublicKey, age time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range k.keys {
		if (id == "" || key.KeyID == id) && (key.Algorithm == "" || key.Algorithm == algorithm) {
			found = append(found, key.Key)
		}
	}
	return found, k.now().Sub(k.read)
}

// refresh fetches the issuer's keys, once for all concurrent callers. Over the rate
// limit it returns the error of the last request.
func (k *issuerKeys) refresh(ctx context.Context) error {
	result := k.flight.DoChan("", func() (any, error) {
		if !k.refreshLimit.AllowN(k.now(), 1) {
			k.mu.Lock()
			defer k.mu.Unlock()
			return nil, k.err
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), issuerTimeout)
		defer cancel()
		keys, err := k.fetch(ctx)
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.err = err; err == nil {
			k.keys, k.read = keys, k.now()
		} else {
			k.logger.Error("the keys of the token issuer could not be fetched", "issuer", k.name, "error", err)
		}
		return nil, err
	})
	select {
	case <-ctx.Done():
		return ctx.Err()
	case done := <-result:
		return done.Err
	}
}

// fetch fetches the issuer's configuration and then its keys, and returns those that may
// sign tokens.
func (k *issuerKeys) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	var document struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := k.get(ctx, strings.TrimSuffix(k.name, "/")+"/.well-known/openid-configuration", &document); err != nil {
		return nil, err
	}
	if document.Issuer != k.name {
		return nil, &wrongIssuerError{&oidc.IssuerMismatchError{Provided: k.name, Discovered: document.Issuer}}
	}
	address, err := url.Parse(document.Keys)
	if err != nil || address.Host == "" || address.Scheme != "https" && (address.Scheme != k.issuer.Scheme || address.Host != k.issuer.Host) {
		return nil, &wrongIssuerError{fmt.Errorf("the address of its keys, %q, does not begin with https://", document.Keys)}
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := k.get(ctx, document.Keys, &set); err != nil {
		return nil, err
	}
	var keys []jose.JSONWebKey
	for _, text := range set.Keys {
		var key jose.JSONWebKey
		if err := json.Unmarshal(text, &key); err != nil {
			// The key has an unknown type, which RFC 7517, section 5, requires to
			// ignore. If the whole set were refused, no caller could authenticate.
			continue
		}
		if key.Valid() && key.IsPublic() && (key.Use == "" || key.Use == "sig") && !weak(key) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// weak reports whether an RSA key is shorter than RFC 7518 requires.
func weak(key jose.JSONWebKey) bool {
	public, ok := key.Key.(*rsa.PublicKey)
	return ok && public.N.BitLen() < 2048
}

func (k *issuerKeys) get(ctx context.Context, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return &wrongIssuerError{err}
	}
	request.Header.Set("Accept", "application/json")
	response, err := k.client.Do(request)
	if err != nil {
		return fmt.Errorf("request to the issuer: %w", err)
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode >= 300 && response.StatusCode < 500 && response.StatusCode != http.StatusTooManyRequests:
		return &wrongIssuerError{fmt.Errorf("%s responded with status %d", address, response.StatusCode)}
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("request to the issuer: %s responded with status %d", address, response.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxKeys)).Decode(into); err != nil {
		return fmt.Errorf("read the issuer's answer from %s: %w", address, err)
	}
	return nil
}
