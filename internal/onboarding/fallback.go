// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// Fallback returns the answer to give while the registry cannot be reached, because
// silence is the only wrong one. A Delete is answered at once, the others in
// the last minute, when waiting for the registry is no longer possible; after
// the deadline no stack waits. It changes nothing: the message is kept, and
// decided properly when the registry is back.
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
