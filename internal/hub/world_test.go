// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"crypto/rand"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// world has a vendor's sandbox with a hub, and one of the vendor's processes.
type world struct {
	*Manager
	t     *testing.T
	box   *sandbox.Sandbox
	clock *trial.Clock
}

// newWorld returns a world without a hub.
func newWorld(t *testing.T) *world {
	t.Helper()
	box := trial.Sandbox(t)
	w := &world{t: t, box: box, clock: trial.NewClock(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))}
	w.Manager = w.process()
	return w
}

// newHub returns a world with a hub.
func newHub(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	_, err := w.Create(t.Context(), spec())
	w.must(err)
	return w
}

// process returns another process of the vendor for the same hub. Its waits take no time, but
// advance the clocks that all processes share.
func (w *world) process() *Manager {
	w.t.Helper()
	h, err := New(w.clients(sandbox.VendorAccount), "acme", w.clock.Now, rand.Reader)
	w.must(err)
	h.sleep = func(ctx context.Context, d time.Duration) error {
		w.clock.Advance(d)
		w.box.Clock().Advance(d)
		return ctx.Err()
	}
	return h
}

// clients returns clients with an account administrator's credentials.
func (w *world) clients(id string) *awsclient.Clients {
	w.t.Helper()
	keys, err := w.box.Credentials(id)
	w.must(err)
	return w.clientsOf(keys)
}

func (w *world) clientsOf(keys sandbox.Credentials) *awsclient.Clients {
	w.t.Helper()
	clients, err := trial.ClientsAs(w.t.Context(), w.box, keys, "eu-central-1")
	w.must(err)
	return clients
}

// spec returns the specification of a hub in two Regions.
func spec() Spec {
	return Spec{
		DisplayName:     "Acme",
		SupportURL:      "https://acme.example/support",
		Regions:         []account.Region{frankfurt, virginia},
		PublisherScope:  onboarding.KnownAccounts,
		TemplateAccess:  onboarding.TemplatesPublic,
		ResponseTimeout: 15 * time.Minute,
		Capacity:        1500,
		Shards:          1,
		Tags:            map[string]string{"team": "platform"},
	}
}

var (
	frankfurt = parse(account.ParseRegion, "eu-central-1")
	virginia  = parse(account.ParseRegion, "us-east-1")
	ireland   = parse(account.ParseRegion, "eu-west-1")

	globex  = parse(account.ParseID, "222222222222")
	initech = parse(account.ParseID, "333333333333")
)

func parse[T any](parse func(string) (T, error), s string) T {
	v, err := parse(s)
	if err != nil {
		panic(err)
	}
	return v
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// linked writes a customer's link.
func (w *world) linked(customer string, id account.ID) onboarding.Link {
	w.t.Helper()
	link, err := w.registry.CreateLink(w.t.Context(), onboarding.Link{
		Hub:        "acme",
		CustomerID: customer,
		Generation: 1,
		ExternalID: onboarding.ExternalID([]byte("key"), "acme", customer, 1),
		Account:    id,
		CreatedAt:  w.clock.Now(),
	})
	w.must(err)
	return link
}

// registered writes a customer with a live stack in a Region.
func (w *world) registered(customer string, id account.ID, region account.Region) account.StackARN {
	w.t.Helper()
	w.linked(customer, id)
	stack := account.StackARN{Region: region, Account: id, Name: "acme-access", GUID: "0001"}
	registration := onboarding.Registration{
		Hub: "acme", CustomerID: customer, Account: id, Stack: stack, Status: onboarding.Active, ChangedAt: w.clock.Now(),
	}
	_, err := w.registry.PutHealth(w.t.Context(), registration, quiet(registration))
	w.must(err)
	return stack
}

// quiet returns a line of the history that causes no event.
func quiet(r onboarding.Registration) onboarding.HistoryEntry {
	return onboarding.HistoryEntry{At: r.ChangedAt, CustomerID: r.CustomerID, Account: r.Account, Outcome: onboarding.OutcomeTombstone}
}

// complete fails the test if a read of the hub reports anything to repair.
func (w *world) complete(regions ...account.Region) {
	w.t.Helper()
	state, err := w.process().Read(w.t.Context())
	w.must(err)
	if len(state.Defects) > 0 || state.PoliciesOutdated {
		w.t.Errorf("missing %v, policies behind %t", state.Defects, state.PoliciesOutdated)
	}
	for _, region := range regions {
		if len(state.Topics[region]) != 1 {
			w.t.Errorf("topics in %s: %v, want one", region, state.Topics[region])
		}
	}
	if len(state.Topics) != len(regions) || state.Record.State != registry.HubReady || len(state.Record.Retiring) > 0 {
		w.t.Errorf("topics %v, record %+v", state.Topics, state.Record)
	}
}

// destroyed deletes the hub, and fails the test if something remains.
func (w *world) destroyed(h *Manager, force bool) error {
	w.t.Helper()
	remains, err := h.Delete(w.t.Context(), force)
	if remains != (Retained{}) {
		w.t.Errorf("left is %+v", remains)
	}
	return err
}

// reads matches actions that change nothing.
var reads = regexp.MustCompile(`^(Get|List|Head|Describe|Query|BatchGet)`)

// dieAtEveryCall runs an operation whose process dies before its first call that changes
// something, then before its second, and so on until the operation succeeds, each time in a
// new world. Calls that only read need not be counted: a process that dies before one leaves
// the same as one that dies before the next change. After each death check runs.
func dieAtEveryCall(t *testing.T, setUp func(*testing.T) *world, operation func(*world) error, check func(w *world, calls int)) {
	t.Helper()
	for alive := 0; ; alive++ {
		w := setUp(t)
		var mu sync.Mutex
		changes := 0
		revive := w.box.Faults().Before(func(c *kernel.Call) error {
			mu.Lock()
			defer mu.Unlock()
			if c.Principal == nil || c.Principal.Service != "" {
				return nil // calls between AWS services don't fail
			}
			if !reads.MatchString(c.Action) {
				changes++
			}
			if changes > alive {
				return kernel.Errorf(400, "ValidationError", "the process has stopped")
			}
			return nil
		})
		err := operation(w)
		revive()
		if err == nil && alive < 5 {
			t.Fatalf("the operation succeeded with %d calls, so nothing was tested", alive)
		}
		check(w, alive)
		_ = w.box.Close()
		if err == nil || t.Failed() {
			return
		}
	}
}

// calls returns the number of calls of an action since a mark.
func (w *world) calls(mark int, action string) int { return w.box.Journal().Counts(mark)[action] }

// left returns the hub's resources that the vendor's account still has.
func (w *world) left() []string {
	w.t.Helper()
	var left []string
	for _, region := range []account.Region{frankfurt, virginia, ireland} {
		if _, err := w.topicAttributes(w.t.Context(), w.topic(region, 0)); err == nil {
			left = append(left, "topic in "+region.String())
		}
	}
	for name, look := range map[string]func() error{
		"queue": func() error { _, err := w.queueAttributes(w.t.Context(), w.queueURL(QueueName("acme"))); return err },
		"dead-letter queue": func() error {
			_, err := w.queueAttributes(w.t.Context(), w.queueURL(DeadLetterQueueName("acme")))
			return err
		},
		"table": func() error { _, err := w.registry.Hub(w.t.Context()); return err },
	} {
		if look() == nil {
			left = append(left, name)
		}
	}
	slices.Sort(left)
	return left
}

func (w *world) queueURL(name string) string {
	return w.box.URL() + "/" + sandbox.VendorAccount + "/" + name
}
