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
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// outlast advances the clock by the periods of a Region's retirement, with an apply after
// each.
func (w *world) outlast(s Spec) {
	w.t.Helper()
	for _, d := range []time.Duration{onboarding.Grace, deliveryGrace} {
		w.clock.Advance(d)
		_, err := w.process().Update(w.t.Context(), s)
		w.must(err)
	}
}

// without returns spec without some Regions.
func (w *world) without(regions ...account.Region) Spec {
	s := spec()
	s.Regions = without(s.Regions, regions)
	return s
}

// defects returns the defects that a refresh reports.
func (w *world) defects() []Defect {
	w.t.Helper()
	state, err := w.process().Read(w.t.Context())
	w.must(err)
	return state.Defects
}

func (w *world) update(s Spec) {
	w.t.Helper()
	_, err := w.process().Update(w.t.Context(), s)
	w.must(err)
}

// newLinkedHub creates a hub with a customer that may publish.
func newLinkedHub(t *testing.T) *world {
	t.Helper()
	w := newHub(t)
	w.linked("globex", globex)
	w.must(w.Permissions().Allow(t.Context(), 0, globex))
	return w
}

func TestARegionIsRetiredInSteps(t *testing.T) {
	t.Parallel()
	w := newLinkedHub(t)
	fewer := w.without(virginia)
	w.update(fewer)
	if r := w.hubRecord(); !slices.Equal(r.Regions, fewer.Regions) || !r.AcceptsFrom(virginia) {
		t.Errorf("the Regions are %v, and messages from %s are accepted: %t", r.Regions, virginia, r.AcceptsFrom(virginia))
	}
	quiet := func(what string) {
		t.Helper()
		w.update(fewer) // an apply before the period is over changes nothing
		if d := w.defects(); len(d) > 0 {
			t.Errorf("%s: a refresh shows %v", what, d)
		}
	}
	ready := func(what string) {
		t.Helper()
		if d := w.defects(); len(d) != 1 || !strings.Contains(d[0].String(), "gives up Region us-east-1") {
			t.Errorf("%s: a refresh shows %v", what, d)
		}
	}
	quiet("after the Region was removed")
	w.clock.Advance(onboarding.Grace - time.Second)
	quiet("before the end of the grace period")
	w.mayPublish(globex, virginia, frankfurt)

	w.clock.Advance(time.Second)
	ready("after the grace period")
	quiet("without publishers")
	w.mayNotPublish(globex, virginia)
	w.mayPublish(globex, frankfurt)
	w.clock.Advance(deliveryGrace - time.Second)
	quiet("while messages may be in flight")
	if !slices.Contains(w.left(), "topic in us-east-1") {
		t.Error("the topic was deleted too early")
	}

	w.clock.Advance(time.Second)
	ready("when the topic may be deleted")
	w.update(fewer)
	w.complete(frankfurt)
	if slices.Contains(w.left(), "topic in us-east-1") {
		t.Error("the topic is still there")
	}
	if len(w.hubRecord().Retirements) > 0 {
		t.Errorf("the record says %+v", w.hubRecord().Retirements)
	}
}

func TestAnInterruptedRetirementIsCompletedByTheNextApply(t *testing.T) {
	t.Parallel()
	for name, waited := range map[string][]time.Duration{
		"it is removed":              nil,
		"its topics lose publishers": {onboarding.Grace},
		"its topics are deleted":     {10 * onboarding.Grace, 10 * onboarding.Grace},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			setUp := func(t *testing.T) *world {
				w := newLinkedHub(t)
				for _, d := range waited {
					w.update(w.without(virginia))
					w.clock.Advance(d)
				}
				return w
			}
			dieAtEveryCall(t, setUp,
				func(w *world) error { _, err := w.Update(w.t.Context(), w.without(virginia)); return err },
				func(w *world, calls int) {
					w.clock.Advance(leaseTime + time.Second)
					w.update(w.without(virginia))
					w.mayPublish(globex, frankfurt)
					w.outlast(w.without(virginia))
					w.complete(frankfurt)
					if slices.Contains(w.left(), "topic in us-east-1") {
						t.Errorf("stopped after %d calls, then the topic is left", calls)
					}
				})
		})
	}
}

func TestARetiredRegionCanBeAddedAgainAtAnyTime(t *testing.T) {
	t.Parallel()
	for name, waited := range map[string][]time.Duration{
		"at once":             nil,
		"in the grace period": {time.Hour},
		"without publishers":  {onboarding.Grace},
		"after its topics":    {onboarding.Grace, deliveryGrace},
		"long afterwards":     {onboarding.Grace, deliveryGrace, onboarding.Grace},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newLinkedHub(t)
			w.update(w.without(virginia))
			for _, d := range waited {
				w.clock.Advance(d)
				w.update(w.without(virginia))
			}
			w.update(spec())
			w.mayPublish(globex, frankfurt, virginia)
			w.complete(frankfurt, virginia)
			w.clock.Advance(2 * onboarding.Grace)
			w.update(spec())
			w.mayPublish(globex, frankfurt, virginia)
			w.complete(frankfurt, virginia)
			// Removed again, it has the whole grace period again.
			w.update(w.without(virginia))
			w.clock.Advance(onboarding.Grace - time.Second)
			w.update(w.without(virginia))
			w.mayPublish(globex, virginia)
		})
	}
}

