// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
)

const theBus = "arn:aws:events:" + acctest.Region + ":111111111111:event-bus/default"

func TestAnEventBusIsSetAndRemovedInPlace(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	with, data := hubHCL(`event_bus_arn = "`+theBus+`"`), `
data "xacct_hub" "this" { name = xacct_hub.this.id }
`
	run(t,
		resource.TestStep{
			Config:            w.Provider() + hubHCL(),
			ConfigStateChecks: []statecheck.StateCheck{value(theHub, "event_bus_arn", knownvalue.Null())},
		},
		resource.TestStep{
			Config:            w.Provider() + with + data,
			ConfigPlanChecks:  before(action(theHub, plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{value(theHub, "event_bus_arn", knownvalue.StringExact(theBus)), value("data.xacct_hub.this", "event_bus_arn", knownvalue.StringExact(theBus))},
		},
		resource.TestStep{Config: w.Provider() + with, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{ResourceName: theHub, ImportState: true, ImportStateVerify: true, ImportStateId: "acme", ImportStateVerifyIgnore: []string{"force_destroy"}},
		resource.TestStep{
			Config:            w.Provider() + hubHCL(),
			ConfigPlanChecks:  before(action(theHub, plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{value(theHub, "event_bus_arn", knownvalue.Null())},
		},
	)
}

func TestAnUnusableEventBusIsRefused(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	for name, c := range map[string]struct {
		arn, want string
		apply     bool // only the apply can find it
	}{
		"not an ARN":      {"default", `event_bus_arn\s+must\s+be\s+the\s+ARN\s+of\s+an\s+EventBridge\s+event\s+bus`, false},
		"a partner's bus": {"arn:aws:events:us-east-1:111111111111:event-bus/aws.partner/x", `event_bus_arn\s+must\s+be`, false},
		"another account": {"arn:aws:events:us-east-1:222222222222:event-bus/default", `belongs\s+to\s+account\s+222222222222`, false},
		"other partition": {"arn:aws-cn:events:cn-north-1:111111111111:event-bus/default", `nothing\s+crosses\s+partitions`, false},
		"no such bus":     {"arn:aws:events:us-east-1:111111111111:event-bus/nowhere", `there\s+is\s+no\s+such\s+bus`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, resource.TestStep{
				Config:      w.Provider() + hubHCL(`event_bus_arn = "`+c.arn+`"`),
				PlanOnly:    !c.apply,
				ExpectError: regexp.MustCompile(c.want),
			})
		})
	}
}
