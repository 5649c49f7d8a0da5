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

// CreateLink writes a customer's first link, claims its external ID and adds a history
// entry, in one transaction. It returns the link as written. If the customer already
// has a link, open or closed, the error is *LinkExistsError; if another customer has
// the external ID, it is *ExternalIDTakenError.
func (r *Registry) CreateLink(ctx context.Context, link onboarding.Link) (onboarding.Link, error) {
	if err := r.Migrate(ctx); err != nil {
		return onboarding.Link{}, err
	}
	link.Revision = 0
	return r.writeLink(ctx, nil, link, claimed)
}

// ReissueLink writes a link with a new external ID, and claims the ID, on the condition
// that the stored link still has the revision that was read. It is for a customer who
// returns after offboarding, or whose vendor adopts an existing role. Earlier claims
// are kept, so that no external ID is ever issued to a second customer.
func (r *Registry) ReissueLink(ctx context.Context, link onboarding.Link) (onboarding.Link, error) {
	return r.overwriteLink(ctx, link, claimed)
}

// UpdateLink writes a link with an unchanged external ID, on the condition that the
// stored link still has the revision that was read. It returns the link as written.
func (r *Registry) UpdateLink(ctx context.Context, link onboarding.Link) (onboarding.Link, error) {
	return r.overwriteLink(ctx, link, kept)
}

// externalID defines whether a write of a link also claims its external ID.
type externalID bool

const (
	kept    externalID = false // the external ID is unchanged
	claimed externalID = true  // it is claimed for the customer, who may already have it
)

// overwriteLink reads the present link before it writes the next revision, because the
// history entry and the link's past accounts depend on it.
func (r *Registry) overwriteLink(ctx context.Context, link onboarding.Link, external externalID) (onboarding.Link, error) {
	if err := r.Migrate(ctx); err != nil {
		return onboarding.Link{}, err
	}
	links, err := r.links(ctx, link.CustomerID)
	if err != nil {
		return onboarding.Link{}, err
	}
	before, there := links[link.CustomerID]
	switch {
	case there && before.Revision == link.Revision+1 && before.Hub == link.Hub:
		// It may be the revision to be written, if the response to a first attempt was
		// lost.
	case !there || before.Revision != link.Revision, external == kept && before.ExternalID != link.ExternalID,
		// Bound meanwhile: the vendor has not seen the binding that this write would end.
		before.Scope == onboarding.ScopeAnyone && before.BindingRevision != link.BindingRevision:
		return onboarding.Link{}, fmt.Errorf("write the link of customer %s: %w", link.CustomerID, ErrConflict)
	}
	return r.writeLink(ctx, &before, link.Succeed(before, r.now().UTC()), external)
}

// writeLink writes a link as the successor of before, which is nil for a first link.
func (r *Registry) writeLink(ctx context.Context, before *onboarding.Link, link onboarding.Link, external externalID) (onboarding.Link, error) {
	revision := link.Revision
	entry := onboarding.Revised(before, link, r.by, r.now().UTC())
	written, link, err := r.nextLink(link)
	if err != nil {
		return onboarding.Link{}, err
	}
	condition, values := revisionCondition(revision)
	writes := []types.TransactWriteItem{r.putWrite(written, condition, values)}
	if external == claimed {
		writes = append(writes, r.claimWrite(link))
	}
	if before != nil && (before.Scope == onboarding.ScopeAnyone || link.Scope == onboarding.ScopeAnyone) {
		writes = append(writes, r.bindingCheck(*before))
	}
	refers, at := r.setChecks(before, link), len(writes)
	writes = append(writes, refers...)
	if entry != nil {
		entry.OnBehalf = onBehalf(ctx)
		line, err := linkHistoryItem(*entry, link.Revision)
		if err != nil {
			return onboarding.Link{}, err
		}
		writes = append(writes, types.TransactWriteItem{Put: &types.Put{TableName: &r.table, Item: line}})
	}
	err = r.transact(ctx, writes)
	if err == nil {
		return link, nil
	}
	if stored, failed := failedItem(err, 0); failed {
		if same(stored, written) {
			return link, nil // the response to this write was lost
		}
		return onboarding.Link{}, r.linkConflict(link, revision, stored)
	}
	if stored, failed := failedItem(err, 1); failed && external == claimed {
		return onboarding.Link{}, &ExternalIDTakenError{ExternalID: link.ExternalID, CustomerID: textOf(stored, "customer")}
	}
	if stored, failed := failedItem(err, at); failed && len(refers) > 0 {
		return onboarding.Link{}, fmt.Errorf("permission set %s: %w", link.PermissionSet, setCheckError(stored))
	}
	if conflicts(err) {
		err = ErrConflict
	}
	return onboarding.Link{}, fmt.Errorf("write the link of customer %s: %w", link.CustomerID, err)
}

