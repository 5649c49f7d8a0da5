// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// answers has the answers that CloudFormation's buckets accepted, by request. A
// request may be answered more than once, but always with the same answer.
type answers struct {
	mu    sync.Mutex
	taken map[string][]string
}

// took records every answer that reached a bucket with a valid signature.
func (a *answers) took(c *kernel.Call) error {
	if c.Service != "s3" || c.Principal == nil || c.Principal.Service != "cloudformation.amazonaws.com" || c.Action != "PutObject" {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.taken == nil {
		a.taken = map[string][]string{}
	}
	a.taken[c.Request.URL.Path] = append(a.taken[c.Request.URL.Path], string(c.Body))
	return nil
}

// Answer is one answer to a custom resource, as CloudFormation reads it.
type Answer struct {
	Status, Reason, PhysicalResourceID, LogicalResourceID string
	Times                                                 int // how many times it was sent
}

// Answers returns the answers to a stack's requests, sorted by their text. Two
// different answers to one request fail the test.
func (w *World) Answers(stackID string) []Answer {
	w.T.Helper()
	w.answers.mu.Lock()
	defer w.answers.mu.Unlock()
	var all []Answer
	for _, path := range slices.Sorted(maps.Keys(w.answers.taken)) {
		texts := w.answers.taken[path]
		if !strings.Contains(path, stackID+"|") {
			continue
		}
		for _, other := range texts[1:] {
			if other != texts[0] {
				w.T.Errorf("one request got two answers:\n%s\n%s\n%s", texts[0], other, w.log)
			}
		}
		answer := Answer{Times: len(texts)}
		w.Must(json.Unmarshal([]byte(texts[0]), &answer))
		all = append(all, answer)
	}
	return all
}
