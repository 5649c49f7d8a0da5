// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
)

// patience is how long a waiting role waits unless its timeouts say otherwise.
const patience = time.Hour

// await waits until the customer's role is registered, and answers phone-homes
// meanwhile. It returns nil when it said why it stopped waiting.
func (r *roleResource) await(ctx context.Context, view *hubview.View, c onboarding.Customer, arrived func(onboarding.Customer) bool, limit time.Duration, diags *diag.Diagnostics) *onboarding.Customer {
	if !arrived(c) {
		if status := c.Link.Status(r.session.now()); status != onboarding.LinkOpen {
			diags.AddAttributeError(path.Root("link"), fmt.Sprintf("The link of %s is %s", customerNamed(view.Name, c.Link.CustomerID), status),
				"Nobody can register through it any more, so there is nothing to wait for. Open it again: move its expires_at, or create it anew.")
			return nil
		}
		waiting, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		found, err := view.Waiter.Until(waiting, c.Link.CustomerID, arrived)
		if err != nil {
			diags.Append(stillWaiting(ctx, view, c, limit, err))
			return nil
		}
		c = found
	}
	for _, registration := range c.Current() {
		if registration.Status != onboarding.Degraded {
			continue
		}
		diags.AddWarning(fmt.Sprintf("The role of %s does not prove at the moment", customerNamed(view.Name, c.Link.CustomerID)),
			paragraphs("The customer's stack is there, but the role can't be assumed as it should be. Its status is degraded.", registration.Reason))
	}
	return &c
}

// refuseMinimum refuses to wait for more accounts than the link is for.
func (m roleModel) refuseMinimum(c onboarding.Customer, diags *diag.Diagnostics) bool {
	if m.MinimumAccounts.ValueInt64() <= 1 || c.Link.Scope == onboarding.ScopeOrganization {
		return false
	}
	diags.AddAttributeError(path.Root("minimum_accounts"), "The link is for one account",
		`Only a link with scope = "organization" has more than one account to wait for. Leave minimum_accounts out.`)
	return true
}

// arrived asks whether there is nothing to wait for: a live stack of the customer
// is registered, or as many as are to be waited for.
func (m roleModel) arrived() func(onboarding.Customer) bool {
	minimum := max(1, int(m.MinimumAccounts.ValueInt64()))
	return func(c onboarding.Customer) bool {
		alive := 0
		for _, r := range c.Current() {
			if r.Live() {
				alive++
			}
		}
		return alive >= minimum
	}
}

// stillWaiting says that time ran out, or the person did.
func stillWaiting(ctx context.Context, view *hubview.View, c onboarding.Customer, limit time.Duration, err error) diag.Diagnostic {
	who := customerNamed(view.Name, c.Link.CustomerID)
	if ctx.Err() != nil {
		return diag.NewErrorDiagnostic("Stopped waiting for "+who,
			"The operation was interrupted. Nothing is lost: the link stays open, and the next apply goes on waiting.")
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		return cannot("wait for", who, "", err)
	}
	link := ""
	d, err := declaration.Of(c.Link)
	// The time to wait is over, and not that to read the hub.
	if record, unread := view.Record(context.WithoutCancel(ctx)); err == nil && unread == nil {
		link = howToSend(record, c.Link, d, view.Console())
	}
	trouble := ""
	if last := view.Waiter.LastTrouble(); last != nil {
		trouble = "While waiting, this went wrong: " + last.Error()
	}
	return diag.NewErrorDiagnostic(fmt.Sprintf("No role yet from %s", who), paragraphs(
		fmt.Sprintf("The customer has not created the stack within %s, or it failed: its events say why. Send them the link again; the next apply goes on waiting.", limit),
		link, trouble))
}
