// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// setOperation creates, updates or deletes the stacks of many instances: one
// Region after the other, in each a few accounts in parallel, until too many
// have failed.
type setOperation struct {
	id, action, status string
	created, ended     time.Time
	preferences        preferences
	targets            targets
	retain             bool // of a DELETE: keep the stacks
	results            []*setResult
	do                 func(context.Context, *instance) error
}

// setResult is the result of an operation for one instance.
type setResult struct {
	in             *instance
	status, reason string // PENDING, RUNNING, SUCCEEDED, FAILED or CANCELLED
}

// errSkipped is the error for an instance in a suspended account, which is
// skipped and does not count as a failure.
var errSkipped = errors.New("the account is suspended")

// startSet starts an operation, or queues it if another one is running. The
// caller holds the lock.
func (s *Service) startSet(set *stackSet, o *setOperation) {
	o.created = s.now()
	for _, r := range o.results {
		r.status, r.in.detail, r.in.reason, r.in.lastOperation = "PENDING", "PENDING", "", o.id
	}
	set.operations = append(set.operations, o)
	if set.running != nil {
		o.status = "QUEUED"
		set.queue = append(set.queue, o)
		set.wake()
		return
	}
	s.runSet(set, o)
}

// runSet runs an operation in its own goroutine, then the next one of the
// queue. The caller holds the lock.
func (s *Service) runSet(set *stackSet, o *setOperation) {
	o.status, set.running = "RUNNING", o
	set.wake()
	s.running.Go(func() {
		failed := s.runRegions(set, o)
		if s.ctx.Err() != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		o.status, o.ended, set.running = "SUCCEEDED", s.now(), nil
		if failed {
			o.status = "FAILED"
		}
		set.wake()
		if len(set.queue) > 0 {
			next := set.queue[0]
			set.queue = set.queue[1:]
			s.runSet(set, next)
		}
	})
}

// runRegions runs the operation in one Region after the other. If more accounts
// of a Region fail than are tolerated, it cancels the instances that have not
// been started, in that Region and in the following ones, and returns true.
func (s *Service) runRegions(set *stackSet, o *setOperation) (failed bool) {
	byRegion := map[string][]*setResult{}
	var regions []string
	for _, r := range o.results {
		region := r.in.region
		if byRegion[region] == nil {
			regions = append(regions, region)
		}
		byRegion[region] = append(byRegion[region], r)
	}
	for _, region := range o.preferences.order(regions) {
		if failed {
			for _, r := range byRegion[region] {
				s.cancelled(set, r)
			}
			continue
		}
		failed = s.runAccounts(set, o, byRegion[region])
	}
	return failed
}

