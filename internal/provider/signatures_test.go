// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func TestSignaturesAreVerifiedUnlessTheHubDisablesIt(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	checked := func(want bool) {
		t.Helper()
		record, err := registry.New(w.Clients.DynamoDB(), "acme", time.Now).Hub(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if record.SkipSignatures == want {
			t.Errorf("registrars skip signatures: %v", record.SkipSignatures)
		}
	}
	run(t,
		resource.TestStep{
			Config:            w.Provider() + hubHCL(),
			ConfigStateChecks: []statecheck.StateCheck{value(theHub, "verify_signatures", knownvalue.Bool(true))},
		},
		resource.TestStep{
			PreConfig:         func() { checked(true) },
			Config:            w.Provider() + hubHCL(`verify_signatures = false`),
			ConfigPlanChecks:  before(action(theHub, plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{value(theHub, "verify_signatures", knownvalue.Bool(false))},
		},
		resource.TestStep{
			PreConfig: func() { checked(false) },
			Config:    w.Provider() + hubHCL(),
		},
		resource.TestStep{
			PreConfig: func() { checked(true) },
			Config:    w.Provider() + hubHCL(), ConfigPlanChecks: emptyPlan(),
		},
	)
}
