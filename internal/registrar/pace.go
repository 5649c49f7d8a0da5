// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"io"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// lastTries is the longest delay between attempts to send an answer in the last
// minute before the deadline.
const lastTries = 10 * time.Second

// longestRetry is the longest delay of a message after its deadline, so that a message
// that cannot be finished is still tried several times a day.
const longestRetry = 6 * time.Hour

// pace returns the delay until a requeued message is received again, at least after.
//
// The delay is at least a tenth of the message's age. Otherwise a message that could
// not be finished for days, because the registry is unavailable, would reach the
// queue's maximum number of receives and go to the dead-letter queue, although it was
// answered and its change was not yet committed. With it, a message is received some
// hundred times in the two weeks for which SQS keeps it.
//
// Two delays are shortened, so that the message is received in time: for the last try
// of its role, and at the beginning of the last minute, in which it is answered in
// any case.
func (h *handling) pace(after time.Duration) time.Duration {
	c := onboarding.Case{Snapshot: onboarding.Snapshot{Hub: h.config.Hub}, Request: h.request}
	now := h.config.Clock()
	switch tenth := now.Sub(h.request.SentAt) / 10; {
	case now.Before(c.LastTryAt()):
		return min(h.jitter(max(after, tenth)), c.LastTryAt().Sub(now)+time.Second)
	case !c.Closing(now):
		return min(h.jitter(max(after, tenth)), c.ClosesAt().Sub(now)+time.Second)
	case now.Before(c.Deadline()):
		return h.jitter(min(after, lastTries))
	default:
		return h.jitter(min(max(after, tenth), longestRetry))
	}
}

// jitter returns d and up to a quarter more, so that messages that failed at the same
// time are not received again at the same time.
func (r *Registrar) jitter(d time.Duration) time.Duration {
	return d + r.randomBelow(d/4)
}

// randomBelow returns a random duration below d.
func (r *Registrar) randomBelow(d time.Duration) time.Duration {
	var b [2]byte
	if _, err := io.ReadFull(r.config.Random, b[:]); err != nil {
		return d / 2
	}
	return d * time.Duration(uint32(b[0])<<8|uint32(b[1])) / (1 << 16)
}
