// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"cmp"
	"fmt"
)

// Defect is a missing part of a hub, or a wrong property of a part. Update repairs it.
type Defect struct {
	Part     Part
	Property Property // empty if the part itself is missing
	Name     string   // ARN or name of the part
}

// Part is a kind of resource that a hub consists of.
type Part int

// The parts of a hub.
const (
	HubRecord Part = iota + 1
	Shard
	Topic
	Subscription
	Queue
	DeadLetterQueue
	Bucket
	Table
)

var partNames = map[Part]string{
	HubRecord:       "hub",
	Shard:           "list of publishers",
	Topic:           "topic",
	Subscription:    "subscription",
	Queue:           "queue",
	DeadLetterQueue: "dead-letter queue",
	Bucket:          "bucket",
	Table:           "table",
}

func (p Part) String() string { return partNames[p] }

// Property is the display name of a wrong property of a part. No code depends on its
// value.
type Property string

// The properties that Read checks.
const (
	// Unfinished parts were being created or deleted when a process was interrupted.
	Unfinished          Property = "unfinished change"
	Policy              Property = "policy"
	SignatureVersion    Property = "signature version"
	RawDelivery         Property = "raw message delivery"
	FilterPolicy        Property = "filter policy"
	RedrivePolicy       Property = "redrive policy"
	MessageRetention    Property = "message retention"
	VisibilityTimeout   Property = "visibility timeout"
	ReceiveWaitTime     Property = "receive wait time"
	DeliveryDelay       Property = "delivery delay"
	Encryption          Property = "encryption"
	PublicAccess        Property = "public access block"
	DeletionProtection  Property = "deletion protection"
	PointInTimeRecovery Property = "point-in-time recovery"
	Expiry              Property = "time to live"
	// Restored is reported if the table is another one than the hub's record was
	// written to, such as a table restored from a backup.
	Restored Property = "identity"
	// Delivery is reported after an apply that could not test a change of queues,
	// topics or subscriptions.
	Delivery Property = "untested delivery"
	// Layout is reported for a table with the layout of the first release.
	Layout Property = "layout"
)

func (d Defect) String() string {
	if d.Property == "" {
		return fmt.Sprintf("%s %s is gone", d.Part, d.Name)
	}
	return fmt.Sprintf("%s of %s %s", d.Property, d.Part, d.Name)
}

func (d Defect) compare(other Defect) int {
	return cmp.Or(cmp.Compare(d.Part, other.Part), cmp.Compare(d.Name, other.Name), cmp.Compare(d.Property, other.Property))
}
