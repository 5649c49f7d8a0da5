// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package leastpolicy_test

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/events"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/leastpolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// eventWorld is a sandbox for a hub with an event bus.
type eventWorld struct {
	*sandbox.Sandbox
	t      *testing.T
	policy leastpolicy.Parts
	spec   hub.Spec
}

func newEventWorld(t *testing.T) *eventWorld {
	t.Helper()
	box := trial.Sandbox(t)
	owner, err := account.ParseID(sandbox.VendorAccount)
	if err != nil {
		t.Fatal(err)
	}
	region, err := account.ParseRegion("us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	bus := account.EventBusARN{Region: region, Account: owner, Name: "default"}
	return &eventWorld{Sandbox: box, t: t,
		policy: leastpolicy.Parts{
			Account: owner, Region: region, EventBus: bus, Partitions: registry.Partitions(),
			Queue: hub.QueueName("told"), DeadLetterQueue: hub.DeadLetterQueueName("told"), Table: registry.TableName("told"),
			Topics: []account.TopicARN{{Region: region, Account: owner, Name: hub.TopicName("told", 0)}}, Bucket: hub.BucketPattern("told", owner, region),
		},
		spec: hub.Spec{
			Regions: []account.Region{region}, PublisherScope: onboarding.KnownAccounts, TemplateAccess: onboarding.TemplatesPublic,
			ResponseTimeout: 15 * time.Minute, Capacity: 10, Shards: 1, EventBus: bus,
		},
	}
}

func (w *eventWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// as returns clients of a new user with a policy; nil means the administrator.
func (w *eventWorld) as(policy *iampolicy.Document) *awsclient.Clients {
	w.t.Helper()
	keys, err := w.Credentials(sandbox.VendorAccount)
	if policy != nil {
		keys, err = w.NewUser(sandbox.VendorAccount, "careful"+rand.Text()[:8], policy.String())
	}
	w.must(err)
	clients, err := trial.ClientsAs(w.t.Context(), w.Sandbox, keys, "us-east-1", func(c *awsclient.Config) { c.MaxRetries = 1 })
	w.must(err)
	return clients
}

// create creates the hub.
func (w *eventWorld) create(clients *awsclient.Clients) (*registry.Registry, error) {
	w.t.Helper()
	h, err := hub.New(clients, "told", w.Clock().Now, rand.Reader)
	w.must(err)
	_, err = h.Create(w.t.Context(), w.spec)
	return h.Registry(), err
}

// storeEvent stores an event in the outbox.
func (w *eventWorld) storeEvent(records *registry.Registry) {
	w.t.Helper()
	stack, err := account.ParseStackARN("arn:aws:cloudformation:us-east-1:222222222222:stack/S/0")
	w.must(err)
	reg, entry := onboarding.Health(onboarding.Registration{
		Hub: "told", CustomerID: "globex", Account: stack.Account, Stack: stack, Status: onboarding.Active,
	}, onboarding.Proof{Outcome: onboarding.Refused}, w.Clock().Now())
	_, err = records.PutHealth(w.t.Context(), reg, *entry)
	w.must(err)
}

func (w *eventWorld) sweep(clients *awsclient.Clients) error {
	return events.New(events.Config{
		Outbox: registry.New(clients.DynamoDB(), "told", w.Clock().Now), Clock: w.Clock().Now,
		Bus: func(region account.Region) events.Client { return clients.EventBridge(region) },
	}).Sweep(w.t.Context(), -time.Hour)
}

func TestSendingEventsRequiresOnlyTheEventBusAndTheOutbox(t *testing.T) {
	t.Parallel()
	for _, missing := range []string{"", "events:PutEvents", "dynamodb:DeleteItem"} {
		t.Run("without "+missing, func(t *testing.T) {
			t.Parallel()
			w := newEventWorld(t)
			records, err := w.create(w.as(nil))
			w.must(err)
			w.storeEvent(records)
			document, err := leastpolicy.Registrar(w.policy)
			w.must(err)
			document = without(document, missing)
			err = w.sweep(w.as(&document))
			if missing == "" && (err != nil || len(w.Events()) != 1) {
				t.Errorf("under the whole policy %d events were sent: %v", len(w.Events()), err)
			}
			if missing != "" && !awsclient.IsAccessDenied(err) {
				t.Errorf("everything works without %s: %v", missing, err)
			}
		})
	}
	w := newEventWorld(t)
	document, err := leastpolicy.Registrar(w.policy)
	w.must(err)
	records, err := w.create(w.as(nil))
	w.must(err)
	w.storeEvent(records)
	w.policy.Partitions.Outbox = "CUSTOMERS" // as if events were in another partition
	elsewhere, err := leastpolicy.Registrar(w.policy)
	w.must(err)
	if document.String() == elsewhere.String() {
		t.Error("the policy does not depend on the outbox's partition")
	}
	if err := w.sweep(w.as(&elsewhere)); !awsclient.IsAccessDenied(err) {
		t.Errorf("items outside of the named partition can be deleted: %v", err)
	}
}

func TestCreatingAHubWithAnEventBusRequiresDescribeEventBus(t *testing.T) {
	t.Parallel()
	w := newEventWorld(t)
	document, err := leastpolicy.Provider(w.policy)
	w.must(err)
	careless := without(document, "events:DescribeEventBus")
	var denied *awsclient.PermissionError
	if _, err := w.create(w.as(&careless)); !errors.As(err, &denied) || denied.Action != "events:DescribeEventBus" || denied.Resource != w.policy.EventBus.String() {
		t.Errorf("without the permission: %v", err)
	}
	w = newEventWorld(t)
	if _, err := w.create(w.as(&document)); err != nil {
		t.Errorf("under the whole policy: %v", err)
	}
}

func TestAPolicyWithoutAnEventBusHasNoPermissionsForIt(t *testing.T) {
	t.Parallel()
	h := newEventWorld(t).policy
	h.EventBus = account.EventBusARN{}
	for name, write := range map[string]func(leastpolicy.Parts) (iampolicy.Document, error){"registrar": leastpolicy.Registrar, "provider": leastpolicy.Provider} {
		document, err := write(h)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range document.Statements {
			if s.Sid == "Events" || s.Sid == "Outbox" {
				t.Errorf("%s: the policy has %s", name, s.Sid)
			}
		}
	}
}

func TestARegistrarWithAWebhookMayRemoveItsEvents(t *testing.T) {
	t.Parallel()
	w := newEventWorld(t)
	w.policy.EventBus, w.spec.EventBus, w.spec.WebhookURL = account.EventBusARN{}, account.EventBusARN{}, "https://api.acme.example/hooks"
	records, err := w.create(w.as(nil))
	w.must(err)
	w.storeEvent(records)
	for _, webhook := range []bool{false, true} {
		w.policy.Webhook = webhook
		document, err := leastpolicy.Registrar(w.policy)
		w.must(err)
		kept := registry.New(w.as(&document).DynamoDB(), "told", w.Clock().Now)
		var removed []error
		w.must(kept.WebhookOutbox(t.Context(), w.Clock().Now().Add(time.Hour), func(events []onboarding.Event) error {
			removed = append(removed, kept.RemoveWebhookEvents(t.Context(), events))
			return nil
		}))
		if len(removed) != 1 || webhook != (removed[0] == nil) || !webhook && !awsclient.IsAccessDenied(removed[0]) {
			t.Errorf("webhook %t: %v", webhook, removed)
		}
	}
}
