// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	base "github.com/xacct/terraform-provider-xacct/internal/trial"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// TestTheStoryByTerraformHoldsAndIsRedUnderAFault builds the provider's binary, so
// it runs only if XACCT_CONFORMANCE_TERRAFORM is set, as make test does.
func TestTheStoryByTerraformHoldsAndIsRedUnderAFault(t *testing.T) {
	t.Parallel()
	if os.Getenv("XACCT_CONFORMANCE_TERRAFORM") == "" {
		t.Skip("needs Terraform or OpenTofu: make test and make conformance-sandbox set XACCT_CONFORMANCE_TERRAFORM")
	}
	engine, err := base.Engine()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := base.Build(t.Context(), dir, "."); err != nil {
		t.Fatal(err)
	}
	box := newSandbox(t)
	config := configure(t, box)
	config.Terraform, config.Provider, config.Patience = engine, filepath.Join(dir, "terraform-provider-xacct"), time.Minute
	partition := config.Regions[0].Partition()
	config.Vendor = userOf(t, box, sandbox.VendorAccount, VendorPolicy(partition, sandbox.VendorAccount))
	config.Customer = userOf(t, box, customerAccount, CustomerPolicy(partition, customerAccount))
	w := open(t, config)
	checks, err := Find(planner)
	if err != nil {
		t.Fatal(err)
	}
	report := Run(t.Context(), w, checks, "test", func(r Result) { t.Logf("%-16s %-10s %s", r.ID, r.Outcome, r.Seen) })
	if report.Count(Holds) != 1 {
		for _, e := range report.Results[0].Evidence {
			t.Log(e.What, e.Raw)
		}
		t.Fatal(report.Results[0].Seen)
	}
	remove := box.Faults().Before(func(c *kernel.Call) error {
		if c.Action == "PutObject" && by("as-terraform")(c) {
			return kernel.Errorf(http.StatusForbidden, "AccessDenied", "A fault was injected.")
		}
		return nil
	})
	red := *w
	red.Run, red.shared = "test02", map[string]any{}
	if report = Run(t.Context(), &red, checks, "test", func(r Result) { t.Logf("%-16s %-10s %.200s", r.ID, r.Outcome, r.Seen) }); report.Count(Differs) != 1 {
		t.Errorf("%+v", report.Results)
	}
	remove()
	if err := Clean(context.WithoutCancel(t.Context()), w, func(Entry, error) {}); err != nil {
		t.Error(err)
	}
	if left, err := Leftovers(t.Context(), w); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}