// claimWrite returns the write that claims a link's external ID for its customer, who
// may already have it.
func (r *Registry) claimWrite(link onboarding.Link) types.TransactWriteItem {
	claim := claimKey(link.ExternalID).item()
	claim["schema"] = number(schema)
	claim["customer"] = text(link.CustomerID)
	claim["claimed_at"] = unixTime(r.now())
	return r.putWrite(claim, "attribute_not_exists(pk) OR customer = :customer", item{":customer": text(link.CustomerID)})
}

// linkConflict returns the error for a link that could not be written: *LinkExistsError
// for a first link, or ErrConflict.
func (r *Registry) linkConflict(link onboarding.Link, before int64, stored item) error {
	if before != 0 || stored == nil {
		return fmt.Errorf("write the link of customer %s: %w", link.CustomerID, ErrConflict)
	}
	existing, err := r.decodeLink(stored)
	if err != nil {
		return err
	}
	return &LinkExistsError{existing}
}

// nextLink returns the item of a link's next revision, and the link with that revision.
func (r *Registry) nextLink(link onboarding.Link) (item, onboarding.Link, error) {
	link.Revision++
	link.Legacy = false
	written, err := r.linkItem(link)
	return written, link, err
}

// linkItem returns the item of a link.
func (r *Registry) linkItem(link onboarding.Link) (item, error) {
	written, err := encode(r.partitioning().linkKey(link.CustomerID), link.WithoutSet())
	if err != nil {
		return nil, err
	}
	written["revision"] = number(link.Revision)
	written["external_id"] = text(link.ExternalID.String())
	return written, nil
}

func (r *Registry) decodeLink(i item) (onboarding.Link, error) {
	link, err := decode[onboarding.Link](r, keyOf(i), i)
	link.Revision = numberOf(i, "revision")
	return link, err
}

func (r *Registry) decodeRegistration(i item) (onboarding.Registration, error) {
	registration, err := decode[onboarding.Registration](r, keyOf(i), i)
	registration.Revision = numberOf(i, "revision")
	return registration, err
}

// registrationItem returns the item of a registration with the revision after before,
// and sets that revision in the registration.
func (r *Registry) registrationItem(registration *onboarding.Registration, before int64) (item, error) {
	if registration.CustomerID == "" || registration.Account.IsZero() {
		return nil, errors.New("a registration needs a customer and an account")
	}
	registration.Revision = before + 1
	written, err := encode(r.registrationKeyOf(*registration), registration)
	if err != nil {
		return nil, err
	}
	written["revision"] = number(registration.Revision)
	return written, nil
}

// registrationKeyOf returns the key under which a registration was read and has to be
// written.
func (r *Registry) registrationKeyOf(registration onboarding.Registration) key {
	if registration.Legacy {
		return legacyRegistrationKey(registration.CustomerID, registration.Account)
	}
	return r.partitioning().registrationKey(registration.CustomerID, registration.Account)
}
