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

// binding is which account a link for anyone belongs to, or is promised to. It
// is not a part of the link's item, because the registrar writes it and must
// not write links.
type binding struct {
	CustomerID  string
	Epoch       int                     // of the link; a binding of another one was ended by the vendor
	Account     account.ID              `json:",omitzero"`
	Reservation *onboarding.Reservation `json:",omitempty"`
}

// bind returns the link with what its binding's item says.
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
	// An account may have been bound while the vendor ended that, or named one.
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

// bindingWrite writes the link's binding over the revision that it was read
// with.
func (r *Registry) bindingWrite(link onboarding.Link) (types.TransactWriteItem, error) {
	if link.Former {
		return r.formerLinkWrite(link)
	}
	written, err := bindingItem(link)
	condition, values := revisionIs(link.BindingRevision)
	return r.putWrite(written, condition, values), err
}

// bindingIs checks that a link's binding is as it was read.
func (r *Registry) bindingIs(link onboarding.Link) types.TransactWriteItem {
	condition, values := revisionIs(link.BindingRevision)
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &r.table, Key: bindingKey(link.CustomerID).item(),
		ConditionExpression: &condition, ExpressionAttributeValues: values,
	}}
}

// releaseLink takes back the reservation that an answer holds which will not be
// committed, so that the next account need not wait until it runs out.
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
