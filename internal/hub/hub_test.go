// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

func TestANewHubIsComplete(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.complete(frankfurt, virginia)
}

func TestReadingAHubCostsFewCallsAndChangesNothing(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	mark := w.box.Journal().Mark()
	_, err := w.Read(t.Context())
	w.must(err)
	total := 0
	for action, n := range w.box.Journal().Counts(mark) {
		total += n
		_, name, _ := strings.Cut(action, ":")
		if !slices.ContainsFunc([]string{"Get", "List", "BatchGet", "Describe"}, func(p string) bool { return strings.HasPrefix(name, p) }) {
			t.Errorf("reading did %s", action)
		}
	}
	// Once: the record and the lists; the queues; the bucket's policy, public access and
	// encryption; the table's protection, backups and expiry.
	const once, perRegion = 2 + 2 + 3 + 3, 3
	if most := once + perRegion*2; total > most {
		t.Errorf("reading took %d calls, want at most %d: %v", total, most, w.box.Journal().Counts(mark))
	}
}

func TestMessagesOfEveryRegionArriveInTheQueue(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	for _, region := range spec().Regions {
		_, err := w.Manager.clients.SNS(region).Publish(t.Context(), &sns.PublishInput{
			TopicArn: aws.String(w.topic(region, 0).String()), Message: aws.String("hello from " + region.String()),
		})
		w.must(err)
	}
	arrived := ""
	for range spec().Regions {
		out, err := w.Manager.clients.SQS(frankfurt).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: aws.String(w.queueURL(QueueName("acme"))), MaxNumberOfMessages: 1, WaitTimeSeconds: 5,
		})
		w.must(err)
		for _, m := range out.Messages {
			arrived += *m.Body
		}
	}
	for _, region := range spec().Regions {
		if !strings.Contains(arrived, "hello from "+region.String()) || !strings.Contains(arrived, w.topic(region, 0).String()) {
			t.Errorf("nothing of %s, or without its envelope, in %s", region, arrived)
		}
	}
}

func TestASecondHubOfTheSameNameIsRefused(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	other := spec()
	other.DisplayName = "Another"
	_, err := w.process().Create(t.Context(), other)
	var exists *registry.HubExistsError
	if !errors.As(err, &exists) || exists.Existing.DisplayName != "Acme" {
		t.Errorf("got %v, want HubExistsError with the first hub", err)
	}
	w.complete(frankfurt, virginia)
}

func TestAnInterruptedCreateIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	dieAtEveryCall(t, newWorld,
		func(w *world) error { _, err := w.Create(t.Context(), spec()); return err },
		func(w *world, calls int) {
			_, err := w.process().Create(t.Context(), spec())
			var exists *registry.HubExistsError
			if err != nil && !errors.As(err, &exists) {
				t.Errorf("stopped after %d calls: %v", calls, err)
				return
			}
			w.complete(frankfurt, virginia)
		})
}

func TestAnInterruptedUpdateIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	moved := spec()
	moved.Regions = []account.Region{frankfurt, ireland}
	moved.Tags = map[string]string{"owner": "security"}
	setUp := func(t *testing.T) *world {
		w := newHub(t)
		w.linked("globex", globex)
		w.must(w.Permissions().Allow(t.Context(), 0, globex))
		return w
	}
	dieAtEveryCall(t, setUp,
		func(w *world) error { _, err := w.Update(t.Context(), moved); return err },
		func(w *world, calls int) {
			seen, err := w.process().Read(t.Context())
			w.must(err)
			if slices.Equal(seen.Record.Regions, moved.Regions) && !seen.Record.AcceptsFrom(virginia) && slices.Contains(w.left(), "topic in "+virginia.String()) {
				t.Errorf("stopped after %d calls, the record does not say that a topic remains", calls)
			}
			_, err = w.process().Update(t.Context(), moved)
			w.must(err)
			w.mayPublish(globex, virginia)
			w.outlast(moved)
			w.complete(frankfurt, ireland)
			w.names(globex, frankfurt, ireland)
			if left := w.left(); slices.Contains(left, "topic in "+virginia.String()) {
				t.Errorf("stopped after %d calls, then left: %v", calls, left)
			}
		})
}

func TestDeletingAHubAfterAnInterruptedUpdateLeavesNothing(t *testing.T) {
	t.Parallel()
	grown := spec()
	grown.Regions = []account.Region{frankfurt, virginia, ireland}
	dieAtEveryCall(t, newHub,
		func(w *world) error { _, err := w.Update(t.Context(), grown); return err },
		func(w *world, calls int) {
			w.box.Clock().Advance(time.Minute) // until a test message that was received is visible again
			w.must(w.destroyed(w.process(), false))
			if left := w.left(); len(left) > 0 {
				t.Errorf("stopped after %d calls, then left: %v", calls, left)
			}
		})
}

