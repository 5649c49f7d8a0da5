// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// launched returns the Create of a customer's stack in an account.
func (w *world) launched(link onboarding.Link, role string) phonehome.Request {
	w.t.Helper()
	return phonehome.Request{
		Type: phonehome.Create, Stack: stackARN(w.t, link.Account.String(), "0001"), LogicalID: "PhoneHome", RequestID: "1",
		Properties: phonehome.Properties{
			Hub: hubName, ExternalID: link.ExternalID.String(), RoleARN: "arn:aws:iam::" + link.Account.String() + ":role/" + role,
		},
	}
}

// reads returns the result of a Load and the number of its calls.
func (w *world) reads(request phonehome.Request, before onboarding.Snapshot) (onboarding.Snapshot, int) {
	w.t.Helper()
	mark := w.sandbox.Journal().Mark()
	snapshot, err := w.Load(w.t.Context(), request, before)
	w.must(err)
	return snapshot, len(w.sandbox.Journal().Since(mark))
}

func TestARepeatedLoadTakesOneCall(t *testing.T) {
	w := newHub(t)
	link := w.referring("globex", "222222222222", w.declared("readonly", "v1"))
	request := w.launched(link, "acme-globex")
	first, calls := w.reads(request, onboarding.Snapshot{})
	if calls != 2 { // the second reads the permission set that the link names
		t.Errorf("the first load took %d calls, want 2", calls)
	}
	again, calls := w.reads(request, onboarding.Snapshot{})
	if diff := cmp.Diff(first, again, comparable); diff != "" || calls != 1 {
		t.Errorf("another load took %d calls, want 1 (-first +again):\n%s", calls, diff)
	}

	// A role whose name does not contain the customer's ID.
	request = w.launched(link, "vendor-access")
	first, calls = w.reads(request, onboarding.Snapshot{})
	if calls != 3 {
		t.Errorf("a role with a fixed name took %d calls, want 3", calls)
	}
	if again, calls = w.reads(request, first); calls != 1 || again.Link == nil {
		t.Errorf("it took %d calls once the customer was known, want 1", calls)
	}
}

func TestTheExternalIDAndNotTheRolesNameIdentifiesTheCustomer(t *testing.T) {
	w := newHub(t)
	link := w.linked("globex", "222222222222")
	w.linked("initech", "333333333333")
	w.registered(onboarding.Registration{Hub: hubName, CustomerID: "initech", Account: link.Account, Status: onboarding.Active})
	for _, role := range []string{"acme-globex", "acme-initech", "acme-unknown", "acme-", "other"} {
		snapshot := w.load(w.launched(link, role))
		if snapshot.Link == nil || snapshot.Link.CustomerID != "globex" || snapshot.Registration != nil {
			t.Errorf("role %s: link %+v, registration %+v", role, snapshot.Link, snapshot.Registration)
		}
	}
	unknown := w.launched(link, "acme-globex")
	unknown.Properties.ExternalID = "unknown"
	if snapshot := w.load(unknown); snapshot.Link != nil || snapshot.Registration != nil {
		t.Errorf("an unknown external ID with a role named after globex finds %+v", snapshot)
	}
}

func TestLoadsAtTheSameTimeShareCalls(t *testing.T) {
	w := newHub(t)
	const customers = 12
	set := w.declared("readonly", "v1")
	var requests []phonehome.Request
	for n := range customers {
		id := fmt.Sprintf("customer-%d", n)
		requests = append(requests, w.launched(w.referring(id, fmt.Sprintf("2222222222%02d", n), set), "acme-"+id))
	}
	w.load(requests[0]) // reads the permission set
	mark := w.sandbox.Journal().Mark()
	var loads sync.WaitGroup
	for n, request := range requests {
		loads.Go(func() {
			snapshot, err := w.Load(t.Context(), request, onboarding.Snapshot{})
			if err != nil || snapshot.Link == nil || snapshot.Link.CustomerID != fmt.Sprintf("customer-%d", n) || snapshot.Link.TemplateVersion != "v1" {
				t.Errorf("customer %d: %+v, %v", n, snapshot.Link, err)
			}
		})
	}
	loads.Wait()
	if calls := len(w.sandbox.Journal().Since(mark)); calls >= customers {
		t.Errorf("%d loads took %d calls", customers, calls)
	}
}

// A read of several items may see the stack after a commit and the registration before it.
// An answer that was decided on such a snapshot must not be stored.
func TestAnAnswerForAFormerRegistrationIsNotStored(t *testing.T) {
	w := newHub(t)
	w.linked("globex", "222222222222")
	v := w.visit("one")
	stored, err := w.StoreAnswer(t.Context(), v.snapshot, v.answer)
	w.must(err)
	w.must(w.Commit(t.Context(), v.snapshot, stored, v.after))

	now := w.visit("two")
	torn := now.snapshot
	torn.Registration = nil
	if _, err := w.StoreAnswer(t.Context(), torn, now.answer); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("with an existing stack and no registration: %v", err)
	}
	old := *now.snapshot.Registration
	old.Revision--
	torn.Registration = &old
	if _, err := w.StoreAnswer(t.Context(), torn, now.answer); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("with the former registration: %v", err)
	}
	if _, err := w.StoreAnswer(t.Context(), now.snapshot, now.answer); err != nil {
		t.Errorf("with the current snapshot: %v", err)
	}
}
