// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// visit is a request of a customer's stack, with its snapshot, answer and transition.
type visit struct {
	request  phonehome.Request
	snapshot onboarding.Snapshot
	answer   onboarding.Answer
	after    onboarding.Transition
}

// visit loads the snapshot of a Create of globex's stack, and returns it with an answer and a
// transition that register the stack.
func (w *world) visit(requestID string) visit {
	w.t.Helper()
	stack := stackARN(w.t, "222222222222", "0001")
	v := visit{request: phonehome.Request{
		Type:      phonehome.Create,
		Stack:     stack,
		RequestID: requestID,
		LogicalID: "PhoneHome",
		Properties: phonehome.Properties{
			Hub:        hubName,
			ExternalID: w.link("globex", "222222222222").ExternalID.String(),
		},
	}}
	v.snapshot = w.load(v.request)
	v.answer = onboarding.Answer{
		Stack:     stack,
		LogicalID: "PhoneHome",
		RequestID: requestID,
		Response:  phonehome.Response{Status: phonehome.Success, PhysicalResourceID: "xacct-1", Data: map[string]string{"a": "b"}},
		StoredAt:  w.clock.Now(),
	}
	v.after = onboarding.Transition{
		Stack: &onboarding.Stack{
			ID:         stack,
			CustomerID: "globex",
			Resources:  map[string]onboarding.Resource{"PhoneHome": {LastRequestAt: w.clock.Now(), PhysicalID: "xacct-1"}},
		},
		Registration: &onboarding.Registration{Hub: hubName, CustomerID: "globex", Account: stack.Account, Stack: stack, Status: onboarding.Active},
		History:      &onboarding.HistoryEntry{At: w.clock.Now(), CustomerID: "globex", Stack: stack, RequestID: requestID, Outcome: "registered"},
	}
	return v
}

func (w *world) load(request phonehome.Request) onboarding.Snapshot {
	w.t.Helper()
	snapshot, err := w.Load(w.t.Context(), request, onboarding.Snapshot{})
	w.must(err)
	return snapshot
}

func TestLoadFindsTheLinkByExternalIDUntilTheStackIsKnown(t *testing.T) {
	w := newHub(t)
	link := w.linked("globex", "222222222222")
	w.linked("initech", "333333333333")
	v := w.visit("one")
	if v.snapshot.Link == nil || v.snapshot.Link.CustomerID != "globex" || v.snapshot.Registration != nil {
		t.Fatalf("before the commit: link %v, registration %v; want globex, none", v.snapshot.Link, v.snapshot.Registration)
	}
	stored, err := w.StoreAnswer(t.Context(), v.snapshot, v.answer)
	w.must(err)
	w.must(w.Commit(t.Context(), v.snapshot, stored, v.after))

	// The stack now sends another customer's external ID, but remains globex's.
	v.request.Properties.ExternalID = w.link("initech", "333333333333").ExternalID.String()
	after := w.load(v.request)
	if diff := cmp.Diff(&link, after.Link, comparable); diff != "" {
		t.Errorf("link (-want +got):\n%s", diff)
	}
	if after.Registration == nil || after.Registration.Revision != 1 || after.Stack.Revision != 1 {
		t.Errorf("got registration %v and stack revision %d, want both at 1", after.Registration, after.Stack.Revision)
	}
	if after.Answer == nil || after.Answer.State != onboarding.AnswerCommitted {
		t.Errorf("got answer %v, want a committed one", after.Answer)
	}
	if after.Hub.Name != hubName || len(after.Hub.Regions) != 2 {
		t.Errorf("got hub %+v", after.Hub)
	}
}

func TestLoadWithAnUnknownExternalIDFindsNoCustomer(t *testing.T) {
	w := newHub(t)
	w.linked("globex", "222222222222")
	for _, external := range []string{"", "no such ID", "aaaaaaaaaaaaaaaaaaaa"} {
		snapshot := w.load(phonehome.Request{
			Stack:      stackARN(t, "666666666666", "0666"),
			RequestID:  "one",
			LogicalID:  "PhoneHome",
			Properties: phonehome.Properties{ExternalID: external},
		})
		if snapshot.Link != nil || snapshot.Registration != nil || snapshot.Answer != nil || snapshot.Stack.Revision != 0 {
			t.Errorf("external ID %q: got %+v, want no customer", external, snapshot)
		}
	}
}

