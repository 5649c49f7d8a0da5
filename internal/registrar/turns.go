// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// turns shares the workers between customers' accounts. However many requests
// an account sends, only so many are worked on at once; the others go back to
// the queue, each for a little longer than the one before, so that a flood
// comes back as a line and not as a flood. The line is as long as the flood, up
// to some minutes: a message that is received before its turn costs two useless
// calls, and delays other customers' messages.
//
// The account is the one that a request names, and any publisher can name any.
// A flood in a customer's name takes that customer's share, and then both wait
// in one line; other customers do not. Blocking the one who floods is for the
// operator.
type turns struct {
	share   int // of one account
	deletes int // its share for Deletes: a customer who leaves waits with a blocked stack

	mu    sync.Mutex
	lines map[account.ID]*line
}

// line is those of one account who wait.
type line struct {
	working int
	last    time.Time // when the last of the line has its turn
}

const (
	turnEvery   = 100 * time.Millisecond
	shortestWay = time.Second // to the queue and back
	longestTurn = 5 * time.Minute
)

// join adds one more to the end of the line, and returns how long it stays away:
// it comes so long after the one before, and at the earliest and latest then.
func (l *line) join(now time.Time, every, shortest, longest time.Duration) time.Duration {
	first, end := now.Add(shortest), now.Add(longest)
	l.last = l.last.Add(every)
	if l.last.Before(first) {
		l.last = first
	}
	if l.last.After(end) {
		l.last = end
	}
	return l.last.Sub(now)
}

// take gives the request its turn, with what ends it; or nil, and how long to
// stay away.
func (t *turns) take(r phonehome.Request, now time.Time) (leave func(), wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	of := r.Stack.Account
	l := t.lines[of]
	if l == nil {
		if t.lines == nil {
			t.lines = map[account.ID]*line{}
		}
		l = &line{}
		t.lines[of] = l
	}
	share := t.share
	if r.Type == phonehome.Delete {
		share = t.deletes
	}
	if l.working < share {
		l.working++
		return func() { t.leave(of) }, 0
	}
	return nil, l.join(now, turnEvery, shortestWay, longestTurn)
}

func (t *turns) leave(of account.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lines[of]
	if l.working--; l.working == 0 {
		delete(t.lines, of) // those who wait find free places
	}
}
