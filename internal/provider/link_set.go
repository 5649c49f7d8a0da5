// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// A link that refers to a permission set declares no role of its own. Its record names
// the set, and is not written if only the set changes: a refresh copies the template's
// address and version from the set's record, and a plan changes them only if the set
// changes in the same plan.

func permissionSetAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{validSetID()},
		MarkdownDescription: "The `id` of the `xacct_permission_set` that the customer is asked to grant. A change of the set reaches the link in the same apply. " +
			"Either this or `role` is required.",
	}
}

// ownRoleAttribute returns the role of a link without a permission set.
func ownRoleAttribute() schema.SingleNestedAttribute {
	role := roleAttribute()
	role.Required, role.Optional = false, true
	role.MarkdownDescription = "The role that the customer's stack creates, if only this customer has it; for a role that many customers have, use an `xacct_permission_set`. " +
		"Either this or `permission_set` is required."
	return role
}

// refers reports whether the link refers to a permission set, known or not.
func (m linkModel) refers() bool { return !m.PermissionSet.IsNull() }

// setName returns the name of the set that the link refers to.
func (m linkModel) setName() string {
	_, name, _ := splitSetID(m.PermissionSet.ValueString())
	return name
}

// validateSet refuses a link that declares its role twice, or not at all.
func (m linkModel) validateSet(diags *diag.Diagnostics) {
	if !m.refers() {
		if m.Role.IsNull() {
			diags.AddAttributeError(setPath, "The link requests no permissions",
				"Set permission_set to the id of an xacct_permission_set, which many links share, or role to a role of this customer's own.")
		}
		return
	}
	own := map[string]attr.Value{"role": m.Role}
	for name, value := range m.askedModel.values() {
		own[name] = value
	}
	for name, value := range own {
		if !value.IsNull() && !value.IsUnknown() { // it may become null: Terraform validates before it knows each.value
			diags.AddAttributeError(path.Root(name), fmt.Sprintf("Both permission_set and %s", name), fmt.Sprintf(
				"A link that refers to a permission set declares no role itself. Declare %s in the permission set, or leave permission_set out.", name))
		}
	}
}

// flattenReference copies the record of a link that refers to a set into the model. If
// the model declares the same already, it keeps its own spelling.
func (m *linkModel) flattenReference(ctx context.Context, link onboarding.Link, found declaration.Declaration, diags *diag.Diagnostics) {
	m.PermissionSet = types.StringValue(link.Set.ID())
	m.Role = types.ObjectNull(roleSpecTypes())
	m.askedModel = nullAskedModel(ctx, diags)
	m.StackName, m.Region = types.StringValue(found.StackName), types.StringValue(found.Region)
	if declared := (declaration.Declaration{ExpiresAt: m.ExpiresAt.ValueString()}); !declared.Expires().Equal(found.Expires()) || m.ExpiresAt.IsUnknown() {
		m.ExpiresAt = optional(found.ExpiresAt)
	}
}

// nullAskedModel returns a model whose attributes are all null.
func nullAskedModel(ctx context.Context, diags *diag.Diagnostics) askedModel {
	return flattenAsked(ctx, permissionset.Set{}, diags)
}

// follows reports whether the link may change in this operation because of its set.
func (p *linkPlan) follows(ctx context.Context, view *hubview.View) bool {
	if !p.plan.refers() {
		return false
	}
	if p.plan.PermissionSet.IsUnknown() {
		return true
	}
	set, err := view.Sets.AfterApply(ctx, p.plan.setName())
	if err == nil && set.Known && !set.Changes {
		view.Sets.Use(p.plan.setName(), p.plan.CustomerID.ValueString())
		return false
	}
	return err == nil || !errors.Is(err, registry.ErrPermissionSetRetired)
}

