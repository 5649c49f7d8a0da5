// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package kernel has what the sandbox's services share: the caller, the call,
// the clock, AWS's errors, and the encodings of responses. It imports no
// service.
package kernel

import (
	"context"
	"fmt"
	"net/http"
)

// Principal is a caller, with every policy that applies to it.
type Principal struct {
	Account string // 12 digits; empty for an AWS service
	ARN     string // as in error messages and GetCallerIdentity: a user, role session or root
	RoleARN string // of a role session: the role itself, with its path; aws:PrincipalArn
	UserID  string // as GetCallerIdentity returns it
	Service string // "sns.amazonaws.com" for an AWS service; empty for people and roles

	Identity []string // identity policy documents, JSON
	Boundary []string // permissions boundary documents; nil if there is none
	Session  []string // session policy documents; nil if there is none
	Root     bool     // the account's root user: identity policies do not apply
	// WithoutDocument holds the AWS managed policies that also apply, but whose
	// documents the sandbox does not have.
	WithoutDocument PolicyARNs

	Via []string // aws:CalledVia, first to last: CloudFormation acting for a customer

	// Keys are condition keys that belong to the caller, lower-case: the
	// aws:SourceArn of a service, a session's "aws:principaltag/team".
	Keys map[string][]string
}

// PolicyARNs holds ARNs of policies, by where they apply.
type PolicyARNs struct{ Identity, Boundary, Session []string }

// Call is one request to a service, after authentication.
type Call struct {
	Context   context.Context
	Principal *Principal // nil: anonymous
	Service   string     // SigV4 service name: "sns"
	Action    string     // "Publish"; S3's are named like its API operations
	Region    string     // of the credential scope
	Request   *http.Request
	Body      []byte
	RequestID string // goes into the answer and the journal
}

// Response is a service's answer, as it is sent.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Service is one AWS service. Serve decodes the call's body itself.
type Service interface {
	// Action returns the operation that a request asks for. It is called first,
	// because faults and the journal use the operation.
	Action(r *http.Request, body []byte) string
	// Serve authorizes and executes a call. Its error is an *Error if AWS would
	// return one.
	Serve(c *Call) (*Response, error)
	// EncodeError returns the response with an error in the service's protocol.
	EncodeError(c *Call, err *Error) *Response
}

// Error is an AWS error: its code, its message, and the HTTP status.
type Error struct {
	Status  int
	Code    string
	Message string
	// Fields are members that some errors have beside code and message, such as
	// DynamoDB's CancellationReasons. The encoders of the protocols add them.
	Fields map[string]any
	// Header is added to the answer, such as a redirect's Location.
	Header http.Header
	// Raw, if not nil, is the response's body, instead of the error in the
	// service's protocol: an answer of an intermediary between the caller and
	// AWS, or a truncated answer of AWS.
	Raw []byte
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }

// Errorf returns an AWS error.
func Errorf(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Authorizer decides whether a principal may do an action. policy.Evaluator
// implements it.
type Authorizer interface {
	// Authorize evaluates identity, session and resource policies with the
	// cross-account rule. It returns nil, AWS's AccessDenied error, or
	// SandboxNotImplemented if it can't decide.
	Authorize(a Authorization) error
}

// Authorization describes an action for the Authorizer to decide on.
type Authorization struct {
	Principal *Principal
	Action    string // "sns:Publish"
	Resource  string // ARN
	// ResourceAccount owns the resource. If the caller is in another account,
	// policies of both accounts must allow the action.
	ResourceAccount string
	// ResourcePolicy is the resource's own policy document, JSON; empty: none.
	ResourcePolicy string
	// Context holds condition keys beyond those of the principal itself,
	// lower-case: "sts:externalid", "aws:sourcearn". A key without values is
	// absent from the request.
	Context map[string][]string
}
