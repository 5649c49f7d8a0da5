// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// The outbox holds the events that were not sent yet. An event is put into
// it by the transaction that writes what it tells, and removed once it was
// taken: a process that dies in between leaves it here, and the next process
// sends it again. It is nearly always empty.
//
// An event that was not sent for as long as answers live is dropped by
// DynamoDB's expiry.

// outboxPage is how many events are read at once.
const outboxPage = 100

// EventBus returns where the hub's events go; zero: nowhere.
func (r *Registry) EventBus(ctx context.Context) (account.EventBusARN, error) {
	hub, err := r.Hub(ctx)
	return hub.EventBus, err
}

// outboxWrite puts an event into the outbox, if there is one and the hub has an
// event bus.
func (r *Registry) outboxWrite(bus account.EventBusARN, event *onboarding.Event) ([]types.TransactWriteItem, error) {
	if event == nil || bus.IsZero() {
		return nil, nil
	}
	written, err := encode(outboxKey(*event), event)
	if err != nil {
		return nil, err
	}
	written["expires"] = moment(event.At.Add(keep))
	return []types.TransactWriteItem{{Put: &types.Put{TableName: &r.table, Item: written}}}, nil
}

// Outbox hands on the events that are in the outbox since before a moment, the
// oldest first and page by page, until the function returns an error. The
// function may remove them.
func (r *Registry) Outbox(ctx context.Context, before time.Time, each func([]onboarding.Event) error) error {
	pages := dynamodb.NewQueryPaginator(r.client, &dynamodb.QueryInput{
		TableName:              &r.table,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :pk AND sk < :before"),
		ExpressionAttributeValues: item{
			":pk": text(outboxPartition), ":before": text(before.UTC().Format(sortable)),
		},
		Limit: aws.Int32(outboxPage),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the events that are to be sent from table %s: %w", r.table, err)
		}
		var events []onboarding.Event
		for _, i := range page.Items {
			event, err := decode[onboarding.Event](r, key{textOf(i, "pk"), textOf(i, "sk")}, i)
			if err != nil {
				return err
			}
			events = append(events, event)
		}
		if len(events) == 0 {
			continue
		}
		if err := each(events); err != nil {
			return err
		}
	}
	return nil
}

// RemoveEvents takes events that were taken out of the outbox; those that
// another process has removed before are no error. There are at most 100.
func (r *Registry) RemoveEvents(ctx context.Context, events []onboarding.Event) error {
	if len(events) == 0 {
		return nil
	}
	var writes []types.TransactWriteItem
	for _, event := range events {
		writes = append(writes, types.TransactWriteItem{Delete: &types.Delete{TableName: &r.table, Key: outboxKey(event).item()}})
	}
	err := r.transact(ctx, writes)
	if awsclient.IsContended(err) {
		return fmt.Errorf("remove events that were sent from table %s: %w", r.table, ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("remove events that were sent from table %s: %w", r.table, err)
	}
	return nil
}
