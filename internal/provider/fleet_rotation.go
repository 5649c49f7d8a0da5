// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
)

// The external IDs of a fleet rotate together, when external_id_version is raised.
// onboarding/rotation.go describes the consequences for each customer.

// version returns the requested version of the external IDs; 0 if each keeps its
// version.
func (m fleetModel) version() int { return int(m.ExternalIDVersion.ValueInt64()) }

// refuseEarlierVersion refuses to lower the version: an external ID that others may
// know is never issued again.
func (p *fleetPlan) refuseEarlierVersion() {
	if had := p.had(); had != nil && !p.plan.ExternalIDVersion.IsNull() && p.plan.version() < had.version() {
		p.diags.AddAttributeError(versionPath, "An external ID can't be reused", fmt.Sprintf(
			"The customers of %s have version %d of their external IDs, and an earlier one is not issued again: others may know it. Set external_id_version to %d or more.",
			fleetNamed(p.plan.Hub.ValueString(), p.plan.Name.ValueString()), had.version(), had.version()))
	}
}

// warnOfRotations warns, in a plan that rotates, that connected customers have to
// update their stacks.
func warnOfRotations(hubName string, ids []string) diag.Diagnostics {
	if len(ids) == 0 {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(versionPath, "Customers get a new external ID when they update their stacks", fmt.Sprintf(
		"%s of hub %s have live roles, which still work with the external IDs that they are registered with. Send each of them the update command afterwards, such as that of\n\n"+
			"  xacct link %s/%s --update --format cli\n\n"+
			"The new ID is the registered one once it is proven: read it from xacct_customer_role.external_id, not from here.",
		sentenceStart(counted(ids)), hubName, hubName, ids[0]))}
}

// warnOfOldExternalIDs warns, in a refresh, of rotations that customers of the fleet
// should have finished long ago.
func warnOfOldExternalIDs(ctx context.Context, view *hubview.View, name string, diags *diag.Diagnostics) {
	all, err := view.Customers(ctx)
	if err != nil {
		return // the caller's refresh has added this error
	}
	var late []string
	for id, c := range all {
		if !c.Link.InFleet(name) {
			continue
		}
		for _, r := range c.Live() {
			if _, overdue := r.RotationOverdue(c.Link, view.Now()); overdue {
				late = append(late, id)
				break
			}
		}
	}
	if len(late) == 0 {
		return
	}
	slices.Sort(late)
	diags.AddWarning("The old external ID is still accepted", fmt.Sprintf(
		"%s of %s got a new external ID more than 30 days ago, and their roles still accept the one before. Ask them to update their stacks: xacct link %s/%s --update --format cli",
		sentenceStart(counted(late)), fleetNamed(view.Name, name), view.Name, late[0]))
}
