// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Status is the verdict of an answer.
type Status string

// The two verdicts that CloudFormation knows.
const (
	Success Status = "SUCCESS"
	Failed  Status = "FAILED"
)

// MaxResponse is the largest answer that CloudFormation reads (aws-facts 1.7).
const MaxResponse = 4096

// Response is our answer to a request (aws-facts 1.7). Its identifiers are
// copied verbatim from the request.
type Response struct {
	Status             Status            `json:"Status"`
	Reason             string            `json:"Reason,omitempty"`
	PhysicalResourceID string            `json:"PhysicalResourceId"`
	StackID            string            `json:"StackId"`
	RequestID          string            `json:"RequestId"`
	LogicalResourceID  string            `json:"LogicalResourceId"`
	Data               map[string]string `json:"Data,omitempty"`
}

// Encode writes the answer as CloudFormation reads it. A reason that would
// make it too long is cut between two characters; an answer that
// CloudFormation would not accept is an error.
func (r Response) Encode() ([]byte, error) {
	switch {
	case r.Status != Success && r.Status != Failed:
		return nil, fmt.Errorf("an answer is SUCCESS or FAILED, not %q", r.Status)
	case r.Status == Failed && r.Reason == "":
		return nil, errors.New("a FAILED answer needs a reason")
	case r.PhysicalResourceID == "" || len(r.PhysicalResourceID) > maxPhysicalID:
		return nil, fmt.Errorf("an answer needs a physical ID of 1 to %d bytes", maxPhysicalID)
	case r.StackID == "" || r.RequestID == "" || r.LogicalResourceID == "":
		return nil, errors.New("an answer names its stack, request and resource")
	}
	body, err := r.encode()
	for err == nil && len(body) > MaxResponse {
		if r.Reason == "" {
			return nil, fmt.Errorf("the answer has %d bytes, more than %d, and no reason to shorten", len(body), MaxResponse)
		}
		r.Reason = shorten(r.Reason, len(body)-MaxResponse)
		body, err = r.encode()
	}
	return body, err
}

func (r Response) encode() ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false) // it would make six bytes of every "<"
	if err := encoder.Encode(r); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buffer.Bytes(), "\n"), nil
}

const ellipsis = "…"

// shorten drops at least the given number of bytes from the end of s, never
// half a character, and says so with an ellipsis. Nothing is left where there
// is no room for one.
func shorten(s string, drop int) string {
	keep := len(s) - drop - len(ellipsis)
	if keep <= 0 {
		return ""
	}
	for keep > 0 && !utf8.RuneStart(s[keep]) {
		keep--
	}
	return s[:keep] + ellipsis
}
