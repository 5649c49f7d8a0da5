// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import (
	"slices"
	"sync"
	"time"
)

// Entry is one call in the journal.
type Entry struct {
	Time      time.Time `json:"time"` // by the sandbox's clock
	Service   string    `json:"service"`
	Action    string    `json:"action"`
	Region    string    `json:"region"`
	Account   string    `json:"account"`
	Principal string    `json:"principal"` // ARN or service name; empty: anonymous
	Outcome   string    `json:"outcome"`   // "OK" or the error code that the caller received
	Executed  bool      `json:"executed"`  // false: refused, or failed before the service was called
	Inside    bool      `json:"inside"`    // made by another service, not over HTTP
	RequestID string    `json:"request_id"`
	Note      string    `json:"note,omitempty"` // a service's note, such as a dropped delivery
}

// Journal records every call in order, so that tests can count them.
type Journal struct {
	mu      sync.Mutex
	entries []Entry
}

// Add appends an entry.
func (j *Journal) Add(e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, e)
}

// Mark returns the current position in the journal, for Since.
func (j *Journal) Mark() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.entries)
}

// Since returns the entries after a mark; 0 is the beginning. It returns nil if
// the journal has no such mark.
func (j *Journal) Since(mark int) []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	if mark < 0 || mark > len(j.entries) {
		return nil
	}
	return slices.Clone(j.entries[mark:])
}

// Counts returns the number of calls after a mark by "service:Action".
func (j *Journal) Counts(mark int) map[string]int {
	counts := map[string]int{}
	for _, e := range j.Since(mark) {
		counts[e.Service+":"+e.Action]++
	}
	return counts
}
