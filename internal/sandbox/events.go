// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import "github.com/xacct/terraform-provider-xacct/internal/sandbox/eventbridge"

// Event is one event that EventBridge has accepted.
type Event = eventbridge.Event

// Events returns all events that EventBridge has accepted so far, in order,
// including those that were lost because their bus does not exist.
func (s *Sandbox) Events() []Event { return s.eventBridge().Events() }

// RefuseEvents makes EventBridge refuse single events, with the code that a
// function returns; an empty code accepts the event. Nil ends it.
func (s *Sandbox) RefuseEvents(with func(Event) (code string)) { s.eventBridge().Refuse(with) }

func (s *Sandbox) eventBridge() *eventbridge.Service {
	return s.services["events"].(*eventbridge.Service) // addServices made it
}
