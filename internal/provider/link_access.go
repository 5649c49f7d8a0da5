// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/xacct/terraform-provider-xacct/internal/account"
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

// allowMembers gives the accounts of an organization that have a live stack a
// permission of their own, so that they keep it when they leave the organization.
// The next refresh does what this one can't.
func allowMembers(ctx context.Context, view *hubview.View, c onboarding.Customer, diags *diag.Diagnostics) {
	if c.Link.Scope != onboarding.ScopeOrganization || len(c.Live()) == 0 {
		return
	}
	var members []account.ID
	for _, r := range c.Live() {
		members = append(members, r.Account)
	}
	if err := view.Hub.Permissions().AllowMembers(ctx, c.Link.Shard, members); err != nil {
		diags.AddWarning(fmt.Sprintf("Accounts of %s could not be named one by one", customerNamed(view.Name, c.Link.CustomerID)), paragraphs(
			"They may phone home as long as they are in the organization. An account that leaves it before its stack is deleted can't phone home that Delete, and its stack will hang.",
			err.Error()))
	}
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

// sweepTemplates tidies the template bucket when a link changes or goes; the
// warning says what could not be done.
func sweepTemplates(ctx context.Context, view *hubview.View) diag.Diagnostics {
	var diags diag.Diagnostics
	if err := view.Upkeep.SweepTemplates(ctx); err != nil {
		diags.AddWarning("Templates that are out of use are still there",
			"The template bucket of hub "+view.Name+" could not be tidied; the next link that changes or is destroyed will try again. The error was: "+err.Error())
	}
	return diags
}
