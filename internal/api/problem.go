// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Problem is an RFC 9457 error.
type Problem struct {
	Type       string         `json:"type" format:"uri-reference" doc:"Which kind of problem it is: about:blank, or a URN that stays the same." example:"urn:xacct:problem:owned"`
	Title      string         `json:"title" doc:"The problem in a few words."`
	Status     int            `json:"status" doc:"The HTTP status."`
	Detail     string         `json:"detail" doc:"What happened, and what to do."`
	Instance   string         `json:"instance,omitempty" doc:"The request's ID, which is in the server's log too."`
	CustomerID string         `json:"customer_id,omitempty" doc:"The customer that it is about."`
	Field      string         `json:"field,omitempty" doc:"The field of the request that has to change, if it is one."`
	WhatToDo   string         `json:"what_to_do,omitempty" doc:"What the caller can do."`
	Errors     []ProblemField `json:"errors,omitempty" doc:"Everything that is wrong, if it is more than one thing."`
}

// ProblemField is one error in a request.
type ProblemField struct {
	Field  string `json:"field,omitempty" doc:"The field of the request."`
	Detail string `json:"detail" doc:"What is wrong with it."`
}

// Error returns the problem's title and detail.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType returns the content type of problems.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// newProblem returns the problem for a request that huma refuses, such as one that does
// not match its schema.
func newProblem(ctx huma.Context, status int, detail string, errs ...error) huma.StatusError {
	p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
	for _, err := range errs {
		if err == nil {
			continue
		}
		field := ProblemField{Detail: err.Error()}
		var detailed huma.ErrorDetailer
		if errors.As(err, &detailed) { // without the value: it may be a secret
			d := detailed.ErrorDetail()
			_, name, _ := strings.Cut(d.Location, ".")
			if missing, ok := strings.CutPrefix(d.Message, "expected required property "); ok {
				name, _, _ = strings.Cut(missing, " ")
			}
			field = ProblemField{name, d.Message}
		}
		p.Errors = append(p.Errors, field)
	}
	if len(p.Errors) > 0 {
		p.Type, p.Field = problemType("invalid"), p.Errors[0].Field
		p.Detail = strings.TrimPrefix(p.Errors[0].Field+": "+p.Errors[0].Detail, ": ")
		p.WhatToDo = "Correct the request: see /openapi.json."
	}
	if ctx != nil {
		p.Instance = requestID(ctx.Context())
		p.CustomerID = ctx.Param("customer_id")
	}
	return p
}

func problemType(kind string) string { return "urn:xacct:problem:" + kind }

func writeProblem(w http.ResponseWriter, err huma.StatusError) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(err.GetStatus())
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(err)
}

// problem returns the problem for an error of a call about a customer, and logs it if
// its cause is on the server's side. It returns nil if err is nil.
func (s *Server) problem(instance, customer string, err error) error {
	if err == nil {
		return nil
	}
	p := explain(s.config.Hub.Name(), customer, err)
	p.Instance, p.CustomerID = instance, customer
	if p.Status >= http.StatusInternalServerError {
		s.config.Logger.Error("a request failed", "request_id", instance, "customer", customer, "error", err)
	}
	return p
}

// explain returns the problem that describes an error. AWS's messages are only logged,
// so that callers do not learn the names of resources.
func explain(hubName, customer string, err error) *Problem {
	if p := conflictProblem(hubName, customer, err); p != nil {
		return p
	}
	var (
		refusal *customers.Refusal
		field   permissionset.FieldError
		missing *hub.NoSuchAccountError
		full    *iampolicy.TopicFullError
		bucket  *iampolicy.BucketFullError
	)
	switch {
	case errors.As(err, &refusal), errors.As(err, &field):
		return refusedProblem(err)
	case errors.Is(err, registry.ErrNoLink):
		return &Problem{
			Type: problemType("no-customer"), Title: "No such customer", Status: http.StatusNotFound,
			Detail: fmt.Sprintf("Hub %s has no link for customer %s.", hubName, customer), WhatToDo: "Issue one with PUT.",
		}
	case errors.Is(err, registry.ErrNoPermissionSet), errors.Is(err, registry.ErrPermissionSetRetired):
		return &Problem{
			Type: problemType("no-permission-set"), Title: "No such permission set", Status: http.StatusUnprocessableEntity, Field: "permission_set",
			Detail:   fmt.Sprintf("Hub %s has no permission set of this name, or it was deleted.", hubName),
			WhatToDo: "Declare it with Terraform (xacct_permission_set), or use the name of an existing one.",
		}
	case errors.Is(err, registry.ErrNoHub):
		return &Problem{
			Type: problemType("no-hub"), Title: "The hub is gone", Status: http.StatusServiceUnavailable,
			Detail: fmt.Sprintf("Hub %s does not exist any more.", hubName), WhatToDo: "Ask the operators of this service.",
		}
	case errors.As(err, &missing), errors.As(err, &full), errors.As(err, &bucket):
		return notAdmitted(hubName, customer, missing)
	case errors.Is(err, registry.ErrConflict), awsclient.IsThrottled(err):
		return &Problem{
			Type: problemType("busy"), Title: "Too many writers", Status: http.StatusServiceUnavailable,
			Detail: fmt.Sprintf("Other callers are changing customer %s of hub %s at the moment.", customer, hubName), WhatToDo: "Repeat the same call.",
		}
	}
	return &Problem{
		Type: problemType("unavailable"), Title: "The request to AWS failed", Status: http.StatusServiceUnavailable,
		Detail: fmt.Sprintf("The records or policies of customer %s of hub %s could not be read or written; the server's log has the reason.", customer, hubName), WhatToDo: "Repeat the same call: it continues where it stopped.",
	}
}

