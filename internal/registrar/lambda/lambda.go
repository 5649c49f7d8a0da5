// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package lambda runs a registrar as a Lambda function with the hub's queue as its
// event source.
//
// Every message goes through the same Registrar.Work as in the daemon. Two things
// differ: Lambda receives and deletes the messages, and nothing runs between two
// events. So a schedule invokes the function to write its heartbeat to the registry
// and to prove roles again.
package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awslambda "github.com/aws/aws-lambda-go/lambda"

	"github.com/xacct/terraform-provider-xacct/internal/registrar"
)

// Detected reports whether this process was started by Lambda.
func Detected() bool { return os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" }

// Handler handles the events of the function.
type Handler struct {
	Registrar Worker
	Clock     func() time.Time
	// Verify proves the roles again, if that is due.
	Verify func(context.Context)
	// Flush sends traces before Lambda freezes the function; nil: there are none.
	Flush func(context.Context)

	mu   sync.Mutex
	beat time.Time // when the last heartbeat was written
}

// Worker has the methods of *registrar.Registrar that a Handler calls.
type Worker interface {
	Work(ctx context.Context, m registrar.Message) (done bool)
	Beat(ctx context.Context) error
	FinishEvents(ctx context.Context)
	SweepEvents(ctx context.Context)
}

// Start handles events until Lambda ends the process.
func (h *Handler) Start(ctx context.Context) {
	awslambda.StartWithOptions(h.Handle, awslambda.WithContext(ctx))
}

// Event is either a batch of messages of the queue, or a task from a schedule.
type Event struct {
	Records []events.SQSMessage `json:"Records"`
	Task    Task                `json:"task"`
}

// Task is what a schedule asks for, as in {"task": "beat"}.
type Task string

// The tasks.
const (
	Beat   Task = "beat"   // write a heartbeat, and send the events that are left in the outbox
	Verify Task = "verify" // prove all roles again, if that is due
)

// Handle handles an event. For a batch it returns the messages that are not done:
// Lambda leaves those in the queue and deletes the others, if the event source has
// ReportBatchItemFailures (aws-facts 6). It returns an error for an unknown event.
func (h *Handler) Handle(ctx context.Context, raw json.RawMessage) (events.SQSEventResponse, error) {
	var event Event
	if err := json.Unmarshal(raw, &event); err != nil {
		return events.SQSEventResponse{}, fmt.Errorf("read the event: %w", err)
	}
	switch {
	case len(event.Records) > 0:
		response := h.batch(ctx, event.Records)
		h.finishEvents(ctx)
		h.beatIfDue(ctx)
		return response, nil
	case event.Task == Beat:
		err := h.Registrar.Beat(ctx)
		h.Registrar.SweepEvents(ctx)
		return events.SQSEventResponse{}, err
	case event.Task == Verify:
		h.Verify(ctx)
		return events.SQSEventResponse{}, nil
	}
	return events.SQSEventResponse{}, fmt.Errorf("this event is neither a batch of an SQS queue nor a task (%q, %q)", Beat, Verify)
}

// deadlineMargin is how long before the function's timeout the handling of messages
// must end.
const deadlineMargin = 3 * time.Second

// batch handles all messages of a batch at the same time. The event source's
// configuration limits their number.
func (h *Handler) batch(ctx context.Context, records []events.SQSMessage) events.SQSEventResponse {
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-deadlineMargin))
		defer cancel()
	}
	done := make([]bool, len(records))
	var workers sync.WaitGroup
	for i, record := range records {
		workers.Go(func() { done[i] = h.Registrar.Work(ctx, message(record)) })
	}
	workers.Wait()
	response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for i, record := range records {
		if !done[i] {
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: record.MessageId})
		}
	}
	return response
}

func message(record events.SQSMessage) registrar.Message {
	return registrar.Message{
		ID:      record.MessageId,
		Body:    []byte(record.Body),
		Receipt: record.ReceiptHandle,
		SentAt:  registrar.SentAt(record.Attributes["SentTimestamp"]),
	}
}

// finishEvents waits for events and traces in flight, because Lambda freezes the
// function after its response; but only as long as the response is still in time.
func (h *Handler) finishEvents(ctx context.Context) {
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-deadlineMargin/3))
		defer cancel()
	}
	h.Registrar.FinishEvents(ctx)
	if h.Flush != nil {
		h.Flush(ctx)
	}
}

const beatInterval = time.Minute

// beatIfDue writes a heartbeat after a batch, if the last one is a minute old. An error
// is ignored: the schedule writes the next one soon.
func (h *Handler) beatIfDue(ctx context.Context) {
	h.mu.Lock()
	due := h.Clock().Sub(h.beat) >= beatInterval
	if due {
		h.beat = h.Clock()
	}
	h.mu.Unlock()
	if due {
		_ = h.Registrar.Beat(ctx)
	}
}
