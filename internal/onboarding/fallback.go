// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// Fallback returns the answer to send while the registry is unavailable, because a
// stack that gets no answer hangs; false if it is too early. A Delete is answered at
// once, other requests in the last minute, when waiting for the registry is no longer
// possible. After the deadline no stack waits for an answer. The answer changes
// nothing: the message stays in the queue, and is decided when the registry is
// available again.
func Fallback(hub Hub, request phonehome.Request, now time.Time) (phonehome.Response, bool) {
	d := newDecider(Case{Snapshot: Snapshot{Hub: hub}, Request: request}, now)
	if !now.Before(d.Deadline()) || request.Type != phonehome.Delete && !d.closing() {
		return phonehome.Response{}, false
	}
	if request.Type == phonehome.Create {
		return d.fail(OutcomeTooLate, d.messages.tryAgain()).Answer.Response, true
	}
	return d.succeed(OutcomeStranger, Change{}).Answer.Response, true
}
