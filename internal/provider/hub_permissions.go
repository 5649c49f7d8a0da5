// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// reconcile compares the permissions to publish and to read with those that the links
// need, once in a refresh, and repairs them. If a repair fails, it warns: the caller
// of a plan may have a policy that only reads.
func reconcile(ctx context.Context, view *hubview.View, lists map[registry.ListKey]registry.Shard) diag.Diagnostics {
	var diags diag.Diagnostics
	if err := view.Upkeep.Reconcile(ctx, lists); err != nil {
		diags.AddWarning(fmt.Sprintf("Accounts of customers of hub %s may be unable to phone home", view.Name), paragraphs(
			"The lists of accounts that may publish to the hub's topics, or read its templates, are not what the links need, and could not be repaired. "+
				"The next refresh tries again.", err.Error()))
	}
	return diags
}

// repair finishes the work of a writer that was interrupted after it wrote the
// registry's lists and before it wrote the policies that contain them.
func repair(ctx context.Context, view *hubview.View) diag.Diagnostics {
	var diags diag.Diagnostics
	if err := view.Hub.Permissions().Repair(ctx); err != nil {
		diags.AddWarning(fmt.Sprintf("Could not repair the policies of hub %s", view.Name),
			paragraphs("Some customers may be unable to phone home, or to read their template, until the next refresh or apply has repaired them.", err.Error()))
	}
	return diags
}
