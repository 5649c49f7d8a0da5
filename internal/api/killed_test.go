// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// TestAPutThatIsKilledAtAnyCallIsFinishedByTheSamePut ends a PUT after every one of
// its AWS calls, as a kill would: the calls until then were made, and none follows.
// A new process is asked for the same.
func TestAPutThatIsKilledAtAnyCallIsFinishedByTheSamePut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clients, err := trial.Clients(t.Context(), w.box, sandbox.VendorAccount, home, func(c *awsclient.Config) { c.MaxRetries = 1 })
	w.must(err)
	restart := func() {
		manager, err := hub.New(clients, "acme", w.now, rand.Reader)
		w.must(err)
		w.serve(func(c *Config) { c.Hub = manager })
	}
	killed := 0
	for n := int64(0); ; n++ {
		if n > 60 {
			t.Fatal("a PUT makes no end of calls")
		}
		customer, number := fmt.Sprintf("customer-%d", n), fmt.Sprintf("2%011d", n)
		path, body := "/v1/customers/"+customer, strings.Replace(readonly, "222222222222", number, 1)
		restart()
		var made atomic.Int64
		mend := w.box.Faults().Before(func(*kernel.Call) error {
			if made.Add(1) > n {
				return kernel.Errorf(http.StatusForbidden, "AccessDenied", "killed")
			}
			return nil
		})
		first := w.call("backend", "PUT", path, body)
		mend()
		w.box.Clock().Advance(25 * time.Second) // the lease of the killed process ends after 20
		restart()
		if again := w.call("backend", "PUT", path, body); again.status != http.StatusOK && again.status != http.StatusCreated {
			t.Fatalf("killed after %d calls, with %d, and called again: %d %s", n, first.status, again.status, again.text)
		}
		id, err := account.ParseID(number)
		w.must(err)
		shard, err := w.hub.Registry().Shard(t.Context(), "SHARD#0")
		w.must(err)
		if _, there := shard.Accounts[id]; !there || shard.Written != shard.Sequence {
			t.Errorf("killed after %d calls: the account may not publish", n)
		}
		if third := w.want(w.call("backend", "PUT", path, body), http.StatusOK); third.header.Get("ETag") != `"1"` {
			t.Errorf("killed after %d calls: the link was written more than once: %s", n, third.header.Get("ETag"))
		}
		history, err := w.hub.Registry().History(t.Context(), customer)
		w.must(err)
		if len(history) != 1 || history[0].Outcome != onboarding.OutcomeIssued {
			t.Errorf("killed after %d calls: the history says %+v", n, history)
		}
		if first.status == http.StatusCreated {
			break
		}
		killed++
	}
	if killed < 5 {
		t.Errorf("a PUT was killed at %d calls only: it makes more", killed)
	}
}
