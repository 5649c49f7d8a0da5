// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"crypto/sha256"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// witness records every request that CloudFormation publishes, and every answer that
// its buckets accept, even if the caller never gets the response.
type witness struct {
	clock *kernel.Clock

	mu       sync.Mutex
	requests map[string]*request // by stack|resource|request
	open     map[string]*request // those without an answer
	unasked  []string            // answers without a request
}

// request is one custom-resource request, as CloudFormation knows it.
type request struct {
	kind           string
	asked          time.Time     // by the sandbox's clock
	took           time.Duration // until the first answer
	answer         [sha256.Size]byte
	answers        int
	others         int // answers that differ from the first
	askedMachine   time.Time
	machineLatency time.Duration
}

func newWitness(box *sandbox.Sandbox) *witness {
	w := &witness{clock: box.Clock(), requests: map[string]*request{}, open: map[string]*request{}}
	box.Faults().Before(w.asks)
	box.Faults().After(w.answered)
	return w
}

// asks records a request before it is delivered, so that its answer can't be first.
// A call that then fails is repeated with the same request.
func (w *witness) asks(c *kernel.Call) error {
	if c.Service != "sns" || c.Action != "Publish" {
		return nil
	}
	form, err := url.ParseQuery(string(c.Body))
	if err != nil {
		return nil //nolint:nilerr // SNS reports it itself
	}
	var m struct{ RequestType, StackID, LogicalResourceID, RequestID string }
	if json.Unmarshal([]byte(form.Get("Message")), &m) != nil || m.RequestType == "" {
		return nil // a hub's test of its topics, for example
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	key := m.StackID + "|" + m.LogicalResourceID + "|" + m.RequestID
	r := &request{kind: m.RequestType, asked: w.clock.Now(), askedMachine: time.Now()}
	w.requests[key], w.open[key] = r, r
	return nil
}

// answered records an answer that a bucket accepted: only CloudFormation can
// sign for it.
func (w *witness) answered(c *kernel.Call) error {
	if c.Service != "s3" || c.Action != "PutObject" || c.Principal == nil || c.Principal.Service != "cloudformation.amazonaws.com" {
		return nil
	}
	now, machine := w.clock.Now(), time.Now()
	body := sha256.Sum256(c.Body)
	key := strings.TrimPrefix(c.Request.URL.Path, "/")
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.requests[key]
	switch {
	case r == nil:
		w.unasked = append(w.unasked, key)
		return nil
	case r.answers == 0:
		delete(w.open, key)
		r.answer, r.took, r.machineLatency = body, now.Sub(r.asked), machine.Sub(r.askedMachine)
	case r.answer != body:
		r.others++
	}
	r.answers++
	return nil
}

func (w *witness) count() (asked, answered int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.requests), len(w.requests) - len(w.open)
}

// overdue returns the number of requests that have waited for longer than the
// given time.
func (w *witness) overdue(wait time.Duration) int {
	now := w.clock.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, r := range w.open {
		if now.Sub(r.asked) > wait {
			n++
		}
	}
	return n
}

// testimony is the witness's result.
type testimony struct {
	asked     map[string]int // by type
	answered  int
	again     int      // answers that repeated an earlier one
	lost      []string // requests that were never answered
	different []string // requests that got two different answers
	unasked   []string
	latencies []time.Duration // by the sandbox's clock, sorted
	machine   []time.Duration // by the machine's, sorted
	slowest   string          // request
}

func (w *witness) testimony() testimony {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := testimony{asked: map[string]int{}, unasked: w.unasked}
	var longest time.Duration
	for key, r := range w.requests {
		t.asked[r.kind]++
		if r.answers == 0 {
			t.lost = append(t.lost, r.kind+" "+key)
			continue
		}
		t.answered++
		t.again += r.answers - 1
		if r.others > 0 {
			t.different = append(t.different, r.kind+" "+key)
		}
		if longest < r.took {
			longest, t.slowest = r.took, r.kind+" "+key
		}
		t.latencies = append(t.latencies, r.took)
		t.machine = append(t.machine, r.machineLatency)
	}
	slices.Sort(t.latencies)
	slices.Sort(t.machine)
	return t
}

// percentile returns a percentile of sorted durations.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}
