// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/customers"
)

// A customer has one link: either an individual link or one of a fleet.

// inAnotherFleet returns the diagnostic for a customer who would be in two fleets, or
// in a fleet and have an individual link. It names both.
func inAnotherFleet(at path.Path, e *customers.InFleetError) diag.Diagnostic {
	why := ""
	if e.Differs != nil {
		why = fmt.Sprintf(" The open one differs from this configuration in %s, so it can't be taken over.", e.Differs.Field)
	}
	return declaredTwice(at, e.Hub, e.CustomerID, e.Fleet, e.Wanted, why)
}

// declaredTwice returns the diagnostic for a customer who is in two fleets, or in a
// fleet and also has an individual link.
func declaredTwice(at path.Path, hubName, customer, one, other, why string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, fmt.Sprintf("Customer %s of hub %s has two links", customer, hubName), fmt.Sprintf(
		"The customer is in %s, and in %s too; a customer has one link.%s Take them out of one of the two: "+
			"a link that the one closes, or that has the same settings, moves to the other with its external ID.", placeNamed(one), placeNamed(other), why))
}

func placeNamed(fleet string) string {
	if fleet == "" {
		return "an xacct_onboarding_link of their own"
	}
	return "fleet " + fleet
}
