// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Scope is a permission of a caller of the API.
type Scope string

// The scopes: Read allows reading customers; Write allows issuing, changing and closing
// links and connect pages; Operate allows verifying, blocking and unblocking.
const (
	Read    Scope = "read"
	Write   Scope = "write"
	Operate Scope = "operate"
)

// Scopes lists all scopes.
func Scopes() []Scope { return []Scope{Read, Write, Operate} }

// ParseScopes returns the scopes with the given names. It returns false if a name is
// not one of a scope, or if there are none.
func ParseScopes(names []string) ([]Scope, bool) {
	scopes := make([]Scope, len(names))
	for i, name := range names {
		scopes[i] = Scope(strings.TrimSpace(name))
		if !slices.Contains(Scopes(), scopes[i]) {
			return nil, false
		}
	}
	return scopes, len(scopes) > 0
}

// Caller is an authenticated caller of the API.
type Caller struct {
	Name   string // for the log and the links' history
	Scopes []Scope
	// LimitKey is the name under which requests are counted for the rate limit; empty:
	// Name.
	LimitKey string
}

// ErrUnknownCaller indicates that a request has no valid credentials.
var ErrUnknownCaller = errors.New("the caller is not known")

// Authenticator identifies the caller of a request. It returns ErrUnknownCaller if the
// credentials are invalid, and another error if they can't be checked at the moment.
type Authenticator interface {
	Authenticate(r *http.Request) (Caller, error)
}

// bearerToken returns the token of a request; empty if there is none.
func bearerToken(r *http.Request) string {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, found := strings.Cut(values[0], " ")
	if !found || !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// authenticate calls next if the caller is known, has the scope of the operation, and
// is within the limits; otherwise it writes a problem.
func (s *Server) authenticate(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	refuse := func(status int, kind, title, detail, todo string) {
		writeProblem(w, &Problem{
			Type: problemType(kind), Title: title, Status: status, Detail: detail, WhatToDo: todo,
			Instance: requestID(r.Context()), CustomerID: ctx.Param("customer_id"),
		})
	}
	caller, err := s.config.Auth.Authenticate(r)
	switch {
	case errors.Is(err, ErrUnknownCaller) && !s.visitors.allow(address(r)): // limits only requests without valid credentials, because others may share the address
		w.Header().Set("Retry-After", "1")
		refuse(http.StatusTooManyRequests, "rate", "Too many requests", "Too many requests from this address were refused.", "Wait a second.")
		return
	case errors.Is(err, ErrUnknownCaller):
		annotate(r.Context(), func(l *logLine) { l.refused = err.Error() })
		w.Header().Set("WWW-Authenticate", challenge(r))
		refuse(http.StatusUnauthorized, "unauthorized", "The caller is not known", "The request has no valid token.", "Send Authorization: Bearer with a token that is valid.")
		return
	case err != nil:
		s.config.Logger.Error("the caller could not be identified", "request_id", requestID(r.Context()), "error", err)
		refuse(http.StatusServiceUnavailable, "unavailable", "The caller can't be identified", "The issuer of tokens can't be reached.", "Repeat the call.")
		return
	}
	annotate(r.Context(), func(l *logLine) { l.caller = caller.Name })
	for _, needed := range neededScopes(ctx.Operation()) {
		if !slices.Contains(caller.Scopes, Scope(needed)) {
			w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="`+needed+`"`)
			refuse(http.StatusForbidden, "scope", "Not allowed", "This call needs the scope "+needed+", which the caller lacks.", "Use a token with this scope.")
			return
		}
	}
	if !s.callers.allow(cmp.Or(caller.LimitKey, caller.Name)) {
		w.Header().Set("Retry-After", "1")
		refuse(http.StatusTooManyRequests, "rate", "Too many requests", "This caller makes more requests than it may.", "Wait a second.")
		return
	}
	if ctx.Operation().OperationID != followOperation { // streams have a limit of their own
		select {
		case s.working <- struct{}{}:
			defer func() { <-s.working }()
		default:
			w.Header().Set("Retry-After", "1")
			refuse(http.StatusServiceUnavailable, "busy", "The server is busy", "This server works on as many calls as it can.", "Repeat the call in a second.")
			return
		}
	}
	next(huma.WithContext(ctx, registry.OnBehalf(ctx.Context(), caller.Name)))
}

// challenge returns the WWW-Authenticate header of RFC 6750.
func challenge(r *http.Request) string {
	if r.Header.Get("Authorization") == "" {
		return "Bearer"
	}
	return `Bearer error="invalid_token"`
}

func neededScopes(op *huma.Operation) []string {
	for _, requirement := range op.Security {
		return requirement[bearer]
	}
	return []string{string(Operate), string(Write), string(Read)} // an operation without scopes needs all
}
