// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
)

// followsHub reports whether the link may change in this operation because of its hub.
func (p *linkPlan) followsHub(view *hubview.View) bool {
	if view.Planned.HubIsPartlyKnown() {
		return true
	}
	if p.plan.refers() {
		return false // its set changes with the hub instead
	}
	return p.template.missing || p.moves(view)
}

func (p *linkPlan) moves(view *hubview.View) bool {
	return p.template.moves(view, customerNamed(view.Name, p.plan.CustomerID.ValueString()))
}

// awaitHub plans an existing link on a hub about which too little is known yet: the
// link's URL may change.
func (p *linkPlan) awaitHub() {
	if !p.sameLink() {
		return
	}
	p.plan.URL, p.plan.TemplateURL, p.plan.UpdateURL = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	p.plan.TemplateVersion, p.plan.Status = types.StringUnknown(), types.StringUnknown()
	p.plan.UpdateCommand, p.plan.PreviousExternalID = types.StringUnknown(), types.StringUnknown()
	if !p.configUnchanged() {
		return
	}
	p.plan.Status = p.state.Status
	if p.state.UpdateURL.IsNull() {
		p.plan.UpdateURL = types.StringNull()
	}
	if p.state.UpdateURL.IsNull() && p.state.UpdateCommand.IsNull() {
		p.plan.UpdateCommand = types.StringNull()
	}
	if !p.plan.refers() {
		p.plan.TemplateVersion = p.state.TemplateVersion
	}
}

// readTemplate records for which hub the link's template was rendered, and whether the
// bucket still has it. If the link refers to a permission set, the set's own refresh
// does this.
func (r *linkResource) readTemplate(ctx context.Context, view *hubview.View, model *linkModel, link onboarding.Link, before privateReader, resp *resource.ReadResponse) {
	if link.PermissionSet != "" || link.Closed {
		return
	}
	record, err := view.Record(ctx)
	if err != nil {
		return // a diagnostic was added
	}
	now := rendering{Seen: declaration.HubRendering(record.Hub)}
	if now.Made = keptRendering(ctx, before, model.TemplateVersion).forHub(link.RenderedFor); now.Made == "" {
		now.Made = now.Seen
	}
	resp.Diagnostics.Append(now.keep(ctx, resp.Private)...)
	if missingTemplate(ctx, view, customerNamed(view.Name, link.CustomerID), link.TemplateURL, &resp.Diagnostics) {
		model.URL, model.TemplateURL, model.TemplateVersion = types.StringNull(), types.StringNull(), types.StringNull()
	}
}

// awaitsTemplate reports whether the launch link stays unknown until apply has published
// its template: customers may create the role without a stack, and the function that
// prints its resources, terraform_snippet(url, "iam"), reads the template. Terraform
// calls it in the plan if the link is known, and the plan would fail.
func awaitsTemplate(ctx context.Context, view *hubview.View, withoutStack bool, template string) bool {
	if !withoutStack {
		return false
	}
	there, err := view.HasTemplate(ctx, template)
	return err == nil && !there
}
