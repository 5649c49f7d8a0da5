// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"io"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// lastTries is how often, in its last minute, an answer is tried at least.
const lastTries = 10 * time.Second

// longestRetry keeps a message that cannot be finished from being forgotten.
const longestRetry = 6 * time.Hour

// pace returns how long a message that comes again stays away, at least after.
//
// It waits at least a tenth of its age: one that could not be finished for days,
// because the registry is down, would otherwise be received as often as the
// queue allows and end among the dead letters, after having been answered but
// before having been stored. Like this, two weeks, which is as long as SQS keeps
// it, are a good hundred receives.
//
// But it is received in time for the last try at its role, and when the last minute begins,
// in which it gets an answer in any case.
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

// jitter spreads retries, so that what failed together does not come together.
func (r *Registrar) jitter(d time.Duration) time.Duration {
	return d + r.upTo(d/4)
}

// upTo returns a random duration below d.
func (r *Registrar) upTo(d time.Duration) time.Duration {
	var b [2]byte
	if _, err := io.ReadFull(r.config.Random, b[:]); err != nil {
		return d / 2
	}
	return d * time.Duration(uint32(b[0])<<8|uint32(b[1])) / (1 << 16)
}
