// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// newHubOf creates a hub with a number of topics in each of its two Regions.
func newHubOf(t *testing.T, topics int) *world {
	t.Helper()
	w := newWorld(t)
	large := spec()
	large.Shards, large.Capacity = topics, topics*CustomersPerTopic
	_, err := w.Create(t.Context(), large)
	w.must(err)
	return w
}

// first returns the first link of the n-th customer, which is not written yet.
func (w *world) first(record registry.HubRecord, n int) onboarding.Link {
	customer := fmt.Sprintf("customer-%d", n)
	return onboarding.Link{
		Hub: "acme", CustomerID: customer, Generation: 1, ExternalID: onboarding.ExternalID([]byte("key"), "acme", customer, 1),
		Account: customerAccount(n), Shard: record.ShardOf(customer), CreatedAt: w.clock.Now(),
	}
}

// publishes returns an error unless the policies of all Regions name the link's account.
func (w *world) publishes(link onboarding.Link) error {
	for _, region := range spec().Regions {
		attributes, err := w.topicAttributes(context.Background(), w.topic(region, link.Shard))
		if err != nil {
			return err
		}
		if who, _, ok := iampolicy.PublishersOf(attributes["Policy"]); !ok || !slices.Contains(who.Accounts, link.Account) {
			return fmt.Errorf("customer %s may not publish in %s, but %v may", link.CustomerID, region, who.Accounts)
		}
	}
	return nil
}

