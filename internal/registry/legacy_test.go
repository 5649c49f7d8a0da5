// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// firstRelease is a hub's table as the first release wrote it. It was read from a sandbox in
// which commit 2bcc4bf had run, with a customer in each state.
//
//go:embed testdata/first_release.json
var firstRelease []byte

// newFormer returns a world with a table of the first release, for a parallel test.
func newFormer(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	return formerWorld(t)
}

func formerWorld(t *testing.T) *world {
	t.Helper()
	w := startWorld(t)
	w.clock.Set(time.Date(2026, 11, 28, 12, 54, 0, 0, time.UTC)) // shortly after the table's last write
	w.must(w.EnsureTable(t.Context(), registry.TableSpec{}))
	for _, i := range formerItems(t) {
		_, err := w.dynamo.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(w.Table()), Item: i})
		w.must(err)
	}
	return w
}

func formerItems(t *testing.T) []map[string]types.AttributeValue {
	t.Helper()
	var wire []map[string]map[string]json.RawMessage
	if err := json.Unmarshal(firstRelease, &wire); err != nil {
		t.Fatal(err)
	}
	var items []map[string]types.AttributeValue
	for _, attributes := range wire {
		i := map[string]types.AttributeValue{}
		for name, value := range attributes {
			i[name] = attribute(t, value)
		}
		items = append(items, i)
	}
	return items
}

// attribute decodes a value in DynamoDB's JSON.
func attribute(t *testing.T, wire map[string]json.RawMessage) types.AttributeValue {
	t.Helper()
	for kind, raw := range wire {
		read := func(to any) {
			if err := json.Unmarshal(raw, to); err != nil {
				t.Fatal(err)
			}
		}
		switch kind {
		case "S":
			v := &types.AttributeValueMemberS{}
			read(&v.Value)
			return v
		case "N":
			v := &types.AttributeValueMemberN{}
			read(&v.Value)
			return v
		case "B":
			v := &types.AttributeValueMemberB{}
			read(&v.Value)
			return v
		case "BOOL":
			v := &types.AttributeValueMemberBOOL{}
			read(&v.Value)
			return v
		case "SS":
			v := &types.AttributeValueMemberSS{}
			read(&v.Value)
			return v
		case "M":
			members := map[string]map[string]json.RawMessage{}
			read(&members)
			v := &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}}
			for name, member := range members {
				v.Value[name] = attribute(t, member)
			}
			return v
		}
		t.Fatalf("the table has an attribute of type %s", kind)
	}
	return nil
}

// stopAfter returns a hook that lets a process make alive calls.
func stopAfter(alive int64) kernel.Hook {
	var calls atomic.Int64
	return func(*kernel.Call) error {
		if calls.Add(1) > alive {
			return kernel.Errorf(400, "AccessDeniedException", "the process has stopped")
		}
		return nil
	}
}

// beforeCall returns a hook that runs act before the n-th call. Calls of act are not counted.
func beforeCall(n int64, act func()) kernel.Hook {
	var calls atomic.Int64
	var acting atomic.Bool
	return func(*kernel.Call) error {
		if acting.Load() || calls.Add(1) != n {
			return nil
		}
		acting.Store(true)
		done := make(chan struct{})
		go func() { defer close(done); act() }() // in its own goroutine, because a test that fails ends it
		<-done
		acting.Store(false)
		return nil
	}
}

// process returns another process of this release on the same table.
func (w *world) process() *registry.Registry {
	return registry.New(w.dynamo, hubName, w.clock.Now, registry.WithPrincipal("arn:aws:iam::111111111111:user/other"), registry.WithSleep(w.passing))
}

// passing waits by advancing the clock.
func (w *world) passing(_ context.Context, d time.Duration) error {
	w.clock.Advance(d)
	return nil
}

// everything returns all customers, which must be the same before and after a table is
// migrated.
func everything(t *testing.T, r *registry.Registry) []onboarding.Customer {
	t.Helper()
	customers, err := r.Customers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return customers
}

// unmoved ignores the fields that record where an item is, and those that a migration adds to
// a link.
var unmoved = cmp.Options{
	comparable,
	cmpopts.IgnoreFields(onboarding.Link{}, "Legacy", "PastAccounts", "BindingRevision"),
	cmpopts.IgnoreFields(onboarding.Registration{}, "Legacy"),
}

