// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package customers

import (
	"context"
	"fmt"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// OwnedError indicates that an open link belongs to another of the vendor's tools.
type OwnedError struct {
	Hub, CustomerID string
	Owner           onboarding.Owner
}

func (e *OwnedError) Error() string {
	return fmt.Sprintf("the link of customer %s of hub %s belongs to %s", e.CustomerID, e.Hub, e.Owner)
}

// WriteOptions is the context in which a Write is made.
type WriteOptions struct {
	Hub    *hub.Manager
	Record registry.HubRecord
	Now    time.Time
	// Existing is the customer that the Write was decided on; nil: the registry has
	// none.
	Existing *onboarding.Customer
	// Incarnation is the incarnation to write into the link.
	Incarnation onboarding.Incarnation
	// SkipIf returns true if the record of the link is right already and need not be
	// written; nil: it is always written.
	SkipIf func(onboarding.Link) bool
	// Unfinished is set if the steps after the record may be unfinished even if the
	// record has the same settings already.
	Unfinished bool
	// OnSaved is called once the link's record is written; may be nil.
	OnSaved func(onboarding.Link)
}

// Do makes the changes and returns the link as it was written. An interruption leaves
// either a template that is not in use (its name is a hash of its content), or a
// record from which the next attempt continues. The accounts' permission to publish
// is granted after the record is written, because the record keeps it from being
// removed. The permission to read is granted first: S3 may refuse it, and then
// nothing is written.
func (w Write) Do(ctx context.Context, in WriteOptions) (onboarding.Link, error) {
	publishers := in.Unfinished || w.newPublishers(in.Existing)
	if publishers && !w.Link.Account.IsZero() {
		if err := in.Hub.Permissions().AllowRead(ctx, in.Record, w.Link.Account); err != nil {
			return onboarding.Link{}, err
		}
	}
	if w.body != nil {
		if _, err := in.Hub.PublishTemplate(ctx, in.Record, w.body); err != nil {
			return onboarding.Link{}, err
		}
	}
	if in.Existing == nil && publishers && !w.Link.Account.IsZero() && w.Link.Organization.IsZero() {
		return w.create(ctx, in)
	}
	link, err := w.record(ctx, in)
	if err != nil || !publishers {
		return link, err
	}
	return link, AllowPublishing(ctx, in.Hub, link)
}

// create writes the first link of a customer together with its permission to publish,
// in the same calls as those of other customers that are created at the same time.
func (w Write) create(ctx context.Context, in WriteOptions) (onboarding.Link, error) {
	link := w.Link
	link.Incarnation, link.CreatedAt = in.Incarnation, in.Now
	written, err := in.Hub.Permissions().CreateLink(ctx, link)
	if written.CustomerID != "" && in.OnSaved != nil {
		in.OnSaved(written)
	}
	return written, err
}

// newPublishers reports whether accounts need permission to publish that did not have
// it by the existing link, or whose permission may be unfinished.
func (w Write) newPublishers(existing *onboarding.Customer) bool {
	return existing == nil || w.Takeover || existing.Link.Closed || !samePublishers(existing.Link, w.Link)
}

func (w Write) record(ctx context.Context, in WriteOptions) (onboarding.Link, error) {
	link := w.Link
	link.Incarnation = in.Incarnation
	if in.Existing == nil {
		link.CreatedAt = in.Now
	} else {
		link = in.Existing.KeepTemplates(link, in.Now)
	}
	if in.SkipIf != nil && in.SkipIf(link) {
		return link, nil
	}
	written, err := w.save(in.Hub.Registry(), ctx, link)
	if err != nil {
		return onboarding.Link{}, err
	}
	if in.OnSaved != nil {
		in.OnSaved(written)
	}
	return written, nil
}

// AllowPublishing gives the accounts that the link is for permission to publish.
func AllowPublishing(ctx context.Context, manager *hub.Manager, link onboarding.Link) error {
	if !link.Account.IsZero() {
		if err := manager.Permissions().Allow(ctx, link.Shard, link.Account); err != nil {
			return err
		}
	}
	if !link.Organization.IsZero() {
		return manager.Permissions().AllowOrganization(ctx, link.Shard, link.Organization)
	}
	return nil
}

// Close closes a customer's open link, and returns it as written. The record, the
// external ID and the permissions remain, for as long as a stack may need them.
// Adoptions end, because no stack's Delete will end them.
func Close(ctx context.Context, records *registry.Registry, customer onboarding.Customer, now time.Time) (onboarding.Link, error) {
	if err := Release(ctx, records, customer, now); err != nil || customer.Link.Closed {
		return customer.Link, err
	}
	link := customer.Link
	link.Closed, link.ClosedAt = true, now
	return records.UpdateLink(ctx, link)
}

// Release ends the adoptions of a customer's roles.
func Release(ctx context.Context, records *registry.Registry, customer onboarding.Customer, now time.Time) error {
	for _, r := range customer.Registrations {
		released, entry := onboarding.Release(r, now)
		if entry == nil {
			continue
		}
		if _, err := records.PutHealth(ctx, released, *entry); err != nil {
			return err
		}
	}
	return nil
}
