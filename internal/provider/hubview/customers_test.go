// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hubview_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/e2e"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// world has a hub with some customers.
type world struct {
	*e2e.World
	t *testing.T
}

func newWorld(t *testing.T, customers int) *world {
	t.Helper()
	t.Parallel()
	w := &world{World: e2e.New(t), t: t}
	for n := range customers {
		w.Invite(fmt.Sprintf("customer-%02d", n), e2e.AccountID(n))
	}
	return w
}

// view returns the view of the hub that one Terraform operation has.
func (w *world) view() *hubview.View {
	w.t.Helper()
	view, err := hubview.New(e2e.Hub, hubview.Config{Clients: w.Clients, Clock: w.Now, PollInterval: time.Second})
	w.Must(err)
	return view
}

// walked returns the IDs of the first customers of a walk, up to limit, and the calls
// that it made.
func (w *world) walked(view *hubview.View, ids []string, part registry.Part, limit int) (found []string, calls map[string]int) {
	w.t.Helper()
	mark := w.Journal().Mark()
	for customer, err := range view.Walk(w.t.Context(), ids, part) {
		w.Must(err)
		if found = append(found, customer.Link.CustomerID); len(found) == limit {
			break
		}
	}
	return found, w.Journal().Counts(mark)
}

func TestOnlyTheRequestedCustomersAreRead(t *testing.T) {
	w := newWorld(t, 30)
	view := w.view()
	found, calls := w.walked(view, []string{"customer-07", "unknown", "customer-03", "customer-07"}, registry.Part{}, 30)
	if !slices.Equal(found, []string{"customer-03", "customer-07"}) || calls["dynamodb:Query"] > 0 || calls["dynamodb:BatchGetItem"] > 2 {
		t.Errorf("by their IDs: %v with %v", found, calls)
	}
	if found, _ := w.walked(view, []string{}, registry.Part{}, 30); len(found) > 0 {
		t.Errorf("no customer was asked for, and there were %v", found)
	}

	found, calls = w.walked(view, nil, registry.Part{After: "customer-09", Limit: 3}, 3)
	if !slices.Equal(found, []string{"customer-10", "customer-11", "customer-12"}) || calls["dynamodb:Query"] > 2 {
		t.Errorf("a page: %v with %v", found, calls)
	}

	// After all customers were read once, walks need no call.
	if found, _ = w.walked(view, nil, registry.Part{}, 100); len(found) != 30 {
		t.Errorf("all: %v", found)
	}
	found, calls = w.walked(view, nil, registry.Part{After: "customer-27", Limit: 10}, 10)
	if !slices.Equal(found, []string{"customer-28", "customer-29"}) || len(calls) > 0 {
		t.Errorf("a page of what was read: %v with %v", found, calls)
	}
}

func TestAWaitReadsOnlyItsCustomer(t *testing.T) {
	w := newWorld(t, 20)
	c := w.Invite("globex", e2e.AccountID(50))
	r := w.Registrar()
	c.Connect(e2e.Frankfurt)
	r.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	view := w.view()
	_, err := view.Record(ctx)
	w.Must(err)
	mark := w.Journal().Mark()
	found, err := view.Waiter.Until(ctx, "globex", func(c onboarding.Customer) bool { return len(c.Current()) == 1 })
	if err != nil || found.Link.CustomerID != "globex" {
		t.Fatalf("%+v, %v", found.Link, err)
	}
	// The registrar makes one query, for events that were not sent yet.
	if queries := w.Journal().Counts(mark)["dynamodb:Query"]; queries > 1 {
		t.Errorf("the wait took %d queries: %v", queries, w.Journal().Counts(mark))
	}
	mark = w.Journal().Mark()
	again, err := view.Customer(t.Context(), "globex")
	if calls := w.Journal().Counts(mark); err != nil || len(again.Current()) != 1 || len(calls) > 0 {
		t.Errorf("after the wait the same operation reads %+v with %v, %v", again, calls, err)
	}
	all, err := view.Customers(t.Context())
	if err != nil || len(all) != 21 || len(all["globex"].Current()) != 1 {
		t.Errorf("of %d customers globex is %+v, %v", len(all), all["globex"], err)
	}
}

// One link is at two addresses. The delete at its old address may report its write after
// the create at its new address has taken the link over.
func TestTheLaterWriteOfALinkCounts(t *testing.T) {
	w := newWorld(t, 1)
	view := w.view()
	read, err := view.Customer(t.Context(), "customer-00")
	w.Must(err)
	closed, open := read.Link, read.Link
	closed.Closed, closed.Revision = true, read.Link.Revision+1
	open.Revision = closed.Revision + 1
	view.WroteOrClosedLink(open)
	view.WroteOrClosedLink(closed)
	one, err := view.Customer(t.Context(), "customer-00")
	w.Must(err)
	all, err := view.Customers(t.Context())
	w.Must(err)
	if one.Link.Closed || all["customer-00"].Link.Closed {
		t.Errorf("the link is closed, although it was opened again: %+v", one.Link)
	}
}

func TestTheLaterWriteOfAHubCounts(t *testing.T) {
	w := newWorld(t, 0)
	view := w.view()
	earlier, err := view.Record(t.Context())
	w.Must(err)
	later := earlier
	earlier.Revision, earlier.DisplayName = earlier.Revision+1, "Earlier"
	later.Revision, later.DisplayName = later.Revision+2, "Later"
	view.WroteHub(later)
	view.WroteHub(earlier)
	got, err := view.Record(t.Context())
	w.Must(err)
	if got.DisplayName != "Later" {
		t.Errorf("the hub is that of the earlier write: %+v", got)
	}
}
