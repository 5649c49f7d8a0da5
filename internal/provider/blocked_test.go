// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
)

func TestTerraformNeitherShowsNorEndsTheBlockOfACustomer(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	hub := w.Provider() + hubHCL()
	config := hub + linkHCL(globex)
	records := w.Registry("acme")
	block := func() {
		found, err := records.Customer(t.Context(), "globex")
		if err != nil {
			t.Fatal(err)
		}
		found.Link.Blocked, found.Link.BlockedAt, found.Link.BlockedReason = true, time.Unix(1e9, 0).UTC(), "floods us"
		if _, err := records.UpdateLink(t.Context(), found.Link); err != nil {
			t.Fatal(err)
		}
	}
	stillBlocked := func() {
		found, err := records.Customer(t.Context(), "globex")
		if err != nil {
			t.Fatal(err)
		}
		if l := found.Link; !l.Blocked || l.BlockedAt.Unix() != 1e9 || l.BlockedReason != "floods us" {
			t.Errorf("the block is lost: %+v", l)
		}
	}
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{PreConfig: block, Config: config, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{ // changed
			Config:            hub + linkHCL(globex.with(`stack_name = "other"`)),
			ConfigStateChecks: []statecheck.StateCheck{value(linkGlobex, "stack_name", is("other")), after(stillBlocked)},
		},
		resource.TestStep{Config: hub, ConfigStateChecks: []statecheck.StateCheck{after(stillBlocked)}},    // closed
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{after(stillBlocked)}}, // created again
	)
}
