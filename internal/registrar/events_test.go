// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// ears records the events that are published.
type ears struct {
	noEvents
	heard []onboarding.EventKind
}

func (e *ears) Committed(_ onboarding.Hub, event onboarding.Event) {
	e.heard = append(e.heard, event.Kind)
}

// twice is a registry in which another registrar has always committed first.
type twice struct{ *fake }

func (t twice) Commit(ctx context.Context, s onboarding.Snapshot, a onboarding.Answer, next onboarding.Transition) error {
	if err := t.fake.Commit(ctx, s, a, next); err != nil {
		return err
	}
	return onboarding.ErrCommitted
}

func telling(t *testing.T) *fake {
	t.Helper()
	f := newFake(t)
	f.hub.EventBus = must(account.ParseEventBusARN("arn:aws:events:eu-central-1:" + vendor + ":event-bus/default"))
	return f
}

func TestACommitIsPublishedOnce(t *testing.T) {
	f, e := telling(t), &ears{}
	r := f.registrar(func(c *Config) { c.Events = e })
	create := f.request("Create", "s1", "r1", "c1", nil)
	for range 3 { // SQS may deliver a message several times
		if d := r.Handle(t.Context(), create); d.Action != Done {
			t.Fatalf("Create: %+v", d)
		}
	}
	f.now = noon.Add(time.Minute)
	later := func(envelope, _, _ map[string]any) { envelope["Timestamp"] = f.now.Format(time.RFC3339Nano) }
	if d := r.Handle(t.Context(), f.request("Delete", "s1", "r2", "c1", later)); d.Action != Done {
		t.Fatalf("Delete: %+v", d)
	}
	if want := []onboarding.EventKind{onboarding.EventRegistered, onboarding.EventDisconnected}; !slices.Equal(e.heard, want) {
		t.Errorf("published %v, want %v", e.heard, want)
	}
}

func TestACommitOfAnotherRegistrarIsNotPublished(t *testing.T) {
	f, e := telling(t), &ears{}
	r := f.registrar(func(c *Config) { c.Registry, c.Events = twice{f}, e })
	if d := r.Handle(t.Context(), f.request("Create", "s1", "r1", "c1", nil)); d.Action != Done {
		t.Fatalf("Create: %+v", d)
	}
	if f.registration(t, "c1").Status != onboarding.Active || len(e.heard) != 0 {
		t.Errorf("published %v", e.heard)
	}
}
