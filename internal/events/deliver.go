// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package events

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// mostAtOnce is how many events go into one call (aws-facts 11.1). Ours have
// some kilobytes, so they never reach its limit in bytes.
const mostAtOnce = 10

// tries is how often one call is tried: the outbox has patience enough.
const tries = 2

// batches cuts events into calls.
func batches(events []onboarding.Event) iter.Seq[[]onboarding.Event] {
	return slices.Chunk(events, mostAtOnce)
}

// deliver sends events in one call and removes from the outbox what was taken.
// EventBridge takes or refuses each by itself (aws-facts 11.1): where it refused
// any the error is a *refusedError, and the others are removed all the same.
//
// Once it has begun it goes on for as long as it may take, also where we are to
// stop: events whose end nobody has seen would be sent twice.
func (p *Publisher) deliver(ctx context.Context, bus account.EventBusARN, batch []onboarding.Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendLimit)
	defer cancel()
	input := &eventbridge.PutEventsInput{}
	for _, event := range batch {
		entry, err := entryOf(bus, event)
		if err != nil {
			return err
		}
		input.Entries = append(input.Entries, entry)
	}
	out, err := p.config.Bus(bus.Region).PutEvents(ctx, input, func(o *eventbridge.Options) { o.RetryMaxAttempts = tries })
	if err != nil {
		return fmt.Errorf("put %d events on bus %s: %w", len(batch), bus, err)
	}
	if len(out.Entries) != len(batch) {
		return fmt.Errorf("put %d events on bus %s: EventBridge answered for %d", len(batch), bus, len(out.Entries))
	}
	var taken []onboarding.Event
	refused := refusedError{bus: bus, final: true}
	for i, result := range out.Entries {
		if result.ErrorCode == nil {
			taken = append(taken, batch[i])
			continue
		}
		refused.add(batch[i], result)
	}
	if err := p.config.Outbox.RemoveEvents(ctx, taken); err != nil {
		return err
	}
	if len(refused.reasons) > 0 {
		return &refused
	}
	return nil
}

// refusedError says that EventBridge was there and didn't take some events.
type refusedError struct {
	bus     account.EventBusARN
	reasons []string
	final   bool // trying again soon will not help, with any of them
}

// isFinal tells a refusal of some events from EventBridge's own trouble, in
// which all others would fare alike.
func isFinal(err error) bool {
	var refused *refusedError
	return errors.As(err, &refused) && refused.final
}

func (e *refusedError) add(event onboarding.Event, result types.PutEventsResultEntry) {
	code := aws.ToString(result.ErrorCode)
	e.reasons = append(e.reasons, fmt.Sprintf("event %s of customer %s: %s: %s",
		event.ID, event.After.CustomerID, code, aws.ToString(result.ErrorMessage)))
	if code == "ThrottlingException" || code == "InternalFailure" || code == "InternalException" {
		e.final = false
	}
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("bus %s did not take %d events: %s", e.bus, len(e.reasons), strings.Join(e.reasons, "; "))
}