// runAccounts runs the operation for the instances of one Region. It returns
// whether more of them failed than are tolerated.
func (s *Service) runAccounts(set *stackSet, o *setOperation, results []*setResult) (exceeded bool) {
	tolerated := o.preferences.tolerated(len(results))
	slots := make(chan struct{}, o.preferences.atOnce(len(results), tolerated))
	var mu sync.Mutex
	failures := 0
	tooMany := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return failures > tolerated
	}
	var all sync.WaitGroup
	for _, r := range results {
		slots <- struct{}{}
		if tooMany() || s.ctx.Err() != nil {
			s.cancelled(set, r)
			<-slots
			continue
		}
		all.Go(func() {
			defer func() { <-slots }()
			if !s.runInstance(set, o, r) {
				mu.Lock()
				failures++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return tooMany()
}

// runInstance runs the operation for one instance, and records the result. It
// returns false if the operation failed.
func (s *Service) runInstance(set *stackSet, o *setOperation, r *setResult) (ok bool) {
	s.mu.Lock()
	r.status, r.in.detail = "RUNNING", "RUNNING"
	set.wake()
	s.mu.Unlock()
	err := o.do(s.ctx, r.in)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer set.wake()
	switch {
	case errors.Is(err, errSkipped):
		r.ended("CANCELLED", "SKIPPED_SUSPENDED_ACCOUNT", err.Error())
	case err != nil && o.action == "DELETE":
		// Updates skip the instance from now on. It can only be deleted, by
		// another attempt or with its stack retained.
		r.in.status = "INOPERABLE"
		r.ended("FAILED", "INOPERABLE", err.Error())
	case err != nil:
		r.in.status = "OUTDATED"
		r.ended("FAILED", "FAILED", err.Error())
	case o.action == "DELETE":
		r.ended("SUCCEEDED", "SUCCEEDED", "")
		delete(set.instances, r.in.location)
	default:
		r.in.status = "CURRENT"
		r.ended("SUCCEEDED", "SUCCEEDED", "")
	}
	return r.status != "FAILED"
}

func (r *setResult) ended(status, detail, reason string) {
	r.status, r.in.detail, r.reason, r.in.reason = status, detail, reason, reason
}

func (s *Service) cancelled(set *stackSet, r *setResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ended("CANCELLED", "CANCELLED", "Cancelled since failure tolerance has exceeded")
	set.wake()
}

// preferences are the operation preferences of a call. A number is nil if it
// was not given.
type preferences struct {
	regions                       []string // RegionOrder
	failures, failuresPercent     *int
	concurrent, concurrentPercent *int
	soft                          bool // concurrency does not depend on the failure tolerance
}

func queryPreferences(q kernel.Query) (preferences, error) {
	p := nested(q, "OperationPreferences")
	var o preferences
	if err := onlyKnown("OperationPreferences", p, []string{
		"RegionOrder", "RegionConcurrencyType", "FailureToleranceCount", "FailureTolerancePercentage",
		"MaxConcurrentCount", "MaxConcurrentPercentage", "ConcurrencyMode",
	}); err != nil {
		return o, err
	}
	if kind := p.Get("RegionConcurrencyType"); kind != "" && kind != "SEQUENTIAL" {
		return o, validation("The sandbox's CloudFormation does not implement the RegionConcurrencyType %s", kind)
	}
	for name, number := range map[string]struct {
		at       **int
		min, max int
	}{
		"FailureToleranceCount": {&o.failures, 0, 1 << 20}, "FailureTolerancePercentage": {&o.failuresPercent, 0, 100},
		"MaxConcurrentCount": {&o.concurrent, 1, 1 << 20}, "MaxConcurrentPercentage": {&o.concurrentPercent, 1, 100},
	} {
		if !p.Has(name) {
			continue
		}
		n, err := strconv.Atoi(p.Get(name))
		if err != nil || n < number.min || n > number.max {
			return o, validation("1 validation error detected: Value '%s' at 'operationPreferences.%s' failed to satisfy constraint: Member must have value between %d and %d", p.Get(name), name, number.min, number.max)
		}
		*number.at = &n
	}
	if o.failures != nil && o.failuresPercent != nil || o.concurrent != nil && o.concurrentPercent != nil {
		return o, validation("Either a count or a percentage can be specified in OperationPreferences, but not both")
	}
	switch mode := p.Get("ConcurrencyMode"); mode {
	case "", "STRICT_FAILURE_TOLERANCE":
	case "SOFT_FAILURE_TOLERANCE":
		o.soft = true
	default:
		return o, validation("1 validation error detected: Value '%s' at 'operationPreferences.concurrencyMode' failed to satisfy constraint: Member must satisfy enum value set: [STRICT_FAILURE_TOLERANCE, SOFT_FAILURE_TOLERANCE]", mode)
	}
	o.regions = p.List("RegionOrder")
	return o, nil
}

// order returns the given Regions: first those in RegionOrder, in that order,
// then the others.
func (p preferences) order(regions []string) []string {
	var list []string
	for _, region := range slices.Concat(p.regions, regions) {
		if slices.Contains(regions, region) && !slices.Contains(list, region) {
			list = append(list, region)
		}
	}
	return list
}

// tolerated returns how many of the accounts of a Region may fail, 0 by
// default.
func (p preferences) tolerated(accounts int) int {
	switch {
	case p.failures != nil:
		return *p.failures
	case p.failuresPercent != nil:
		return accounts * *p.failuresPercent / 100
	}
	return 0
}

// atOnce returns how many accounts are handled in parallel, 1 by default.
// Unless concurrency is soft, it is at most one more than the tolerated
// failures.
func (p preferences) atOnce(accounts, tolerated int) int {
	n := 1
	switch {
	case p.concurrent != nil:
		n = *p.concurrent
	case p.concurrentPercent != nil:
		n = max(1, accounts**p.concurrentPercent/100)
	}
	if !p.soft {
		n = min(n, tolerated+1)
	}
	return n
}

// newSetOperation returns a new operation for a call. It returns an error if
// another one is running, or if its ID is taken. The caller holds the lock.
func (s *Service) newSetOperation(set *stackSet, q kernel.Query, action string, p preferences, t targets) (*setOperation, error) {
	if set.running != nil {
		return nil, kernel.Errorf(http.StatusConflict, "OperationInProgressException", "Another Operation on StackSet %s is in progress: %s", set.arn(), set.running.id)
	}
	id := q.Get("OperationId")
	if id == "" {
		id = s.newIDLocked()
	}
	if set.operation(id) != nil {
		return nil, kernel.Errorf(http.StatusConflict, "OperationIdAlreadyExistsException", "Operation %s already exists", id)
	}
	return &setOperation{id: id, action: action, preferences: p, targets: t}, nil
}

func (set *stackSet) operation(id string) *setOperation {
	for _, o := range set.operations {
		if o.id == id {
			return o
		}
	}
	return nil
}
