// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// The owner of a hub, of several Terraform states, or several addresses of one, is
// the last that created it or took it over.

// createOrTakeOver creates the hub, or takes over one that is exactly what is
// declared: see hub.Manager.CreateOrTakeOver.
func (r *hubResource) createOrTakeOver(ctx context.Context, view *hubview.View, spec hub.Spec, diags *diag.Diagnostics) (hub.State, error) {
	state, took, err := view.Hub.CreateOrTakeOver(ctx, spec)
	var differs *hub.DiffersError
	var owned *hub.OwnedError
	switch {
	case errors.As(err, &differs):
		diags.Append(hubDiffers(differs.Existing, differs.Field))
		return hub.State{}, nil
	case errors.As(err, &owned):
		diags.Append(hubOwned(owned))
		return hub.State{}, nil
	case took:
		diags.Append(hubTakenOver(view.Name))
	}
	return state, err
}

// planTakeover plans to take over a hub that is there. It returns false if there is
// none, or if the one that is there is being replaced. Its id is known, so links
// that refer to it stay as they are.
func (p *hubPlan) planTakeover(ctx context.Context, spec hub.Spec) bool {
	record, err := p.view.Record(ctx)
	if err != nil || record.State != registry.HubReady || p.view.Planned.HoldsHub(record.Incarnation) {
		if err != nil && !errors.Is(err, registry.ErrNoHub) {
			p.diags.Append(cannot("read", hubNamed(p.view.Name), "", err))
		}
		return false
	}
	if record.Owner != onboarding.OwnerTerraform {
		p.diags.Append(hubOwned(&hub.OwnedError{Hub: record.Name, Owner: record.Owner}))
		return true
	}
	if differences := spec.DiffersFrom(record); len(differences) > 0 {
		p.diags.Append(hubDiffers(record, differences[0]))
		return true
	}
	p.plan.ID = types.StringValue(record.Name)
	p.view.Planned.SetTakeover(spec.Declare(record))
	return true
}

// checkHolder warns if another state has the hub by now.
func (r *hubResource) checkHolder(model *hubModel, record registry.HubRecord, diags *diag.Diagnostics) {
	if model.ID.IsNull() { // it was imported just now
		model.Incarnation = optional(record.Incarnation.ID)
	}
	if !record.Incarnation.HeldBy(model.Incarnation.ValueString()) {
		diags.AddWarning("Another configuration manages this hub", fmt.Sprintf(
			"Hub %s was %s by another Terraform state, or at another address of this one. Destroying it here does not delete it. "+
				"Keep it in one of them: use the data source here and remove the resource with a removed block or 'terraform state rm', or take it back with 'terraform apply -replace'.",
			record.Name, takenSince(record.Incarnation)))
	}
}

func hubDiffers(existing registry.HubRecord, difference string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), fmt.Sprintf("Hub %s exists already", existing.Name), fmt.Sprintf(
		"There is a hub of this name in account %s and Region %s, and its %s differs from this configuration. Choose another name; "+
			"if this configuration has it at another address, move it there with a moved block; otherwise take the hub over and then change it:\n\n"+
			"  terraform import ADDRESS %s", existing.Account, existing.Region, difference, existing.Name))
}

// hubOwned returns the error for a hub of another of the vendor's tools.
func hubOwned(e *hub.OwnedError) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), fmt.Sprintf("Hub %s is not Terraform's", e.Hub), fmt.Sprintf(
		"It belongs to %s, which continues to manage it. Use the data source xacct_hub here; or take the hub over, and then change it:\n\n  terraform import ADDRESS %s",
		e.Owner, e.Hub))
}

func hubTakenOver(name string) diag.Diagnostic {
	return diag.NewWarningDiagnostic(fmt.Sprintf("Hub %s was taken over", name),
		"It was there, and is exactly what is declared here, so it was taken over with all of its links and registrations. "+
			"It had another address in this configuration, an earlier apply was interrupted, or another Terraform state has it. "+
			"The other state can't delete it any more: its plans warn of that until it is removed there. Use the data source there.")
}

func hubLeft(other *hub.OtherIncarnationError) diag.Diagnostic {
	return diag.NewWarningDiagnostic(fmt.Sprintf("Hub %s stays", other.Hub), fmt.Sprintf(
		"It was %s by another Terraform state, or at another address of this one, and is managed there. It was forgotten here, and not deleted.", takenSince(other.Incarnation)))
}