// partition returns all items of a partition.
func (w *world) partition(pk string) []map[string]types.AttributeValue {
	w.t.Helper()
	out, err := w.dynamo.Query(w.t.Context(), &dynamodb.QueryInput{
		TableName: aws.String(w.Table()), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(pk)},
	})
	w.must(err)
	return out.Items
}

func numberIn(i map[string]types.AttributeValue, name string) string {
	n, _ := i[name].(*types.AttributeValueMemberN)
	if n == nil {
		return ""
	}
	return n.Value
}

func TestATableOfTheFirstReleaseIsReadWithoutMigration(t *testing.T) {
	w := newFormer(t)
	customers := everything(t, w.Registry)
	var got []string
	for _, c := range customers {
		line := c.Link.CustomerID + " " + string(c.Link.Status(w.clock.Now()))
		if !c.Link.Bound.IsZero() {
			line += " bound"
		}
		if c.Link.Reservation != nil {
			line += " reserved"
		}
		for _, r := range c.Registrations {
			line += " " + string(r.Status)
		}
		got = append(got, line)
	}
	want := []string{
		"draper open bound active", "globex open active", "hooli open", "initech open active", "kruger open active",
		"olson open reserved", "pied-piper open active active", "soylent open degraded", "stark.industries open active",
		"sterling open", "tyrell open disconnected active", "umbrella closed disconnected",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("customers (-want +got):\n%s", diff)
	}
	for _, c := range customers {
		found, err := w.Customer(t.Context(), c.Link.CustomerID)
		w.must(err)
		if diff := cmp.Diff(c, found, comparable); diff != "" {
			t.Errorf("%s read alone differs (-together +alone):\n%s", c.Link.CustomerID, diff)
		}
	}
	some, err := w.Select(t.Context(), "tyrell", "globex", "unknown")
	w.must(err)
	if len(some) != 2 || some[0].Link.CustomerID != "globex" || len(some[1].Registrations) != 2 {
		t.Errorf("selected: %+v", some)
	}
	record, err := w.HubAndKey(t.Context())
	w.must(err)
	if !record.LegacyLayout || len(record.Key.Bytes()) != 32 {
		t.Errorf("former layout %t, key of %d bytes", record.LegacyLayout, len(record.Key.Bytes()))
	}
	if got := onboarding.ExternalID(record.Key.Bytes(), hubName, "globex", 0); got != customers[1].Link.ExternalID {
		t.Error("the key is not the one that issued the external IDs")
	}
}

func TestATableIsMigratedOnceAndNothingIsLost(t *testing.T) {
	w := newFormer(t)
	before := everything(t, w.Registry)
	history, err := w.History(t.Context(), "initech")
	w.must(err)
	record, err := w.HubAndKey(t.Context())
	w.must(err)
	migrator := w.process()
	w.must(migrator.Migrate(t.Context()))

	for _, r := range []*registry.Registry{migrator, w.process()} {
		if diff := cmp.Diff(before, everything(t, r), unmoved); diff != "" {
			t.Errorf("customers (-before +after):\n%s", diff)
		}
		earlier := map[string][]string{}
		for _, c := range everything(t, r) {
			for _, past := range c.Link.PastAccounts {
				earlier[c.Link.CustomerID] = append(earlier[c.Link.CustomerID], past.Account.String())
			}
		}
		if diff := cmp.Diff(map[string][]string{"tyrell": {"200000000012"}}, earlier); diff != "" {
			t.Errorf("past accounts (-want +got):\n%s", diff)
		}
	}
	again, err := w.History(t.Context(), "initech")
	w.must(err)
	if diff := cmp.Diff(history, again, comparable); diff != "" {
		t.Errorf("history (-before +after):\n%s", diff)
	}
	after, err := w.HubAndKey(t.Context())
	w.must(err)
	record.LegacyLayout, record.Revision = false, record.Revision+1
	if diff := cmp.Diff(record, after, comparable); diff != "" {
		t.Errorf("hub and key (-before +after):\n%s", diff)
	}
	for _, c := range everything(t, w.process()) {
		selected, err := w.process().Select(t.Context(), c.Link.CustomerID)
		w.must(err)
		if diff := cmp.Diff([]onboarding.Customer{c}, selected, comparable); diff != "" {
			t.Errorf("selected by its link, %s differs (-all +selected):\n%s", c.Link.CustomerID, diff)
		}
	}
	w.migrated()

	mark := w.sandbox.Journal().Mark()
	w.must(migrator.Migrate(t.Context()))
	if calls := w.sandbox.Journal().Counts(mark); len(calls) > 0 {
		t.Errorf("migrating again made calls: %v", calls)
	}
}

