// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// from returns a request of an account.
func from(kind phonehome.RequestType, accountID string) phonehome.Request {
	stack := fmt.Sprintf("arn:aws:cloudformation:eu-central-1:%s:stack/acme-access/guid", accountID)
	return phonehome.Request{Type: kind, Stack: must(account.ParseStackARN(stack))}
}

func TestAnAccountHasALimitedShare(t *testing.T) {
	limiter := accountLimiter{share: 2, deletes: 4}
	var leaves []func()
	take := func(kind phonehome.RequestType, of string) bool {
		leave, _ := limiter.acquire(from(kind, of), noon)
		if leave != nil {
			leaves = append(leaves, leave)
		}
		return leave != nil
	}
	for i, want := range []bool{true, true, false, false} {
		if got := take(phonehome.Create, customer); got != want {
			t.Errorf("Create %d: %v", i, got)
		}
	}
	if !take(phonehome.Create, "333333333333") {
		t.Error("another account has to wait as well")
	}
	for i, want := range []bool{true, true, false} {
		if got := take(phonehome.Delete, customer); got != want {
			t.Errorf("Delete %d: %v", i, got)
		}
	}
	for _, leave := range leaves {
		leave()
	}
	if !take(phonehome.Create, customer) || len(limiter.backlogs) != 1 {
		t.Errorf("afterwards there are %d backlogs", len(limiter.backlogs))
	}
}

func TestAFloodIsRequeuedAtIntervals(t *testing.T) {
	limiter := accountLimiter{share: 1, deletes: 1}
	limiter.acquire(from(phonehome.Create, customer), noon)
	var waits []time.Duration
	for range 4000 {
		_, wait := limiter.acquire(from(phonehome.Create, customer), noon)
		waits = append(waits, wait)
	}
	// The pause grows with the backlog, up to five minutes, because an answer has its deadline.
	if waits[0] != time.Second || waits[1] != 1100*time.Millisecond || waits[999] != 100*time.Second+900*time.Millisecond || waits[3999] != 5*time.Minute {
		t.Errorf("they wait %s, %s … %s … %s", waits[0], waits[1], waits[999], waits[3999])
	}
}

func TestAFloodOfOneCustomerDoesNotDelayAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		for i := range 1000 {
			f.queue = append(f.queue, Message{ID: fmt.Sprint(i), Body: f.request("Create", fmt.Sprint("s", i), fmt.Sprint("r", i), "c1", nil)})
		}
		elsewhere := func(_, request, _ map[string]any) {
			for name, value := range request {
				if text, ok := value.(string); ok {
					request[name] = strings.ReplaceAll(text, customer, "333333333333")
				}
			}
		}
		f.queue = append(f.queue, Message{ID: "honest", Body: f.request("Delete", "honest", "honest", "c2", elsewhere)})
		f.role = func(onboarding.Probe) onboarding.Proof {
			time.Sleep(10 * time.Second)
			return onboarding.Proof{Outcome: onboarding.Refused}
		}
		stop := running(t, f.registrar())
		time.Sleep(10 * time.Second)
		f.mu.Lock()
		if len(f.accepted["honest"]) != 1 {
			t.Error("a genuine request waits behind a thousand others")
		}
		f.mu.Unlock()
		stop()
	})
}
