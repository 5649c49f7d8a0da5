// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package lambda lets a registrar run as a Lambda function with the
// hub's queue as its event source.
//
// It decides nothing: every message goes through the same Registrar.Work as in
// the daemon. What differs is who receives and deletes messages, which is Lambda,
// and that nothing runs between two events: so a schedule wakes the function,
// to send its heartbeat to the registry and to prove roles again.
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

// Handler handles events.
type Handler struct {
	Registrar Worker
	Clock     func() time.Time
	// Verify proves the roles again, if that is due.
	Verify func(context.Context)
	// Flush sends traces, before Lambda freezes the function; nil: there are none.
	Flush func(context.Context)

	mu   sync.Mutex
	beat time.Time // the last heartbeat
}

// Worker is as much of a *registrar.Registrar as there is need for.
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

// Event is either a batch of messages of the queue, or a task for which a
// schedule wakes the function.
type Event struct {
	Records []events.SQSMessage `json:"Records"`
	Task    Task                `json:"task"`
}

// Task is what a schedule may ask for, as {"task": "beat"}.
type Task string

// The tasks.
const (
	Beat   Task = "beat"   // tell the registry that a registrar is running, and others what they were not told yet
	Verify Task = "verify" // prove all roles again, if that is due
)

// Handle does what an event asks for. The messages of a batch that are not done
// are its answer: Lambda leaves those in the queue and deletes the others, if
// the event source has ReportBatchItemFailures (aws-facts 6).
func (h *Handler) Handle(ctx context.Context, raw json.RawMessage) (events.SQSEventResponse, error) {
	var event Event
	if err := json.Unmarshal(raw, &event); err != nil {
		return events.SQSEventResponse{}, fmt.Errorf("read the event: %w", err)
	}
	switch {
	case len(event.Records) > 0:
		response := h.batch(ctx, event.Records)
		h.finishEvents(ctx)
		h.tell(ctx)
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

// spare is how long before the function's end every message is to be put away.
const spare = 3 * time.Second

// batch works on all messages at once: Lambda gives as many as it is told to.
func (h *Handler) batch(ctx context.Context, records []events.SQSMessage) events.SQSEventResponse {
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-spare))
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

// finishEvents waits for events and traces that are being sent, since Lambda freezes
// the function after its answer; but never so long that the answer comes too late.
func (h *Handler) finishEvents(ctx context.Context) {
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-spare/3))
		defer cancel()
	}
	h.Registrar.FinishEvents(ctx)
	if h.Flush != nil {
		h.Flush(ctx)
	}
}

const beatEvery = time.Minute

// tell sends a heartbeat after a batch, if the last one is old. A failure
// is not reported: the schedule sends the next one soon.
func (h *Handler) tell(ctx context.Context) {
	h.mu.Lock()
	due := h.Clock().Sub(h.beat) >= beatEvery
	if due {
		h.beat = h.Clock()
	}
	h.mu.Unlock()
	if due {
		_ = h.Registrar.Beat(ctx)
	}
}