func TestAnInterruptedCreateMayBeCompletedWithFewerRegions(t *testing.T) {
	t.Parallel()
	fewer := spec()
	fewer.Regions = []account.Region{frankfurt}
	dieAtEveryCall(t, newWorld,
		func(w *world) error { _, err := w.Create(t.Context(), spec()); return err },
		func(w *world, calls int) {
			_, err := w.process().Create(t.Context(), fewer)
			var exists *registry.HubExistsError
			if errors.As(err, &exists) {
				return // the first Create had completed
			}
			w.must(err)
			w.complete(frankfurt)
			if left := w.left(); slices.Contains(left, "topic in "+virginia.String()) {
				t.Errorf("stopped after %d calls, then left: %v", calls, left)
			}
		})
}

func TestAnInterruptedDeleteIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	setUp := func(t *testing.T) *world {
		w := newHub(t)
		record, err := w.registry.Hub(t.Context())
		w.must(err)
		_, err = w.PublishTemplate(t.Context(), record, []byte(`{"a template":true}`))
		w.must(err)
		return w
	}
	dieAtEveryCall(t, setUp,
		func(w *world) error { return w.destroyed(w.Manager, false) },
		func(w *world, calls int) {
			w.must(w.destroyed(w.process(), false))
			if left := w.left(); len(left) > 0 {
				t.Errorf("stopped after %d calls, then left: %v", calls, left)
			}
		})
}

func TestADeletedHubCanBeCreatedAgain(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.must(w.destroyed(w.Manager, false))
	if _, err := w.Read(t.Context()); !errors.Is(err, registry.ErrNoHub) {
		t.Fatalf("got %v, want ErrNoHub", err)
	}
	_, err := w.process().Create(t.Context(), spec())
	w.must(err)
	w.complete(frankfurt, virginia)
}

func TestAHubWithLiveStacksIsDeletedOnlyWithForce(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	stack := w.registered("globex", globex, virginia)
	err := w.destroyed(w.Manager, false)
	var live *LiveError
	if !errors.As(err, &live) || !strings.Contains(err.Error(), stack.String()) || !strings.Contains(err.Error(), "globex") {
		t.Fatalf("got %v, want a LiveError that names the stack and its customer", err)
	}
	w.complete(frankfurt, virginia)
	w.must(w.destroyed(w.Manager, true))
	if left := w.left(); len(left) > 0 {
		t.Errorf("after a forced Delete these remain: %v", left)
	}
}

func TestOnlyARegionWithoutLiveStacksCanBeRemoved(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.registered("globex", globex, virginia)
	without := spec()
	without.Regions = []account.Region{frankfurt}
	_, err := w.Update(t.Context(), without)
	var live *LiveError
	if !errors.As(err, &live) || live.Region != virginia {
		t.Fatalf("got %v, want a LiveError of %s", err, virginia)
	}
	w.complete(frankfurt, virginia)
	without.Regions = []account.Region{virginia}
	_, err = w.Update(t.Context(), without)
	w.must(err)
	w.outlast(without)
	w.complete(virginia)
}

func TestSupersededStacksAreLiveToo(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.registered("globex", globex, virginia)
	customer, err := w.registry.Customer(t.Context(), "globex")
	w.must(err)
	registration := customer.Registrations[0]
	old := registration.Stack
	old.Region, old.GUID = frankfurt, "0000"
	registration.Superseded = []account.StackARN{old}
	_, err = w.registry.PutHealth(t.Context(), registration, quiet(registration))
	w.must(err)
	live, err := w.Live(t.Context())
	w.must(err)
	if len(live) != 2 || !slices.Contains(live, LiveStack{"globex", old}) {
		t.Errorf("got %v, want the old stack too", live)
	}
}

func TestAHubNeverRemovesTopicsForALowerCapacity(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	two := spec()
	two.Shards = 2
	_, err := w.Create(t.Context(), two)
	w.must(err)
	state, err := w.Update(t.Context(), spec())
	w.must(err)
	if state.Record.Shards != 2 {
		t.Errorf("%d topics of 2 remain in every Region, but stacks publish to both", state.Record.Shards)
	}
}

func TestAMissingPermissionNamesActionResourceAndCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keys, err := w.box.NewUser(sandbox.VendorAccount, "limited",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:*","sqs:*"],"Resource":"*"}]}`)
	w.must(err)
	h, err := New(w.clientsOf(keys), "acme", w.clock.Now, strings.NewReader(strings.Repeat("random", 100)))
	w.must(err)
	_, err = h.Create(t.Context(), spec())
	var denied *awsclient.PermissionError
	if !errors.As(err, &denied) {
		t.Fatalf("got %v, want a PermissionError", err)
	}
	if !strings.HasPrefix(denied.Action, "sns:") || !strings.Contains(denied.Resource, ":xacct-acme-0") || !strings.HasSuffix(denied.Caller, ":user/limited") {
		t.Errorf("got %s on %s by %s", denied.Action, denied.Resource, denied.Caller)
	}
}
