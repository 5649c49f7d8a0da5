// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// If several Terraform states, or several addresses in one, contain a hub, its owner
// is the last one that created it or took it over.

// createOrTakeOver creates the hub, or takes over an existing hub that is exactly as
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

// planTakeover plans to take over an existing hub. It returns false if there is none,
// or if the existing one is being replaced. The hub's id is known, so links that refer
// to it don't change.
func (p *hubPlan) planTakeover(ctx context.Context, spec hub.Spec) bool {
	record, err := p.view.Record(ctx)
	if err != nil || record.State != registry.HubReady {
		if err != nil && !errors.Is(err, registry.ErrNoHub) {
			p.diags.Append(cannot("read", hubNamed(p.view.Name), "", err))
		}
		return false
	}
	differences := spec.DiffersFrom(record)
	if p.view.Planned.HoldsHub(record.Incarnation) {
		if len(differences) == 0 && p.view.Planned.SetCreation() {
			p.announce(ctx)
		}
		return false
	}
	if record.Owner != onboarding.OwnerTerraform {
		p.diags.Append(hubOwned(&hub.OwnedError{Hub: record.Name, Owner: record.Owner}))
		return true
	}
	if len(differences) > 0 {
		p.diags.Append(hubDiffers(record, differences[0]))
		return true
	}
	p.plan.ID = types.StringValue(record.Name)
	if p.view.Planned.SetTakeover(spec.Declare(record)) {
		p.announce(ctx)
	}
	return true
}

// announce records in the registry that the hub continues at another address. The plan
// for the address that is destroyed came first, without that information: see
// hub.Manager.Announce. Nothing else that planning does writes to AWS.
func (p *hubPlan) announce(ctx context.Context) {
	if err := p.view.Hub.Announce(ctx); err != nil {
		p.diags.AddWarning(fmt.Sprintf("Hub %s gets another address", p.view.Name), paragraphs(
			"This plan could not record that in the registry, so if Terraform destroys the former address first, the hub is deleted, or the destroy fails if customers use it. A moved block avoids that.", err.Error()))
	}
}

// leave records in this process that the hub's address is destroyed, and, in the
// private state for the deletion, when that was planned and whether another address
// takes the hub over. It returns true if another address does.
func (p *hubPlan) leave(ctx context.Context, view *hubview.View, grace time.Duration) (elsewhere bool) {
	planned := destroyPlan{PlannedAt: p.resource.session.now().UTC()}
	planned.Elsewhere = view.Planned.SetLeaving(ctx, p.state.Incarnation.ValueString(), grace)
	text, err := json.Marshal(planned)
	if err != nil {
		panic(err) // a time and a bool can always be encoded
	}
	p.diags.Append(p.private.SetKey(ctx, destroyPlanKey, text)...)
	return planned.Elsewhere
}

// destroyPlan is what the plan of a hub's deletion stores for the deletion.
type destroyPlan struct {
	PlannedAt time.Time
	Elsewhere bool // the configuration has the hub at another address
}

const destroyPlanKey = "destroy"

// plannedDestroy returns what the plan stored; the zero value if it stored nothing.
func plannedDestroy(ctx context.Context, private privateReader) (planned destroyPlan) {
	text, _ := private.GetKey(ctx, destroyPlanKey)
	_ = json.Unmarshal(text, &planned) // no data: nothing is known
	return planned
}

// checkHolder warns if another state holds the hub now.
func (r *hubResource) checkHolder(model *hubModel, record registry.HubRecord, diags *diag.Diagnostics) {
	if model.ID.IsNull() { // it was just imported
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

// hubOwned returns the error for a hub that belongs to another of the vendor's tools.
func hubOwned(e *hub.OwnedError) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("name"), fmt.Sprintf("Hub %s is not Terraform's", e.Hub), fmt.Sprintf(
		"It belongs to %s, which continues to manage it. Use the data source xacct_hub here; or take the hub over, and then change it:\n\n  terraform import ADDRESS %s",
		e.Owner, e.Hub))
}

func hubTakenOver(name string) diag.Diagnostic {
	return diag.NewWarningDiagnostic(fmt.Sprintf("Hub %s was taken over", name),
		"It existed already, and matches this declaration exactly, so it was taken over with all of its links and registrations. "+
			"It had another address in this configuration, an earlier apply was interrupted, or another Terraform state has it. "+
			"The other state can't delete it any more: its plans warn of that until it is removed there. Use the data source there.")
}

func hubElsewhere(name string) diag.Diagnostic {
	return diag.NewWarningDiagnostic(fmt.Sprintf("Hub %s was not deleted", name),
		"The configuration has it at another address, which takes it over. It was forgotten at this one, and not deleted. If that address could not be applied, apply again.")
}

func hubLeft(other *hub.OtherIncarnationError) diag.Diagnostic {
	return diag.NewWarningDiagnostic(fmt.Sprintf("Hub %s was not deleted", other.Hub), fmt.Sprintf(
		"It was %s by another Terraform state, or at another address of this one, and is managed there. It was forgotten here, and not deleted.", takenSince(other.Incarnation)))
}