func TestTheFirstStoredAnswerWins(t *testing.T) {
	w := newHub(t)
	w.linked("globex", "222222222222")
	first, second := w.visit("one"), w.visit("one")
	second.answer.Response = phonehome.Response{Status: phonehome.Failed, Reason: "try again"}
	_, err := w.StoreAnswer(t.Context(), first.snapshot, first.answer)
	w.must(err)
	stored, err := w.StoreAnswer(t.Context(), second.snapshot, second.answer)
	w.must(err)
	if stored.Response.Status != phonehome.Success {
		t.Errorf("got the second answer: %+v", stored.Response)
	}
	want := first.answer
	want.State = onboarding.AnswerStored
	if diff := cmp.Diff(want, stored, comparable); diff != "" {
		t.Errorf("stored answer (-want +got):\n%s", diff)
	}
}

func TestAnAnswerForAFormerStackIsNotStored(t *testing.T) {
	w := newHub(t)
	w.linked("globex", "222222222222")
	slow, quick := w.visit("slow"), w.visit("quick")
	stored, err := w.StoreAnswer(t.Context(), quick.snapshot, quick.answer)
	w.must(err)
	w.must(w.Commit(t.Context(), quick.snapshot, stored, quick.after))

	if _, err := w.StoreAnswer(t.Context(), slow.snapshot, slow.answer); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	if again := w.load(slow.request); again.Answer != nil {
		t.Errorf("an answer was stored: %+v", again.Answer)
	}
}

func TestPropertiesThatWereAnsweredSuccessArePromisedBeforeTheCommit(t *testing.T) {
	w := newHub(t)
	w.linked("globex", "222222222222")
	v := w.visit("one")
	v.answer.Change = onboarding.Change{Kind: onboarding.ChangeRegister, Properties: v.request.Properties}
	if v.snapshot.Promised {
		t.Error("promised before anything was answered")
	}
	_, err := w.StoreAnswer(t.Context(), v.snapshot, v.answer)
	w.must(err)

	same, other, renamed := v.request, v.request, v.request
	same.RequestID, other.Properties.TemplateVersion, renamed.LogicalID = "two", "v2", "Renamed"
	got := []bool{w.load(same).Promised, w.load(other).Promised, w.load(renamed).Promised}
	if diff := cmp.Diff([]bool{true, false, false}, got); diff != "" {
		t.Errorf("promised are the same properties, other ones, and those of another resource (-want +got):\n%s", diff)
	}

	update, elsewhere := other, other
	update.Type, update.RequestID, update.OldProperties = phonehome.Update, "update", v.request.Properties
	elsewhere.Type, elsewhere.Stack, elsewhere.OldProperties = phonehome.Update, stackARN(w.t, "222222222222", "0002"), v.request.Properties
	got = []bool{w.load(update).PromisedBefore, w.load(update).Promised, w.load(elsewhere).PromisedBefore, w.load(same).PromisedBefore}
	if diff := cmp.Diff([]bool{true, false, false, false}, got); diff != "" {
		t.Errorf("promised are an Update's old properties, its new ones, the old ones of another stack, and those of a Create (-want +got):\n%s", diff)
	}

	failed := w.visit("three")
	failed.answer.Response.Status, failed.answer.Change = phonehome.Failed, onboarding.Change{Properties: other.Properties}
	_, err = w.StoreAnswer(t.Context(), failed.snapshot, failed.answer)
	w.must(err)
	if w.load(other).Promised {
		t.Error("refused properties are promised")
	}
}

func TestACommitIsAllOrNothing(t *testing.T) {
	for name, disturb := range map[string]func(w *world, v visit){
		"the stack has moved": func(w *world, v visit) {
			other := w.visit("two")
			stored, err := w.StoreAnswer(t.Context(), other.snapshot, other.answer)
			w.must(err)
			other.after.Registration, other.after.History = nil, nil
			w.must(w.Commit(t.Context(), other.snapshot, stored, other.after))
		},
		"the registration has moved": func(w *world, v visit) {
			w.registered(onboarding.Registration{CustomerID: "globex", Account: v.request.Stack.Account})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newHub(t)
			w.linked("globex", "222222222222")
			v := w.visit("one")
			stored, err := w.StoreAnswer(t.Context(), v.snapshot, v.answer)
			w.must(err)
			disturb(w, v)
			before := w.load(v.request)
			if err := w.Commit(t.Context(), v.snapshot, stored, v.after); !errors.Is(err, registry.ErrConflict) {
				t.Fatalf("got %v, want ErrConflict", err)
			}
			if diff := cmp.Diff(before, w.load(v.request), comparable); diff != "" {
				t.Errorf("a refused commit changed something (-before +after):\n%s", diff)
			}
			history := w.requests("globex")
			if len(history) != 0 {
				t.Errorf("a refused commit wrote history: %v", history)
			}
		})
	}
}

