// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

var umbrella = parse(account.ParseOrganizationID, "o-a1b2c3d4e5")

// organizations returns the organizations that the policy of a topic names.
func (w *world) organizations(region account.Region) []account.OrganizationID {
	w.t.Helper()
	attributes, err := w.topicAttributes(w.t.Context(), w.topic(region, 0))
	w.must(err)
	who, _, _ := iampolicy.PublishersOf(attributes["Policy"])
	return who.Organizations
}

func TestAnOrganizationIsAllowedInEveryRegionBesidesTheAccounts(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.must(w.Permissions().Allow(t.Context(), 0, globex))
	w.must(w.Permissions().AllowOrganization(t.Context(), 0, umbrella))
	before, err := w.registry.Shard(t.Context(), registry.ShardList(0))
	w.must(err)
	w.must(w.process().Permissions().AllowOrganization(t.Context(), 0, umbrella))
	after, err := w.registry.Shard(t.Context(), registry.ShardList(0))
	w.must(err)
	if after.Sequence != before.Sequence {
		t.Error("an organization that was allowed already was written again")
	}
	for _, region := range spec().Regions {
		if got := w.organizations(region); !slices.Equal(got, []account.OrganizationID{umbrella}) {
			t.Errorf("in %s these may publish: %v", region, got)
		}
	}
	w.mayPublish(globex, frankfurt, virginia)
	w.complete(frankfurt, virginia)
}

func TestAnOrganizationWithoutALinkIsRemovedAfterTheGracePeriod(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	link, err := w.registry.CreateLink(t.Context(), onboarding.Link{
		Hub: "acme", CustomerID: "umbrella", ExternalID: onboarding.ExternalID([]byte("key"), "acme", "umbrella", 1),
		Scope: onboarding.ScopeOrganization, Organization: umbrella, CreatedAt: w.clock.Now(),
	})
	w.must(err)
	w.must(w.Permissions().AllowOrganization(t.Context(), 0, umbrella))
	w.clock.Advance(30 * 24 * time.Hour)
	w.reconcile()
	if len(w.organizations(frankfurt)) != 1 {
		t.Error("the link is open, but no account of the organization may publish")
	}
	link.Closed, link.ClosedAt = true, w.clock.Now()
	_, err = w.registry.UpdateLink(t.Context(), link)
	w.must(err)
	w.reconcile()
	w.clock.Advance(onboarding.Grace - time.Second)
	w.reconcile()
	if len(w.organizations(frankfurt)) != 1 {
		t.Error("within the grace period the organization's accounts may not publish")
	}
	w.clock.Advance(time.Second)
	w.reconcile()
	if got := w.organizations(frankfurt); len(got) != 0 {
		t.Errorf("still allowed: %v", got)
	}
	w.complete(frankfurt, virginia)
}

func TestAHubReturnsToKnownAccountsWithoutLosingOne(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	open := spec()
	open.PublisherScope = onboarding.AnyAccount
	_, err := w.Update(t.Context(), open)
	w.must(err)
	w.mayPublish(globex, frankfurt, virginia)
	w.mayPublish(initech, frankfurt, virginia)
	w.complete(frankfurt, virginia)

	link, err := w.registry.CreateLink(t.Context(), onboarding.Link{
		Hub: "acme", CustomerID: "globex", ExternalID: onboarding.ExternalID([]byte("key"), "acme", "globex", 1),
		Scope: onboarding.ScopeAnyone, CreatedAt: w.clock.Now(),
	})
	w.must(err)
	bound := link
	bound.Bound = globex
	stack := account.StackARN{Region: virginia, Account: globex, Name: "acme-access", GUID: "0001"}
	w.must(w.registry.Commit(t.Context(), onboarding.Snapshot{}, onboarding.Answer{Stack: stack, RequestID: "one"}, onboarding.Transition{Link: &bound}))
	var unconfirmed *UnconfirmedError
	if _, err := w.Update(t.Context(), spec()); !errors.As(err, &unconfirmed) || !slices.Equal(unconfirmed.Customers, []string{"globex"}) {
		t.Fatalf("a hub with an unconfirmed account was restricted to known accounts: %v", err)
	}
	today, err := w.registry.Customer(t.Context(), "globex")
	w.must(err)
	link = today.Link
	link.Closed, link.ClosedAt = true, w.clock.Now()
	_, err = w.registry.UpdateLink(t.Context(), link)
	w.must(err)
	_, err = w.Update(t.Context(), spec())
	w.must(err)
	w.mayPublish(globex, frankfurt, virginia) // its stack's Delete may still come
	w.mayNotPublish(initech, frankfurt, virginia)
	w.complete(frankfurt, virginia)
}
