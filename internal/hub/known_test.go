// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// Not even a policy that would be corrected a moment later may be written: until then the
// other process's customers would be refused.
func TestAListChangedByAnotherProcessIsNotWrittenFromMemory(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	record, one, other := w.hubRecord(), w.process(), w.process()
	w.must(w.create(one, record, 1, 0, 1)) // one knows the list now
	w.must(w.create(other, record, 1, 1, 2))
	var writes atomic.Int64
	w.box.Faults().Before(func(c *kernel.Call) error {
		if c.Action != "SetTopicAttributes" {
			return nil
		}
		writes.Add(1)
		form, err := url.ParseQuery(string(c.Body))
		if policy := form.Get("AttributeValue"); err != nil || !strings.Contains(policy, customerAccount(1).String()) {
			t.Errorf("a policy is written without the other process's customer: %s", policy)
		}
		return nil
	})
	w.must(w.create(one, record, 1, 2, 3))
	if writes.Load() == 0 {
		t.Error("no policy was written")
	}
	w.admitted(3)
}

// The first process remembers that the account may publish, and would have nothing to do.
func TestAnAccountRemovedByAnotherProcessIsAllowedAgain(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	record, one, other := w.hubRecord(), w.process(), w.process()
	link := w.first(record, 0)
	w.must(one.Permissions().Allow(t.Context(), link.Shard, link.Account))
	w.must(other.Permissions().change(t.Context(), registry.ShardList(link.Shard), func(registry.Shard) registry.ShardChange {
		return registry.ShardChange{Remove: []account.ID{link.Account}}
	}))
	w.must(w.create(one, record, 1, 0, 1))
	w.admitted(1)
}

// A statement is added by hand between the creation of two links. Policies that were read
// too long ago are read again.
func TestAStatementAddedByHandIsKept(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	record, h := w.hubRecord(), w.process()
	w.must(w.create(h, record, 1, 0, 1))
	topic := w.topic(virginia, 0)
	attributes, err := w.topicAttributes(t.Context(), topic)
	w.must(err)
	added := strings.Replace(attributes["Policy"], `"Statement":[`, `"Statement":[{"Sid":"ByHand","Effect":"Deny","Principal":"*","Action":"SNS:Publish","Resource":"`+topic.String()+
		`","Condition":{"StringEquals":{"aws:PrincipalAccount":"444444444444"}}},`, 1)
	_, err = w.Manager.clients.SNS(virginia).SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{
		TopicArn: aws.String(topic.String()), AttributeName: aws.String("Policy"), AttributeValue: &added,
	})
	w.must(err)
	w.clock.Advance(knownLifetime + time.Second)
	w.must(w.create(h, record, 1, 1, 2))
	attributes, err = w.topicAttributes(t.Context(), topic)
	w.must(err)
	if !strings.Contains(attributes["Policy"], "ByHand") || len(statements(t, added)) != len(statements(t, attributes["Policy"])) {
		t.Errorf("the policy is %s", attributes["Policy"])
	}
	w.admitted(2)
}

func statements(t *testing.T, text string) []iampolicy.Statement {
	t.Helper()
	document, err := iampolicy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return document.Statements
}

// More links come at the same time than fit into a transaction.
func TestABusyTopicDoesNotDelayOthers(t *testing.T) {
	t.Parallel()
	w := newHubOf(t, 2)
	record, h := w.hubRecord(), w.process()
	_, err := w.registry.AcquireLease(t.Context(), registry.ShardList(0), registry.Lease{Holder: "another", Until: w.clock.Now().Add(time.Hour)})
	w.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	h.sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() } // the sleep for the lease
	var waiting, free []*newcomer
	for n := 0; len(waiting) < maxLinks || len(free) < maxLinks; n++ {
		link := w.first(record, n)
		to := map[int]*[]*newcomer{0: &waiting, 1: &free}[link.Shard]
		*to = append(*to, &newcomer{list: registry.ShardList(link.Shard), account: link.Account, link: &registry.LinkChange{Link: link}})
	}
	waiting, free = waiting[:maxLinks], free[:maxLinks]
	h.Permissions().admitAll(ctx, slices.Concat(waiting, free))
	for _, n := range waiting {
		if !errors.Is(n.err, context.Canceled) {
			t.Errorf("a link on the busy topic: %v", n.err)
		}
	}
	for _, n := range free {
		w.must(n.err)
		w.must(w.publishes(n.written))
	}
}

// The list of the refused topic is marked as not written, and the topic in the same
// transaction is written.
func TestARefusedPolicyIsMarkedInItsListAndWrittenLater(t *testing.T) {
	t.Parallel()
	w := newHubOf(t, 2)
	record, h := w.hubRecord(), w.process()
	all := map[int]*newcomer{}
	for n := 0; len(all) < 2; n++ {
		link := w.first(record, n)
		all[link.Shard] = &newcomer{list: registry.ShardList(link.Shard), account: link.Account, link: &registry.LinkChange{Link: link}}
	}
	end := w.box.Faults().Before(func(c *kernel.Call) error {
		if c.Action == "SetTopicAttributes" && strings.Contains(string(c.Body), w.topic(virginia, 1).Name) {
			return kernel.Errorf(403, "AuthorizationError", "User: x is not authorized to perform: SNS:SetTopicAttributes")
		}
		return nil
	})
	h.Permissions().admitAll(t.Context(), []*newcomer{all[0], all[1]})
	end()
	w.must(all[0].err)
	w.must(w.publishes(all[0].written))
	if all[1].err == nil || all[1].written.CustomerID != all[1].link.Link.CustomerID {
		t.Errorf("the link is %+v, and the error %v", all[1].written, all[1].err)
	}
	for shard, written := range map[int]bool{0: true, 1: false} {
		list, err := w.registry.Shard(t.Context(), registry.ShardList(shard))
		w.must(err)
		if written != (list.Written == list.Sequence) || list.Sequence != 1 {
			t.Errorf("list %d is %+v", shard, list)
		}
	}
	w.reconcile()
	w.must(w.publishes(all[1].written))
}

// The account is in the list already, so nothing seems left to do.
func TestALinkIsReportedOnlyAfterADeadWritersPolicyIsWritten(t *testing.T) {
	t.Parallel()
	for name, finished := range map[string]bool{"it died before its write": false, "its write was overwritten": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newHub(t)
			record := w.hubRecord()
			link, lease := w.first(record, 0), registry.Lease{Holder: "dead", Until: w.clock.Now().Add(leaseTime)}
			today, err := w.registry.AcquireLease(t.Context(), registry.ShardList(0), lease)
			w.must(err)
			today, err = w.registry.ChangeShard(t.Context(), lease, today, registry.ShardChange{Add: []account.ID{link.Account}})
			w.must(err)
			if finished {
				w.must(w.registry.FinishLease(t.Context(), lease, today))
			} else {
				w.must(w.registry.ReleaseLease(t.Context(), registry.ShardList(0), lease))
			}
			w.must(w.create(w.process(), record, 1, 0, 1))
			w.admitted(1)
		})
	}
}
