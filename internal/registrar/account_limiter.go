// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// accountLimiter limits the number of requests of one customer's account that are
// handled at the same time. A request over the limit is requeued, with a delay that
// grows by requeueInterval for each further request, so that a flood of requests
// returns evenly spread. The delays add up to the length of the flood, but at most
// maxRequeueDelay: a message that is received too early costs two useless calls, and
// delays other customers' messages.
//
// The account is the one that the request claims, and any publisher can claim any
// account. A flood in a customer's name uses up that customer's share, and delays the
// customer's own requests too, but not those of other customers. Operators can block
// the sender of a flood.
type accountLimiter struct {
	share   int // maximum number of requests of one account
	deletes int // the same for Deletes, because a customer's stack is blocked until its Delete is answered

	mu       sync.Mutex
	backlogs map[account.ID]*backlog
}

// backlog is the state of one account: its requests that are being handled, and the
// delays of its requeued ones.
type backlog struct {
	working int
	last    time.Time // when the last of the requeued requests is to be received again
}

const (
	requeueInterval = 100 * time.Millisecond // added delay for each further request
	minRequeueDelay = time.Second            // a requeued message is not received earlier
	maxRequeueDelay = 5 * time.Minute
)

// join adds one request to the requeued ones, and returns its delay: it is to be
// received one interval after the last one, but not earlier than shortest and not
// later than longest from now.
func (b *backlog) join(now time.Time, every, shortest, longest time.Duration) time.Duration {
	first, end := now.Add(shortest), now.Add(longest)
	b.last = b.last.Add(every)
	if b.last.Before(first) {
		b.last = first
	}
	if b.last.After(end) {
		b.last = end
	}
	return b.last.Sub(now)
}

// acquire counts the request as being handled, and returns the function that ends that;
// or nil and the delay with which to requeue the request, if its account is at the
// limit.
func (l *accountLimiter) acquire(r phonehome.Request, now time.Time) (release func(), wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	of := r.Stack.Account
	b := l.backlogs[of]
	if b == nil {
		if l.backlogs == nil {
			l.backlogs = map[account.ID]*backlog{}
		}
		b = &backlog{}
		l.backlogs[of] = b
	}
	share := l.share
	if r.Type == phonehome.Delete {
		share = l.deletes
	}
	if b.working < share {
		b.working++
		return func() { l.release(of) }, 0
	}
	return nil, b.join(now, requeueInterval, minRequeueDelay, maxRequeueDelay)
}

func (l *accountLimiter) release(of account.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.backlogs[of]
	if b.working--; b.working == 0 {
		delete(l.backlogs, of) // its requeued requests will be within the limit
	}
}
