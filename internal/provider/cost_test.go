// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
)

// Cost must grow with what changed, not with the number of customers. The sandbox's
// journal contains every call that was made.
func TestAHundredLinksStayWithinTheirCallBudget(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	const links = 100
	hub := w.Provider() + hubHCL()
	config := hub + fmt.Sprintf(`
resource "xacct_onboarding_link" "all" {
  count       = %d
  hub         = xacct_hub.this.id
  customer_id = "c${count.index}"
  account_id  = format("500000000%%03d", count.index)
  %s
}

resource "xacct_customer_role" "all" {
  count = %d
  link  = xacct_onboarding_link.all[count.index].id
}
`, links, aRole, links)
	mark := 0
	budget := func(what string, most int) {
		t.Helper()
		counts, total := w.Calls(mark)
		t.Logf("%s: %d calls %v", what, total, counts)
		if total > most {
			t.Errorf("%s took %d calls, and %d are allowed: %v", what, total, most, counts)
		}
		mark = w.Journal().Mark()
	}
	begin := func() { mark = w.Journal().Mark() }
	run(t,
		resource.TestStep{Config: hub},
		resource.TestStep{
			// A step plans, applies, and then plans twice.
			PreConfig: begin,
			Config:    config,
		},
		resource.TestStep{
			PreConfig:    func() { budget("creating", 2*links); begin() },
			RefreshState: true,
		},
		resource.TestStep{
			// Each property of the hub that can be changed by hand: ten calls, and three
			// for each topic. In addition: the caller's identity, the customers with two
			// queries, and the registrars' heartbeats.
			PreConfig: func() { budget("refreshing twice", 2*(10+3+4)) },
			Config:    config, PlanOnly: true,
		},
	)
}
