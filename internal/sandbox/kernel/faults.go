// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import (
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// FaultKind is the type of a simulated failure of AWS.
type FaultKind string

// The kinds of faults.
const (
	FaultThrottle    FaultKind = "throttle"    // the service's throttling error; not executed
	FaultServerError FaultKind = "500"         // the service's internal error; not executed
	FaultLostAnswer  FaultKind = "lost-answer" // executed, but the connection is cut
	FaultLatency     FaultKind = "latency"     // executed Delay later, by the machine's clock
	// Other kinds are a service's own refusals; see s3.Refusals.
)

// FaultRule defines which calls fail and how. Empty Service, Action, Account and
// Bucket match everything.
type FaultRule struct {
	Service string `json:"service,omitempty"`
	Action  string `json:"action,omitempty"`
	// Account is the caller's account, or, for an answer that is written to
	// CloudFormation's bucket, the account of the stack.
	Account string `json:"account,omitempty"`
	// Bucket is the bucket of a call to S3; a name that ends in "*" matches all
	// names with that prefix.
	Bucket string    `json:"bucket,omitempty"`
	Kind   FaultKind `json:"kind"`
	// Status is the HTTP status of kinds that do not have a fixed one.
	Status int `json:"status,omitempty"`
	// Next is the number of matching calls that fail before the rule is removed.
	// If it is 0, each call fails with the Probability, and the rule stays.
	Next        int           `json:"next,omitempty"`
	Probability float64       `json:"probability,omitempty"`
	Delay       time.Duration `json:"delay,omitempty"`
}

// DeliveryFaults describes what happens to messages between SNS and SQS: both
// deliver at least once and in no order (aws-facts 1.10).
type DeliveryFaults struct {
	Duplicate float64       `json:"duplicate,omitempty"` // probability of a second copy
	MinDelay  time.Duration `json:"min_delay,omitempty"` // by the sandbox's clock
	MaxDelay  time.Duration `json:"max_delay,omitempty"`
	Reorder   bool          `json:"reorder,omitempty"`
}

// Hook runs before or after a service executes a call. An error that a Before
// hook returns is the call's answer, and the call is not executed; one that an
// After hook returns replaces the answer.
type Hook func(c *Call) error

// Faults holds fault rules, delivery faults and hooks. Its source of randomness
// is seeded, so that a failing test can be repeated.
type Faults struct {
	mu       sync.Mutex
	random   *rand.Rand
	rules    []*FaultRule
	delivery DeliveryFaults
	before   map[int]Hook
	after    map[int]Hook
	lastHook int
}

// NewFaults returns Faults without rules.
func NewFaults(seed uint64) *Faults {
	return &Faults{
		random: rand.New(rand.NewPCG(seed, seed)), //nolint:gosec // must be repeatable
		before: map[int]Hook{},
		after:  map[int]Hook{},
	}
}

// Add adds a rule.
func (f *Faults) Add(r FaultRule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, &r)
}

// Clear removes all rules and delivery faults; hooks stay.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules, f.delivery = nil, DeliveryFaults{}
}

// SetDelivery sets the faults between SNS and SQS.
func (f *Faults) SetDelivery(d DeliveryFaults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delivery = d
}

// Delivery returns the faults between SNS and SQS.
func (f *Faults) Delivery() DeliveryFaults {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.delivery
}

// Float64 returns a number in [0, 1) from the seeded source of randomness.
func (f *Faults) Float64() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random.Float64()
}

// Before adds a hook that runs before a call is executed; the returned
// function removes it.
func (f *Faults) Before(h Hook) (remove func()) { return f.hook(f.before, h) }

// After adds a hook that runs once a call was executed; the returned function
// removes it.
func (f *Faults) After(h Hook) (remove func()) { return f.hook(f.after, h) }

func (f *Faults) hook(hooks map[int]Hook, h Hook) (remove func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lastHook++
	id := f.lastHook
	hooks[id] = h
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(hooks, id)
	}
}

// RunBefore runs the Before hooks in the order in which they were added.
func (f *Faults) RunBefore(c *Call) error { return f.run(f.before, c) }

// RunAfter runs the After hooks.
func (f *Faults) RunAfter(c *Call) error { return f.run(f.after, c) }

func (f *Faults) run(hooks map[int]Hook, c *Call) error {
	f.mu.Lock()
	ordered := make([]Hook, 0, len(hooks))
	for id := 1; id <= f.lastHook; id++ {
		if h, ok := hooks[id]; ok {
			ordered = append(ordered, h)
		}
	}
	f.mu.Unlock()
	for _, h := range ordered {
		if err := h(c); err != nil {
			return err
		}
	}
	return nil
}

// Target describes a call, for matching with rules.
type Target struct{ Service, Action, Account, Bucket string }

// Draw returns the rules that apply to this call, and decrements their Next.
func (f *Faults) Draw(t Target) []FaultRule {
	f.mu.Lock()
	defer f.mu.Unlock()
	var drawn []FaultRule
	left := f.rules[:0:0]
	for _, r := range f.rules {
		if r.applies(f.random, t) {
			drawn = append(drawn, *r)
			if r.Next > 0 {
				if r.Next--; r.Next == 0 {
					continue // used up
				}
			}
		}
		left = append(left, r)
	}
	f.rules = left
	return drawn
}

func (r *FaultRule) applies(random *rand.Rand, t Target) bool {
	matches := func(want, got string) bool { return want == "" || want == got }
	if !matches(r.Service, t.Service) || !matches(r.Action, t.Action) || !matches(r.Account, t.Account) {
		return false
	}
	prefix, isPrefix := strings.CutSuffix(r.Bucket, "*")
	if !matches(r.Bucket, t.Bucket) && !(isPrefix && t.Bucket != "" && strings.HasPrefix(t.Bucket, prefix)) {
		return false
	}
	return r.Next > 0 || random.Float64() < r.Probability
}
