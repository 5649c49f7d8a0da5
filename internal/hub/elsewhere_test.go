// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// in returns a process of the vendor for a hub of this name in another Region.
func (w *world) in(region account.Region, name string) *Manager {
	w.t.Helper()
	keys, err := w.box.Credentials(sandbox.VendorAccount)
	w.must(err)
	clients, err := trial.ClientsAs(w.t.Context(), w.box, keys, region.String())
	w.must(err)
	h, err := New(clients, name, w.clock.Now, rand.Reader, WithSleep(func(ctx context.Context, _ time.Duration) error { return ctx.Err() }))
	w.must(err)
	return h
}

func TestAHubOfTheSameNameInAnotherRegionIsFoundWithOneCall(t *testing.T) {
	t.Parallel()
	w := newHub(t)
	found := func(h *Manager) []account.Region {
		t.Helper()
		mark := w.box.Journal().Mark()
		regions, err := h.OtherRegions(t.Context())
		w.must(err)
		if calls := len(w.box.Journal().Since(mark)); calls != 1 {
			t.Errorf("it took %d calls", calls)
		}
		return regions
	}
	if got := found(w.in(ireland, "acme")); !slices.Equal(got, []account.Region{frankfurt}) {
		t.Errorf("from Ireland hub acme is found in %v, want eu-central-1", got)
	}
	long := strings.Repeat("long", 10) // the name is truncated in its bucket's name, at a length that depends on the Region
	for region, name := range map[account.Region]string{virginia: long, frankfurt: "acme-two"} {
		h := w.in(region, name)
		w.must(h.createBucket(t.Context(), BucketName(name, h.clients.Account, region, registry.Key{})))
	}
	if got := found(w.in(ireland, long)); !slices.Equal(got, []account.Region{virginia}) {
		t.Errorf("the hub of a long name is found in %v", got)
	}
	for _, h := range []*Manager{w.in(frankfurt, "acme"), w.in(ireland, "acm"), w.in(ireland, "acme-"), w.in(ireland, long[1:])} {
		if got := found(h); len(got) > 0 {
			t.Errorf("hub %s of %s is found elsewhere, in %v", h.name, h.clients.Region, got)
		}
	}
	w.must(w.destroyed(w.process(), false))
	if got := found(w.in(ireland, "acme")); len(got) > 0 {
		t.Errorf("a destroyed hub is found in %v", got)
	}
	refused := w.in(ireland, "acme")
	defer w.box.Faults().Before(func(c *kernel.Call) error {
		return kernel.Errorf(403, "AccessDenied", "Access Denied")
	})()
	var denied *awsclient.PermissionError
	if _, err := refused.OtherRegions(t.Context()); !errors.As(err, &denied) || denied.Action != "s3:ListAllMyBuckets" {
		t.Errorf("a caller who may not list buckets gets %v", err)
	}
}

// Topic names don't contain the hub's Region, so a second hub of the name would write its
// own, empty list of publishers over that of the first.
func TestAHubDoesNotTakeTopicsOfAHubOfTheSameName(t *testing.T) {
	t.Parallel()
	w := newHub(t) // in eu-central-1, with a topic in us-east-1
	w.linked("globex", globex)
	w.must(w.Permissions().Allow(t.Context(), 0, globex))
	second := spec()
	second.Regions = []account.Region{ireland, virginia}
	refused := func(what string, err error) {
		t.Helper()
		var shared *SharedTopicError
		if !errors.As(err, &shared) || shared.Topic.Region != virginia || !strings.Contains(shared.Queue, ":eu-central-1:") {
			t.Errorf("%s gives %v, want a SharedTopicError about us-east-1", what, err)
		}
	}
	_, err := w.in(ireland, "acme").Preview(t.Context(), second)
	refused("previewing a second hub", err)
	_, err = w.in(ireland, "acme").Create(t.Context(), second)
	refused("creating a second hub", err)
	if _, err := w.in(ireland, "acme").Read(t.Context()); !errors.Is(err, registry.ErrNoHub) {
		t.Errorf("the refused hub left a table or a record: %v", err)
	}
	apart := second
	apart.Regions = []account.Region{ireland}
	_, err = w.in(ireland, "acme").Create(t.Context(), apart)
	w.must(err)
	_, err = w.in(ireland, "acme").Preview(t.Context(), second)
	refused("previewing another Region", err)
	_, err = w.in(ireland, "acme").Update(t.Context(), second)
	refused("adding a Region", err)
	w.mayPublish(globex, virginia)
	w.complete(frankfurt, virginia)
}
