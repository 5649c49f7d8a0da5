// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// TestEveryCheckHoldsOnTheSandboxAndNothingIsLeft does a complete run under its own
// least policies, and the cleaning after it.
func TestEveryCheckHoldsOnTheSandboxAndNothingIsLeft(t *testing.T) {
	t.Parallel()
	box := newSandbox(t)
	config := configure(t, box)
	partition := config.Regions[0].Partition()
	config.Vendor = userOf(t, box, sandbox.VendorAccount, VendorPolicy(partition, sandbox.VendorAccount))
	config.Customer = userOf(t, box, customerAccount, CustomerPolicy(partition, customerAccount))
	w := open(t, config)
	u := watch(box, w.Vendor.CallerARN, w.Customer.CallerARN)
	report := Run(t.Context(), w, All(), "test", func(r Result) {
		t.Logf("%-16s %-10s %s %s", r.ID, r.Outcome, r.Ended.Sub(r.Started), r.Seen)
	})
	for _, r := range report.Results {
		if r.Outcome != Holds && !(r.Outcome == NotTried && r.ID == "terraform") {
			t.Errorf("%s %s: %s", r.ID, r.Outcome, r.Seen)
		}
	}
	if err := Clean(t.Context(), w, func(e Entry, err error) {
		if err != nil {
			t.Errorf("%s %s: %v", e.Kind, e.Name, err)
		}
	}); err != nil {
		t.Error(err)
	}
	left, err := Leftovers(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		t.Errorf("left: %+v", e)
	}
	for _, refused := range u.refused {
		t.Errorf("the run's own policy refuses %s", refused)
	}
	for _, unused := range append(u.unused(w.Vendor.CallerARN, vendorGrants), u.unused(w.Customer.CallerARN, customerGrants)...) {
		t.Errorf("the run needs no permission %s", unused)
	}
}

// userOf creates a user with one policy, and returns the configuration with its key.
func userOf(t *testing.T, box *sandbox.Sandbox, id, policy string) awsclient.Config {
	t.Helper()
	keys, err := box.NewUser(id, "tester", policy)
	if err != nil {
		t.Fatal(err)
	}
	return awsclient.Config{Region: "us-east-1", AccessKey: keys.AccessKeyID, SecretKey: keys.SecretAccessKey, MaxRetries: 1}
}
