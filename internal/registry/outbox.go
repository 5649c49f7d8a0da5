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
// it by the transaction that writes what it tells, for each receiver, and removed
// once that one has taken it: a process that dies in between leaves it here, and the next process
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

// Webhook returns the address of the hub's webhook; empty: it has none.
func (r *Registry) Webhook(ctx context.Context) (string, error) {
	hub, err := r.Hub(ctx)
	return hub.WebhookURL, err
}

// outboxWrite puts an event into the outbox, if there is one, once for each way by
// which the hub tells others: one of them may be down for days.
func (r *Registry) outboxWrite(hub onboarding.Hub, event *onboarding.Event) ([]types.TransactWriteItem, error) {
	if event == nil {
		return nil, nil
	}
	var places []key
	if !hub.EventBus.IsZero() {
		places = append(places, outboxKey(*event))
	}
	if hub.WebhookURL != "" {
		places = append(places, webhookKey(*event))
	}
	var writes []types.TransactWriteItem
	for _, place := range places {
		written, err := encode(place, event)
		if err != nil {
			return nil, err
		}
		written["expires"] = moment(event.At.Add(keep))
		writes = append(writes, types.TransactWriteItem{Put: &types.Put{TableName: &r.table, Item: written}})
	}
	return writes, nil
}

// Outbox hands on the events for the event bus that are in the outbox since before a
// moment, the oldest first and page by page, until the function returns an error. The
// function may remove them.
func (r *Registry) Outbox(ctx context.Context, before time.Time, each func([]onboarding.Event) error) error {
	return r.readOutbox(ctx, "", before, each)
}

// WebhookOutbox does the same for the webhook.
func (r *Registry) WebhookOutbox(ctx context.Context, before time.Time, each func([]onboarding.Event) error) error {
	return r.readOutbox(ctx, webhookPrefix, before, each)
}

func (r *Registry) readOutbox(ctx context.Context, prefix string, before time.Time, each func([]onboarding.Event) error) error {
	pages := dynamodb.NewQueryPaginator(r.client, &dynamodb.QueryInput{
		TableName:              &r.table,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :first AND :before"),
		ExpressionAttributeValues: item{
			// A key goes on after its time, so one of that very moment is not among them.
			":pk": text(outboxPartition), ":first": text(prefix + "0"), ":before": text(prefix + before.UTC().Format(sortable)),
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

// RemoveEvents takes events that the event bus has taken out of the outbox; those
// that another process has removed before are no error. There are at most 100.
func (r *Registry) RemoveEvents(ctx context.Context, events []onboarding.Event) error {
	return r.removeEvents(ctx, events, outboxKey)
}

// RemoveWebhookEvents does the same for the webhook.
func (r *Registry) RemoveWebhookEvents(ctx context.Context, events []onboarding.Event) error {
	return r.removeEvents(ctx, events, webhookKey)
}

func (r *Registry) removeEvents(ctx context.Context, events []onboarding.Event, place func(onboarding.Event) key) error {
	if len(events) == 0 {
		return nil
	}
	var writes []types.TransactWriteItem
	for _, event := range events {
		writes = append(writes, types.TransactWriteItem{Delete: &types.Delete{TableName: &r.table, Key: place(event).item()}})
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
