// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// fleet writes a fleet whose links refer to a permission set.
func (w *world) fleet(name string, set onboarding.PermissionSet) onboarding.Fleet {
	w.t.Helper()
	fleet, err := w.WriteFleet(w.t.Context(), nil, onboarding.Fleet{
		Hub: hubName, Name: name, PermissionSet: set.Name, Region: region(w.t, "us-east-1"),
		Incarnation: onboarding.Incarnation{ID: "first", Since: w.clock.Now()}, CreatedAt: w.clock.Now(),
	})
	w.must(err)
	return fleet
}

// members returns new links of a fleet, for the customers [from, to).
func (w *world) members(fleet onboarding.Fleet, set onboarding.PermissionSet, from, to int) []registry.LinkChange {
	w.t.Helper()
	var changes []registry.LinkChange
	for n := from; n < to; n++ {
		link := w.link(fmt.Sprintf("customer-%04d", n), fmt.Sprintf("5%011d", n))
		link.Fleet = fleet.Name
		changes = append(changes, registry.LinkChange{Link: link.WithSet(set)})
	}
	return changes
}

func TestAFleetIsReadAsItWasWritten(t *testing.T) {
	w := newHub(t)
	written := w.fleet("main", w.declared("readonly", "v1"))
	found, err := w.Fleet(t.Context(), "main")
	w.must(err)
	if diff := cmp.Diff(written, found, comparable); diff != "" {
		t.Errorf("written and read differ (-written +read):\n%s", diff)
	}
	if _, err := w.Fleet(t.Context(), "other"); !errors.Is(err, registry.ErrNoFleet) {
		t.Errorf("got %v, want ErrNoFleet", err)
	}
}

func TestLinksOfAFleetAreWrittenInFullTransactions(t *testing.T) {
	w := newHub(t)
	set := w.declared("readonly", "v1")
	fleet := w.fleet("main", set)
	mark := w.sandbox.Journal().Mark()
	written, err := w.WriteLinks(t.Context(), fleet, w.members(fleet, set, 0, 200))
	w.must(err)
	// Per link: its item, its claim, and a line of the history. Per transaction: a check of the
	// fleet.
	if n, want := w.sandbox.Journal().Counts(mark)["dynamodb:TransactWriteItems"], 200/((registry.TransactionSize-1)/3)+1; n != want {
		t.Errorf("200 links were %d transactions, want %d", n, want)
	}
	customers, err := w.Customers(t.Context())
	w.must(err)
	if len(customers) != 200 || len(written) != 200 {
		t.Fatalf("%d links were written, and %d are there", len(written), len(customers))
	}
	for n, customer := range customers {
		if customer.Link.Fleet != "main" || customer.Link.Revision != 1 || customer.Link.TemplateVersion != "v1" {
			t.Errorf("the link of %s is %+v", customer.Link.CustomerID, customer.Link)
		}
		if written[n].Revision != 1 {
			t.Errorf("link %d was written with revision %d", n, written[n].Revision)
		}
	}
	history, err := w.History(t.Context(), "customer-0007")
	w.must(err)
	if len(history) != 1 || history[0].Outcome != onboarding.OutcomeIssued {
		t.Errorf("the history is %+v", history)
	}
	if size := sizeOf(w.item(registry.LinkItem("customer-0007"))); size > 1024 || size < 300 {
		t.Errorf("the link's item has %d bytes, want at most 1 KB", size)
	}
}

// The process that wrote the fleet's record last continues. The other one stops, and what it
// wrote stays.
func TestOnlyTheLastWriterOfAFleetWritesLinks(t *testing.T) {
	w := newHub(t)
	set := w.declared("readonly", "v1")
	former := w.fleet("main", set)
	_, err := w.WriteLinks(t.Context(), former, w.members(former, set, 0, 10))
	w.must(err)
	takeover := former
	takeover.Incarnation.ID = "second"
	latter, err := w.WriteFleet(t.Context(), &former, takeover)
	w.must(err)
	written, err := w.WriteLinks(t.Context(), former, w.members(former, set, 10, 20))
	if !errors.Is(err, registry.ErrFleetChanged) || !errors.Is(err, registry.ErrConflict) || len(written) != 0 {
		t.Errorf("got %v and %d links, want ErrFleetChanged", err, len(written))
	}
	if _, err := w.WriteFleet(t.Context(), &former, former); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("the record was written over a newer one: %v", err)
	}
	_, err = w.WriteLinks(t.Context(), latter, w.members(latter, set, 10, 20))
	w.must(err)
}

func TestAChangedLinkPreventsItsBatch(t *testing.T) {
	w := newHub(t)
	set := w.declared("readonly", "v1")
	fleet := w.fleet("main", set)
	written, err := w.WriteLinks(t.Context(), fleet, w.members(fleet, set, 0, 50))
	w.must(err)
	blocked := written[40]
	blocked.Blocked = true
	_, err = w.UpdateLink(t.Context(), blocked)
	w.must(err)
	var closing []registry.LinkChange
	for _, link := range written {
		before := link
		link.Closed, link.ClosedAt = true, w.clock.Now()
		closing = append(closing, registry.LinkChange{Before: &before, Link: link})
	}
	closed, err := w.WriteLinks(t.Context(), fleet, closing)
	if !errors.Is(err, registry.ErrConflict) || errors.Is(err, registry.ErrFleetChanged) || len(closed) == 50 {
		t.Errorf("got %v and %d links closed, want ErrConflict", err, len(closed))
	}
	customer, err := w.Customer(t.Context(), "customer-0040")
	w.must(err)
	if customer.Link.Closed || !customer.Link.Blocked {
		t.Errorf("the link is %+v", customer.Link)
	}
}

func TestANewFleetRequiresASetThatIsNotRetired(t *testing.T) {
	w := newHub(t)
	set := w.declared("readonly", "v1")
	fleet := w.fleet("main", set)
	other := fleet
	other.PermissionSet = "none"
	if _, err := w.WriteFleet(t.Context(), &fleet, other); !errors.Is(err, registry.ErrNoPermissionSet) {
		t.Errorf("got %v, want ErrNoPermissionSet", err)
	}
	set.RetiredAt = w.clock.Now()
	_, err := w.UpdatePermissionSet(t.Context(), set)
	w.must(err)
	fleet.ExpiresAt = w.clock.Now().Add(time.Hour)
	_, err = w.WriteFleet(t.Context(), &fleet, fleet)
	w.must(err)
	if _, err := w.WriteFleet(t.Context(), nil, onboarding.Fleet{Hub: hubName, Name: "late", PermissionSet: set.Name, Region: fleet.Region}); !errors.Is(err, registry.ErrPermissionSetRetired) {
		t.Errorf("got %v, want ErrPermissionSetRetired", err)
	}
}

func TestAFleetCannotTakeAnotherCustomersExternalID(t *testing.T) {
	w := newHub(t)
	set := w.declared("readonly", "v1")
	fleet := w.fleet("main", set)
	other := w.linked("globex", "222222222222")
	changes := w.members(fleet, set, 0, 3)
	changes[1].Link.ExternalID = other.ExternalID
	_, err := w.WriteLinks(t.Context(), fleet, changes)
	var taken *registry.ExternalIDTakenError
	if !errors.As(err, &taken) || taken.CustomerID != "globex" {
		t.Errorf("got %v, want an ExternalIDTakenError of globex", err)
	}
}
