// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// reconcile does what a refresh by another process does.
func (w *world) reconcile() {
	w.t.Helper()
	customers, err := w.registry.Customers(w.t.Context())
	w.must(err)
	w.must(w.process().Permissions().Reconcile(w.t.Context(), w.hubRecord(), customers, nil))
}

func TestAnAccountOfALinkThatIsInNoListIsAllowed(t *testing.T) {
	t.Parallel()
	for _, access := range []onboarding.TemplateAccess{onboarding.TemplatesPublic, onboarding.TemplatesAccounts} {
		t.Run(string(access), func(t *testing.T) {
			t.Parallel()
			w := newHubFor(t, access)
			w.linked("globex", globex) // and its writer died before it changed the list
			w.reconcile()
			w.mayPublish(globex, frankfurt, virginia)
			w.mayRead(globex)
			w.mayNotPublish(initech, frankfurt)
			w.complete(frankfurt, virginia)
		})
	}
}

func TestAnOrganizationOfALinkThatIsInNoListIsAllowed(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	_, err := w.registry.CreateLink(t.Context(), onboarding.Link{
		Hub: "acme", CustomerID: "umbrella", ExternalID: onboarding.ExternalID([]byte("key"), "acme", "umbrella", 1),
		Scope: onboarding.ScopeOrganization, Organization: umbrella, CreatedAt: w.clock.Now(),
	})
	w.must(err)
	w.reconcile()
	if got := w.organizations(frankfurt); len(got) != 1 || got[0] != umbrella {
		t.Errorf("allowed are %v, want %s", got, umbrella)
	}
	w.complete(frankfurt, virginia)
}

// An account with a typing error does not exist, and S3 refuses a policy that names it.
func TestAnAccountThatCannotBeAllowedDoesNotPreventOthers(t *testing.T) {
	t.Parallel()
	w := newHubFor(t, onboarding.TemplatesAccounts)
	unknown := parse(account.ParseID, "999999999999")
	w.linked("typo", unknown)
	w.linked("globex", globex)
	customers, err := w.registry.Customers(t.Context())
	w.must(err)
	err = w.Permissions().Reconcile(t.Context(), w.hubRecord(), customers, nil)
	if err == nil || !strings.Contains(err.Error(), "999999999999") || strings.Contains(err.Error(), globex.String()) {
		t.Errorf("got %v, want an error of 999999999999 only", err)
	}
	w.mayRead(globex)
	w.mayPublish(globex, frankfurt, virginia)
}

// The former account's stack may be rolling back, and if its Delete can't be published the
// stack never finishes.
func TestACorrectedAccountKeepsItsPermissionForTheGracePeriod(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	link := w.linked("globex", globex)
	w.must(w.Permissions().Allow(t.Context(), 0, globex))
	w.clock.Advance(30 * 24 * time.Hour)
	link.Account = initech
	_, err := w.registry.UpdateLink(t.Context(), link)
	w.must(err)
	w.must(w.Permissions().Allow(t.Context(), 0, initech))
	w.reconcile()
	w.mayPublish(globex, frankfurt, virginia)
	w.clock.Advance(onboarding.Grace - time.Minute)
	w.reconcile()
	w.mayPublish(globex, frankfurt, virginia)
	w.clock.Advance(time.Minute)
	w.reconcile()
	w.mayNotPublish(globex, frankfurt, virginia)
	w.mayPublish(initech, frankfurt, virginia)
	w.complete(frankfurt, virginia)
}

// A writer died between list and policies. The hub's own refresh would notice it, but the
// hub is in another Terraform state.
func TestAListWhosePoliciesWereNotWrittenIsCompleted(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.linked("globex", globex)
	revive := w.box.Faults().Before(func(c *kernel.Call) error {
		if c.Action == "SetTopicAttributes" {
			return kernel.Errorf(400, "ValidationError", "the process has stopped")
		}
		return nil
	})
	if err := w.Permissions().Allow(t.Context(), 0, globex); err == nil {
		t.Fatal("the process did not die")
	}
	revive()
	w.mayNotPublish(globex, frankfurt, virginia)
	w.clock.Advance(leaseTime + time.Second)
	w.reconcile()
	w.mayPublish(globex, frankfurt, virginia)
	w.complete(frankfurt, virginia)
}