// migrated fails the test unless the table has only the current layout. An older release must
// find no record in its own layout.
func (w *world) migrated() {
	w.t.Helper()
	for _, i := range w.partition("CUSTOMERS") {
		if numberIn(i, "revision") != "-1" || numberIn(i, "schema") != "2" || i["record"] != nil || i["expires"] == nil {
			w.t.Errorf("left in the former place: %v", i)
		}
	}
	hub := w.item("HUB", "HUB")
	if hub["key"] != nil {
		w.t.Error("the hub's item still has the key")
	}
	if hub["settling"] != nil || numberIn(hub, "layout") != "2" || numberIn(hub, "schema") != "2" {
		w.t.Errorf("the hub's item is %v", hub)
	}
	if w.item("KEY", "KEY") == nil {
		w.t.Error("there is no item with the key")
	}
}

// The process stops before each of its calls in turn, until the migration succeeds.
func TestAnInterruptedMigrationIsCompletedByTheNextProcess(t *testing.T) {
	t.Parallel()
	for alive := 0; ; alive++ {
		var done bool
		t.Run(fmt.Sprintf("after %d calls", alive), func(t *testing.T) {
			w := formerWorld(t)
			before := everything(t, w.Registry)
			revive := w.sandbox.Faults().Before(stopAfter(int64(alive)))
			done = w.process().Migrate(t.Context()) == nil
			revive()
			if diff := cmp.Diff(before, everything(t, w.process()), unmoved); diff != "" {
				t.Errorf("partly migrated, the customers differ (-before +after):\n%s", diff)
			}
			w.must(w.process().Migrate(t.Context()))
			if diff := cmp.Diff(before, everything(t, w.process()), unmoved); diff != "" {
				t.Errorf("customers (-before +after):\n%s", diff)
			}
			w.migrated()
		})
		if done && alive < 20 {
			t.Fatalf("the migration succeeded with %d calls, so nothing was tested", alive)
		}
		if done || t.Failed() {
			return
		}
		alive += alive / 12 // skips some, because the calls are the same for each customer
	}
}

// A registrar of this release and one of the first handle requests before each call of the
// migration.
func TestRegistrarsWorkDuringAMigration(t *testing.T) {
	t.Parallel()
	for at := 1; ; at += 1 + at/10 {
		var reached bool
		t.Run(fmt.Sprintf("before call %d", at), func(t *testing.T) {
			w := formerWorld(t)
			w.heard()
			before := everything(t, w.Registry)
			stop := w.sandbox.Faults().Before(beforeCall(int64(at), func() {
				reached = true
				w.degrade(w.process(), "globex")
				w.connect(w.process(), "hooli", "200000000004")
				w.connect(w.process(), "sterling", "200000000008")
				w.connect(w.process(), "pied-piper", "200000000021")
				w.formerly("pied-piper", "200000000022")
			}))
			w.must(w.process().Migrate(t.Context()))
			stop()
			if !reached {
				return
			}
			w.migrated()
			after := everything(t, w.process())
			if len(before) != len(after) {
				t.Fatalf("%d customers, and then %d", len(before), len(after))
			}
			got := map[string]string{}
			for _, c := range after {
				for _, r := range c.Registrations {
					got[c.Link.CustomerID] += string(r.Status) + " "
				}
				if c.Link.CustomerID == "sterling" && c.Link.Bound.IsZero() {
					t.Error("the link for anyone is not bound to the account that registered")
				}
			}
			for customer, want := range map[string]string{
				"globex": "degraded ", "hooli": "active ", "sterling": "active ", "pied-piper": "active active active active ",
			} {
				if got[customer] != want {
					t.Errorf("%s is %q, want %q", customer, got[customer], want)
				}
			}
		})
		if !reached && at < 20 {
			t.Fatalf("there were only %d calls, so nothing was tested", at)
		}
		if !reached || t.Failed() {
			return
		}
	}
}

// heard writes a heartbeat of the first release's registrar.
func (w *world) heard() {
	w.t.Helper()
	w.alter("REGISTRARS", "REGISTRAR#registrar-8a405000ef67465a", "at", text(w.clock.Now().Format(time.RFC3339Nano)))
}