func TestASecondCommitChangesNothing(t *testing.T) {
	w := newHub(t)
	w.linked("globex", "222222222222")
	v := w.visit("one")
	stored, err := w.StoreAnswer(t.Context(), v.snapshot, v.answer)
	w.must(err)
	// The response to the first attempt is lost, so the SDK commits again too.
	w.sandbox.Faults().Add(kernel.FaultRule{Service: "dynamodb", Action: "TransactWriteItems", Kind: kernel.FaultLostAnswer, Next: 1})
	w.must(w.Commit(t.Context(), v.snapshot, stored, v.after))
	before := w.load(v.request)
	if err := w.Commit(t.Context(), v.snapshot, stored, v.after); !errors.Is(err, onboarding.ErrCommitted) {
		t.Errorf("the second commit gave %v", err)
	}
	if diff := cmp.Diff(before, w.load(v.request), comparable); diff != "" {
		t.Errorf("the second commit changed something (-before +after):\n%s", diff)
	}
	history := w.requests("globex")
	if len(history) != 1 {
		t.Errorf("got %d lines of history, want 1", len(history))
	}
}

func TestARefusedAnswerIsRecordedButNeverUndoesACommit(t *testing.T) {
	w := newHub(t)
	w.linked("globex", "222222222222")
	v := w.visit("one")
	stored, err := w.StoreAnswer(t.Context(), v.snapshot, v.answer)
	w.must(err)
	w.must(w.RefuseAnswer(t.Context(), stored))
	if got := w.load(v.request).Answer.State; got != onboarding.AnswerRefused {
		t.Errorf("got state %s, want refused", got)
	}
	w.must(w.Commit(t.Context(), v.snapshot, stored, v.after))
	w.must(w.RefuseAnswer(t.Context(), stored))
	if got := w.load(v.request).Answer.State; got != onboarding.AnswerCommitted {
		t.Errorf("got state %s, want committed", got)
	}
}

func TestAnswersAndTombstonesExpireAndLiveStacksDoNot(t *testing.T) {
	w := newHub(t)
	w.linked("globex", "222222222222")
	v := w.visit("one")
	stored, err := w.StoreAnswer(t.Context(), v.snapshot, v.answer)
	w.must(err)
	w.must(w.Commit(t.Context(), v.snapshot, stored, v.after))
	pk := "STACK#" + v.request.Stack.String()
	if w.item(pk, "ANSWER#PhoneHome#one")["expires"] == nil {
		t.Error("the answer never expires")
	}
	if w.item(pk, "STACK")["expires"] != nil {
		t.Error("the live stack expires")
	}

	v = w.visit("two")
	resource := v.after.Stack.Resources["PhoneHome"]
	resource.DeletedAt = w.clock.Now()
	v.after.Stack.Resources["PhoneHome"] = resource
	w.must(w.Commit(t.Context(), v.snapshot, v.answer, v.after))
	if w.item(pk, "STACK")["expires"] == nil {
		t.Error("the tombstone never expires")
	}
}

func TestLoadReturnsErrNoHub(t *testing.T) {
	w := newWorld(t)
	_, err := w.Load(context.WithoutCancel(t.Context()), phonehome.Request{Stack: stackARN(t, "222222222222", "0001"), RequestID: "one", LogicalID: "PhoneHome"}, onboarding.Snapshot{})
	if !errors.Is(err, registry.ErrNoHub) {
		t.Errorf("got %v, want ErrNoHub", err)
	}
}

func TestHistoryIsReadInChronologicalOrder(t *testing.T) {
	w := newHub(t)
	w.linked("globex", "222222222222")
	for _, id := range []string{"one", "two", "three"} {
		v := w.visit(id)
		w.must(w.Commit(t.Context(), v.snapshot, v.answer, v.after))
		w.clock.Advance(90 * time.Minute)
	}
	history := w.requests("globex")
	var order []string
	for _, entry := range history {
		order = append(order, entry.RequestID)
	}
	if diff := cmp.Diff([]string{"one", "two", "three"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
