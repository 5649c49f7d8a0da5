// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// The AWS JSON 1.0 protocol, which SQS and DynamoDB use.

// JSONAction returns the operation's name: what follows the last dot in
// X-Amz-Target.
func JSONAction(r *http.Request) string {
	target := r.Header.Get("X-Amz-Target")
	return target[strings.LastIndexByte(target, '.')+1:]
}

// ServeJSON executes the operation that a call names, and returns its response. The
// operation authorizes the caller, which may be anonymous.
func ServeJSON[S any](s S, operations map[string]func(S, *Call) (any, error), c *Call) (*Response, error) {
	run, ok := operations[c.Action]
	if !ok {
		return nil, UnknownJSONAction(c)
	}
	out, err := run(s, c)
	if err != nil {
		return nil, err
	}
	return JSONResult(c, out)
}

// ServeJSON11 is ServeJSON for services of JSON 1.1. It refuses anonymous calls.
func ServeJSON11[S any](s S, operations map[string]func(S, *Call) (any, error), c *Call) (*Response, error) {
	if c.Principal == nil {
		return nil, AnonymousJSONCall()
	}
	r, err := ServeJSON(s, operations, c)
	if err != nil {
		return nil, err
	}
	return JSON11(r), nil
}

// DecodeJSON decodes an operation's input; an empty body is {}. It refuses members
// that the sandbox does not implement, instead of ignoring them.
func DecodeJSON(c *Call, in any) error {
	body := c.Body
	if len(body) == 0 {
		body = []byte("{}")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil {
		return Errorf(http.StatusBadRequest, "SerializationException", "The sandbox cannot decode the input of %s: %v", c.Action, err)
	}
	return nil
}

// JSONResult returns the response with a result; a nil result is encoded as {}.
func JSONResult(c *Call, result any) (*Response, error) {
	if result == nil {
		result = struct{}{}
	}
	body, err := json.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("encode the answer of %s: %w", c.Action, err)
	}
	return jsonResponse(c, http.StatusOK, body), nil
}

// JSONError returns the response with an error. The namespace is the service's
// in "__type": "com.amazonaws.sqs", "com.amazonaws.dynamodb.v20120810".
func JSONError(c *Call, namespace string, err *Error) *Response {
	fields := map[string]any{}
	maps.Copy(fields, err.Fields)
	fields["__type"] = namespace + "#" + err.Code
	fields["message"] = err.Message
	body, marshalErr := json.Marshal(fields)
	if marshalErr != nil {
		return &Response{Status: http.StatusInternalServerError}
	}
	return jsonResponse(c, err.Status, body)
}

func jsonResponse(c *Call, status int, body []byte) *Response {
	header := http.Header{}
	header.Set("Content-Type", "application/x-amz-json-1.0")
	header.Set("X-Amzn-Requestid", c.RequestID)
	return &Response{Status: status, Header: header, Body: body}
}

// JSON11 makes r a response of JSON 1.1, which EventBridge, KMS, CloudWatch Logs
// and Organizations use, and returns it: only the content type differs.
func JSON11(r *Response) *Response {
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	return r
}

// AnonymousJSONCall returns AWS's error for a call that is not signed.
func AnonymousJSONCall() *Error {
	return Errorf(http.StatusBadRequest, "MissingAuthenticationTokenException", "Request is missing Authentication Token")
}

// UnknownJSONAction returns AWS's error for an action that a service of the
// JSON protocol does not have; the sandbox uses it for actions that it does not
// implement.
func UnknownJSONAction(c *Call) *Error {
	return Errorf(http.StatusBadRequest, "UnknownOperationException",
		"The action %s is not valid for this endpoint. (The sandbox's %s does not implement it.)", c.Action, c.Service)
}
