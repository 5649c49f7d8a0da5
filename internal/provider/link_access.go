// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// What a link lets its customer's accounts do at the hub: read the template, and
// phone home.

// allowReading lets the account that the link names read the template.
func allowReading(ctx context.Context, view *hubview.View, record registry.HubRecord, link onboarding.Link) error {
	if link.Account.IsZero() {
		return nil
	}
	return view.Hub.Permissions().LetRead(ctx, record, link.Account)
}

// allowPublishing lets the accounts that the link is for phone home.
func allowPublishing(ctx context.Context, view *hubview.View, link onboarding.Link) error {
	if !link.Account.IsZero() {
		if err := view.Hub.Permissions().Allow(ctx, link.Shard, link.Account); err != nil {
			return err
		}
	}
	if !link.Organization.IsZero() {
		return view.Hub.Permissions().AllowOrganization(ctx, link.Shard, link.Organization)
	}
	return nil
}

// samePublishers reports whether two links let the same accounts phone home.
func samePublishers(a, b onboarding.Link) bool {
	return a.Account == b.Account && a.Organization == b.Organization
}

// sweepPublishers tidies the topics when a link goes; the warning says what
// could not be done.
func sweepPublishers(ctx context.Context, view *hubview.View) diag.Diagnostics {
	var diags diag.Diagnostics
	if err := view.Upkeep.SweepPublishers(ctx); err != nil {
		diags.AddWarning("Accounts of former customers may still publish",
			"The topics of hub "+view.Name+" could not be tidied; the next link that is destroyed will try again. The error was: "+err.Error())
	}
	return diags
}
