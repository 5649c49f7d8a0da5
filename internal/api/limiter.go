// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter bounds how many requests a second come from one caller or address.
type limiter struct {
	limit rate.Limit
	burst int
	now   func() time.Time

	mu  sync.Mutex
	all map[string]*rate.Limiter
}

// mostLimited bounds how many callers are remembered: beyond that, all start over.
const mostLimited = 10_000

func newLimiter(perSecond float64, clock func() time.Time) *limiter {
	return &limiter{limit: rate.Limit(perSecond), burst: max(int(2*perSecond), 5), now: clock, all: map[string]*rate.Limiter{}}
}

func (l *limiter) of(name string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := l.all[name]
	if found == nil {
		if len(l.all) >= mostLimited {
			clear(l.all)
		}
		found = rate.NewLimiter(l.limit, l.burst)
		l.all[name] = found
	}
	return found
}

// allow reports whether one more request is within the limit, and counts it.
func (l *limiter) allow(name string) bool { return l.of(name).AllowN(l.now(), 1) }