// create creates the links [from, to), with several callers at a time as Terraform
// does, and returns their errors.
func (w *world) create(h *Manager, record registry.HubRecord, callers, from, to int) error {
	var mu sync.Mutex
	var errs []error
	var all sync.WaitGroup
	next := atomic.Int64{}
	next.Store(int64(from))
	for range callers {
		all.Go(func() {
			for n := int(next.Add(1)) - 1; n < to; n = int(next.Add(1)) - 1 {
				want := w.first(record, n)
				link, err := h.Permissions().CreateLink(w.t.Context(), want)
				if err == nil && (link.Revision != 1 || link.CustomerID != want.CustomerID || link.ExternalID != want.ExternalID) {
					w.t.Errorf("customer %d: the link is %+v", n, link)
				}
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// admitted fails the test unless the hub has this number of customers, all of them may
// publish, and no policy needs repair.
func (w *world) admitted(customers int) {
	w.t.Helper()
	found, err := w.registry.Customers(w.t.Context())
	w.must(err)
	if len(found) != customers {
		w.t.Errorf("%d customers have a link, want %d", len(found), customers)
	}
	for _, c := range found {
		if err := w.publishes(c.Link); err != nil {
			w.t.Error(err)
		}
	}
	state, err := w.process().Read(w.t.Context())
	w.must(err)
	if state.PoliciesOutdated {
		w.t.Error("a policy is older than its list")
	}
}

// 300 links are created in a hub for 20,000 customers with two Regions, ten at a time, as
// Terraform creates them.
func TestCreatingManyLinksTakesAtMostThreeCallsEach(t *testing.T) {
	t.Parallel()
	w := newHubOf(t, Shards(20_000))
	const links = 300
	record, h, mark := w.hubRecord(), w.process(), w.box.Journal().Mark()
	w.must(w.create(h, record, 10, 0, links))
	calls, total := w.box.Journal().Counts(mark), 0
	for _, n := range calls {
		total += n
	}
	if total > 3*links {
		t.Errorf("%.2f calls for each link, want 3: %v", float64(total)/links, calls)
	}
	t.Logf("%d links: %d calls %v", links, total, calls)
	w.admitted(links)
}

// The seven calls are: a read of the hub's record with its list, two policies read and
// two written, and a write of the table before and after the policies. The next link
// needs four, because the results of the reads are cached.
func TestCreatingASingleLinkTakesSevenCallsAndTheNextFour(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	record, h := w.hubRecord(), w.process()
	for n, want := range []int{7, 4} {
		mark := w.box.Journal().Mark()
		w.must(w.create(h, record, 1, n, n+1))
		total := 0
		for _, calls := range w.box.Journal().Counts(mark) {
			total += calls
		}
		if total != want {
			t.Errorf("link %d took %d calls, want %d: %v", n, total, want, w.box.Journal().Counts(mark))
		}
	}
	w.admitted(2)
}

// The next refresh completes the writes of a process that died. Every link that the
// process reported as created is usable.
func TestLinksInterruptedAtAnyCallAreCompletedByTheNextRefreshAndApply(t *testing.T) {
	t.Parallel()
	const links = 4
	var reported []error
	dieAtEveryCall(t, func(t *testing.T) *world { return newHubOf(t, 2) }, func(w *world) error {
		record, h := w.hubRecord(), w.process()
		reported = make([]error, links)
		var all sync.WaitGroup
		for n := range links {
			all.Go(func() { _, reported[n] = h.Permissions().CreateLink(w.t.Context(), w.first(record, n)) })
		}
		all.Wait()
		return errors.Join(reported...)
	}, func(w *world, calls int) {
		record := w.hubRecord()
		for n, err := range reported {
			if err == nil {
				w.must(w.publishes(w.first(record, n)))
			}
		}
		w.clock.Advance(leaseTime + time.Second)
		w.reconcile()
		found, err := w.registry.Customers(w.t.Context())
		w.must(err)
		w.admitted(len(found))
		for n := range links { // the next apply creates the others
			if !slices.ContainsFunc(found, func(c onboarding.Customer) bool { return c.Link.CustomerID == w.first(record, n).CustomerID }) {
				w.must(w.create(w.process(), record, 1, n, n+1))
			}
		}
		w.admitted(links)
		if w.t.Failed() {
			w.t.Errorf("stopped after %d calls", calls)
		}
	})
}

// turnstile delays each call until a random number of other calls have passed, or no
// further calls arrive.
type turnstile struct {
	mu     sync.Mutex
	random *rand.Rand
	passed atomic.Int64
}

func (s *turnstile) pass() {
	s.mu.Lock()
	until := s.passed.Load() + s.random.Int64N(7)
	s.mu.Unlock()
	for range 2_000 {
		if s.passed.Load() >= until {
			break
		}
		runtime.Gosched()
	}
	s.passed.Add(1)
}

// Two processes, for example two workspaces, or Terraform and the API, create links on
// the same topics, in random orders of their calls. Waiting moves the clock, so leases
// expire while their holders are writing.
func TestTwoProcessesThatCreateLinksConcurrentlyLoseNoAccount(t *testing.T) {
	t.Parallel()
	w := newHubOf(t, 2)
	record, customers := w.hubRecord(), 0
	for seed := range uint64(10) {
		order := &turnstile{random: rand.New(rand.NewPCG(seed, 1))}
		each := 2 + order.random.IntN(4)
		end := w.box.Faults().Before(func(c *kernel.Call) error { order.pass(); return nil })
		var all sync.WaitGroup
		for range 2 {
			h, from := w.process(), customers
			h.Permissions().newcomers.SeriesLinger = time.Millisecond
			customers += each
			all.Go(func() {
				if err := w.create(h, record, 2, from, from+each); err != nil {
					w.t.Errorf("customers from %d on: %v", from, err)
				}
			})
		}
		all.Wait()
		end()
		w.admitted(customers)
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

// The links share a transaction.
func TestARefusedLinkDoesNotPreventOthers(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	record := w.hubRecord()
	w.linked("customer-1", globex)
	thief := w.first(record, 3)
	thief.ExternalID = w.first(record, 0).ExternalID
	w.must(w.create(w.process(), record, 1, 0, 1))

	h, errs := w.process(), make([]error, 5)
	var all sync.WaitGroup
	for n := 1; n < len(errs); n++ {
		link := w.first(record, n)
		if n == 3 {
			link = thief
		}
		all.Go(func() { _, errs[n] = h.Permissions().CreateLink(t.Context(), link) })
	}
	all.Wait()
	var exists *registry.LinkExistsError
	var taken *registry.ExternalIDTakenError
	if !errors.As(errs[1], &exists) || !errors.As(errs[3], &taken) || errs[2] != nil || errs[4] != nil {
		t.Errorf("got %v", errs)
	}
	for _, n := range []int{0, 2, 4} {
		w.must(w.publishes(w.first(record, n)))
	}
}

// Another caller's call may write the link.
func TestALinksHistoryNamesItsCallerEvenIfAnotherCallWroteIt(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	record, h := w.hubRecord(), w.process()
	var all sync.WaitGroup
	for n := range 3 {
		all.Go(func() {
			ctx := registry.OnBehalf(t.Context(), fmt.Sprintf("caller-%d", n))
			if _, err := h.Permissions().CreateLink(ctx, w.first(record, n)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for n := range 3 {
		history, err := w.registry.History(t.Context(), fmt.Sprintf("customer-%d", n))
		w.must(err)
		if want := fmt.Sprintf("caller-%d", n); len(history) != 1 || history[0].OnBehalf != want {
			t.Errorf("the history is %+v, want one line on behalf of %s", history, want)
		}
	}
}

// The templates become private after a process has read the hub's record and before it
// writes.
func TestALinkMayReadItsTemplateIfTheAccessChangesMeanwhile(t *testing.T) {
	t.Parallel()
	w := newHubFor(t, onboarding.TemplatesPublic)
	for n := range 3 {
		w.must(w.box.OpenAccount(customerAccount(n).String(), "aws"))
	}
	record, h := w.hubRecord(), w.process()
	w.must(w.create(h, record, 1, 0, 1)) // h knows the hub now
	w.access(onboarding.TemplatesAccounts)
	w.must(w.create(h, record, 1, 1, 2))
	w.mayRead(customerAccount(0), customerAccount(1))
	w.must(w.create(h, record, 1, 2, 3)) // together with the list of readers
	w.mayRead(customerAccount(2))
	w.admitted(3)
}
