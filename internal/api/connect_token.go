// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// A token of the connect page is valid for one customer's page only. Only its hash is
// stored. It can be exchanged once, for a cookie, and becomes invalid when the vendor
// revokes it, when it expires, and when the link is replaced.

const (
	tokenLifetime    = 30 * time.Minute // default lifetime of a token
	maxTokenLifetime = 24 * time.Hour   // maximum lifetime of a token
	sessionLifetime  = 2 * time.Hour    // lifetime of a session
	cookieName       = "__Host-xacct-connect"
)

type connectInput struct {
	OneCustomer
	Body struct {
		ReturnURL string `json:"return_url,omitempty" maxLength:"2048" doc:"Where the page leads the customer once they are connected: an address that is, or is below, one of the hub's return_urls, or of the server's --return-url."`
		ValidFor  int    `json:"valid_for_seconds,omitempty" minimum:"60" maximum:"86400" doc:"How long the address may be opened; default 1800. The page then lasts for two hours."`
	}
}

type connectOutput struct {
	Body ConnectAddress
}

// ConnectAddress is the address of a customer's connect page.
type ConnectAddress struct {
	URL       string    `json:"url" doc:"The connect page of this one customer. It opens the page once, for its holder: send it only to the customer, and do not log it."`
	ExpiresAt time.Time `json:"expires_at"`
}

// connect issues an address of the connect page.
func (s *Server) connect(ctx context.Context, in *connectInput) (*connectOutput, error) {
	out, err := s.newConnect(ctx, in)
	return out, s.problem(requestID(ctx), in.CustomerID, err)
}

func (s *Server) newConnect(ctx context.Context, in *connectInput) (*connectOutput, error) {
	record, found, err := s.customer(ctx, in.CustomerID)
	if err != nil {
		return nil, err
	}
	if in.Body.ReturnURL != "" && !s.brand(record).MayReturn(in.Body.ReturnURL) {
		return nil, &customers.Refusal{Field: "return_url", Summary: "Invalid return URL", Detail: "It must be https, and be or be below one of the return_urls of the hub's connect_page, or of the server's --return-url, which replace them."}
	}
	if found.Link.Closed {
		return nil, &customers.Refusal{Field: "", Summary: "The link is closed", Detail: "Issue it again with PUT."}
	}
	epoch, err := s.records.ConnectEpoch(ctx, in.CustomerID)
	if err != nil {
		return nil, err
	}
	secret, err := s.secret()
	if err != nil {
		return nil, err
	}
	life := tokenLifetime
	if in.Body.ValidFor > 0 {
		life = time.Duration(in.Body.ValidFor) * time.Second
	}
	token := registry.ConnectToken{
		Hash: hashOf(secret), CustomerID: in.CustomerID, Link: found.Link.Incarnation.ID, Epoch: epoch, ReturnURL: in.Body.ReturnURL,
		ExpiresAt: s.config.Clock().Add(min(life, maxTokenLifetime)).UTC().Truncate(time.Second),
	}
	if err := s.records.PutConnectToken(ctx, token); err != nil {
		return nil, err
	}
	return &connectOutput{ConnectAddress{s.config.ConnectURL.JoinPath("connect", secret).String(), token.ExpiresAt}}, nil
}

// revoke revokes all addresses and sessions of a customer.
func (s *Server) revoke(ctx context.Context, in *OneCustomer) (*struct{}, error) {
	_, _, err := s.customer(ctx, in.CustomerID)
	if err == nil {
		err = s.records.RevokeConnectTokens(ctx, in.CustomerID)
	}
	return nil, s.problem(requestID(ctx), in.CustomerID, err)
}

// secret returns 256 random bits in base64url.
func (s *Server) secret() (string, error) {
	drawn := make([]byte, tokenBytes)
	if _, err := io.ReadFull(s.config.Random, drawn); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(drawn), nil
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// The errors of invalid addresses and sessions.
var (
	errTokenUsed  = errors.New("the address was used already")
	errTokenEnded = errors.New("the address is no longer valid")
)

// valid returns the visit of a token's customer, or errTokenEnded if the token expired at
// until, was revoked, or is for an earlier link.
func (s *Server) valid(ctx context.Context, token registry.ConnectToken, until time.Time) (visit, error) {
	if !s.config.Clock().Before(until) {
		return visit{}, errTokenEnded
	}
	epoch, err := s.records.ConnectEpoch(ctx, token.CustomerID)
	if err != nil {
		return visit{}, err
	}
	record, found, last, err := s.loadCustomer(ctx, token.CustomerID)
	if err != nil {
		return visit{}, err
	}
	if epoch != token.Epoch || !found.Link.Incarnation.HeldBy(token.Link) {
		return visit{}, errTokenEnded
	}
	annotate(ctx, func(l *logLine) { l.customer = token.CustomerID })
	return visit{record, found, last, token}, nil
}

// visit is an authenticated request of a customer to the connect page.
type visit struct {
	record      registry.HubRecord
	customer    onboarding.Customer
	lastAttempt attempt
	token       registry.ConnectToken
}

// byToken returns the visit for the token of an address. The error is errTokenUsed if the
// token was exchanged already.
func (s *Server) byToken(ctx context.Context, secret string) (visit, error) {
	token, err := s.records.ConnectToken(ctx, hashOf(secret))
	switch {
	case err != nil:
		return visit{}, err
	case token.Session != "":
		return visit{}, errTokenUsed
	}
	return s.valid(ctx, token, token.ExpiresAt)
}

// exchange exchanges a token for a session and returns the session's cookie. If two
// requests exchange the token concurrently, one gets errTokenUsed.
func (s *Server) exchange(ctx context.Context, token registry.ConnectToken) (*http.Cookie, error) {
	secret, err := s.secret()
	if err != nil {
		return nil, err
	}
	token.Session, token.SessionEnd = hashOf(secret), s.config.Clock().Add(sessionLifetime).UTC()
	err = s.records.PutConnectToken(ctx, token)
	if errors.Is(err, registry.ErrConflict) {
		return nil, errTokenUsed
	}
	// Lax and not Strict, so that a customer who opens the address again from the
	// vendor's site or a mail continues their session. Forms from other sites are
	// refused anyway.
	return &http.Cookie{
		Name: cookieName, Value: token.Hash + "." + secret, Path: "/", MaxAge: int(sessionLifetime.Seconds()),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}, err
}

// bySession returns the visit for the session in a request's cookie.
func (s *Server) bySession(r *http.Request) (visit, error) {
	cookies := r.CookiesNamed(cookieName)
	if len(cookies) != 1 {
		return visit{}, errTokenEnded
	}
	id, secret, _ := strings.Cut(cookies[0].Value, ".")
	if len(id) != 2*sha256.Size {
		return visit{}, errTokenEnded
	}
	token, err := s.records.ConnectToken(r.Context(), id)
	if err != nil {
		return visit{}, err
	}
	if token.Session == "" || subtle.ConstantTimeCompare([]byte(hashOf(secret)), []byte(token.Session)) != 1 {
		return visit{}, errTokenEnded
	}
	return s.valid(r.Context(), token, token.SessionEnd)
}
