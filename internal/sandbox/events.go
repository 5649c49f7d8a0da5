// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import "github.com/xacct/terraform-provider-xacct/internal/sandbox/eventbridge"

// Event is one event that EventBridge has accepted.
type Event = eventbridge.Event

// Events are all that EventBridge has accepted so far, in order, those that it
// lost for want of a bus included.
func (s *Sandbox) Events() []Event { return s.eventBridge().Events() }

// RefuseEvents has EventBridge refuse single events, with the code that a
// function gives; an empty code takes the event. Nil ends it.
func (s *Sandbox) RefuseEvents(with func(Event) (code string)) { s.eventBridge().Refuse(with) }

func (s *Sandbox) eventBridge() *eventbridge.Service {
	return s.services["events"].(*eventbridge.Service) // addServices made it
}
