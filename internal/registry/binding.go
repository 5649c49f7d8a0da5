// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// binding is the account to which an open link belongs, or for which it is reserved. It
// is stored separately from the link's item, because the registrar writes it and must
// not write links.
type binding struct {
	CustomerID  string
	Epoch       int                     // BindingEpoch of the link; the vendor ended bindings of other epochs
	Account     account.ID              `json:",omitzero"`
	Reservation *onboarding.Reservation `json:",omitempty"`
}

// bind returns the link with the contents of its binding's item; a nil item means that
// it has none.
func (r *Registry) bind(link onboarding.Link, i item) (onboarding.Link, error) {
	if i == nil {
		return link, nil
	}
	b, err := decode[binding](r, bindingKey(link.CustomerID), i)
	if err != nil {
		return link, err
	}
	link.BindingRevision = numberOf(i, "revision")
	if link.Scope == onboarding.ScopeAnyone && b.Epoch == link.BindingEpoch {
		link.Bound, link.Reservation = b.Account, b.Reservation
		return link, nil
	}
	// An account may have been bound while the vendor ended the binding or named an
	// account.
	known, _ := link.Accounts()
	if !b.Account.IsZero() && !slices.Contains(known, b.Account) {
		link.PastAccounts = append(slices.Clone(link.PastAccounts), onboarding.PastAccount{Account: b.Account})
	}
	return link, nil
}

// bindingItem returns the item of the binding's next revision.
func bindingItem(link onboarding.Link) (item, error) {
	written, err := encode(bindingKey(link.CustomerID), binding{
		CustomerID: link.CustomerID, Epoch: link.BindingEpoch, Account: link.Bound, Reservation: link.Reservation,
	})
	if err != nil {
		return nil, err
	}
	written["revision"] = number(link.BindingRevision + 1)
	return written, nil
}

// bindingWrite returns the write of the link's binding, on the condition that the
// binding still has the revision that was read.
func (r *Registry) bindingWrite(link onboarding.Link) (types.TransactWriteItem, error) {
	if link.Legacy {
		return r.legacyLinkWrite(link)
	}
	written, err := bindingItem(link)
	condition, values := revisionCondition(link.BindingRevision)
	return r.putWrite(written, condition, values), err
}

// bindingCheck returns a check that a link's binding still has the revision that was
// read.
func (r *Registry) bindingCheck(link onboarding.Link) types.TransactWriteItem {
	condition, values := revisionCondition(link.BindingRevision)
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &r.table, Key: bindingKey(link.CustomerID).item(),
		ConditionExpression: &condition, ExpressionAttributeValues: values,
	}}
}

// releaseLink removes the reservation of a link for an answer that will not be
// committed, so that the next account need not wait until it expires.
func (r *Registry) releaseLink(ctx context.Context, answer onboarding.Answer) error {
	if !answer.Change.Binds {
		return nil
	}
	customer := answer.Change.CustomerID
	const attempts = 10
	for range attempts {
		links, err := r.links(ctx, customer)
		if err != nil {
			return err
		}
		link, there := links[customer]
		if !there {
			return nil
		}
		released, held := link.Release(answer)
		if !held {
			return nil
		}
		write, err := r.bindingWrite(released)
		if err != nil {
			return err
		}
		if err = r.transact(ctx, []types.TransactWriteItem{write}); !conflicts(err) {
			return err
		}
	}
	return fmt.Errorf("the link of customer %s kept changing: %w", customer, ErrConflict)
}
