// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// TestARequestThatWaitsWhileItsRegionIsRetiredIsAnswered also answers the Delete of
// the rollback, which is sent later. The customer reads the reason.
func TestARequestThatWaitsWhileItsRegionIsRetiredIsAnswered(t *testing.T) {
	t.Parallel()
	w := New(t)
	c := w.Invite("globex", AccountID(1))
	id := c.Launch(Virginia, sandbox.LaunchOptions{})
	w.queueHas(func(n int) bool { return n > 0 })
	_, err := w.Hub.Update(t.Context(), hub.Spec{
		DisplayName: "Acme", SupportURL: w.Record.SupportURL, Regions: []account.Region{region(Frankfurt)}, PublisherScope: onboarding.KnownAccounts,
		TemplateAccess: onboarding.TemplatesPublic, ResponseTimeout: 15 * time.Minute, Capacity: 1500, Shards: 1,
	})
	w.Must(err)
	w.Registrar()
	c.Settled(id, "ROLLBACK_COMPLETE")
	w.Quiet()
	w.Reads(id, "Acme no longer connects stacks in us-east-1. Delete the stack, and open the link that Acme gives you now: it leads to another Region. Help: https://acme.example/support")
	answered(t, w, id, "FAILED", "SUCCESS")
	c.Unknown()
	if n := w.DeadLetters(); n != 0 {
		t.Errorf("%d messages are in the dead-letter queue", n)
	}
	c.Connect(Frankfurt)
}
