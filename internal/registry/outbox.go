// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// The outbox contains the events that were not sent yet. The transaction that writes a
// change also adds its event to the outbox, once for each receiver, and the event is
// removed after the receiver has accepted it. If a process crashes in between, the next
// process sends the event again. The outbox is nearly always empty.
//
// DynamoDB's expiry deletes an event that was not sent for as long as answers are kept.

// outboxPage is the number of events in a page.
const outboxPage = 100

// EventBus returns the event bus to which the hub's events are sent; zero if it has
// none.
func (r *Registry) EventBus(ctx context.Context) (account.EventBusARN, error) {
	hub, err := r.Hub(ctx)
	return hub.EventBus, err
}

// Webhook returns the URL of the hub's webhook; empty if it has none.
func (r *Registry) Webhook(ctx context.Context) (string, error) {
	hub, err := r.Hub(ctx)
	return hub.WebhookURL, err
}

// outboxWrite returns the writes that add an event to the outbox, one for each receiver
// of the hub, because one receiver may be down for days. It returns none if the event
// is nil.
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
		written["expires"] = unixTime(event.At.Add(answerLifetime))
		writes = append(writes, types.TransactWriteItem{Put: &types.Put{TableName: &r.table, Item: written}})
	}
	return writes, nil
}

// Outbox calls each with pages of the event bus's events that were added before a time,
// oldest first, until each returns an error. The function may remove the events. If
// another process does the same at this time, Outbox returns nil at once.
func (r *Registry) Outbox(ctx context.Context, before time.Time, each func([]onboarding.Event) error) error {
	return r.readOutbox(ctx, "", before, each)
}

// WebhookOutbox is Outbox for the events of the webhook.
func (r *Registry) WebhookOutbox(ctx context.Context, before time.Time, each func([]onboarding.Event) error) error {
	return r.readOutbox(ctx, webhookPrefix, before, each)
}

// readOutbox reads the events of the receiver whose keys have the prefix. One process
// at a time does so, because two would send the same events. So the first query only
// checks whether there are any, which is rare; the events to be sent are then read
// under the lease.
func (r *Registry) readOutbox(ctx context.Context, prefix string, before time.Time, each func([]onboarding.Event) error) (err error) {
	// Keys continue after the time, so keys of exactly that time are excluded.
	left := keyRange{partition: outboxPartition, above: prefix + "0", last: prefix + before.UTC().Format(sortable), itemsAtOnce: 1}
	if there, err := r.hasItems(ctx, left); err != nil || !there {
		return err
	}
	left.itemsAtOnce = outboxPage
	lease := outboxLease{registry: r, key: sweepKey(prefix), holder: rand.Text()}
	if mine, err := lease.acquire(ctx); err != nil || !mine {
		return err
	}
	defer func() { err = errors.Join(err, lease.release(ctx)) }()
	taken := true
	for items, err := range r.pages(ctx, left) {
		if err != nil {
			return fmt.Errorf("read the outbox in table %s: %w", r.table, err)
		}
		var events []onboarding.Event
		for _, i := range items {
			event, err := decode[onboarding.Event](r, keyOf(i), i)
			if err != nil {
				return err
			}
			events = append(events, event)
		}
		if len(events) == 0 {
			continue
		}
		if !taken {
			if mine, err := lease.renew(ctx); err != nil || !mine {
				return err
			}
		}
		taken = false // each page takes its time
		if err := each(events); err != nil {
			return err
		}
	}
	return nil
}

// hasItems reports whether a range of the outbox contains an item.
func (r *Registry) hasItems(ctx context.Context, outbox keyRange) (bool, error) {
	for items, err := range r.pages(ctx, outbox) {
		if err != nil {
			return false, fmt.Errorf("read the outbox in table %s: %w", r.table, err)
		}
		if len(items) > 0 {
			return true, nil
		}
	}
	return false, nil
}

// outboxLease is the exclusive right to send the remaining events of a receiver.
type outboxLease struct {
	registry *Registry
	key      key
	holder   string
}

// outboxLeaseTime is how long other processes wait if the holder of the lease crashes.
// It is longer than it takes to send a page.
const outboxLeaseTime = 2 * time.Minute

// acquire acquires the lease, unless another process holds it.
func (l outboxLease) acquire(ctx context.Context) (mine bool, err error) {
	return l.put(ctx, outboxLeaseTime, "attribute_not_exists(pk) OR lease_holder = :me OR lease_until < :now", item{":now": millis(l.registry.now())})
}

// renew extends a lease that the process holds. It returns false if the lease was lost.
func (l outboxLease) renew(ctx context.Context) (mine bool, err error) {
	return l.put(ctx, outboxLeaseTime, "lease_holder = :me", nil)
}

// release ends the lease, even if ctx is cancelled, by writing one that has expired: a
// registrar without a receiver may put items but not delete them.
func (l outboxLease) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err := l.put(ctx, -time.Second, "lease_holder = :me", nil)
	return err
}

// put writes the lease with the given duration. It returns false if the condition is
// not met.
func (l outboxLease) put(ctx context.Context, lasts time.Duration, condition string, values item) (bool, error) {
	r, i := l.registry, l.key.item()
	until := r.now().Add(lasts)
	i["schema"] = number(schema)
	i["lease_until"], i["expires"] = millis(until), unixTime(until.Add(time.Hour))
	if lasts > 0 {
		i["lease_holder"] = text(l.holder)
	}
	if values == nil {
		values = item{}
	}
	values[":me"] = text(l.holder)
	_, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &r.table, Item: i, ConditionExpression: &condition, ExpressionAttributeValues: values,
	})
	if awsclient.IsConditionFailed(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("write the lease of the outbox in table %s: %w", r.table, err)
	}
	return true, nil
}

// RemoveEvents removes at most 100 events that the event bus has accepted from the
// outbox. Events that another process has already removed are ignored.
func (r *Registry) RemoveEvents(ctx context.Context, events []onboarding.Event) error {
	return r.removeEvents(ctx, events, outboxKey)
}

// RemoveWebhookEvents is RemoveEvents for the events of the webhook.
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
		return fmt.Errorf("remove sent events from table %s: %w", r.table, ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("remove sent events from table %s: %w", r.table, err)
	}
	return nil
}
