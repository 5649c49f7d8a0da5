// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import "github.com/xacct/terraform-provider-xacct/internal/sandbox/eventbridge"

// Event is one event that EventBridge has accepted.
type Event = eventbridge.Event

// Events returns all events that EventBridge has accepted so far, oldest first,
// including those that were lost because their bus does not exist.
func (s *Sandbox) Events() []Event { return s.eventBridge().Events() }

// RefuseEvents makes EventBridge call with for each event, and refuse the event
// with the error code that it returns; an empty code accepts the event. A nil
// function accepts all events again.
func (s *Sandbox) RefuseEvents(with func(Event) (code string)) { s.eventBridge().Refuse(with) }

func (s *Sandbox) eventBridge() *eventbridge.Service {
	return s.services["events"].(*eventbridge.Service) // addServices creates it
}
