// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// IAM authenticates callers by the AWS principals that the front end of this server has
// authenticated: a Lambda function URL or an API Gateway with the authorization type
// AWS_IAM. It trusts only WithPrincipal, and no header.
type IAM struct {
	scopes map[string][]Scope // by principal
}

// NewIAM returns an IAM for a list of principals, each an ARN, an equals sign and
// comma-separated scopes.
func NewIAM(list []string) (*IAM, error) {
	known := &IAM{scopes: map[string][]Scope{}}
	for _, one := range list {
		arn, names, found := strings.Cut(one, "=")
		scopes, ok := ParseScopes(strings.Split(names, ","))
		principal := principalOf(strings.TrimSpace(arn))
		switch {
		case !found || !ok:
			return nil, fmt.Errorf("%q is not a principal with its scopes, such as arn:aws:iam::111111111111:role/backend=read,write", one)
		case principal == "" || strings.Contains(arn, ":assumed-role/"):
			return nil, fmt.Errorf("%q is not the ARN of a role or a user: patterns and sessions are not supported", arn)
		case known.scopes[principal] != nil:
			return nil, fmt.Errorf("%s is listed twice", arn)
		}
		known.scopes[principal] = scopes
	}
	return known, nil
}

// arnForms matches the ARNs of principals that can sign requests.
var arnForms = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^arn:(aws[a-z-]*):(?:iam::(\d{12}):(?:role/(?:[\x21-\x7e]+/)?([\w+=,.@-]{1,64})|(user/[\w+=,.@/-]{1,576}))|sts::(\d{12}):assumed-role/([\w+=,.@-]{1,64})/[\w+=,.@-]{2,64})$`)
})

// principalOf returns a comparable name of a principal: sessions of a role and the role
// itself have the same. It returns "" if the ARN is not one of a role, a session or a
// user. A session's ARN has no path, and a role's name is unique in its account, so
// roles are compared by account and name.
func principalOf(arn string) string {
	m := arnForms().FindStringSubmatch(arn)
	switch {
	case m == nil:
		return ""
	case m[4] != "":
		return arn
	case m[3] != "":
		return m[1] + ":" + m[2] + ":role/" + m[3]
	}
	return m[1] + ":" + m[5] + ":role/" + m[6]
}

type principalKey struct{}

// WithPrincipal returns a context for a request that the principal with this ARN has
// signed. Only code that authenticates requests may call it.
func WithPrincipal(ctx context.Context, arn string) context.Context {
	return context.WithValue(ctx, principalKey{}, arn)
}

// Authenticate returns the caller for the principal in the request's context, or
// ErrUnknownCaller if the principal is not listed.
func (i *IAM) Authenticate(r *http.Request) (Caller, error) {
	arn, _ := r.Context().Value(principalKey{}).(string)
	if arn == "" {
		return Caller{}, ErrUnknownCaller
	}
	principal := principalOf(arn)
	scopes := i.scopes[principal]
	if principal == "" || scopes == nil {
		return Caller{}, unknownCaller("the principal %q is not listed", arn)
	}
	return Caller{Name: arn, Scopes: scopes, LimitKey: principal}, nil
}
