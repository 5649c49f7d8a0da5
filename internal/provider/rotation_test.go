// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// The link gets the new external ID at once. The role keeps the registered one until the
// customer has updated the stack.
func TestAnExternalIDRotatesUnderALiveStack(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := func(version string) string {
		return w.Provider() + hubHCL() + linkHCL(globex.with(version)) + roleHCL(globex, waits)
	}
	issued := func(version int) string {
		record, err := w.Registry("acme").HubAndKey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return onboarding.RotatedExternalID(record.Key.Bytes(), "acme", "globex", 0, version).String()
	}
	same := func(version int) knownvalue.Check {
		return knownvalue.StringFunc(func(got string) error {
			if want := issued(version); got != want {
				t.Errorf("the external ID is %s, want %s: that of version %d", got, want, version)
			}
			return nil
		})
	}
	var stack sandbox.Stack
	run(t,
		connected(w, &stack, config("")),
		resource.TestStep{Config: config("external_id_version = 1"), ConfigStateChecks: []statecheck.StateCheck{value(linkGlobex, "external_id", same(0))}},
		resource.TestStep{
			Config: config("external_id_version = 2"),
			ConfigPlanChecks: before(
				action(linkGlobex, plancheck.ResourceActionUpdate),
				planned(linkGlobex, "external_id", same(2)),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				value(linkGlobex, "external_id", same(2)), value(linkGlobex, "previous_external_id", same(0)),
				value(linkGlobex, "update_command", like(`ParameterKey=ExternalId,ParameterValue=[0-9a-f]{40} ParameterKey=PreviousExternalId,ParameterValue=[0-9a-f]{40}`)),
				value(linkGlobex, "update_url", like(`stacks/update/template`)),
				value(roleGlobex, "external_id", same(0)), value(roleGlobex, "status", is("active")),
			},
		},
		resource.TestStep{Config: config("external_id_version = 2"), ConfigPlanChecks: emptyPlan()},
		resource.TestStep{Config: config("external_id_version = 1"), ExpectError: loosely(`An external ID can't be reused.*version 2`)},
		resource.TestStep{ // without a version, the link keeps its external ID
			Config: config(""), ConfigStateChecks: []statecheck.StateCheck{value(linkGlobex, "external_id", same(2))},
		},
		resource.TestStep{Config: config("external_id_version = 2")},
		resource.TestStep{
			PreConfig: func() {
				defer w.Registrar("acme")()
				if err := w.UpdateStack(t.Context(), stack.ID, sandbox.UpdateOptions{Parameters: map[string]string{"ExternalId": issued(2), "PreviousExternalId": issued(0)}}); err != nil {
					t.Fatal(err)
				}
				if now, err := w.WaitStack(t.Context(), stack.ID); err != nil || now.Status != "UPDATE_COMPLETE" {
					t.Fatalf("the stack is %s (%v):\n%s", now.Status, err, w.Story(stack.ID))
				}
			},
			Config: config("external_id_version = 2"), ConfigPlanChecks: emptyPlan(),
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleGlobex, "external_id", same(2)),
				value(linkGlobex, "previous_external_id", same(0)), value(linkGlobex, "update_command", knownvalue.Null()),
			},
		},
		resource.TestStep{ // destroyed and created again, the link has the same external ID
			Taint: []string{linkGlobex}, Config: config("external_id_version = 2"),
			ConfigStateChecks: []statecheck.StateCheck{value(linkGlobex, "external_id", same(2)), value(roleGlobex, "external_id", same(2))},
		},
		resource.TestStep{
			Config:      config("external_id_version = 3\n external_id = \"my-own\""),
			ExpectError: loosely(`Both external_id and external_id_version`),
		},
	)
}
