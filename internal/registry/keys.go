// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// key is the primary key of an item. partitions.go defines which side writes each
// partition.
type key struct{ pk, sk string }

// hubKey is the key of the hub's record, secretKey of the secret from which external
// IDs are derived. The secret has an item of its own, because the registrar reads the
// record but must not read the secret. migrationKey is the lease of the process that
// migrates a former table.
var (
	hubKey       = key{"HUB", "HUB"}
	secretKey    = key{"KEY", "KEY"}
	migrationKey = key{"HUB", "CARRY-OVER"}
)

// partitioning is the number of partitions of a hub's links, and also of its
// registrations, so that a large hub can be read by several concurrent queries and a
// small one by two. It is recorded in the hub's item when the hub is created, and can't
// change: a customer's partition is computed from it and the customer's ID.
type partitioning int

// A new on-demand table reads 12,000 units per second, a partition 3,000 (aws-facts
// 10.3), so four partitions use all of its capacity. The links of 150,000 customers, 1
// KB each, are 37,500 units. The links of maxUnpartitioned customers are read from one
// partition in a second.
const (
	maxUnpartitioned = 10_000
	maxPartitions    = partitioning(4)
)

// partitioningFor returns the number for a new hub with the given capacity. If the hub
// later grows beyond that, reads are slower.
func partitioningFor(capacity int) partitioning {
	if capacity <= maxUnpartitioned {
		return 1
	}
	return maxPartitions
}

// partitioningOf returns the number recorded in the hub's item. Tables of the first
// release have none, and are migrated to maxPartitions.
func partitioningOf(hub item) partitioning {
	if n := partitioning(numberOf(hub, "spread")); n > 0 {
		return n
	}
	return maxPartitions
}

func (n partitioning) partitionOf(customer string) int {
	sum := sha256.Sum256([]byte(customer))
	return int(sum[0]) % int(n)
}

func linkPartition(n int) string { return "LINK#" + strconv.Itoa(n) }

func registrationPartition(n int) string { return "LIVE#" + strconv.Itoa(n) }

// linkKey and registrationKey sort by customer in the same order, because every
// character of a customer ID sorts after the hash sign.
func (n partitioning) linkKey(customer string) key {
	return key{linkPartition(n.partitionOf(customer)), customerPrefix + customer}
}

func (n partitioning) registrationKey(customer string, id account.ID) key {
	return key{registrationPartition(n.partitionOf(customer)), customerPrefix + customer + "#ACCOUNT#" + id.String()}
}

// registrationsOf returns the key range of all registrations of a customer.
func (n partitioning) registrationsOf(customer string) keyRange {
	return registrationsBetween(n.partitionOf(customer), customer, customer)
}

const customerPrefix = "CUSTOMER#"

// bindingKey returns the key of the binding of an open link.
func bindingKey(customer string) key { return key{"BOUND#" + customer, "BOUND"} }

// claimKey returns the key of the claim of an external ID. It is unique for the
// external ID, so that only one customer can claim it.
func claimKey(id account.ExternalID) key { return key{"EXTERNAL#" + id.String(), "CLAIM"} }

// stackKey and answerKey return keys in one partition. Writes to the stack's item
// serialise all changes of the stack.
func stackKey(stack account.StackARN) key { return key{"STACK#" + stack.String(), "STACK"} }

func answerKey(stack account.StackARN, logicalID, requestID string) key {
	sk := "ANSWER#" + url.QueryEscape(logicalID) + "#" + url.QueryEscape(requestID)
	const longest = 1024 // DynamoDB's limit for a sort key
	if len(sk) > longest {
		sum := sha256.Sum256([]byte(sk))
		sk = "ANSWER#" + hex.EncodeToString(sum[:])
	}
	return key{stackKey(stack).pk, sk}
}

// promiseKey returns the key of the record that a resource with the given properties
// was answered with SUCCESS.
func promiseKey(stack account.StackARN, logicalID string, p phonehome.Properties) key {
	text := fmt.Appendf(nil, "%q %q %q %q %q %q",
		logicalID, p.Hub, p.ExternalID, p.RoleARN, p.TemplateVersion, p.GrantedPermissions)
	if len(p.Parameters) > 0 { // otherwise the key must equal that of earlier releases, whose promises remain valid
		text = fmt.Appendf(text, " %q", p.Parameters)
	}
	if len(p.AdditionalRoleARNs) > 0 {
		text = fmt.Appendf(text, " additional roles %q", p.AdditionalRoleARNs)
	}
	if p.PreviousExternalID != "" {
		text = fmt.Appendf(text, " previous %q", p.PreviousExternalID)
	}
	if len(p.Reported) > 0 {
		text = fmt.Appendf(text, " reported %q", p.Reported)
	}
	sum := sha256.Sum256(text)
	return key{stackKey(stack).pk, "PROMISE#" + hex.EncodeToString(sum[:])}
}

// outboxKey returns a key that sorts by time, so that the oldest event is sent first.
func outboxKey(e onboarding.Event) key {
	return key{outboxPartition, e.At.UTC().Format(sortable) + "#" + e.ID}
}

// webhookPrefix is the prefix of the sort keys of events for the webhook. Keys of
// events for the event bus begin with a year, so that the two ranges are disjoint.
const webhookPrefix = "webhook#"

func webhookKey(e onboarding.Event) key {
	return key{outboxPartition, webhookPrefix + outboxKey(e).sk}
}

// sweepKey returns the key of the lease for sending the remaining events of a receiver.
// It sorts outside of the ranges of both receivers' events.
func sweepKey(prefix string) key {
	return key{outboxPartition, "SWEEP#" + cmp.Or(prefix, "bus#")}
}

// sortable is a time format whose strings sort like the times.
const sortable = "2006-01-02T15:04:05.000000000Z"

func listKey(list ListKey) key {
	if _, ok := list.Shard(); ok {
		return key{string(list), "SHARD"}
	}
	return key{string(list), string(list)}
}

// registrarKey returns a key in the partition of all heartbeats, so that one query
// finds whether a registrar is running.
func registrarKey(id string) key { return key{registrarsPartition, "REGISTRAR#" + id} }

// keyOf returns the key of an item.
func keyOf(i item) key { return key{textOf(i, "pk"), textOf(i, "sk")} }

func (k key) item() item {
	return item{"pk": text(k.pk), "sk": text(k.sk)}
}

func (k key) String() string { return k.pk + " " + k.sk }

// item is a DynamoDB item.
type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func unixTime(t time.Time) types.AttributeValue { return number(t.Unix()) }

func textOf(i item, name string) string {
	if s, ok := i[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func numberOf(i item, name string) int64 {
	if n, ok := i[name].(*types.AttributeValueMemberN); ok {
		if value, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return value
		}
	}
	return 0
}

func bytesOf(i item, name string) []byte {
	if b, ok := i[name].(*types.AttributeValueMemberB); ok {
		return b.Value
	}
	return nil
}
