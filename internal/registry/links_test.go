// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func TestALinkIsReadAsItWasWritten(t *testing.T) {
	w := newHub(t)
	written := w.linked("globex", "222222222222")
	found, err := w.Customer(t.Context(), "globex")
	w.must(err)
	if diff := cmp.Diff(onboarding.Customer{Link: written}, found, comparable); diff != "" {
		t.Errorf("written and read differ (-written +read):\n%s", diff)
	}
}

func TestASecondLinkOfACustomerIsRefusedWithTheExistingOne(t *testing.T) {
	w := newHub(t)
	first := w.linked("globex", "222222222222")
	_, err := w.CreateLink(t.Context(), w.link("globex", "333333333333"))
	var exists *registry.LinkExistsError
	if !errors.As(err, &exists) {
		t.Fatalf("got %v, want LinkExistsError", err)
	}
	if diff := cmp.Diff(first, exists.Existing, comparable); diff != "" {
		t.Errorf("the error holds another link (-want +got):\n%s", diff)
	}
}

func TestAnExternalIDAlwaysBelongsToOneCustomer(t *testing.T) {
	w := newHub(t)
	globex := w.linked("globex", "222222222222")
	old := globex.ExternalID
	globex.Generation, globex.ExternalID = 2, onboarding.ExternalID(w.hub.Key.Bytes(), hubName, "globex", 2)
	_, err := w.ReissueLink(t.Context(), globex)
	w.must(err)

	thief := w.link("initech", "333333333333")
	thief.ExternalID = old
	_, err = w.CreateLink(t.Context(), thief)
	var taken *registry.ExternalIDTakenError
	if !errors.As(err, &taken) || taken.CustomerID != "globex" {
		t.Fatalf("got %v, want ExternalIDTakenError of globex", err)
	}
	if _, err := w.Customer(t.Context(), "initech"); !errors.Is(err, registry.ErrNoLink) {
		t.Errorf("the refused link was written: %v", err)
	}
}

func TestAReissuedLinkMayHaveTheOldExternalIDAgain(t *testing.T) {
	w := newHub(t)
	link := w.linked("globex", "222222222222")
	link.Closed = true
	link, err := w.UpdateLink(t.Context(), link)
	w.must(err)
	link.Closed = false
	if _, err := w.ReissueLink(t.Context(), link); err != nil {
		t.Errorf("a claim of one's own was refused: %v", err)
	}
}

func TestALinkIsWrittenOnlyOverTheCurrentRevision(t *testing.T) {
	w := newHub(t)
	stale := w.linked("globex", "222222222222")
	newer := stale
	newer.TemplateVersion = "v2"
	_, err := w.UpdateLink(t.Context(), newer)
	w.must(err)
	for name, write := range map[string]func() error{
		"update":  func() error { _, err := w.UpdateLink(t.Context(), stale); return err },
		"reissue": func() error { _, err := w.ReissueLink(t.Context(), stale); return err },
	} {
		if err := write(); !errors.Is(err, registry.ErrConflict) {
			t.Errorf("%s: got %v, want ErrConflict", name, err)
		}
	}
}

func TestUpdateLinkRefusesAnUnclaimedExternalID(t *testing.T) {
	w := newHub(t)
	link := w.linked("globex", "222222222222")
	link.ExternalID = onboarding.ExternalID([]byte("other"), hubName, "globex", 1)
	if _, err := w.UpdateLink(t.Context(), link); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
}

func TestOneOfManyConcurrentCreatesWins(t *testing.T) {
	w := newHub(t)
	const writers = 8
	errs := make([]error, writers)
	var all sync.WaitGroup
	for n := range writers {
		all.Go(func() {
			link := w.link("globex", "222222222222")
			link.RoleName = fmt.Sprintf("role-%d", n)
			_, errs[n] = w.CreateLink(t.Context(), link)
		})
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		var exists *registry.LinkExistsError
		if err == nil {
			won++
		} else if !errors.As(err, &exists) {
			t.Errorf("got %v, want LinkExistsError", err)
		}
	}
	if won != 1 {
		t.Errorf("%d creates won, want 1", won)
	}
}

func TestCustomersAreReadInOrderWithTheirRegistrations(t *testing.T) {
	w := newHub(t)
	const customers = 150
	for n := range customers {
		link := w.link(fmt.Sprintf("customer.%03d", n), fmt.Sprintf("222222222%03d", n))
		// Large enough that DynamoDB cannot return all links in one page of 1 MB.
		link.Declared = []byte(`"` + strings.Repeat("x", 10_000) + `"`)
		_, err := w.CreateLink(t.Context(), link)
		w.must(err)
	}
	registration := onboarding.Registration{Hub: hubName, CustomerID: "customer.007", Account: id(t, "222222222007"), Status: onboarding.Active}
	registration = w.registered(registration)

	mark := w.sandbox.Journal().Mark()
	found, err := w.Customers(t.Context())
	w.must(err)
	if pages := w.sandbox.Journal().Counts(mark)["dynamodb:Query"]; pages < 2 {
		t.Errorf("read in %d pages, so paging was not tested", pages)
	}
	if len(found) != customers {
		t.Fatalf("got %d customers, want %d", len(found), customers)
	}
	for n, customer := range found {
		if want := fmt.Sprintf("customer.%03d", n); customer.Link.CustomerID != want {
			t.Fatalf("customer %d is %s, want %s", n, customer.Link.CustomerID, want)
		}
		want := []onboarding.Registration(nil)
		if n == 7 {
			want = []onboarding.Registration{registration}
		}
		if diff := cmp.Diff(want, customer.Registrations, comparable); diff != "" {
			t.Errorf("registrations of %s (-want +got):\n%s", customer.Link.CustomerID, diff)
		}
	}
}

func TestACustomersIDIsNotAnothersPrefix(t *testing.T) {
	w := newHub(t)
	w.linked("glob", "222222222222")
	w.linked("globex", "333333333333")
	w.linked("glob.ex", "444444444444")
	found, err := w.Customer(t.Context(), "glob")
	w.must(err)
	if found.Link.CustomerID != "glob" {
		t.Errorf("got customer %s, want glob", found.Link.CustomerID)
	}
}

func TestARegistrationIsWrittenOnlyOverTheCurrentRevision(t *testing.T) {
	w := newHub(t)
	w.linked("globex", "222222222222")
	first := w.registered(onboarding.Registration{CustomerID: "globex", Account: id(t, "222222222222"), Status: onboarding.Active})
	newer := first
	newer.Status = onboarding.Degraded
	w.registered(newer)
	first.Status = onboarding.Disconnected
	if _, err := w.PutHealth(t.Context(), first, w.quietly(first)); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
}
