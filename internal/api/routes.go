// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// followOperation is the operation that responds with a stream.
const followOperation = "follow-customer"

// register adds all operations of the API.
func (s *Server) register() {
	const one = "/v1/customers/{customer_id}"
	huma.Register(s.api, call(http.MethodPut, one, "put-customer", Write, "Issue or change a customer's link",
		"Creates the customer's link, or returns the one that exists with the same settings. Repeating the call is safe, even after one that was interrupted. With If-Match it changes permission set, expiry and metadata of the open link.",
		http.StatusConflict, http.StatusPreconditionFailed), s.put)
	huma.Register(s.api, call(http.MethodGet, one, "get-customer", Read, "See a customer",
		"The customer's link, roles and state, and why the last stack failed.", http.StatusNotFound), s.get)
	huma.Register(s.api, call(http.MethodGet, "/v1/customers", "list-customers", Read, "List customers",
		"Customers in the order of their IDs, page by page."), s.list)
	huma.Register(s.api, call(http.MethodDelete, one, "delete-customer", Write, "Close a customer's link",
		"No new stack may use the link from then on. Live stacks stay as they are; ask the customer to delete theirs. A link that is closed already stays closed.",
		http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed), s.delete)
	huma.Register(s.api, call(http.MethodPost, one+"/verify", "verify-customer", Operate, "Prove a customer's roles again",
		"Assumes every registered role of the customer. A role that can no longer be assumed becomes degraded; a degraded one that passes the full proof again becomes active.", http.StatusNotFound), s.verify)
	huma.Register(s.api, call(http.MethodPost, one+"/block", "block-customer", Operate, "Block a customer",
		"Refuses the customer's requests, from the next one on. Live stacks are not affected.", http.StatusNotFound), s.block)
	huma.Register(s.api, call(http.MethodPost, one+"/unblock", "unblock-customer", Operate, "Unblock a customer",
		"Requests that were refused meanwhile stay refused.", http.StatusNotFound), s.unblock)
	huma.Register(s.api, call(http.MethodPost, one+"/connect", "connect-customer", Write, "Make an address of the connect page",
		"A short-lived address of the page on which this one customer connects. It opens once, in one browser.", http.StatusNotFound), s.connect)
	huma.Register(s.api, call(http.MethodDelete, one+"/connect", "revoke-connect", Write, "Revoke all addresses of the connect page",
		"Ends all addresses and open pages of this customer.", http.StatusNotFound), s.revoke)
	huma.Register(s.api, s.streaming(call(http.MethodGet, one+"/events", followOperation, Read, "Follow a customer",
		"Server-sent events: an event customer with the customer as GET returns it, now and whenever that changes. The stream ends after a minute; clients connect again by themselves. Behind a Lambda function URL a stream has one event at most.", http.StatusNotFound)), s.events)
}

// call returns the description of an operation.
func call(method, path, id string, scope Scope, summary, description string, problems ...int) huma.Operation {
	return huma.Operation{
		Method: method, Path: path, OperationID: id, Summary: summary, Description: description,
		Tags: []string{"customers"}, MaxBodyBytes: maxBody,
		Security: []map[string][]string{{bearer: {string(scope)}}},
		Errors: append([]int{
			http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable,
		}, problems...),
	}
}

// streaming returns an operation that responds with server-sent events.
func (s *Server) streaming(op huma.Operation) huma.Operation {
	op.Responses = map[string]*huma.Response{"200": {
		Description: "A stream of events, whose data is a customer.",
		Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[CustomerView](), true, "")}},
	}}
	return op
}
