// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// The AWS JSON 1.0 protocol, which SQS and DynamoDB use.

// JSONAction returns the operation's name, which follows the dot in
// X-Amz-Target.
func JSONAction(r *http.Request) string {
	target := r.Header.Get("X-Amz-Target")
	return target[strings.LastIndexByte(target, '.')+1:]
}

// JSONResult writes an answer; a nil result is {}.
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

// JSONError writes an error. The namespace is the service's in "__type":
// "com.amazonaws.sqs", "com.amazonaws.dynamodb.v20120810".
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

// JSON11 makes an answer one of JSON 1.1, which EventBridge and Organizations
// use: only the content type differs.
func JSON11(r *Response) *Response {
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	return r
}

// UnknownJSONAction returns AWS's error for an action that a service of the
// JSON protocol does not have; the sandbox uses it for actions that it does not
// implement.
func UnknownJSONAction(c *Call) *Error {
	return Errorf(http.StatusBadRequest, "UnknownOperationException",
		"The action %s is not valid for this endpoint. (The sandbox's %s does not implement it.)", c.Action, c.Service)
}
