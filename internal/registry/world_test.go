// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// world has a sandbox of its own, and a registry of a hub in it.
type world struct {
	*registry.Registry
	t       *testing.T
	sandbox *sandbox.Sandbox
	dynamo  *dynamodb.Client
	clock   *trial.Clock
	hub     registry.HubRecord
}

const hubName = "acme"

// newWorld returns a world without a hub, for a parallel test.
func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	return startWorld(t)
}

func startWorld(t *testing.T) *world {
	t.Helper()
	box := trial.Sandbox(t)
	clients, err := trial.Clients(t.Context(), box, sandbox.VendorAccount, "eu-central-1")
	if err != nil {
		t.Fatal(err)
	}
	clock := trial.NewClock(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	return &world{
		Registry: registry.New(clients.DynamoDB(), hubName, clock.Now, registry.WithPrincipal(clients.CallerARN)),
		t:        t,
		sandbox:  box,
		dynamo:   clients.DynamoDB(),
		clock:    clock,
	}
}

// newHub returns a world with a hub.
func newHub(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.must(w.EnsureTable(t.Context(), registry.TableSpec{}))
	var err error
	w.hub, err = w.CreateHub(t.Context(), w.record())
	w.must(err)
	return w
}

func (w *world) record() registry.HubRecord {
	w.t.Helper()
	key, err := registry.NewKey(rand.Reader)
	w.must(err)
	return registry.HubRecord{
		Hub: onboarding.Hub{
			Name:            hubName,
			DisplayName:     "Acme",
			Account:         id(w.t, sandbox.VendorAccount),
			Region:          region(w.t, "eu-central-1"),
			Regions:         []account.Region{region(w.t, "eu-central-1"), region(w.t, "us-east-1")},
			ResponseTimeout: 15 * time.Minute,
		},
		Capacity:  150_000,
		Shards:    1,
		Tags:      map[string]string{"team": "platform"},
		State:     registry.HubReady,
		CreatedAt: w.clock.Now(),
		Key:       key,
	}
}

// link returns a link that is not written yet.
func (w *world) link(customer, accountID string) onboarding.Link {
	return onboarding.Link{
		Hub:        hubName,
		CustomerID: customer,
		Generation: 1,
		ExternalID: onboarding.ExternalID(w.hub.Key.Bytes(), hubName, customer, 1),
		Account:    id(w.t, accountID),
		RoleName:   "acme-" + customer,
		RolePath:   "/",
		Declared:   []byte(`{"zebra":1,"ant":[true,null]}`),
		CreatedAt:  w.clock.Now(),
	}
}

// linked writes the link that link returns.
func (w *world) linked(customer, accountID string) onboarding.Link {
	w.t.Helper()
	link, err := w.CreateLink(w.t.Context(), w.link(customer, accountID))
	w.must(err)
	return link
}

// registered writes a registration.
func (w *world) registered(registration onboarding.Registration) onboarding.Registration {
	w.t.Helper()
	written, err := w.PutHealth(w.t.Context(), registration, w.quietly(registration))
	w.must(err)
	return written
}

// requests returns the lines of a customer's history that their stacks caused.
func (w *world) requests(customer string) []onboarding.HistoryEntry {
	w.t.Helper()
	history, err := w.History(w.t.Context(), customer)
	w.must(err)
	return slices.DeleteFunc(history, func(h onboarding.HistoryEntry) bool { return h.By != "" })
}

// quietly returns a line of the history that causes no event.
func (w *world) quietly(registration onboarding.Registration) onboarding.HistoryEntry {
	return onboarding.HistoryEntry{
		At: w.clock.Now(), CustomerID: registration.CustomerID, Account: registration.Account, Outcome: onboarding.OutcomeTombstone, By: "a test",
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// item returns an item of the table.
func (w *world) item(pk, sk string) map[string]types.AttributeValue {
	w.t.Helper()
	out, err := w.dynamo.GetItem(w.t.Context(), &dynamodb.GetItemInput{
		TableName:      aws.String(w.Table()),
		ConsistentRead: aws.Bool(true),
		Key:            map[string]types.AttributeValue{"pk": text(pk), "sk": text(sk)},
	})
	w.must(err)
	return out.Item
}

// alter changes an attribute of an item without the registry.
func (w *world) alter(pk, sk, attribute string, value types.AttributeValue) {
	w.t.Helper()
	i := w.item(pk, sk)
	i[attribute] = value
	_, err := w.dynamo.PutItem(w.t.Context(), &dynamodb.PutItemInput{TableName: aws.String(w.Table()), Item: i})
	w.must(err)
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

func id(t *testing.T, s string) account.ID {
	t.Helper()
	v, err := account.ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func region(t *testing.T, s string) account.Region {
	t.Helper()
	v, err := account.ParseRegion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func stackARN(t *testing.T, accountID, guid string) account.StackARN {
	t.Helper()
	v, err := account.ParseStackARN("arn:aws:cloudformation:us-east-1:" + accountID + ":stack/acme-access/" + guid)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
