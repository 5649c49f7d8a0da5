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

// The times that the registrar goes by. A message is invisible to others for
// longer than it takes to say that it is still being worked on, and not much
// longer: the messages of a registrar that was killed are not to wait until
// CloudFormation has given up.
const (
	visibility   = 30 * time.Second
	keepEvery    = 10 * time.Second
	workLimit    = 75 * time.Second
	putAwayLimit = 20 * time.Second
	beatEvery    = time.Minute
	longestWait  = 30 * time.Second // between failing receives
)

// Run works until the context ends; then it receives nothing more, finishes
// the requests in flight within a limit, and returns. It returns an error only
// if GiveUp says so.
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
		places := r.places.take(ctx, enough)
		if ctx.Err() != nil {
			r.places.give(places)
			break
		}
		messages, err := r.config.Queue.Receive(ctx, places)
		r.places.give(places - len(messages))
		if enough = 1; len(messages) == places {
			enough = r.places.enough()
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
				stop() // the heartbeat
				finish(&workers, r.config.StopLimit, abandon)
				return err
			}
			r.config.Logger.Error("receiving failed; trying again", "error", err, "within", wait)
			pause(ctx, r.upTo(wait))
			wait = min(2*wait, longestWait)
		}
	}
	r.proofLimiter.close()
	finish(&workers, r.config.StopLimit, abandon)
	r.FinishEvents(context.WithoutCancel(ctx))
	return nil
}

// finish waits for the workers, and after the limit makes them stop. Whatever
// they leave comes again to another registrar.
func finish(workers *sync.WaitGroup, limit time.Duration, abandon func()) {
	timer := time.AfterFunc(limit, abandon)
	defer timer.Stop()
	workers.Wait()
}

// process works on one message that no other registrar is to get meanwhile, gives up its
// place, and deletes it if it is done.
func (r *Registrar) process(ctx context.Context, m Message) {
	release := r.keep(ctx, m)
	place := seat{r.places}
	done := r.work(ctx, m, place, release)
	place.leave()
	if !done {
		return
	}
	if err := r.config.Queue.Delete(ctx, m); err != nil {
		// It comes again by itself, and gets the same answer.
		r.config.Logger.Warn("a message could not be deleted; it will be received again", "message", m.ID, "error", err)
	}
}

// Work handles one message and does with it what comes of that, all but
// deleting it, which is for the caller if it returns true. Otherwise the
// message comes again.
func (r *Registrar) Work(ctx context.Context, m Message) (done bool) {
	return r.work(ctx, m, seat{}, func() {})
}

func (r *Registrar) work(ctx context.Context, m Message, place seat, handled func()) (done bool) {
	d := r.survive(ctx, m.Body, place)
	handled()
	ctx, cancel := context.WithTimeout(ctx, putAwayLimit)
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

// survive is Handle for unforeseen messages: one that makes us
// panic must not take the others with it.
func (r *Registrar) survive(ctx context.Context, body []byte, place seat) (d Disposition) {
	defer func() {
		if cause := recover(); cause != nil {
			r.config.Logger.Error("handling a message panicked", "cause", fmt.Sprint(cause), "trace", string(debug.Stack()))
			d = Disposition{Action: Retry, After: r.jitter(20 * time.Second)}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, workLimit)
	defer cancel()
	return r.handle(ctx, body, place)
}

// keep has a message to ourselves for as long as it takes, until release is
// called. If that fails another registrar gets it too, which costs some
// calls and changes nothing.
func (r *Registrar) keep(ctx context.Context, m Message) (release func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for pause(ctx, keepEvery); ctx.Err() == nil; pause(ctx, keepEvery) {
			limited, done := context.WithTimeout(ctx, keepEvery)
			if err := r.config.Queue.ChangeVisibility(limited, m, visibility); err != nil && ctx.Err() == nil {
				r.config.Logger.Warn("the visibility of a message in work could not be extended; another registrar may receive it too", "message", m.ID, "error", err)
			}
			done()
		}
	}()
	return sync.OnceFunc(func() { cancel(); <-ended })
}

// beat tells the registry that a registrar is running.
func (r *Registrar) beat(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.Beat(ctx); err != nil && ctx.Err() == nil {
			r.config.Logger.Warn("the heartbeat could not be written", "error", err)
		}
		pause(ctx, beatEvery)
	}
}

// Beat tells the registry once that a registrar is running. Run does that by
// itself.
func (r *Registrar) Beat(ctx context.Context) error {
	return r.config.Registry.Beat(ctx, r.config.ID, r.config.Oldest())
}

// deletesFirst: a Delete never waits for a proof, and a customer who leaves
// waits for us with a blocked stack.
func deletesFirst(a, b Message) int { return rank(a) - rank(b) }

func rank(m Message) int {
	if request, err := phonehome.Decode(m.Body); err == nil && request.Type != phonehome.Delete {
		return 1
	}
	return 0
}

// pause lets time pass, less if the context ends, which the caller looks at.
func pause(ctx context.Context, d time.Duration) { _ = smithytime.SleepWithContext(ctx, d) }
