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
// function may remove them. While another process does the same it returns at once.
func (r *Registry) Outbox(ctx context.Context, before time.Time, each func([]onboarding.Event) error) error {
	return r.readOutbox(ctx, "", before, each)
}

// WebhookOutbox does the same for the webhook.
func (r *Registry) WebhookOutbox(ctx context.Context, before time.Time, each func([]onboarding.Event) error) error {
	return r.readOutbox(ctx, webhookPrefix, before, each)
}

// readOutbox reads the events that are in the outbox for a receiver, which is told by
// the prefix of their keys. One process at a time does so: another one would send the
// same events. So the first call only finds out whether there are any, which is rare,
// and what is sent is read under the lease.
func (r *Registry) readOutbox(ctx context.Context, prefix string, before time.Time, each func([]onboarding.Event) error) (err error) {
	// A key goes on after its time, so one of that very moment is not among them.
	left := keyRange{partition: outboxPartition, above: prefix + "0", last: prefix + before.UTC().Format(sortable), itemsAtOnce: 1}
	if there, err := r.hasItems(ctx, left); err != nil || !there {
		return err
	}
	left.itemsAtOnce = outboxPage
	lease := outboxLease{registry: r, key: sweepKey(prefix), holder: rand.Text()}
	if mine, err := lease.take(ctx); err != nil || !mine {
		return err
	}
	defer func() { err = errors.Join(err, lease.release(ctx)) }()
	taken := true
	for items, err := range r.pages(ctx, left) {
		if err != nil {
			return fmt.Errorf("read the events that are to be sent from table %s: %w", r.table, err)
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

// hasItems reports whether a range of the outbox has an item.
func (r *Registry) hasItems(ctx context.Context, outbox keyRange) (bool, error) {
	for items, err := range r.pages(ctx, outbox) {
		if err != nil {
			return false, fmt.Errorf("read the events that are to be sent from table %s: %w", r.table, err)
		}
		if len(items) > 0 {
			return true, nil
		}
	}
	return false, nil
}

// outboxLease is the right to send what was left for a receiver.
type outboxLease struct {
	registry *Registry
	key      key
	holder   string
}

// outboxLeaseTime is how long others leave the outbox to a process that has died while
// it sent a page: longer than that takes.
const outboxLeaseTime = 2 * time.Minute

// take takes the lease unless another process has it.
func (l outboxLease) take(ctx context.Context) (mine bool, err error) {
	return l.put(ctx, outboxLeaseTime, "attribute_not_exists(pk) OR lease_holder = :me OR lease_until < :now", item{":now": millis(l.registry.now())})
}

// renew is take for a process that has the lease; false if it has lost it.
func (l outboxLease) renew(ctx context.Context) (mine bool, err error) {
	return l.put(ctx, outboxLeaseTime, "lease_holder = :me", nil)
}

// release gives the lease back, also at the end of a process, by one that is over: a
// registrar without a receiver may put items, and delete none.
func (l outboxLease) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err := l.put(ctx, -time.Second, "lease_holder = :me", nil)
	return err
}

// put writes the lease for so long; false if the condition is not met.
func (l outboxLease) put(ctx context.Context, lasts time.Duration, condition string, values item) (bool, error) {
	r, i := l.registry, l.key.item()
	until := r.now().Add(lasts)
	i["schema"] = number(schema)
	i["lease_until"], i["expires"] = millis(until), moment(until.Add(time.Hour))
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
		return false, fmt.Errorf("write the lease of the events that are to be sent in table %s: %w", r.table, err)
	}
	return true, nil
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
