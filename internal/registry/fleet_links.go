// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// LinkChange is one link to be written in a transaction with others.
type LinkChange struct {
	Before   *onboarding.Link // as it was read; nil if the customer has no link
	Link     onboarding.Link
	OnBehalf string // the caller for whom it is written, for the history; may be empty
}

// transactionSize is the maximum number of writes and checks in a transaction of
// DynamoDB (aws-facts 10.4).
const transactionSize = 100

// WriteLinks writes links for a fleet, as many in each transaction as fit: about thirty
// new ones, because each also has a claim and a history entry. It returns the links
// that were written; after an error no later ones are. The transactions are sequential,
// because all of them check the fleet's record. If that no longer has the given
// revision, or a link was changed since it was read, the error is ErrConflict.
func (r *Registry) WriteLinks(ctx context.Context, fleet onboarding.Fleet, changes []LinkChange) ([]onboarding.Link, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	if err := r.Migrate(ctx); err != nil {
		return nil, err
	}
	all := make([]onboarding.Link, 0, len(changes))
	for len(changes) > 0 {
		t := linkTransaction{registry: r, writes: []types.TransactWriteItem{r.fleetCheck(fleet)}, linkIndexes: []int{-1}}
		for len(t.links) < len(changes) {
			fits, err := t.add(changes[len(t.links)])
			if err != nil {
				return all, err
			}
			if !fits {
				break
			}
		}
		if err := t.write(ctx, fleet); err != nil {
			return all, err
		}
		all, changes = append(all, t.links...), changes[len(t.links):]
	}
	return all, nil
}

// linkTransaction collects the writes of one transaction.
type linkTransaction struct {
	registry    *Registry
	writes      []types.TransactWriteItem
	linkIndexes []int // by write: the index of its link; -1 if it belongs to none
	claims      []int // by link: the index of the write that claims its external ID; 0 if none does
	links       []onboarding.Link
}

// add adds a link with all writes that belong to it. It returns false if these do not
// fit.
func (t *linkTransaction) add(change LinkChange) (bool, error) {
	r, now := t.registry, t.registry.now().UTC()
	link, condition, values, claims := change.Link, "attribute_not_exists(pk)", item(nil), true
	link.Revision = 0
	if before := change.Before; before != nil {
		link.Revision, claims = before.Revision, before.ExternalID != link.ExternalID
		condition, values = revisionCondition(before.Revision)
		link = link.Succeed(*before, now)
	}
	entry := onboarding.Revised(change.Before, link, r.by, now)
	written, link, err := r.nextLink(link)
	if err != nil {
		return false, err
	}
	writes, claim := []types.TransactWriteItem{r.putWrite(written, condition, values)}, 0
	if claims {
		claim = len(t.writes) + len(writes)
		writes = append(writes, r.claimWrite(link))
	}
	if before := change.Before; before != nil && before.Scope == onboarding.ScopeAnyone {
		writes = append(writes, r.bindingCheck(*before))
	}
	if entry != nil {
		entry.OnBehalf = change.OnBehalf
		line, err := linkHistoryItem(*entry, link.Revision)
		if err != nil {
			return false, err
		}
		writes = append(writes, types.TransactWriteItem{Put: &types.Put{TableName: &r.table, Item: line}})
	}
	if len(t.writes)+len(writes) > transactionSize {
		return false, nil
	}
	for range writes {
		t.linkIndexes = append(t.linkIndexes, len(t.links))
	}
	t.writes, t.claims, t.links = append(t.writes, writes...), append(t.claims, claim), append(t.links, link)
	return true, nil
}

func (t *linkTransaction) write(ctx context.Context, fleet onboarding.Fleet) error {
	err := t.registry.transact(ctx, t.writes)
	if err == nil {
		return nil
	}
	for n := range t.writes {
		stored, failed := failedItem(err, n)
		if !failed {
			continue
		}
		if of := t.linkIndexes[n]; of >= 0 && t.claims[of] == n {
			return &ExternalIDTakenError{ExternalID: t.links[of].ExternalID, CustomerID: textOf(stored, "customer")}
		}
		if n == 0 {
			return fmt.Errorf("write links for fleet %s of hub %s: %w", fleet.Name, t.registry.hub, errors.Join(ErrFleetChanged, ErrConflict))
		}
	}
	if conflicts(err) {
		err = ErrConflict
	}
	return fmt.Errorf("write %s for fleet %s of hub %s: %w", onboarding.Counted(len(t.links), "link"), fleet.Name, t.registry.hub, err)
}

// ErrFleetChanged indicates that another process has written a fleet's record since it
// was read.
var ErrFleetChanged = errors.New("another process has changed, taken over or closed the fleet meanwhile")
