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
// comes back as a line and not as a flood.
//
// The account is the one that a request names, and whoever may publish can name
// any. Somebody who floods in another's name takes that other's share, and then
// both wait in one line, for seconds; nobody else does. Blocking who floods is
// for the operator.
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
	longestTurn = 20 * time.Second
)

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
	first, end := now.Add(shortestWay), now.Add(longestTurn)
	l.last = l.last.Add(turnEvery)
	if l.last.Before(first) {
		l.last = first
	}
	if l.last.After(end) {
		l.last = end
	}
	return nil, l.last.Sub(now)
}

func (t *turns) leave(of account.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lines[of]
	if l.working--; l.working == 0 {
		delete(t.lines, of) // nobody is in the way of those who wait
	}
}
