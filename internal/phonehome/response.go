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

// Status is the status of an answer.
type Status string

// The two statuses that CloudFormation accepts.
const (
	Success Status = "SUCCESS"
	Failed  Status = "FAILED"
)

// MaxResponse is the largest answer that CloudFormation reads, in bytes (aws-facts
// 1.7).
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

// Encode returns the answer as the JSON that CloudFormation reads. A reason that
// would make the answer too long is cut between two characters. Encode returns an
// error for an answer that CloudFormation would not accept.
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
	if err != nil || len(body) <= MaxResponse {
		return body, err
	}
	return r.shorten()
}

// shorten encodes the answer with as much of the reason as fits, and an ellipsis. The
// number of bytes of a character in JSON varies, so the length is found by trying.
func (r Response) shorten() ([]byte, error) {
	reason := r.Reason
	var best []byte
	fits := func(n int) bool {
		for n > 0 && n < len(reason) && !utf8.RuneStart(reason[n]) {
			n--
		}
		r.Reason = reason[:n] + "…"
		body, err := r.encode()
		if err != nil || len(body) > MaxResponse {
			return false
		}
		best = body
		return true
	}
	low, high := 0, min(len(reason), MaxResponse) // fits(low) is true unless no length fits
	for low < high {
		if middle := (low + high + 1) / 2; fits(middle) {
			low = middle
		} else {
			high = middle - 1
		}
	}
	if !fits(low) || low == 0 {
		return nil, fmt.Errorf("the answer would have more than %d bytes without its reason", MaxResponse)
	}
	return best, nil
}

func (r Response) encode() ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false) // it would encode every "<" in six bytes
	if err := encoder.Encode(r); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buffer.Bytes(), "\n"), nil
}
