// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// A customer's history has two kinds of entries. Each change has an entry of its own,
// which is kept for more than a year. A refusal changes nothing, and a customer, or a
// thief of their external ID, may cause any number of refusals: so only the latest of
// each day and kind is kept, for no longer than answers are.

// historyLifetime is how long entries of changes are kept.
const historyLifetime = 400 * 24 * time.Hour

// historyKey returns a key that sorts by time. The hash of the request makes it unique,
// and identical if a commit is retried.
func historyKey(h onboarding.HistoryEntry) key {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s", h.Stack, h.LogicalID, h.RequestID, h.Outcome))
	return key{historyPartition(h.CustomerID), h.At.UTC().Format(sortable) + "#" + hex.EncodeToString(sum[:8])}
}

// refusalKey returns the key that all refusals of one kind to a customer on one day
// share.
func refusalKey(h onboarding.HistoryEntry) key {
	kind := strings.Join([]string{h.At.UTC().Format(time.DateOnly), "REFUSED", string(h.Request), string(h.Outcome)}, "#")
	return key{historyPartition(h.CustomerID), kind}
}

func historyPartition(customer string) string { return "CUSTOMER-HISTORY#" + customer }

// linkHistoryKey returns the key of a link's change by the vendor, in a partition that
// the registrar can neither read nor write. The revision makes it unique.
func linkHistoryKey(h onboarding.HistoryEntry, revision int64) key {
	return key{linkHistoryPartition(h.CustomerID), fmt.Sprintf("%s#%012d", h.At.UTC().Format(sortable), revision)}
}

func linkHistoryPartition(customer string) string { return "LINK-HISTORY#" + customer }

func historyItem(h onboarding.HistoryEntry) (item, error) {
	k, lives := historyKey(h), historyLifetime
	if h.Refused {
		k, lives = refusalKey(h), answerLifetime
	}
	written, err := encode(k, h)
	if err != nil {
		return nil, err
	}
	written["expires"] = unixTime(h.At.Add(lives))
	return written, nil
}

// linkHistoryItem returns the history item of a link's change by the vendor.
func linkHistoryItem(h onboarding.HistoryEntry, revision int64) (item, error) {
	written, err := encode(linkHistoryKey(h, revision), h)
	if err != nil {
		return nil, err
	}
	written["expires"] = unixTime(h.At.Add(historyLifetime))
	return written, nil
}

// History returns a customer's history, oldest entry first: the registrar's decisions
// and the vendor's changes of the link.
func (r *Registry) History(ctx context.Context, customer string) ([]onboarding.HistoryEntry, error) {
	var history []onboarding.HistoryEntry
	for _, partition := range []string{historyPartition(customer), linkHistoryPartition(customer)} {
		err := r.query(ctx, allOf(partition), func(i item) error {
			entry, err := decode[onboarding.HistoryEntry](r, keyOf(i), i)
			history = append(history, entry)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read the history of customer %s: %w", customer, err)
		}
	}
	slices.SortStableFunc(history, func(a, b onboarding.HistoryEntry) int { return a.At.Compare(b.At) })
	return history, nil
}
