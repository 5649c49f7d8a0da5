// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
)

// checkFleet refuses a link of a customer who is in a fleet of this configuration.
func (p *linkPlan) checkFleet(view *hubview.View) {
	customer := p.plan.CustomerID.ValueString()
	if fleet, taken := view.Fleets.ClaimLink(customer); taken {
		p.diags.Append(declaredTwice(path.Root("customer_id"), view.Name, customer, "", fleet, ""))
	}
}

// checkFleetUnknownHub is checkFleet for a hub whose name isn't known yet: it only warns.
func (p *linkPlan) checkFleetUnknownHub() {
	customer := p.plan.CustomerID.ValueString()
	if fleet, taken := p.resource.session.fleetsOfUnnamedHubs().ClaimLink(customer); taken {
		p.diags.AddAttributeWarning(path.Root("customer_id"), fmt.Sprintf("Two links for customer %s", customer), fmt.Sprintf(
			"The customer is in fleet %s of this configuration too. If both are of the same new hub, the apply will refuse it: a customer has one link.", fleet))
	}
}
