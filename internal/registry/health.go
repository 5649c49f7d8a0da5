// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// PutHealth writes the result of a proof to a registration, on the condition that it
// still has the revision that was read, together with a history entry and the event in
// the outbox, in one transaction. It returns the registration as written, or
// ErrConflict if the registration was changed.
func (r *Registry) PutHealth(ctx context.Context, registration onboarding.Registration, entry onboarding.HistoryEntry) (onboarding.Registration, error) {
	hub, err := r.Hub(ctx)
	if err != nil {
		return onboarding.Registration{}, err
	}
	before, event := registration.Revision, onboarding.EventOf(registration, entry)
	written, err := r.registrationItem(&registration, before)
	if err != nil {
		return onboarding.Registration{}, err
	}
	line, err := historyItem(entry)
	if err != nil {
		return onboarding.Registration{}, err
	}
	told, err := r.outboxWrite(hub.Hub, event)
	if err != nil {
		return onboarding.Registration{}, err
	}
	condition, values := revisionCondition(before)
	err = r.transact(ctx, append([]types.TransactWriteItem{
		r.putWrite(written, condition, values),
		{Put: &types.Put{TableName: &r.table, Item: line}},
	}, told...))
	if stored, failed := failedItem(err, 0); failed && same(stored, written) {
		return registration, nil // the response to this write was lost
	}
	if err != nil {
		if awsclient.IsConditionFailed(err) || awsclient.IsContended(err) {
			err = ErrConflict
		}
		return onboarding.Registration{}, fmt.Errorf("write the health of customer %s in account %s: %w",
			registration.CustomerID, registration.Account, err)
	}
	return registration, nil
}