// conflictProblem returns the problem for a request that the customer's existing link
// rules out; nil for other errors.
func conflictProblem(hubName, customer string, err error) *Problem {
	var (
		owned    *customers.OwnedError
		inFleet  *customers.InFleetError
		differs  *customers.DiffersError
		revision *customers.RevisionError
	)
	switch {
	case errors.As(err, &owned):
		return &Problem{
			Type: problemType("owned"), Title: "The link belongs to another tool", Status: http.StatusConflict,
			Detail:   fmt.Sprintf("The link of customer %s of hub %s belongs to %s, and only that changes or closes it.", customer, hubName, owned.Owner),
			WhatToDo: "Change it there, or repeat the call with adopt set to true to take it over.",
		}
	case errors.As(err, &inFleet):
		return &Problem{
			Type: problemType("fleet"), Title: "The link belongs to a fleet", Status: http.StatusConflict,
			Detail:   fmt.Sprintf("The open link of customer %s of hub %s is one of fleet %s, and this request would change it.", customer, hubName, inFleet.Fleet),
			WhatToDo: "Change the fleet, or adopt the link first, as it is: with adopt set to true, the same settings and no If-Match.",
		}
	case errors.As(err, &differs):
		return &Problem{
			Type: problemType("differs"), Title: "The customer has another link already", Status: http.StatusConflict, Field: differs.Field,
			Detail:   fmt.Sprintf("Customer %s of hub %s has an open link, which differs from this request in %s.", customer, hubName, differs.Field),
			WhatToDo: whatToDoOfDifference(differs.Field),
		}
	case errors.As(err, &revision) && revision.Have == 0:
		return &Problem{
			Type: problemType("no-open-link"), Title: "There is no open link to change", Status: http.StatusPreconditionFailed,
			Detail: fmt.Sprintf("Customer %s of hub %s has no open link.", customer, hubName), WhatToDo: "Leave If-Match out to issue one.",
		}
	case errors.As(err, &revision):
		return &Problem{
			Type: problemType("changed"), Title: "The link has changed", Status: http.StatusPreconditionFailed,
			Detail:   fmt.Sprintf("The link of customer %s of hub %s has changed since it was read: its ETag is \"%d\" now.", customer, hubName, revision.Have),
			WhatToDo: "Read it again, and decide again.",
		}
	}
	return nil
}

// notAdmitted returns the problem for an account that can't be allowed to publish or
// read templates: the account does not exist, or the hub is full. missing is nil if all
// accounts exist.
func notAdmitted(hubName, customer string, missing *hub.NoSuchAccountError) *Problem {
	if missing != nil && !missing.Named {
		return &Problem{
			Type: problemType("account"), Title: "No such AWS account", Status: http.StatusUnprocessableEntity, Field: "account_id",
			Detail: "AWS knows no account with this number.", WhatToDo: "Check the number with the customer.",
		}
	}
	return &Problem{
		Type: problemType("full"), Title: "The hub is full", Status: http.StatusServiceUnavailable,
		Detail:   fmt.Sprintf("The account of customer %s can't be added at the moment. The cause is on the service's side: the server's log has it.", customer),
		WhatToDo: "Ask the operators of hub " + hubName + ".",
	}
}

// refusedProblem returns a problem with all reasons why a link can't be issued as requested.
func refusedProblem(err error) *Problem {
	p := &Problem{Type: problemType("invalid"), Title: "The link can't be issued like this", Status: http.StatusUnprocessableEntity}
	for _, reason := range customers.Reasons(err) {
		var refusal *customers.Refusal
		one := ProblemField{Detail: reason.Error()}
		if errors.As(reason, &refusal) {
			one = ProblemField{refusal.Field, refusal.Summary + ". " + refusal.Detail}
			if strings.Contains(refusal.Summary, "live stack") || strings.Contains(refusal.Summary, "adopted role") || strings.Contains(refusal.Summary, "open link") {
				p.Status = http.StatusConflict
			}
		}
		p.Errors = append(p.Errors, one)
	}
	slices.SortStableFunc(p.Errors, func(a, b ProblemField) int { return strings.Compare(a.Field, b.Field) })
	p.Field, p.Detail = p.Errors[0].Field, p.Errors[0].Detail
	if len(p.Errors) == 1 {
		p.Errors = nil
	}
	return p
}

func whatToDoOfDifference(field string) string {
	switch field {
	case "permission_set", "expires_at", "metadata":
		return "To change it, read the link and send its ETag as If-Match."
	}
	return "Close the link with DELETE and issue another one, or give this one a customer ID of its own."
}
