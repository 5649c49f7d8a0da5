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

// A customer's history has two kinds of lines. Each change has a line of its own,
// which is kept for more than a year. A refusal changed nothing, and a customer, or
// a thief of their external ID, may be refused any number of times: for each day and
// kind of refusal only the latest line is kept, and no longer than answers are.

// remember is how long changes are kept in the history.
const remember = 400 * 24 * time.Hour

// historyKey sorts by time; the request makes it unique, and the same if a commit is
// retried.
func historyKey(h onboarding.HistoryEntry) key {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s", h.Stack, h.LogicalID, h.RequestID, h.Outcome))
	return key{historyPartition(h.CustomerID), h.At.UTC().Format(sortable) + "#" + hex.EncodeToString(sum[:8])}
}

// refusalKey returns the key that is shared by all refusals of a kind that a customer meets on a day.
func refusalKey(h onboarding.HistoryEntry) key {
	kind := strings.Join([]string{h.At.UTC().Format(time.DateOnly), "REFUSED", string(h.Request), string(h.Outcome)}, "#")
	return key{historyPartition(h.CustomerID), kind}
}

func historyPartition(customer string) string { return "CUSTOMER-HISTORY#" + customer }

// linkHistoryKey returns the key of a vendor's change of a link, in a partition that
// the registrar can neither read nor write. A revision is
// written once.
func linkHistoryKey(h onboarding.HistoryEntry, revision int64) key {
	return key{linkHistoryPartition(h.CustomerID), fmt.Sprintf("%s#%012d", h.At.UTC().Format(sortable), revision)}
}

func linkHistoryPartition(customer string) string { return "LINK-HISTORY#" + customer }

func historyItem(h onboarding.HistoryEntry) (item, error) {
	k, lives := historyKey(h), remember
	if h.Refused {
		k, lives = refusalKey(h), keep
	}
	written, err := encode(k, h)
	if err != nil {
		return nil, err
	}
	written["expires"] = moment(h.At.Add(lives))
	return written, nil
}

// linkHistoryItem returns the item of a vendor's change of a link.
func linkHistoryItem(h onboarding.HistoryEntry, revision int64) (item, error) {
	written, err := encode(linkHistoryKey(h, revision), h)
	if err != nil {
		return nil, err
	}
	written["expires"] = moment(h.At.Add(remember))
	return written, nil
}

// History returns a customer's history, oldest first: the registrar's decisions and
// the vendor's changes of the link.
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