// set returns the permission set that the link will refer to; nil if it isn't known
// yet, or with a diagnostic if there is none.
func (p *linkPlan) set(ctx context.Context, view *hubview.View) *onboarding.PermissionSet {
	if p.plan.PermissionSet.IsUnknown() {
		return nil
	}
	hubName, name, _ := splitSetID(p.plan.PermissionSet.ValueString())
	if hubName != view.Name {
		p.diags.Append(setOfAnotherHub(view.Name, hubName, name))
		return nil
	}
	plan, err := view.Sets.AfterApply(ctx, name)
	switch {
	case errors.Is(err, registry.ErrPermissionSetRetired) && p.sameLink() && p.plan.PermissionSet.Equal(p.state.PermissionSet):
	case errors.Is(err, registry.ErrNoPermissionSet), errors.Is(err, registry.ErrPermissionSetRetired):
		p.diags.Append(noSuchSet(view.Name, name, err))
		return nil
	case err != nil:
		p.diags.Append(cannot("read", setNamed(view.Name, name), "", err))
		return nil
	}
	if !plan.Known {
		return nil
	}
	view.Sets.Use(name, p.plan.CustomerID.ValueString())
	return &plan.Set
}

// followStack plans how a change of the role, the set or the hub affects the
// attributes of an existing link that depend on the customer's stack. They are known,
// from the last refresh of the stack.
func (p *linkPlan) followStack(ctx context.Context, view *hubview.View, next onboarding.Link) {
	p.plan.Status = p.state.Status
	p.plan.UpdateURL = p.stack.updateURL(ctx, view, next, p.diags)
	p.plan.UpdateCommand = p.stack.updateCommand(ctx, view, next, p.diags)
	p.plan.PreviousExternalID = p.state.PreviousExternalID
}

// keepsCustomer reports whether the link remains open to the same customer, with the same
// external ID and expiry. The permissions that it asks for may change.
func (p *linkPlan) keepsCustomer() bool {
	return p.sameLink() && p.state.Status.ValueString() != string(onboarding.LinkClosed) && p.plan.sameScope(*p.state) &&
		p.plan.ExternalID.Equal(p.state.ExternalID) && p.plan.ExternalIDVersion.Equal(p.state.ExternalIDVersion) && p.plan.ExpiresAt.Equal(p.state.ExpiresAt)
}

// configUnchanged reports whether nothing in the link's configuration changes, so that
// only its set and its hub can change it.
func (p *linkPlan) configUnchanged() bool {
	return p.sameLink() && p.state.Status.ValueString() != string(onboarding.LinkClosed) && p.plan.sameInputs(*p.state)
}

// keepPlanned copies the known values of the attributes that depend on the customer's
// stack from the plan: Terraform requires that an apply returns them. If the customer
// updates the stack while the apply runs, the next refresh shows that.
func (m *linkModel) keepPlanned(plan linkModel) {
	if !plan.Status.IsUnknown() {
		m.Status = plan.Status
	}
	if !plan.UpdateURL.IsUnknown() {
		m.UpdateURL = plan.UpdateURL
	}
	if !plan.UpdateCommand.IsUnknown() {
		m.UpdateCommand = plan.UpdateCommand
	}
	if !plan.PreviousExternalID.IsUnknown() {
		m.PreviousExternalID = plan.PreviousExternalID
	}
}

// loadSet reads the permission set that the link refers to.
func (w *linkWriter) loadSet(ctx context.Context) (*onboarding.PermissionSet, error) {
	if !w.model.refers() {
		return nil, nil
	}
	name := w.model.setName()
	set, err := w.view.Sets.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	if set == nil {
		w.diags.Append(noSuchSet(w.view.Name, name, registry.ErrNoPermissionSet))
		return nil, nil
	}
	stays := w.existing != nil && !w.existing.Link.Closed && w.existing.Link.PermissionSet == name
	if set.Retired() && !stays {
		w.diags.Append(noSuchSet(w.view.Name, name, registry.ErrPermissionSetRetired))
		return nil, nil
	}
	return set, nil
}
