// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// populate writes customers with one registration each.
func (w *world) populate(customers int) {
	w.t.Helper()
	for n := range customers {
		link := w.linked(fmt.Sprintf("customer-%04d", n), fmt.Sprintf("2222%08d", n))
		w.registered(onboarding.Registration{Hub: hubName, CustomerID: link.CustomerID, Account: link.Account, Status: onboarding.Active})
	}
}

// calls returns the calls that a read makes.
func (w *world) calls(read func()) map[string]int {
	w.t.Helper()
	mark := w.sandbox.Journal().Mark()
	read()
	return w.sandbox.Journal().Counts(mark)
}

// Both hubs then grow, which moves no customer to another partition.
func TestASmallHubIsReadWithTwoQueriesAndALargeOneWithEight(t *testing.T) {
	for capacity, queries := range map[int]int{1_500: 2, 10_000: 2, 10_001: 8} {
		t.Run(fmt.Sprint(capacity), func(t *testing.T) {
			w := newWorld(t)
			w.must(w.EnsureTable(t.Context(), registry.TableSpec{}))
			hub := w.record()
			hub.Capacity = capacity
			var err error
			w.hub, err = w.CreateHub(t.Context(), hub)
			w.must(err)
			w.populate(20)
			for _, grown := range []int{capacity, 150_000} {
				w.hub.Capacity = grown
				w.hub, err = w.process().UpdateHub(t.Context(), w.hub)
				w.must(err)
				w.isReadWith(queries)
			}
		})
	}
}

