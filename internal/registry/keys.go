// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
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

// key is where an item lives. Links and registrations share one partition,
// because the question that is asked most often, by every refresh, is "how are
// all customers?", and one consistent query answers it; a page of it holds
// some thousand of them. Everything else is asked for one by one, and has a
// partition of its own, so that no customer's traffic slows another's.
type key struct{ pk, sk string }

const (
	customersPartition  = "CUSTOMERS"
	registrarsPartition = "REGISTRARS"
)

// OutboxPartition is where events wait. Nothing is ever deleted but those.
const OutboxPartition = "OUTBOX"

var hubKey = key{"HUB", "HUB"}

// linkKey and registrationKey sort a customer's registrations and link side
// by side: no customer ID contains a slash.
func linkKey(customer string) key {
	return key{customersPartition, customerPrefix(customer) + "LINK"}
}

func registrationKey(customer string, id account.ID) key {
	return key{customersPartition, customerPrefix(customer) + "ACCOUNT#" + id.String()}
}

func customerPrefix(customer string) string { return "CUSTOMER#" + customer + "/" }

// claimKey is the one place where an external ID can be claimed.
func claimKey(id account.ExternalID) key { return key{"EXTERNAL#" + id.String(), "CLAIM"} }

// stackKey and answerKey share a partition: the stack's item serialises all
// that happens to the stack.
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

// promiseKey is where it is noted that SUCCESS was answered to some properties
// of a resource.
func promiseKey(stack account.StackARN, logicalID string, p phonehome.Properties) key {
	text := fmt.Appendf(nil, "%q %q %q %q %q %q",
		logicalID, p.Hub, p.ExternalID, p.RoleARN, p.TemplateVersion, p.GrantedPermissions)
	if len(p.Parameters) > 0 { // else the key is that of an earlier release, whose promises hold
		text = fmt.Appendf(text, " %q", p.Parameters)
	}
	sum := sha256.Sum256(text)
	return key{stackKey(stack).pk, "PROMISE#" + hex.EncodeToString(sum[:])}
}

// outboxKey sorts by time: what waits longest is sent first.
func outboxKey(e onboarding.Event) key {
	return key{OutboxPartition, e.At.UTC().Format(sortable) + "#" + e.ID}
}

// sortable writes times so that their texts sort as they do.
const sortable = "2006-01-02T15:04:05.000000000Z"

func listKey(list ListKey) key {
	if _, ok := list.Shard(); ok {
		return key{string(list), "SHARD"}
	}
	return key{string(list), string(list)}
}

// registrarKey puts all heartbeats together: one query tells whether anybody
// listens.
func registrarKey(id string) key { return key{registrarsPartition, "REGISTRAR#" + id} }

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

func moment(t time.Time) types.AttributeValue { return number(t.Unix()) }

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
