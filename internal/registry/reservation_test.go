// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"errors"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// anyones returns a visit through a link for anyone that is not bound yet.
func (w *world) anyones(requestID string) visit {
	v := w.visit(requestID)
	v.answer.Change = onboarding.Change{Kind: onboarding.ChangeRegister, CustomerID: "globex", Binds: true}
	return v
}

func (w *world) anyonesLink() {
	link := w.link("globex", "222222222222")
	link.Scope, link.Account = onboarding.ScopeAnyone, account.ID{}
	_, err := w.CreateLink(w.t.Context(), link)
	w.must(err)
}

func (w *world) currentLink() onboarding.Link {
	w.t.Helper()
	customer, err := w.Customer(w.t.Context(), "globex")
	w.must(err)
	return customer.Link
}

func TestStoringAnAnswerReservesTheLinkAndItsCommitBindsIt(t *testing.T) {
	w := newHub(t)
	w.anyonesLink()
	first, second := w.anyones("one"), w.anyones("two")
	stored, err := w.StoreAnswer(t.Context(), first.snapshot, first.answer)
	w.must(err)
	if link := w.currentLink(); link.Reservation == nil || link.Reservation.RequestID != "one" || !link.Bound.IsZero() {
		t.Fatalf("after the answer was stored: %+v", link)
	}
	if _, err := w.StoreAnswer(t.Context(), second.snapshot, second.answer); !errors.Is(err, registry.ErrConflict) {
		t.Fatalf("a second account was promised the same link: %v", err)
	}
	first.snapshot = w.load(first.request)
	bound := *first.snapshot.Link
	bound.Bound, bound.Reservation = first.request.Stack.Account, nil
	first.after.Link = &bound
	w.must(w.Commit(t.Context(), first.snapshot, stored, first.after))
	if link := w.currentLink(); link.Bound != first.request.Stack.Account || link.Reservation != nil {
		t.Errorf("after the commit: %+v", link)
	}
}

func TestACommitWhoseReservationIsGoneIsAConflict(t *testing.T) {
	w := newHub(t)
	w.anyonesLink()
	v := w.anyones("one")
	stored, err := w.StoreAnswer(t.Context(), v.snapshot, v.answer)
	w.must(err)
	v.snapshot = w.load(v.request)
	w.must(w.RefuseAnswer(t.Context(), stored)) // releases the reservation
	v.after.Link = v.snapshot.Link
	if err := w.Commit(t.Context(), v.snapshot, stored, v.after); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
}

func TestARefusedAnswerReleasesOnlyItsOwnReservation(t *testing.T) {
	w := newHub(t)
	w.anyonesLink()
	v := w.anyones("one")
	stored, err := w.StoreAnswer(t.Context(), v.snapshot, v.answer)
	w.must(err)
	other := stored
	other.RequestID = "another"
	w.must(w.RefuseAnswer(t.Context(), other))
	if w.currentLink().Reservation == nil {
		t.Fatal("the refusal of another answer released the reservation")
	}
	w.must(w.RefuseAnswer(t.Context(), stored))
	if link := w.currentLink(); link.Reservation != nil {
		t.Errorf("still reserved: %+v", link.Reservation)
	}
	w.must(w.RefuseAnswer(t.Context(), stored)) // again
}

// bind registers the first account of a link for anyone.
func (w *world) bind(as *registry.Registry) {
	w.t.Helper()
	v := w.anyones("one")
	stored, err := as.StoreAnswer(w.t.Context(), v.snapshot, v.answer)
	w.must(err)
	v.snapshot = w.load(v.request)
	bound := *v.snapshot.Link
	bound.Bound, bound.Reservation = v.request.Stack.Account, nil
	v.after.Link = &bound
	w.must(as.Commit(w.t.Context(), v.snapshot, stored, v.after))
}

func TestALinkThatWasForAnyoneCanBeUpdatedAfterAListing(t *testing.T) {
	w := newHub(t)
	w.anyonesLink()
	w.bind(w.process())
	link := w.currentLink()
	link.Scope, link.Account, link.Bound = onboarding.ScopeAccount, link.Bound, account.ID{}
	_, err := w.UpdateLink(t.Context(), link)
	w.must(err)
	customers, err := w.Customers(t.Context())
	w.must(err)
	link = customers[0].Link
	link.Closed = true
	if link, err = w.UpdateLink(t.Context(), link); err != nil || !link.Closed || link.BindingEpoch != 1 {
		t.Errorf("%+v: %v", link, err)
	}
}

func TestUpdateLinkConflictsWithABindingThatTheVendorHasNotRead(t *testing.T) {
	for name, when := range map[string]func(w *world){
		"bound after the vendor has read the link": func(w *world) { w.bind(w.process()) },
		"bound while the vendor writes it": func(w *world) {
			w.sandbox.Faults().Before(beforeCall(2, func() { w.bind(w.process()) }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newHub(t)
			w.anyonesLink()
			link := w.currentLink()
			when(w)
			link.Blocked = true // as xacct block does
			if _, err := w.UpdateLink(t.Context(), link); !errors.Is(err, registry.ErrConflict) {
				t.Errorf("got %v, want ErrConflict", err)
			}
			link = w.currentLink()
			link.Blocked = true
			_, err := w.UpdateLink(t.Context(), link)
			w.must(err)
			if link = w.currentLink(); link.Bound.String() != "222222222222" || !link.Blocked {
				t.Errorf("the link is bound to %q, blocked %t", link.Bound, link.Blocked)
			}
		})
	}
}
