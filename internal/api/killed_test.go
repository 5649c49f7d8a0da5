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

// A PUT ends after each of its AWS calls in turn, as if killed: later calls fail. A new process
// then gets the same PUT.
func TestAPutThatIsKilledAtAnyCallIsCompletedByTheSamePut(t *testing.T) {
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
			t.Fatal("a PUT takes more than 60 calls")
		}
		customer, number := fmt.Sprintf("customer-%d", n), fmt.Sprintf("2%011d", n)
		path, body := "/v1/customers/"+customer, strings.Replace(readonly, "222222222222", number, 1)
		restart()
		var made atomic.Int64
		restore := w.box.Faults().Before(func(*kernel.Call) error {
			if made.Add(1) > n {
				return kernel.Errorf(http.StatusForbidden, "AccessDenied", "killed")
			}
			return nil
		})
		first := w.call("backend", "PUT", path, body)
		restore()
		w.box.Clock().Advance(25 * time.Second) // the killed process's lease expires after 20 s
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
			t.Errorf("killed after %d calls: the history is %+v", n, history)
		}
		if first.status == http.StatusCreated {
			break
		}
		killed++
	}
	if killed < 5 {
		t.Errorf("a PUT was killed at only %d calls", killed)
	}
}
