// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// EventBusError indicates that a hub can't publish its events to an event bus.
type EventBusError struct {
	Bus account.EventBusARN
	Why string
	Err error // the error of AWS; may be nil
}

func (e *EventBusError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("event bus %s: %s", e.Bus, e.Why)
	}
	return fmt.Sprintf("event bus %s: %s: %v", e.Bus, e.Why, e.Err)
}

func (e *EventBusError) Unwrap() error { return e.Err }

// CheckEventBus returns *EventBusError if the ARN of a bus shows that a hub in an
// account and Region can't use it.
func CheckEventBus(bus account.EventBusARN, owner account.ID, region account.Region) error {
	switch {
	case bus.IsZero():
		return nil
	case bus.Region.Partition() != region.Partition():
		return &EventBusError{Bus: bus, Why: account.PartitionMismatch("it", bus.Region.Partition(), region.Partition())}
	case bus.Account != owner:
		return &EventBusError{Bus: bus, Why: fmt.Sprintf("it belongs to account %s, and the hub to %s: name a bus of the hub's own account, and let a rule of it send events on", bus.Account, owner)}
	}
	return nil
}

// checkEventBus returns *EventBusError if the bus can't be used or does not exist.
// EventBridge accepts events for a bus that does not exist, and loses them silently
// (aws-facts 11.2).
func (h *Manager) checkEventBus(ctx context.Context, bus account.EventBusARN) error {
	if err := CheckEventBus(bus, h.clients.Account, h.clients.Region); err != nil || bus.IsZero() {
		return err
	}
	_, err := h.clients.EventBridge(bus.Region).DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{Name: aws.String(bus.Name)})
	if awsclient.IsNotFound(err) {
		return &EventBusError{Bus: bus, Why: "there is no such bus: create it first, or refer to its resource, so that Terraform does", Err: err}
	}
	return h.clients.Explain(err, bus.String())
}