// isReadWith fails the test unless a new process reads the 20 customers with this number of
// queries.
func (w *world) isReadWith(queries int) {
	w.t.Helper()
	r := w.process()
	_, err := r.Hub(w.t.Context())
	w.must(err)
	var customers []onboarding.Customer
	calls := w.calls(func() { customers, err = r.Customers(w.t.Context()) })
	w.must(err)
	if len(customers) != 20 || len(customers[19].Registrations) != 1 {
		w.t.Errorf("got %d customers", len(customers))
	}
	if diff := cmp.Diff(map[string]int{"dynamodb:Query": queries}, calls); diff != "" {
		w.t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestCustomersAreSpreadOverThePartitions(t *testing.T) {
	t.Parallel()
	count := map[string]int{}
	const customers = 10_000
	for n := range customers {
		pk, _ := registry.LinkItem(fmt.Sprintf("customer-%d", n))
		count[pk]++
	}
	if len(count) != registry.Spread {
		t.Errorf("partitions: %v", count)
	}
	for pk, n := range count {
		if fair := customers / registry.Spread; n < fair*9/10 || n > fair*11/10 {
			t.Errorf("%s has %d links of %d", pk, n, customers)
		}
	}
}

func TestRequestedCustomersAreReadInBatchesOfAHundred(t *testing.T) {
	w := newHub(t)
	w.populate(150)
	var ids []string
	for n := range 150 {
		ids = append(ids, fmt.Sprintf("customer-%04d", n), fmt.Sprintf("unknown-%d", n))
	}
	r := w.process()
	_, err := r.Hub(t.Context())
	w.must(err)
	var some []onboarding.Customer
	calls := w.calls(func() { some, err = r.Select(t.Context(), ids...) })
	w.must(err)
	if len(some) != 150 || len(some[149].Registrations) != 1 || some[149].Link.CustomerID != "customer-0149" {
		t.Errorf("got %d customers: %+v", len(some), some[len(some)-1])
	}
	if diff := cmp.Diff(map[string]int{"dynamodb:BatchGetItem": 6 + 2}, calls); diff != "" { // links and bindings of 300 customers, registrations of 150
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	calls = w.calls(func() { some, err = r.Select(t.Context(), "customer-0007") })
	w.must(err)
	if len(some) != 1 || calls["dynamodb:BatchGetItem"] != 2 || len(calls) != 1 {
		t.Errorf("for one customer: %v", calls)
	}
	if _, err := r.Customer(t.Context(), "unknown-1"); !errors.Is(err, registry.ErrNoLink) {
		t.Errorf("an unknown customer: %v", err)
	}
}

func TestSelectFindsRegistrationsInEveryAccountThatALinkHad(t *testing.T) {
	w := newHub(t)
	for name, story := range map[string]func(link onboarding.Link) onboarding.Link{
		"the account was corrected": func(link onboarding.Link) onboarding.Link {
			link.Account = id(t, "333333333333")
			return link
		},
		"an organization became one account": func(link onboarding.Link) onboarding.Link {
			link.Scope, link.Organization = onboarding.ScopeOrganization, organization(t)
			link, err := w.UpdateLink(t.Context(), link)
			w.must(err)
			link.Scope, link.Organization, link.Account = onboarding.ScopeAccount, account.OrganizationID{}, id(t, "333333333333")
			return link
		},
	} {
		customer := strings.ReplaceAll(name, " ", "-")
		link := w.linked(customer, "222222222222")
		w.registered(onboarding.Registration{Hub: hubName, CustomerID: customer, Account: link.Account, Status: onboarding.Active})
		if strings.HasPrefix(customer, "an-") {
			w.registered(onboarding.Registration{Hub: hubName, CustomerID: customer, Account: id(t, "444444444444"), Status: onboarding.Active})
		}
		_, err := w.UpdateLink(t.Context(), story(link))
		w.must(err)
		all, err := w.Customer(t.Context(), customer)
		w.must(err)
		some, err := w.Select(t.Context(), customer)
		w.must(err)
		if diff := cmp.Diff([]onboarding.Customer{all}, some, comparable); diff != "" || len(all.Registrations) == 0 {
			t.Errorf("%s (-alone +selected):\n%s", name, diff)
		}
	}
}

func organization(t *testing.T) account.OrganizationID {
	t.Helper()
	id, err := account.ParseOrganizationID("o-a1b2c3d4e5")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAWalkIsOrderedAndCanBePaged(t *testing.T) {
	w := newHub(t)
	w.populate(100)
	var all []string
	for customer, err := range w.Walk(t.Context(), registry.Part{}) {
		w.must(err)
		all = append(all, customer.Link.CustomerID)
	}
	if len(all) != 100 || !slices.IsSorted(all) {
		t.Fatalf("%d customers, in order: %t", len(all), slices.IsSorted(all))
	}
	// In pages, each after the end of the last one.
	var paged []string
	for after := ""; ; after = paged[len(paged)-1] {
		n := 0
		for customer, err := range w.Walk(t.Context(), registry.Part{After: after, Limit: 7}) {
			w.must(err)
			if len(customer.Registrations) != 1 {
				t.Errorf("%s has %d registrations", customer.Link.CustomerID, len(customer.Registrations))
			}
			paged = append(paged, customer.Link.CustomerID)
			if n++; n == 7 {
				break
			}
		}
		if n < 7 {
			break
		}
	}
	if diff := cmp.Diff(all, paged); diff != "" {
		t.Errorf("pages are not the whole (-whole +pages):\n%s", diff)
	}
	calls := w.calls(func() {
		for range w.Walk(t.Context(), registry.Part{Limit: 4}) {
			break
		}
	})
	if calls["dynamodb:Query"] > 2*registry.Spread {
		t.Errorf("one customer of a hundred cost %v", calls)
	}
}

func TestAWalkThatFailsReturnsTheError(t *testing.T) {
	w := newHub(t)
	w.populate(20)
	w.sandbox.Faults().Before(func(c *kernel.Call) error {
		if c.Action == "Query" {
			return kernel.Errorf(400, "AccessDeniedException", "User is not authorized to perform: dynamodb:Query")
		}
		return nil
	})
	if customers, err := w.Customers(t.Context()); err == nil {
		t.Errorf("got %d customers and no error", len(customers))
	}
	if _, err := w.Customer(t.Context(), "customer-0001"); err == nil || errors.Is(err, registry.ErrNoLink) {
		t.Errorf("one customer: %v", err)
	}
}

// DynamoDB returns part of each batch as unprocessed.
func TestUnprocessedKeysAreReadAgainWithGrowingPauses(t *testing.T) {
	w := newHub(t)
	w.populate(3)
	var pauses []time.Duration
	r := registry.New(w.busy(4), hubName, w.clock.Now, registry.WithSleep(func(_ context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		return nil
	}))
	some, err := r.Select(t.Context(), "customer-0000", "customer-0001", "customer-0002")
	w.must(err)
	if len(some) != 3 {
		t.Errorf("got %d customers, want 3", len(some))
	}
	if len(pauses) < 4 || !slices.IsSorted(pauses[:4]) || pauses[0] <= 0 || pauses[3] < 2*pauses[1] {
		t.Errorf("it waited %v", pauses)
	}
	r = registry.New(w.busy(1000), hubName, w.clock.Now, registry.WithSleep(w.passing))
	if _, err := r.Select(t.Context(), "customer-0000"); err == nil || !strings.Contains(err.Error(), "too busy") {
		t.Errorf("a table that always returns unprocessed keys: %v", err)
	}
	r = registry.New(w.busy(1000), hubName, w.clock.Now, registry.WithSleep(func(context.Context, time.Duration) error { return context.Canceled }))
	if _, err := r.Select(t.Context(), "customer-0000"); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled caller: %v", err)
	}
}

// busy returns a client that leaves all keys but the last of the next batches unprocessed.
func (w *world) busy(times int) *dynamodb.Client {
	options := w.dynamo.Options()
	options.APIOptions = append(slices.Clone(options.APIOptions), leaveUnprocessed(times))
	return dynamodb.New(options)
}

func TestTheVendorsChangesOfALinkAreInItsHistory(t *testing.T) {
	w := newHub(t)
	link := w.linked("globex", "222222222222")
	w.clock.Advance(time.Hour)
	link.Account = id(t, "333333333333")
	link, err := w.UpdateLink(t.Context(), link)
	w.must(err)
	w.clock.Advance(time.Hour)
	link.FormerTemplates = []onboarding.FormerTemplate{{Version: "v1"}} // not a change that the history records
	link, err = w.UpdateLink(t.Context(), link)
	w.must(err)
	link.Closed = true
	_, err = w.process().UpdateLink(t.Context(), link)
	w.must(err)
	history, err := w.History(t.Context(), "globex")
	w.must(err)
	var got []string
	for _, h := range history {
		got = append(got, fmt.Sprintf("%s %s by %s %s", h.At.Format("15:04"), h.Outcome, h.By, h.Detail))
	}
	want := []string{
		"12:00 link_created by arn:aws:iam::111111111111:user/admin ",
		"13:00 link_changed by arn:aws:iam::111111111111:user/admin account: 333333333333, was 222222222222",
		"14:00 link_ended by arn:aws:iam::111111111111:user/other ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	for _, i := range w.partition("LINK-HISTORY#globex") {
		if i["expires"] == nil {
			t.Error("a line of the history never expires")
		}
	}
	if n := len(w.partition("LINK-HISTORY#globex")); n != 3 {
		t.Errorf("the vendor's own partition has %d lines, want 3", n)
	}
}

func TestALinkChangedMeanwhileIsNotOverwritten(t *testing.T) {
	w := newHub(t)
	mine := w.linked("globex", "222222222222")
	theirs := mine
	theirs.RoleName = "theirs"
	_, err := w.process().UpdateLink(t.Context(), theirs)
	w.must(err)
	mine.RoleName = "mine"
	if _, err := w.UpdateLink(t.Context(), mine); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	if n := len(w.partition("LINK-HISTORY#globex")); n != 2 {
		t.Errorf("the history has %d lines, want 2: a refused write adds none", n)
	}
}
