// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheNumberOfProofsIsLimited(t *testing.T) {
	p := newProofLimiter(4)
	var leaves []func()
	for i := range 3 {
		leave := p.enter(t.Context(), fmt.Sprint("c", i), 0, workerSlot{})
		if (leave != nil) != (i < 2) {
			t.Errorf("customer %d may begin a proof: %t", i, leave != nil)
		}
		if leave != nil {
			leaves = append(leaves, leave)
		}
	}
	for _, leave := range leaves {
		leave()
	}
	if p.running != 0 || len(p.of) != 0 {
		t.Errorf("%d run, of %d customers", p.running, len(p.of))
	}
}

func TestAnOrganizationLeavesCapacityForOthers(t *testing.T) {
	p := newProofLimiter(16)
	var leaves []func()
	for i := range 6 {
		leave := p.enter(t.Context(), "conglomerate", 0, workerSlot{})
		if (leave != nil) != (i < 4) {
			t.Errorf("account %d may begin a proof: %t", i, leave != nil)
		}
		leaves = append(leaves, leave)
	}
	if p.enter(t.Context(), "c2", 0, workerSlot{}) == nil {
		t.Error("an organization leaves no capacity for another customer")
	}
	leaves[0]()
	if p.enter(t.Context(), "conglomerate", 0, workerSlot{}) == nil {
		t.Error("a proof that ended does not count as ended")
	}
}

func TestEachAccountIsProvenForOneRequestAtATime(t *testing.T) {
	p := newProofLimiter(16)
	in := testLink("c1").Account
	leave, _ := p.claim("c1", in, noon)
	if leave == nil {
		t.Fatal("the first request has to wait")
	}
	if other, _ := p.claim("c2", in, noon); other == nil {
		t.Error("another customer has to wait as well")
	}
	for i, want := range []time.Duration{soon, soon + time.Second} {
		if _, wait := p.claim("c1", in, noon); wait != want {
			t.Errorf("requeued request %d of the account waits %s", i, wait)
		}
	}
	leave()
	if leave, _ := p.claim("c1", in, noon.Add(time.Minute)); leave == nil || len(p.backlogs) != 0 {
		t.Errorf("no request waits, but there are %d backlogs", len(p.backlogs))
	}
}

func TestRequestsWaitForAProofFairlyAndWithoutAWorkerSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, workers := newProofLimiter(8), newWorkerSlots(8)
		workers.add(8)
		var leaves []func()
		for _, customer := range []string{"a", "a", "b", "c"} { // takes all four proofs
			leaves = append(leaves, p.enter(t.Context(), customer, time.Minute, workerSlot{workers}))
		}
		came := make(chan string, 10)
		wait := func(customer string) {
			go func() {
				if p.enter(t.Context(), customer, time.Minute, workerSlot{workers}) != nil {
					came <- customer
				} else {
					came <- customer + " is requeued"
				}
			}()
			synctest.Wait()
		}
		wait("a")
		wait("a")
		wait("a") // a third waiting request of one customer is refused
		if got := <-came; got != "a is requeued" {
			t.Errorf("got %s", got)
		}
		wait("d")
		if free := workers.free(); free != 3 {
			t.Errorf("three requests wait, and %d slots are free", free)
		}
		leaves[2]() // b's proof ends; a has its share, so d is next
		if got := <-came; got != "d" {
			t.Errorf("%s came first", got)
		}
		leaves[0]()
		if got := <-came; got != "a" {
			t.Errorf("%s came second", got)
		}
		p.close()
		if got := <-came; got != "a is requeued" {
			t.Errorf("got %s", got)
		}
		if free := workers.free(); free != 0 {
			t.Errorf("all are back, and %d slots are free", free)
		}
	})
}

func TestARequestWaitsForItsProofForALimitedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProofLimiter(2)
		p.enter(t.Context(), "slow", 0, workerSlot{})
		begun := time.Now()
		if p.enter(t.Context(), "c1", maxProofWait, workerSlot{}) != nil || time.Since(begun) != maxProofWait {
			t.Errorf("it waited %s", time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if p.enter(ctx, "c1", maxProofWait, workerSlot{}) != nil || len(p.waiting) != 0 {
			t.Errorf("%d wait", len(p.waiting))
		}
	})
}
