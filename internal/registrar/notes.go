// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// notes remembers which entries about waiting requests were recently written into
// customers' histories, so that a request that waits for an hour does not add a hundred
// entries.
type notes struct {
	mu sync.Mutex
	at map[string]time.Time
}

const (
	noteInterval = 10 * time.Minute
	maxCause     = 1000 // bytes
)

// due reports whether an entry must be written, and then remembers it. The same entry
// is due again after noteInterval.
func (n *notes) due(e onboarding.HistoryEntry) bool {
	key := e.CustomerID + "|" + e.Account.String() + "|" + string(e.Outcome) + "|" + e.Cause
	n.mu.Lock()
	defer n.mu.Unlock()
	if last, known := n.at[key]; known && e.At.Before(last.Add(noteInterval)) {
		return false
	}
	if n.at == nil || len(n.at) >= maxRemembered {
		n.at = map[string]time.Time{}
	}
	n.at[key] = e.At
	return true
}

// recordWaiting writes into the customer's history that the request waits for the proof
// of its role: for the customer's page and, with the cause, for the vendor, because
// the logs of a registrar in an apply are not shown.
func (h *handling) recordWaiting(ctx context.Context) {
	if entry := onboarding.WaitingEntry(h.toCase(), h.decision, h.config.Clock()); entry != nil && h.notes.due(*entry) {
		h.addHistory(ctx, entry)
	}
}

// addHistory writes an entry into a customer's history. If that fails, it only logs the
// error.
func (h *handling) addHistory(ctx context.Context, entry *onboarding.HistoryEntry) {
	if entry == nil {
		return
	}
	entry.Cause = strings.ToValidUTF8(entry.Cause[:min(len(entry.Cause), maxCause)], "")
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := h.config.Registry.AddHistory(ctx, *entry); err != nil {
		h.log.Warn("an entry could not be written to the customer's history", "error", err)
	}
}

// refusalOfRole returns AWS's error for a role that was refused in this handling; nil
// if none was.
func (h *handling) refusalOfRole() error {
	for _, proof := range h.proofs {
		if proof.Outcome == onboarding.Refused {
			return proof.Err
		}
	}
	return nil
}
