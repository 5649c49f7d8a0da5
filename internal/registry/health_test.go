// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"errors"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func TestHealthAndItsHistoryAreWrittenAtomically(t *testing.T) {
	w := newHub(t)
	registered := w.registered(onboarding.Registration{
		Hub: hubName, CustomerID: "globex", Account: id(t, "222222222222"),
		Stack: stackARN(t, "222222222222", "0001"), LogicalID: "PhoneHome", Status: onboarding.Active,
	})
	w.clock.Advance(time.Hour)
	refused := onboarding.Proof{Outcome: onboarding.Refused}

	degraded, entry := onboarding.Health(registered, refused, w.clock.Now())
	written, err := w.PutHealth(t.Context(), degraded, *entry)
	w.must(err)
	if written.Status != onboarding.Degraded || written.Revision != registered.Revision+1 {
		t.Errorf("written: %+v", written)
	}

	// A change that is based on the former revision is a conflict.
	stale, entry := onboarding.Health(registered, onboarding.Proof{Outcome: onboarding.Open, Weakness: "without an external ID"}, w.clock.Now().Add(time.Minute))
	if _, err := w.PutHealth(t.Context(), stale, *entry); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("a stale write gave %v, want a conflict", err)
	}
	// The same write again is not a conflict: the response to the first may have been lost.
	if again, err := w.PutHealth(t.Context(), degraded, *entry); err != nil || again.Revision != written.Revision {
		t.Errorf("the same write again gave %+v, %v", again, err)
	}
	history := w.requests("globex")
	if len(history) != 1 || history[0].Outcome != onboarding.OutcomeDegraded || history[0].Detail == "" {
		t.Errorf("history: %+v", history)
	}
}
