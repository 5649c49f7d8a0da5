// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
)

// sweepTemplates deletes unused templates from the bucket when a link changes or is
// destroyed. The warning names what failed.
func sweepTemplates(ctx context.Context, view *hubview.View) diag.Diagnostics {
	var diags diag.Diagnostics
	if err := view.Upkeep.SweepTemplates(ctx); err != nil {
		diags.AddWarning("Unused templates were not deleted",
			paragraphs("Templates that no link of hub "+view.Name+" needs are still in its bucket. The next link that changes or is destroyed tries again.", err.Error()))
	}
	return diags
}
