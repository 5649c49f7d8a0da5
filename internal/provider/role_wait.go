// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
)

// defaultWait is how long an apply waits for a role if its timeouts are not set.
const defaultWait = time.Hour

// roleWait defines what an apply waits for, and for how long.
type roleWait struct {
	view    *hubview.View
	arrived func(onboarding.Customer) bool
	limit   time.Duration
	setting string // the attribute that sets the limit: "timeouts.create"
}

// await waits until the customer's role is registered, and answers phone-homes in the
// meantime. It returns the customer; nil with a diagnostic if it stopped waiting.
func (w roleWait) await(ctx context.Context, c onboarding.Customer, diags *diag.Diagnostics) *onboarding.Customer {
	view := w.view
	if !w.arrived(c) {
		if status := c.Link.Status(view.Now()); status != onboarding.LinkOpen {
			diags.AddAttributeError(path.Root("link"), fmt.Sprintf("The link of %s is %s", customerNamed(view.Name, c.Link.CustomerID), status),
				"No role can register with it any more, so there is nothing to wait for. Open it again: set a later expires_at, or create the link again.")
			return nil
		}
		waiting, cancel := context.WithTimeout(ctx, w.limit)
		defer cancel()
		found, err := view.Waiter.Until(waiting, c.Link.CustomerID, w.arrived)
		if err != nil {
			diags.Append(w.ended(ctx, c, err))
			return nil
		}
		c = found
	}
	for _, registration := range c.Current() {
		if registration.Status != onboarding.Degraded {
			continue
		}
		diags.AddWarning(fmt.Sprintf("The role of %s is degraded", customerNamed(view.Name, c.Link.CustomerID)),
			paragraphs("The customer is registered, but the role fails its proof. Ask the customer to restore the role, or to update the stack; 'xacct verify' proves it again.", registration.Reason))
	}
	return &c
}

// refuseMinimum refuses to wait for more accounts than the link is for.
func (m roleModel) refuseMinimum(c onboarding.Customer, diags *diag.Diagnostics) bool {
	if m.MinimumAccounts.ValueInt64() <= 1 || c.Link.Scope == onboarding.ScopeOrganization {
		return false
	}
	diags.AddAttributeError(path.Root("minimum_accounts"), "minimum_accounts requires an organization",
		`Only a link with scope = "organization" has more than one account to wait for. Leave minimum_accounts out, or refer to such a link.`)
	return true
}

// arrived returns a function that reports whether the wait is over: the customer has a
// live stack, or, for several accounts, at least minimum_accounts of them.
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

// ended returns the diagnostic for a wait that ended without a role: the time ran out,
// or the operation was interrupted.
func (w roleWait) ended(ctx context.Context, c onboarding.Customer, err error) diag.Diagnostic {
	view := w.view
	who := customerNamed(view.Name, c.Link.CustomerID)
	if ctx.Err() != nil {
		return diag.NewErrorDiagnostic("Stopped waiting for "+who,
			"The operation was interrupted. Nothing is lost: the link stays open, and the next apply continues to wait.")
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		return cannot("wait for", who, "", err)
	}
	link := ""
	d, err := declaration.Of(c.Link)
	// The deadline for the wait has passed, but the hub can still be read.
	if record, unread := view.Record(context.WithoutCancel(ctx)); err == nil && unread == nil {
		link = launchAdvice(record, c.Link, d, view.Console())
	}
	trouble, meanwhile := "", w.lastAttempt(ctx, c)
	if last := view.Waiter.LastError(); last != nil {
		trouble = "The last error while waiting: " + last.Error()
	}
	return diag.NewErrorDiagnostic(fmt.Sprintf("No role registered yet for %s", who), paragraphs(
		fmt.Sprintf("The customer has not created the stack within %s, or the stack failed: its events show why. Send the customer the link again; the next apply continues to wait. "+
			"To wait longer, set %s.", shortDuration(w.limit), w.setting),
		meanwhile, link, trouble))
}

// lastAttempt describes the customer's last stack if no role resulted from it: it was
// refused, or it waits for something that the vendor has to do. It comes from the
// customer's history; if that can't be read, the result is empty.
func (w roleWait) lastAttempt(ctx context.Context, c onboarding.Customer) string {
	history, err := w.view.Registry.History(context.WithoutCancel(ctx), c.Link.CustomerID)
	history = slices.DeleteFunc(history, func(h onboarding.HistoryEntry) bool { return h.By != "" }) // without the vendor's own changes
	if err != nil || len(history) == 0 {
		return ""
	}
	return lastStack(history[len(history)-1])
}

// lastStack describes the customer's last stack, given its entry in the history; empty
// if a role resulted from the stack.
func lastStack(last onboarding.HistoryEntry) string {
	where := fmt.Sprintf("The last attempt was stack %s in account %s, at %s", last.Stack.Name, last.Account, last.At.UTC().Format(time.RFC3339))
	switch {
	case last.Waiting && last.Cause == "":
		return where + ". Its role could not be assumed yet, and is tried again."
	case last.Waiting:
		return fmt.Sprintf("%s. It waits for you: %s", where, last.Cause)
	case last.Refused:
		return paragraphs(fmt.Sprintf("%s. The customer reads: %s", where, last.Detail), last.Cause)
	}
	return ""
}
