// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// TestAfterARestoreEveryLiveCustomerIsActiveAgain restores the table to a time before
// most customers connected. Customers that had left before stay disconnected.
func TestAfterARestoreEveryLiveCustomerIsActiveAgain(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	early, left := w.Invite("early", AccountID(1)), w.Invite("left", AccountID(2))
	updates, sleeps := w.Invite("updates", AccountID(3)), w.Invite("sleeps", AccountID(4))
	never, blocked := w.Invite("never", AccountID(5)), w.Invite("blocked", AccountID(6))
	earlyStack, leftStack := early.Connect(Frankfurt), left.Connect(Frankfurt)
	left.Delete(leftStack)
	left.Settled(leftStack, "DELETE_COMPLETE")
	w.Quiet()
	left.Owned(leftStack, onboarding.Disconnected)
	back := w.Now()
	w.Clock().Advance(time.Minute)

	updatesStack, sleepsStack, blockedStack := updates.Connect(Frankfurt), sleeps.Connect(Virginia), blocked.Connect(Frankfurt)
	again := left.Connect(Virginia)
	w.Must(w.RewindTable(sandbox.VendorAccount, Frankfurt, w.Registry().Table(), back))
	for _, c := range []*Customer{updates, sleeps, blocked} {
		c.Unknown()
	}
	blocked.Change(func(l *onboarding.Link) { l.Blocked, l.BlockedAt = true, w.Now() }) // as the guide advises

	for stack, c := range map[string]*Customer{updatesStack: updates, again: left} {
		c.Update(stack, sandbox.UpdateOptions{TemplateURL: w.Publish(w.Template(roleV2))})
		c.Settled(stack, "UPDATE_COMPLETE")
	}
	w.Quiet()
	updates.Owned(updatesStack, onboarding.Active)
	if got := updates.Happened(); !slices.Equal(got, []onboarding.Outcome{onboarding.OutcomeRecovered}) {
		t.Errorf("the history of the updated customer is %v", got)
	}

	findings, err := health.Round(t.Context(), health.Config{
		Registry: w.Registry(), Prover: registrar.NewProver(w.Clients, w.Record), Clock: w.Now, Restored: &w.Record.Hub,
	})
	w.Must(err)
	for _, f := range findings {
		if f.Verdict != health.Works {
			t.Errorf("the round finds %+v", f)
		}
	}
	early.Owned(earlyStack, onboarding.Active)
	if found := sleeps.Registrations(); len(found) != 1 || found[0].Status != onboarding.Active || !found[0].Recovered {
		t.Errorf("the idle customer is %+v", found)
	}
	if got := sleeps.Happened(); !slices.Equal(got, []onboarding.Outcome{onboarding.OutcomeRecovered}) {
		t.Errorf("the history of the idle customer is %v", got)
	}
	left.Owned(leftStack, onboarding.Disconnected) // as in the restored registry
	never.Unknown()
	blocked.Unknown()

	// A registration that was found again works like any other.
	sleeps.Delete(sleepsStack)
	sleeps.Settled(sleepsStack, "DELETE_COMPLETE")
	updates.Update(updatesStack, sandbox.UpdateOptions{TemplateURL: w.Publish(w.Template(roleV1))})
	updates.Settled(updatesStack, "UPDATE_COMPLETE")
	blocked.Delete(blockedStack)
	blocked.Settled(blockedStack, "DELETE_COMPLETE")
	w.Quiet()
	sleeps.Owned(sleepsStack, onboarding.Disconnected)
	updates.Owned(updatesStack, onboarding.Active)
	if n := w.DeadLetters(); n != 0 {
		t.Errorf("%d messages were moved to the dead-letter queue", n)
	}
}