// degrade writes the result of a health round. If the registration has moved, as it does when
// its table is migrated, the result is computed again.
func (w *world) degrade(r *registry.Registry, customer string, meanwhile ...func()) {
	w.t.Helper()
	const attempts = 5
	var err error
	for range attempts {
		var found onboarding.Customer
		found, err = r.Customer(w.t.Context(), customer)
		w.must(err)
		degraded, entry := onboarding.Health(found.Registrations[0], onboarding.Proof{Outcome: onboarding.Refused}, w.clock.Now())
		for _, do := range meanwhile {
			do()
		}
		if _, err = r.PutHealth(w.t.Context(), degraded, *entry); !errors.Is(err, registry.ErrConflict) {
			break
		}
	}
	w.must(err)
}

// The table is migrated between a health round's read and its write. The second attempt
// succeeds.
func TestAHealthRoundDuringTheMigration(t *testing.T) {
	t.Parallel()
	w := formerWorld(t)
	migrator, writes := w.process(), 0
	w.degrade(w.process(), "globex", func() {
		writes++
		w.must(migrator.Migrate(t.Context()))
	})
	found, err := w.process().Customer(t.Context(), "globex")
	w.must(err)
	if writes != 2 || found.Registrations[0].Status != onboarding.Degraded {
		t.Errorf("after %d writes the registration is %s", writes, found.Registrations[0].Status)
	}
}

// connect handles a phone-home, from its first read to its commit.
func (w *world) connect(r *registry.Registry, customer, accountID string) {
	w.t.Helper()
	ctx := w.t.Context()
	found, err := r.Customer(ctx, customer)
	w.must(err)
	link, stack := found.Link, stackARN(w.t, accountID, "0042")
	role := link.RoleIn(stack.Account, stack.Region.Partition())
	request := phonehome.Request{
		Type: phonehome.Create, SentAt: w.clock.Now(), Stack: stack, RequestID: "create", LogicalID: "PhoneHome", Timeout: 15 * time.Minute,
		Properties: phonehome.Properties{Hub: hubName, ExternalID: link.ExternalID.String(), RoleARN: role.String(), TemplateVersion: link.TemplateVersion},
	}
	snapshot, err := r.Load(ctx, request, onboarding.Snapshot{})
	w.must(err)
	decision := onboarding.Decide(onboarding.Case{
		Snapshot: snapshot, Request: request, Proofs: map[account.RoleARN]onboarding.Proof{role: {Outcome: onboarding.Proven}},
	}, w.clock.Now())
	if decision.Outcome != onboarding.OutcomeRegistered {
		w.t.Fatalf("%s in %s: decided %s: %s", customer, accountID, decision.Outcome, decision.Answer.Response.Reason)
	}
	answer, err := r.StoreAnswer(ctx, snapshot, decision.Answer)
	w.must(err)
	snapshot, err = r.Load(ctx, request, onboarding.Snapshot{})
	w.must(err)
	w.must(r.Commit(ctx, snapshot, answer, onboarding.Apply(snapshot, answer, w.clock.Now())))
}

// formerly does the last write of a first-release registrar that is handling a request: it
// registers another account of an organization, on the condition that no item exists.
func (w *world) formerly(customer, accountID string) {
	w.t.Helper()
	record := onboarding.Registration{
		Hub: hubName, CustomerID: customer, Account: id(w.t, accountID), Stack: stackARN(w.t, accountID, "0001"),
		LogicalID: "PhoneHome", Status: onboarding.Active, ChangedAt: w.clock.Now(), Revision: 1,
	}
	body, err := json.Marshal(record)
	w.must(err)
	_, err = w.dynamo.PutItem(w.t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String(w.Table()),
		Item: map[string]types.AttributeValue{
			"pk": text("CUSTOMERS"), "sk": text("CUSTOMER#" + customer + "/ACCOUNT#" + accountID),
			"schema": number("1"), "revision": number("1"), "record": text(string(body)),
		},
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	w.must(err)
}

func TestAMigrationWaitsForAnOlderRegistrarThatMayStillWrite(t *testing.T) {
	for name, c := range map[string]struct {
		later time.Duration
		waits bool
	}{
		"heartbeat now":           {0, true},
		"heartbeat an hour ago":   {time.Hour, false},
		"heartbeat 3 minutes ago": {3 * time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFormer(t)
			w.heard()
			w.clock.Advance(c.later)
			var waited time.Duration
			migrator := registry.New(w.dynamo, hubName, w.clock.Now, registry.WithSleep(func(_ context.Context, d time.Duration) error {
				if waited == 0 && c.waits {
					w.formerly("pied-piper", "200000000022") // the older registrar's last write
				}
				waited += d
				w.clock.Advance(d)
				return nil
			}))
			w.must(migrator.Migrate(t.Context()))
			if c.waits != (waited >= 2*time.Minute) {
				t.Errorf("waited %s", waited)
			}
			w.migrated()
			piper, err := w.process().Customer(t.Context(), "pied-piper")
			w.must(err)
			if want := map[bool]int{true: 3, false: 2}[c.waits]; len(piper.Registrations) != want {
				t.Errorf("there are %d registrations, want %d", len(piper.Registrations), want)
			}
		})
	}
}

