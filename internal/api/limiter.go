// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter limits the requests per second of each caller or address.
type limiter struct {
	limit rate.Limit
	burst int
	now   func() time.Time

	mu  sync.Mutex
	all map[string]*rate.Limiter
}

// maxLimited is the maximum number of callers that are tracked: when it is reached,
// the counts of all callers are reset.
const maxLimited = 10_000

func newLimiter(perSecond float64, clock func() time.Time) *limiter {
	return &limiter{limit: rate.Limit(perSecond), burst: max(int(2*perSecond), 5), now: clock, all: map[string]*rate.Limiter{}}
}

func (l *limiter) of(name string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := l.all[name]
	if found == nil {
		if len(l.all) >= maxLimited {
			clear(l.all)
		}
		found = rate.NewLimiter(l.limit, l.burst)
		l.all[name] = found
	}
	return found
}

// allow reports whether one more request is within the limit, and counts the request.
func (l *limiter) allow(name string) bool { return l.of(name).AllowN(l.now(), 1) }
