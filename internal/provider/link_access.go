// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
)

// sweepPublishers removes outdated permissions to publish when a link is destroyed.
// The warning names what failed.
func sweepPublishers(ctx context.Context, view *hubview.View) diag.Diagnostics {
	var diags diag.Diagnostics
	if err := view.Upkeep.SweepPublishers(ctx); err != nil {
		diags.AddWarning("Accounts of former customers may still publish",
			paragraphs("The policies of the topics of hub "+view.Name+" still name accounts whose customers have left, and could not be changed. The next link that is destroyed tries again.", err.Error()))
	}
	return diags
}
