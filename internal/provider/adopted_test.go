// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

func TestAnAdoptedRoleIsActiveWithoutAStackAndDisconnectedWithItsLink(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	hub := w.Provider() + hubHCL()
	config := hub + linkHCL(globex.with(`external_id = "as-agreed-by-mail-in-2019"`)) + roleHCL(globex)
	records := w.Registry("acme")
	find := func() onboarding.Customer {
		t.Helper()
		found, err := records.Customer(t.Context(), "globex")
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	adopt := func() {
		link := find().Link
		role, err := account.ParseRoleARN("arn:aws:iam::" + globex.account + ":role/made-by-hand")
		if err != nil {
			t.Fatal(err)
		}
		reg, entry, err := onboarding.Adopt(link, nil, role, onboarding.Proof{Outcome: onboarding.Proven}, time.Now().UTC())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := records.PutHealth(t.Context(), reg, *entry); err != nil {
			t.Fatal(err)
		}
	}
	released := func() {
		if reg := find().Registrations[0]; reg.Status != onboarding.Disconnected {
			t.Errorf("the link is closed, but its adopted role is %s", reg.Status)
		}
	}
	run(t,
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{value(roleGlobex, "status", is("pending"))}},
		resource.TestStep{
			PreConfig: adopt, Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleGlobex, "status", is("active")),
				value(roleGlobex, "role_arn", is("arn:aws:iam::"+globex.account+":role/made-by-hand")),
				value(roleGlobex, "stack_id", knownvalue.Null()),
				value(roleGlobex, "outdated", knownvalue.Bool(false)),
			},
		},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{Config: hub, ConfigStateChecks: []statecheck.StateCheck{after(released)}},
	)
}