// The stack was created just before the Region was removed. The rest of the apply does not
// wait for it.
func TestAStackCreatedMeanwhileKeepsItsRegion(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.update(w.without(virginia))
	w.registered("globex", globex, virginia)
	w.must(w.Permissions().Allow(t.Context(), 0, globex))
	w.clock.Advance(2 * onboarding.Grace)
	if d := w.defects(); len(d) > 0 {
		t.Errorf("a refresh reports %v, which no apply can repair", d)
	}
	other := w.without(virginia)
	other.Tags = map[string]string{"owner": "security"}
	w.update(other)
	w.mayPublish(globex, virginia, frankfurt)

	customer, err := w.registry.Customer(t.Context(), "globex")
	w.must(err)
	gone := customer.Registrations[0]
	gone.Status = onboarding.Disconnected
	_, err = w.registry.PutHealth(t.Context(), gone, quiet(gone))
	w.must(err)
	w.update(other)
	w.clock.Advance(deliveryGrace)
	w.update(other)
	state, err := w.process().Read(t.Context())
	w.must(err)
	if len(state.Record.Retiring) > 0 || slices.Contains(w.left(), "topic in us-east-1") {
		t.Errorf("the Region was not removed: %v", state.Record.Retiring)
	}
}

// From an opt-in Region, SNS delivers under a service principal with the Region's name.
func TestTheQueueAllowsAnOptInRegionUntilItsTopicsAreDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	milan := parse(account.ParseRegion, "eu-south-1")
	both := spec()
	both.Regions = []account.Region{frankfurt, milan}
	_, err := w.Create(t.Context(), both)
	w.must(err)
	listens := func() bool {
		attributes, err := w.queueAttributes(t.Context(), w.queueURL(QueueName("acme")))
		w.must(err)
		return strings.Contains(attributes["Policy"], "sns.eu-south-1.amazonaws.com")
	}
	fewer := w.without(virginia)
	w.update(fewer)
	w.clock.Advance(onboarding.Grace)
	w.update(fewer)
	if !listens() {
		t.Error("a message in flight would be lost")
	}
	w.clock.Advance(deliveryGrace)
	w.update(fewer)
	if listens() {
		t.Error("the queue still allows the Region's service principal")
	}
}

func TestAHubWithRequestsInItsQueueIsNotDestroyed(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.must(w.Permissions().Allow(t.Context(), 0, globex))
	w.mayPublish(globex, virginia)
	_, err := w.Delete(t.Context(), false)
	var busy *BusyError
	if !errors.As(err, &busy) || busy.Messages != 1 {
		t.Fatalf("got %v, want a BusyError of one message", err)
	}
	w.complete(frankfurt, virginia)

	queue := w.Manager.clients.SQS(frankfurt)
	received, err := queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(w.queueURL(QueueName("acme")))})
	w.must(err)
	if _, err := w.Delete(t.Context(), false); !errors.As(err, &busy) {
		t.Errorf("the hub is destroyed while a message is being handled: %v", err)
	}
	_, err = queue.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{
		QueueUrl: aws.String(w.queueURL(QueueName("acme"))), ReceiptHandle: received.Messages[0].ReceiptHandle,
	})
	w.must(err)
	w.must(w.destroyed(w.Manager, false))
	if left := w.left(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestARequestDuringTheDestructionKeepsTheQueue(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.must(w.Permissions().Allow(t.Context(), 0, globex))
	first := true
	w.box.Faults().Before(func(c *kernel.Call) error {
		if first && slices.Contains([]string{"PutItem", "UpdateItem", "TransactWriteItems"}, c.Action) {
			first = false
			w.mayPublish(globex, virginia)
		}
		return nil
	})
	_, err := w.Delete(t.Context(), false)
	var busy *BusyError
	if !errors.As(err, &busy) || !slices.Contains(w.left(), "queue") {
		t.Fatalf("got %v, left %v", err, w.left())
	}
	_, err = w.Manager.clients.SQS(frankfurt).PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: aws.String(w.queueURL(QueueName("acme")))})
	w.must(err)
	w.must(w.destroyed(w.Manager, false))
}

func TestAForcedDestructionIgnoresWaitingRequests(t *testing.T) {
	t.Parallel()
	w := newLinkedHub(t)
	w.mayPublish(globex, virginia)
	w.must(w.destroyed(w.Manager, true))
	if _, err := w.registry.Hub(t.Context()); !errors.Is(err, registry.ErrNoHub) || awsclient.IsAccessDenied(err) {
		t.Errorf("got %v", err)
	}
}
