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

// CreateLink writes a customer's first link and claims its external ID, both
// or neither. Where the customer has a link already, open or closed, the error
// is *LinkExistsError with it; where the external ID is another customer's,
// *ExternalIDTakenError. It returns the link as written.
func (r *Registry) CreateLink(ctx context.Context, link onboarding.Link) (onboarding.Link, error) {
	link.Revision = 0
	return r.writeWithClaim(ctx, link)
}

// ReissueLink writes a link over the revision that it was read with and claims
// its external ID, which is another one than before: a customer who came back
// after offboarding, or one whose vendor adopts an existing role. Old claims
// stay, so that no external ID is ever issued to a second customer.
func (r *Registry) ReissueLink(ctx context.Context, link onboarding.Link) (onboarding.Link, error) {
	return r.writeWithClaim(ctx, link)
}

// UpdateLink writes a link over the revision that it was read with, under the
// external ID that it had. It returns the link as written.
func (r *Registry) UpdateLink(ctx context.Context, link onboarding.Link) (onboarding.Link, error) {
	before := link.Revision
	written, link, err := nextLink(link)
	if err != nil {
		return onboarding.Link{}, err
	}
	k := linkKey(link.CustomerID)
	condition := "revision = :before AND external_id = :external"
	values := item{":before": number(before), ":external": text(link.ExternalID.String())}
	if err := r.putIf(ctx, k, written, condition, values); err != nil {
		return onboarding.Link{}, fmt.Errorf("update the link of customer %s: %w", link.CustomerID, err)
	}
	return link, nil
}

func (r *Registry) writeWithClaim(ctx context.Context, link onboarding.Link) (onboarding.Link, error) {
	before := link.Revision
	written, link, err := nextLink(link)
	if err != nil {
		return onboarding.Link{}, err
	}
	claim := claimKey(link.ExternalID).item()
	claim["schema"] = number(schema)
	claim["customer"] = text(link.CustomerID)
	claim["claimed_at"] = moment(r.now())

	condition, values := revisionIs(before)
	err = r.transact(ctx, []types.TransactWriteItem{
		r.putWrite(written, condition, values),
		r.putWrite(claim, "attribute_not_exists(pk) OR customer = :customer", item{":customer": text(link.CustomerID)}),
	})
	if err == nil {
		return link, nil
	}
	if stood, failed := failedItem(err, 0); failed {
		if same(stood, written) {
			return link, nil // the answer to our own write was lost
		}
		return onboarding.Link{}, r.linkConflict(link, before, stood)
	}
	if stood, failed := failedItem(err, 1); failed {
		return onboarding.Link{}, &ExternalIDTakenError{ExternalID: link.ExternalID, CustomerID: textOf(stood, "customer")}
	}
	return onboarding.Link{}, fmt.Errorf("write the link of customer %s: %w", link.CustomerID, err)
}

// linkConflict names what was found where a link was to be written.
func (r *Registry) linkConflict(link onboarding.Link, before int64, stood item) error {
	if before != 0 || stood == nil {
		return fmt.Errorf("write the link of customer %s: %w", link.CustomerID, ErrConflict)
	}
	existing, err := r.decodeLink(stood)
	if err != nil {
		return err
	}
	return &LinkExistsError{existing}
}

// nextLink is the item of a link's next revision.
func nextLink(link onboarding.Link) (item, onboarding.Link, error) {
	link.Revision++
	written, err := encode(linkKey(link.CustomerID), link)
	if err != nil {
		return nil, onboarding.Link{}, err
	}
	written["revision"] = number(link.Revision)
	written["external_id"] = text(link.ExternalID.String())
	return written, link, nil
}

// Customer reads a customer's link and registrations; ErrNoLink where the hub
// has definitely none.
func (r *Registry) Customer(ctx context.Context, id string) (onboarding.Customer, error) {
	customers, err := r.customers(ctx, customerPrefix(id))
	if err != nil {
		return onboarding.Customer{}, fmt.Errorf("read customer %s of hub %s: %w", id, r.hub, err)
	}
	if len(customers) == 0 {
		return onboarding.Customer{}, fmt.Errorf("customer %s of hub %s: %w", id, r.hub, ErrNoLink)
	}
	return customers[0], nil
}

// Customers reads all customers of the hub, sorted by ID, in one paged query.
func (r *Registry) Customers(ctx context.Context) ([]onboarding.Customer, error) {
	customers, err := r.customers(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("read the customers of hub %s: %w", r.hub, err)
	}
	return customers, nil
}

// customers gathers what the query brings: a customer's registrations, if any,
// come right before their link.
func (r *Registry) customers(ctx context.Context, prefix string) ([]onboarding.Customer, error) {
	var customers []onboarding.Customer
	waiting := map[string][]onboarding.Registration{}
	err := r.query(ctx, customersPartition, prefix, func(i item) error {
		if !isLink(i) {
			registration, err := r.decodeRegistration(i)
			waiting[registration.CustomerID] = append(waiting[registration.CustomerID], registration)
			return err
		}
		link, err := r.decodeLink(i)
		customers = append(customers, onboarding.Customer{Link: link, Registrations: waiting[link.CustomerID]})
		return err
	})
	return customers, err
}

func (r *Registry) decodeLink(i item) (onboarding.Link, error) {
	link, err := decode[onboarding.Link](r, key{textOf(i, "pk"), textOf(i, "sk")}, i)
	link.Revision = numberOf(i, "revision")
	return link, err
}

func (r *Registry) decodeRegistration(i item) (onboarding.Registration, error) {
	registration, err := decode[onboarding.Registration](r, key{textOf(i, "pk"), textOf(i, "sk")}, i)
	registration.Revision = numberOf(i, "revision")
	return registration, err
}

// PutRegistration writes a registration over the revision that it was read
// with: what a proof found out about a role, with no request behind it. It
// returns the registration as written.
func (r *Registry) PutRegistration(ctx context.Context, registration onboarding.Registration) (onboarding.Registration, error) {
	before := registration.Revision
	written, err := registrationItem(&registration, before)
	if err != nil {
		return onboarding.Registration{}, err
	}
	k := registrationKey(registration.CustomerID, registration.Account)
	if err := r.put(ctx, k, written, before); err != nil {
		return onboarding.Registration{}, fmt.Errorf("write the registration of customer %s in account %s: %w",
			registration.CustomerID, registration.Account, err)
	}
	return registration, nil
}

// registrationItem is the item of the revision that follows the given one.
func registrationItem(registration *onboarding.Registration, before int64) (item, error) {
	if registration.CustomerID == "" || registration.Account.IsZero() {
		return nil, errors.New("a registration needs a customer and an account")
	}
	registration.Revision = before + 1
	written, err := encode(registrationKey(registration.CustomerID, registration.Account), registration)
	if err != nil {
		return nil, err
	}
	written["revision"] = number(registration.Revision)
	return written, nil
}
