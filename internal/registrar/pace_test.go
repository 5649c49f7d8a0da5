// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

func TestAMessageThatCannotBeStoredForDaysStaysBelowTheMaximumReceives(t *testing.T) {
	const (
		receives  = 200                 // the queue's maxReceiveCount, in package hub
		retention = 14 * 24 * time.Hour // the queue's message retention
	)
	for kind, asked := range map[string]phonehome.Status{"Create": phonehome.Failed, "Update": phonehome.Success, "Delete": phonehome.Success} {
		t.Run(kind, func(t *testing.T) {
			f := newFake(t)
			f.down = errors.New("dynamodb is unavailable")
			r, body := f.registrar(), f.request(kind, "s1", "r1", "c1", nil)
			count := 0
			for ; f.now.Before(noon.Add(retention)); count++ {
				d := r.Handle(context.Background(), body)
				if d.Action != Retry || d.After <= 0 || d.After > 8*time.Hour {
					t.Fatalf("receive %d after %s: %+v", count, f.now.Sub(noon), d)
				}
				f.now = f.now.Add(d.After)
			}
			if count > receives*3/4 {
				t.Errorf("received %d times in 14 days", count)
			}
			answers := f.accepted["r1"]
			if len(answers) == 0 || answers[0].Status != asked {
				t.Errorf("answered %+v", answers)
			}
		})
	}
}

func TestAMessageIsReceivedAtTheStartOfItsLastMinute(t *testing.T) {
	f := newFake(t)
	f.down = errors.New("dynamodb is unavailable")
	var answeredAt time.Time
	r, body := f.registrar(), f.request("Create", "s1", "r1", "c1", nil)
	for answeredAt.IsZero() && f.now.Before(noon.Add(time.Hour)) {
		d := r.Handle(context.Background(), body)
		if len(f.accepted["r1"]) > 0 {
			answeredAt = f.now
		}
		f.now = f.now.Add(d.After)
	}
	if since := answeredAt.Sub(noon); since < 14*time.Minute || since > 14*time.Minute+5*time.Second {
		t.Errorf("answered %s after it was sent; CloudFormation waits 15 minutes", since)
	}
}

func TestAMessageStaysInvisibleWhileItIsHandled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		proofs := 0
		f.role = func(onboarding.Probe) onboarding.Proof {
			proofs++
			time.Sleep(time.Minute) // twice the visibility timeout
			return onboarding.Proof{Outcome: onboarding.Proven}
		}
		f.queue = []Message{{ID: "m", Body: f.request("Create", "s1", "r1", "c1", nil)}}
		stop, stopOther := running(t, f.registrar()), running(t, f.registrar())
		time.Sleep(2 * time.Minute)
		stop()
		stopOther()
		if proofs != 1 || len(f.queue) != 0 {
			t.Errorf("%d registrars proved it; %d messages left", proofs, len(f.queue))
		}
	})
}

func TestTheMessagesOfAKilledRegistrarAreReceivedAgainWithin30Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.queue = []Message{{ID: "m", Body: f.request("Create", "s1", "r1", "c1", nil)}}
		if got, err := f.Receive(t.Context(), 1); err != nil || len(got) != 1 {
			t.Fatal(got, err)
		} // by a registrar that is killed then
		stop := running(t, f.registrar())
		time.Sleep(32 * time.Second)
		stop()
		if len(f.accepted["r1"]) != 1 {
			t.Error("the request was not answered")
		}
	})
}

func TestARegistrarReceivesNoMoreThanItsFreeSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		for _, id := range []string{"a", "b", "c", "d"} {
			f.links[id] = testLink(id)
			f.queue = append(f.queue, Message{ID: id, Body: f.request("Create", id, id, id, nil)})
		}
		f.role = func(onboarding.Probe) onboarding.Proof {
			time.Sleep(10 * time.Second)
			return onboarding.Proof{Outcome: onboarding.Proven}
		}
		r := f.registrar()
		r.slots = newWorkerSlots(3)
		stop := running(t, r)
		time.Sleep(time.Second)
		f.mu.Lock()
		if len(f.taken) != 3 {
			t.Errorf("%d messages were received with 3 slots", len(f.taken))
		}
		f.mu.Unlock()
		stop()
	})
}

func TestAHangingRegistryDoesNotDelayAnUrgentAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		r := f.registrar(func(c *Config) { c.Registry = hanging{f} })
		r.Work(t.Context(), Message{ID: "m", Body: f.request("Delete", "s1", "r1", "c1", nil)})
		if len(f.accepted["r1"]) != 1 || len(f.retries) != 1 {
			t.Errorf("%d answers, requeued %d times", len(f.accepted["r1"]), len(f.retries))
		}
	})
}

// hanging is a registry whose Load waits until its context ends.
type hanging struct{ *fake }

func (hanging) Load(ctx context.Context, _ phonehome.Request, _ onboarding.Snapshot) (onboarding.Snapshot, error) {
	<-ctx.Done()
	return onboarding.Snapshot{}, ctx.Err()
}
