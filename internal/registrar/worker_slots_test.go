// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

func TestAReceiveTakesAtMostAsManySlotsAsSQSReturnsMessages(t *testing.T) {
	if n := newWorkerSlots(32).acquire(t.Context(), 1); n != maxReceive {
		t.Errorf("it takes %d slots", n)
	}
}

func TestAReceiveWaitsShortlyForMoreSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slots := newWorkerSlots(16)
		slots.add(16)
		go func() {
			for range 4 {
				time.Sleep(10 * time.Millisecond)
				slots.release(1)
			}
		}()
		begun := time.Now()
		if n := slots.acquire(t.Context(), slots.enough()); n != 4 || time.Since(begun) != 40*time.Millisecond {
			t.Errorf("it took %d slots after %s", n, time.Since(begun))
		}
		slots.release(1)
		begun = time.Now()
		if n := slots.acquire(t.Context(), slots.enough()); n != 1 || time.Since(begun) != receiveLinger {
			t.Errorf("it took %d slots after %s", n, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if n := slots.acquire(ctx, 1); n != 0 {
			t.Errorf("no slots were free, but it took %d", n)
		}
	})
}

// launches adds messages of n customers, each in an account of their own.
func launches(f *fake, n int) {
	for i := range n {
		id, accountID := fmt.Sprint("customer-", i), fmt.Sprintf("3%011d", i)
		link := testLink(id)
		link.Account = must(account.ParseID(accountID))
		f.links[id] = link
		inAccount := func(_, request, properties map[string]any) {
			for _, texts := range []map[string]any{request, properties} {
				for name, value := range texts {
					if text, ok := value.(string); ok {
						texts[name] = strings.ReplaceAll(text, customer, accountID)
					}
				}
			}
		}
		f.queue = append(f.queue, Message{ID: id, Body: f.request("Create", id, id, id, inAccount)})
	}
}

// In a synctest bubble only the fake's calls take time, so the test measures how many of them wait
// for each other.
func TestThreeHundredConcurrentLaunchesAreConnectedWithoutARequeue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const call = 20 * time.Millisecond
		f := newFake(t)
		launches(f, 300)
		f.step = func(name string) {
			if strings.HasPrefix(name, "before") {
				time.Sleep(call)
			}
		}
		f.role = func(onboarding.Probe) onboarding.Proof {
			time.Sleep(2 * call) // three calls, with that of the step
			return onboarding.Proof{Outcome: onboarding.Proven}
		}
		r := f.registrar(func(c *Config) { c.Queue = slowReceive{f, call} })
		begun := time.Now()
		stop := running(t, r)
		for connected := 0; connected < 300; {
			time.Sleep(call)
			f.mu.Lock()
			connected = len(f.regs)
			f.mu.Unlock()
			if time.Since(begun) > time.Minute {
				t.Fatalf("only %d are connected after a minute", connected)
			}
		}
		took := time.Since(begun)
		stop()
		if len(f.retries) != 0 || len(f.queue) != 0 {
			t.Errorf("%d were requeued, %d are left", len(f.retries), len(f.queue))
		}
		// 16 at once, each with eight calls in sequence, are 3 s.
		if took > 4*time.Second {
			t.Errorf("300 launches took %s", took)
		}
	})
}

// slowReceive is a queue whose receives take time.
type slowReceive struct {
	*fake

	call time.Duration
}

func (q slowReceive) Receive(ctx context.Context, most int) ([]Message, error) {
	time.Sleep(q.call)
	return q.fake.Receive(ctx, most)
}