func TestAReturningAccountIsNoLongerMarked(t *testing.T) {
	t.Parallel()
	for name, comeBack := range map[string]func(w *world, link onboarding.Link){
		"as a link that was opened again, and allowed": func(w *world, link onboarding.Link) {
			w.must(w.Permissions().Allow(w.t.Context(), 0, globex))
			link.Closed, link.ClosedAt = false, time.Time{}
			_, err := w.registry.UpdateLink(w.t.Context(), link)
			w.must(err)
		},
		"as a link that was opened again, and seen by a refresh": func(w *world, link onboarding.Link) {
			link.Closed, link.ClosedAt = false, time.Time{}
			_, err := w.registry.UpdateLink(w.t.Context(), link)
			w.must(err)
			w.reconcile()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newHub(t)
			link := w.linked("globex", globex)
			w.must(w.Permissions().Allow(t.Context(), 0, globex))
			close := func() {
				t.Helper()
				customer, err := w.registry.Customer(t.Context(), "globex")
				w.must(err)
				link = customer.Link
				link.Closed, link.ClosedAt = true, w.clock.Now()
				link, err = w.registry.UpdateLink(t.Context(), link)
				w.must(err)
				w.reconcile()
			}
			close()
			w.clock.Advance(6 * 24 * time.Hour)
			comeBack(w, link)
			w.clock.Advance(2 * 24 * time.Hour)
			close()
			w.clock.Advance(6 * 24 * time.Hour)
			w.reconcile()
			w.mayPublish(globex, frankfurt, virginia) // eight days after the first mark, six after the second
			w.clock.Advance(24 * time.Hour)
			w.reconcile()
			w.mayNotPublish(globex, frankfurt)
		})
	}
}

func TestMarkingWritesNoPolicyAndASecondReconcileNothing(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	w.linked("initech", initech)
	for _, id := range []account.ID{globex, initech} {
		w.must(w.Permissions().Allow(t.Context(), 0, id))
	}
	w.clock.Advance(2 * removableAfter)
	mark := w.box.Journal().Mark()
	w.reconcile()
	if n := w.calls(mark, "sns:SetTopicAttributes"); n != 0 {
		t.Errorf("%d policies were written only to mark an account", n)
	}
	mark = w.box.Journal().Mark()
	w.reconcile()
	counts := w.box.Journal().Counts(mark)
	maps.DeleteFunc(counts, func(action string, _ int) bool {
		return slices.Contains([]string{"sts:GetCallerIdentity", "dynamodb:Query", "dynamodb:GetItem", "dynamodb:BatchGetItem"}, action)
	})
	if len(counts) != 0 {
		t.Errorf("nothing was to be done, but it called %v", counts)
	}
}

// 250 accounts are missing from the list.
func TestReconcilingManyWritesEachPolicyOnce(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	var customers []onboarding.Customer
	for n := range 250 {
		customers = append(customers, onboarding.Customer{Link: onboarding.Link{Account: customerAccount(n)}})
	}
	mark := w.box.Journal().Mark()
	w.must(w.Permissions().Reconcile(t.Context(), w.hubRecord(), customers, nil))
	if n := w.calls(mark, "sns:SetTopicAttributes"); n != 2 {
		t.Errorf("%d policies were written, want 1 in each of 2 Regions", n)
	}
	attributes, err := w.topicAttributes(t.Context(), w.topic(frankfurt, 0))
	w.must(err)
	if who, _, _ := iampolicy.PublishersOf(attributes["Policy"]); len(who.Accounts) != 250 {
		t.Errorf("%d accounts may publish", len(who.Accounts))
	}
	list, err := w.registry.Shard(t.Context(), registry.ShardList(0))
	w.must(err)
	if len(list.Accounts) != 250 || len(list.Leaving) != 0 {
		t.Errorf("the list has %d accounts, %d of them leaving", len(list.Accounts), len(list.Leaving))
	}
}