func TestAnUnregisteredAccountHasATombstoneInTheFormerLayout(t *testing.T) {
	w := newFormer(t)
	w.must(w.process().Migrate(t.Context()))
	if i := w.item("CUSTOMERS", "CUSTOMER#hooli/ACCOUNT#200000000004"); numberIn(i, "revision") != "-1" {
		t.Errorf("an older registrar could register hooli there: %v", i)
	}
}

func TestTwoProcessesDoNotMigrateATableAtTheSameTime(t *testing.T) {
	w := newFormer(t)
	w.alter("HUB", "HUB", "bystander", text("keep")) // a change of the item by another process is not overwritten
	lease := map[string]types.AttributeValue{
		"pk": text("HUB"), "sk": text("CARRY-OVER"), "lease_holder": text("another"),
		"lease_until": number(fmt.Sprint(w.clock.Now().Add(time.Minute).UnixMilli())),
	}
	_, err := w.dynamo.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(w.Table()), Item: lease})
	w.must(err)
	begun := w.clock.Now()
	w.must(w.process().Migrate(t.Context()))
	if waited := w.clock.Now().Sub(begun); waited < time.Minute {
		t.Errorf("the migration took %s, but another process's lease lasts a minute", waited)
	}
	w.migrated()
}

func TestTheVendorsFirstWriteMigratesTheTable(t *testing.T) {
	for name, write := range map[string]func(*registry.Registry, onboarding.Link) error{
		"a new link": func(r *registry.Registry, link onboarding.Link) error {
			link.CustomerID, link.ExternalID = "massive", account.ExternalID{}
			link.ExternalID = onboarding.ExternalID([]byte("key"), hubName, "massive", 0)
			_, err := r.CreateLink(context.Background(), link)
			return err
		},
		"a changed link": func(r *registry.Registry, link onboarding.Link) error {
			link.RoleName = "another"
			_, err := r.UpdateLink(context.Background(), link)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFormer(t)
			customer, err := w.Customer(t.Context(), "globex")
			w.must(err)
			w.must(write(w.process(), customer.Link))
			w.migrated()
		})
	}
}

func TestLinksForAnyoneKeepTheirBindings(t *testing.T) {
	w := newFormer(t)
	w.must(w.process().Migrate(t.Context()))
	r := w.process()
	draper, err := r.Customer(t.Context(), "draper")
	w.must(err)
	if draper.Link.Bound.String() != "200000000009" {
		t.Errorf("draper's link is bound to %q", draper.Link.Bound)
	}
	olson, err := r.Customer(t.Context(), "olson")
	w.must(err)
	if olson.Link.Reservation == nil || olson.Link.Reservation.Account.String() != "200000000010" {
		t.Errorf("olson's link is reserved for %+v", olson.Link.Reservation)
	}
	// The vendor frees the link, so the registrar's binding no longer counts.
	freed := draper.Link
	freed.Bound = account.ID{}
	_, err = r.UpdateLink(t.Context(), freed)
	w.must(err)
	if draper, err = r.Customer(t.Context(), "draper"); err != nil || !draper.Link.Bound.IsZero() || len(draper.Registrations) != 1 {
		t.Errorf("%v: still bound to %s, with %d registrations", err, draper.Link.Bound, len(draper.Registrations))
	}
	w.connect(r, "draper", "200000000031")
	if draper, err = r.Customer(t.Context(), "draper"); err != nil || draper.Link.Bound.String() != "200000000031" {
		t.Errorf("%v: bound to %s, want the next account", err, draper.Link.Bound)
	}
	if !slices.Equal(names(draper.Registrations), []string{"200000000009", "200000000031"}) {
		t.Errorf("registrations in %v", names(draper.Registrations))
	}
}

func names(registrations []onboarding.Registration) []string {
	var ids []string
	for _, r := range registrations {
		ids = append(ids, r.Account.String())
	}
	return ids
}
