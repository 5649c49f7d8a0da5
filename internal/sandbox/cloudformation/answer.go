// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
)

// pending is a custom resource that waits for its answer.
type pending struct {
	ctx    context.Context // ends when the answer arrives
	cancel context.CancelFunc

	mu      sync.Mutex
	arrived bool
	text    []byte
}

func (p *pending) body() ([]byte, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text, p.arrived
}

// expect registers the object key under which an answer will be stored. It
// returns the pending answer, and a function that unregisters the key.
func (s *Service) expect(ctx context.Context, key string) (p *pending, forget func()) {
	p = &pending{}
	p.ctx, p.cancel = context.WithCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[key] = p
	return p, func() {
		p.cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting, key)
	}
}

// receive handles an object that was written to the response bucket. Only the
// first answer to a request counts. An answer that no stack waits for is
// ignored.
func (s *Service) receive(_, key string, body []byte) {
	s.mu.Lock()
	p, found := s.waiting[key]
	s.mu.Unlock()
	if !found {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.arrived {
		p.arrived, p.text = true, append([]byte(nil), body...)
		p.cancel()
	}
}

// answer is the vendor's response to a request (aws-facts 1.7).
type answer struct {
	Status             string
	Reason             string
	PhysicalResourceID string `json:"PhysicalResourceId"`
	StackID            string `json:"StackId"`
	RequestID          string `json:"RequestId"`
	LogicalResourceID  string `json:"LogicalResourceId"`
	Data               map[string]any

	sent bool   // the request was published
	key  string // where the answer is stored
}

func (a answer) outcome() outcome {
	attributes := a.Data
	if attributes == nil {
		attributes = map[string]any{}
	}
	return outcome{physicalID: a.PhysicalResourceID, attributes: attributes, answerKey: a.key}
}

const maxAnswer = 4096

// readAnswer parses the answer to a request. Its error is the reason for which
// the resource fails: CloudFormation does not send the request again.
func readAnswer(q request, key string, body []byte, bucket string) (answer, error) {
	sent := answer{sent: true, key: key}
	if len(body) > maxAnswer {
		return sent, fmt.Errorf("Response object is too long.")
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return sent, fmt.Errorf("Invalid response object %s in S3 bucket %s: it is not the JSON of an answer: %w", key, bucket, err)
	}
	a.sent, a.key = true, key
	for _, field := range []struct{ name, got, want string }{
		{"StackId", a.StackID, q.StackId},
		{"RequestId", a.RequestID, q.RequestId},
		{"LogicalResourceId", a.LogicalResourceID, q.LogicalResourceId},
	} {
		if field.got == "" {
			return sent, missingKey(field.name, key, bucket)
		}
		if field.got != field.want {
			return sent, fmt.Errorf("Vendor response has a wrong %s in object %s in S3 bucket %s", field.name, key, bucket)
		}
	}
	switch {
	case a.Status != "SUCCESS" && a.Status != "FAILED":
		return sent, fmt.Errorf("Vendor response has an invalid Status %q in object %s in S3 bucket %s", a.Status, key, bucket)
	case len(a.PhysicalResourceID) > 1024, a.PhysicalResourceID == "":
		a.PhysicalResourceID = ""
		return a, fmt.Errorf("Invalid PhysicalResourceId")
	case a.Status == "FAILED" && a.Reason == "":
		return a, missingKey("Reason", key, bucket)
	case a.Status == "FAILED":
		return a, fmt.Errorf("Received response status [FAILED] from custom resource. Message returned: %s (RequestId: %s)", a.Reason, q.RequestId)
	}
	return a, nil
}

func missingKey(name, key, bucket string) error {
	return fmt.Errorf("Vendor response doesn't contain %s key in object %s in S3 bucket %s", name, key, bucket)
}
