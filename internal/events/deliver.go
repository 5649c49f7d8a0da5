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

// maxBatch is the maximum number of events in one call (aws-facts 11.1). An event
// has a few kilobytes, so the limit in bytes is never reached.
const maxBatch = 10

// maxAttempts is the maximum number of attempts of one call; after that, its events wait in
// the outbox.
const maxAttempts = 2

// batches returns the events in batches for one call each.
func batches(events []onboarding.Event) iter.Seq[[]onboarding.Event] {
	return slices.Chunk(events, maxBatch)
}

// deliver sends events in one call and removes from the outbox those that were
// accepted. EventBridge accepts or refuses each separately (aws-facts 11.1): if
// it refused any, the error is a *refusedError, and the others are still
// removed.
//
// A call that was begun is finished even if ctx is cancelled: events whose
// outcome is unknown would be sent twice.
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
	out, err := p.config.Bus(bus.Region).PutEvents(ctx, input, func(o *eventbridge.Options) { o.RetryMaxAttempts = maxAttempts })
	if err != nil {
		return fmt.Errorf("put %s on bus %s: %w", onboarding.Counted(len(batch), "event"), bus, err)
	}
	if len(out.Entries) != len(batch) {
		return fmt.Errorf("put %s on bus %s: EventBridge returned results for %d", onboarding.Counted(len(batch), "event"), bus, len(out.Entries))
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

// refusedError indicates that EventBridge responded but refused some of the events.
type refusedError struct {
	bus     account.EventBusARN
	reasons []string
	final   bool // an early retry of any of them will not help
}

// isFinal reports whether EventBridge has only refused single events. It is false for
// an outage of EventBridge, which affects all other events too.
func isFinal(err error) bool {
	var refused *refusedError
	return errors.As(err, &refused) && refused.final
}

// add adds the result of an event to the error.
func (e *refusedError) add(event onboarding.Event, result types.PutEventsResultEntry) {
	code := aws.ToString(result.ErrorCode)
	e.reasons = append(e.reasons, fmt.Sprintf("event %s of customer %s: %s: %s",
		event.ID, event.After.CustomerID, code, aws.ToString(result.ErrorMessage)))
	if code == "ThrottlingException" || code == "InternalFailure" || code == "InternalException" {
		e.final = false
	}
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("bus %s rejected %s: %s", e.bus, onboarding.Counted(len(e.reasons), "event"), strings.Join(e.reasons, "; "))
}
