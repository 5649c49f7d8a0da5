// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	smithytime "github.com/aws/smithy-go/time"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// Intervals and limits. The visibility timeout is longer than the interval at which
// it is extended, but not by much: the messages of a registrar that was killed must
// become visible again long before CloudFormation stops waiting.
const (
	visibility       = 30 * time.Second
	extendInterval   = 10 * time.Second // interval at which the visibility timeout is extended
	workLimit        = 75 * time.Second // for handling one message
	dispositionLimit = 20 * time.Second // for deleting, requeueing or dead-lettering it afterwards
	beatInterval     = time.Minute
	maxReceivePause  = 30 * time.Second // longest pause between failing receives
)

// Run processes messages until ctx is done. Then it receives nothing more, finishes the
// requests in flight within StopLimit, and returns nil. It returns an error of a receive
// only if GiveUp returns true for it before any receive has worked.
func (r *Registrar) Run(ctx context.Context) error {
	work, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var workers sync.WaitGroup
	workers.Go(func() { r.beat(ctx) })
	workers.Go(func() { r.sweepEvents(ctx) })

	wait, worked, enough := time.Second, false, 1
	for {
		slots := r.slots.acquire(ctx, enough)
		if ctx.Err() != nil {
			r.slots.release(slots)
			break
		}
		messages, err := r.config.Queue.Receive(ctx, slots)
		r.slots.release(slots - len(messages))
		if enough = 1; len(messages) == slots {
			enough = r.slots.enough()
		}
		if err == nil {
			r.config.Observer.Received(messages)
			wait, worked = time.Second, true
		}
		slices.SortStableFunc(messages, deletesFirst)
		for _, message := range messages {
			workers.Go(func() { r.process(work, message) })
		}
		if err != nil && ctx.Err() == nil {
			if !worked && r.config.GiveUp != nil && r.config.GiveUp(err) {
				stop() // ends the heartbeat
				finish(&workers, r.config.StopLimit, abandon)
				return err
			}
			r.config.Logger.Error("receiving failed; trying again", "error", err, "within", wait)
			pause(ctx, r.randomBelow(wait))
			wait = min(2*wait, maxReceivePause)
		}
	}
	r.proofLimiter.close()
	finish(&workers, r.config.StopLimit, abandon)
	r.FinishEvents(context.WithoutCancel(ctx))
	return nil
}

// finish waits for the workers, and after the limit calls abandon to stop them. Another
// registrar receives the messages that they have not finished.
func finish(workers *sync.WaitGroup, limit time.Duration, abandon func()) {
	timer := time.AfterFunc(limit, abandon)
	defer timer.Stop()
	workers.Wait()
}

// process handles one message and keeps it invisible to other registrars meanwhile.
// Then it frees the message's worker slot, and deletes the message if it is done.
func (r *Registrar) process(ctx context.Context, m Message) {
	release := r.keepInvisible(ctx, m)
	slot := workerSlot{r.slots}
	done := r.work(ctx, m, slot, release)
	slot.release()
	if !done {
		return
	}
	if err := r.config.Queue.Delete(ctx, m); err != nil {
		// The message becomes visible again, and its request gets the same answer.
		r.config.Logger.Warn("a message could not be deleted; it will be received again", "message", m.ID, "error", err)
	}
}

// Work handles one message. It returns true if the caller must delete the message,
// and false if the message will be received again.
func (r *Registrar) Work(ctx context.Context, m Message) (done bool) {
	return r.work(ctx, m, workerSlot{}, func() {})
}

func (r *Registrar) work(ctx context.Context, m Message, slot workerSlot, handled func()) (done bool) {
	d := r.handleSafely(ctx, m.Body, slot)
	handled()
	ctx, cancel := context.WithTimeout(ctx, dispositionLimit)
	defer cancel()
	var err error
	switch d.Action {
	case Done:
	case Retry:
		err = r.config.Queue.ChangeVisibility(ctx, m, d.After)
	case DeadLetter:
		err = r.config.Queue.SendToDeadLetters(ctx, m, d.Reason)
	}
	if err != nil {
		r.config.Logger.Warn("a message could not be deleted or requeued; it will be received again", "message", m.ID, "action", d.Action, "error", err)
		d = Disposition{Action: Retry, After: visibility}
	}
	r.config.Observer.Finished(m, d)
	return d.Action != Retry
}

// handleSafely calls handle and recovers from a panic, so that a message that causes a
// panic does not end the handling of others.
func (r *Registrar) handleSafely(ctx context.Context, body []byte, slot workerSlot) (d Disposition) {
	defer func() {
		if cause := recover(); cause != nil {
			r.config.Logger.Error("handling a message panicked", "cause", fmt.Sprint(cause), "trace", string(debug.Stack()))
			d = Disposition{Action: Retry, After: r.jitter(20 * time.Second)}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, workLimit)
	defer cancel()
	return r.handle(ctx, body, slot)
}

// keepInvisible extends the visibility timeout of a message until release is called. If
// an extension fails, another registrar may receive the message too, which costs some
// calls and changes no result.
func (r *Registrar) keepInvisible(ctx context.Context, m Message) (release func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for pause(ctx, extendInterval); ctx.Err() == nil; pause(ctx, extendInterval) {
			limited, done := context.WithTimeout(ctx, extendInterval)
			if err := r.config.Queue.ChangeVisibility(limited, m, visibility); err != nil && ctx.Err() == nil {
				r.config.Logger.Warn("the visibility timeout of a message could not be extended; another registrar may receive it too", "message", m.ID, "error", err)
			}
			done()
		}
	}()
	return sync.OnceFunc(func() { cancel(); <-ended })
}

// beat writes a heartbeat each minute until ctx is done.
func (r *Registrar) beat(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.Beat(ctx); err != nil && ctx.Err() == nil {
			r.config.Logger.Warn("the heartbeat could not be written", "error", err)
		}
		pause(ctx, beatInterval)
	}
}

// Beat writes one heartbeat. Run does this once a minute.
func (r *Registrar) Beat(ctx context.Context) error {
	return r.config.Registry.Beat(ctx, r.config.ID, r.config.Oldest())
}

// deletesFirst compares messages so that Deletes sort first: a Delete needs no proof,
// and the customer's stack is blocked until it is answered.
func deletesFirst(a, b Message) int { return rank(a) - rank(b) }

func rank(m Message) int {
	if request, err := phonehome.Decode(m.Body); err == nil && request.Type != phonehome.Delete {
		return 1
	}
	return 0
}

// pause waits for d, or until ctx is done. The caller checks ctx.
func pause(ctx context.Context, d time.Duration) { _ = smithytime.SleepWithContext(ctx, d) }
