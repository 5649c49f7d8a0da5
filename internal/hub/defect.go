// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"cmp"
	"fmt"
)

// Defect is a part of a hub that is not there, or a property of one that is
// not what it should be. Update repairs it.
type Defect struct {
	Part     Part
	Property Property // empty: the part itself is not there
	Name     string   // its ARN, or its name
}

// Part is a kind of thing that a hub consists of.
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

// Property is what of a part was changed, for people to read: nothing depends
// on it.
type Property string

// The properties that are watched.
const (
	// Unfinished parts were being made or removed when a process ended.
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
	// Restored tables are not the one that the hub's record was in before.
	Restored Property = "identity"
	// Delivery was changed by an apply that could not test it.
	Delivery Property = "untested delivery"
	// Layout is what the first release kept in other places.
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
