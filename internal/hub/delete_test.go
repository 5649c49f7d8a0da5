// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func specOf(incarnation string) Spec {
	s := spec()
	s.Incarnation = onboarding.Incarnation{ID: incarnation, Since: time.Unix(1e9, 0).UTC()}
	return s
}

// taken returns a hub that one Terraform state created and another took over.
func taken(t *testing.T) *world {
	w := newHub(t)
	w.must(w.destroyed(w.Manager, false))
	_, err := w.Create(t.Context(), specOf("first"))
	w.must(err)
	record, err := w.registry.Hub(t.Context())
	w.must(err)
	_, err = w.process().TakeOver(t.Context(), record, specOf("second"))
	w.must(err)
	return w
}

func TestAHubIsDeletedOnlyByTheStateThatOwnsIt(t *testing.T) {
	t.Parallel()
	w := taken(t)
	for _, id := range []string{"first", ""} {
		var other *OtherIncarnationError
		if _, err := w.DeleteIncarnation(t.Context(), DeleteRequest{Incarnation: id, Force: true}); !errors.As(err, &other) || other.Incarnation.ID != "second" {
			t.Errorf("deleting incarnation %q ends with %v", id, err)
		}
	}
	w.complete(frankfurt, virginia)
	_, err := w.Update(t.Context(), spec()) // without an incarnation, so the hub keeps its own
	w.must(err)
	_, err = w.DeleteIncarnation(t.Context(), DeleteRequest{Incarnation: "second"})
	w.must(err)
	if left := w.left(); len(left) > 0 {
		t.Errorf("what is left: %v", left)
	}
}

func TestAHubOfTheFirstReleaseIsDeletedByAStateOfTheFirstRelease(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	_, err := w.DeleteIncarnation(t.Context(), DeleteRequest{})
	w.must(err)
	if left := w.left(); len(left) > 0 {
		t.Errorf("what is left: %v", left)
	}
}

func TestAHubWithOpenLinksIsDeletedOnlyWithForce(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.linked("globex", globex)
	var used *LiveError
	if _, err := w.Delete(t.Context(), false); !errors.As(err, &used) || !slices.Equal(used.Links, []string{"globex"}) || !strings.Contains(err.Error(), "globex") {
		t.Fatalf("got %v, want an error that names the customer", err)
	}
	w.complete(frankfurt, virginia)
	w.must(w.destroyed(w.Manager, true))
}

func TestADeletionEndsIfAnotherAddressTakesTheHubOver(t *testing.T) {
	t.Parallel()
	w := taken(t)
	w.linked("globex", globex)
	record, err := w.registry.Hub(t.Context())
	w.must(err)
	deleting := w.process()
	deleting.sleep = func(ctx context.Context, _ time.Duration) error {
		if record.Incarnation.ID == "second" {
			record.Incarnation.ID = "third"
			_, err := w.registry.UpdateHub(ctx, record)
			return err
		}
		return nil
	}
	var other *OtherIncarnationError
	if _, err := deleting.DeleteIncarnation(t.Context(), DeleteRequest{Incarnation: "second", Force: true, TakeoverWait: time.Minute}); !errors.As(err, &other) {
		t.Fatalf("got %v, want an OtherIncarnationError", err)
	}
	w.complete(frankfurt, virginia)
}

func TestADeletionKeepsAHubThatWasAnnouncedAfterItWasPlanned(t *testing.T) {
	t.Parallel()
	w := taken(t)
	before := w.now().Add(-time.Minute)
	w.must(w.Announce(t.Context()))
	departure := DeleteRequest{Incarnation: "second", Force: true, PlannedAt: before}
	var announced *AnnouncedError
	if _, err := w.DeleteIncarnation(t.Context(), departure); !errors.As(err, &announced) {
		t.Fatalf("got %v, want an AnnouncedError", err)
	}
	w.complete(frankfurt, virginia)

	record, err := w.registry.Hub(t.Context())
	w.must(err)
	_, err = w.process().TakeOver(t.Context(), record, specOf("third"))
	w.must(err)
	departure.Incarnation = "third" // the takeover has ended the announcement
	_, err = w.DeleteIncarnation(t.Context(), departure)
	w.must(err)
	if left := w.left(); len(left) > 0 {
		t.Errorf("what is left: %v", left)
	}
}

func TestADiscardedPlanDoesNotPreventALaterDeletion(t *testing.T) {
	t.Parallel()
	w := taken(t)
	w.must(w.Announce(t.Context()))
	_, err := w.DeleteIncarnation(t.Context(), DeleteRequest{Incarnation: "second", PlannedAt: w.now().Add(time.Minute)})
	w.must(err)
	if left := w.left(); len(left) > 0 {
		t.Errorf("what is left: %v", left)
	}
}

func TestCreateWaitsForADeletionInProgress(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	record, err := w.registry.Hub(t.Context())
	w.must(err)
	record.State = registry.HubDeleting
	_, err = w.registry.UpdateHub(t.Context(), record)
	w.must(err)

	waiting, looks := w.process(), 0
	waiting.sleep = func(context.Context, time.Duration) error {
		looks++
		return nil
	}
	if _, err := waiting.Create(t.Context(), spec()); err == nil || !strings.Contains(err.Error(), "it was interrupted") || looks < 2 {
		t.Fatalf("during a deletion that does not end, after %d waits, Create returns %v", looks, err)
	}

	waiting = w.process()
	pause := waiting.sleep // a deleted queue's name can be used again after a minute
	waiting.sleep = func(ctx context.Context, d time.Duration) error {
		if _, err := w.process().Delete(ctx, false); err != nil {
			return err
		}
		waiting.sleep = pause
		return pause(ctx, d)
	}
	_, err = waiting.Create(t.Context(), spec())
	w.must(err)
	w.complete(frankfurt, virginia)
}

// The error of a hub with ten thousand customers has their number, and names some.
func TestTheErrorOfAHubInUseNamesOnlyAFewCustomers(t *testing.T) {
	t.Parallel()
	used := &LiveError{Hub: "acme"}
	for n := range 10_000 {
		id := fmt.Sprintf("customer-%d", n)
		used.Links, used.Stacks = append(used.Links, id), append(used.Stacks, LiveStack{CustomerID: id})
	}
	text := used.Error()
	if len(text) > 2_000 || !strings.Contains(text, "10000 live stacks") || !strings.Contains(text, "10000 open links") || strings.Count(text, "customer-9\n")+strings.Count(text, "customer-9 and 9990 more") != 1 {
		t.Errorf("the error has %d characters:\n%.3000s", len(text), text)
	}
	unconfirmed := &UnconfirmedError{Hub: "acme", Customers: used.Links}
	if text := unconfirmed.Error(); len(text) > 500 {
		t.Errorf("the error has %d characters:\n%.1000s", len(text), text)
	}
}
