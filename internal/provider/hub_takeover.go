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

// planTakeover plans to take over an existing hub. It returns false if there is
// none, or if the existing one is being replaced. Its id is known, so links
// that refer to it stay as they are.
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

// announce notes in the registry that the hub goes on at another address. The plan
// of the one that goes came first, and so knew nothing of that: see
// hub.Manager.Announce. It is the only thing that planning writes.
func (p *hubPlan) announce(ctx context.Context) {
	if err := p.view.Hub.Announce(ctx); err != nil {
		p.diags.AddWarning(fmt.Sprintf("Hub %s gets another address", p.view.Name), paragraphs(
			"This plan could not record that in the registry, so if Terraform destroys the former address first, the hub is deleted, or the destroy fails if customers use it. A moved block avoids that.", err.Error()))
	}
}

// leave remembers that the hub's address goes, and notes for the deletion when that
// was planned and whether another address takes the hub over, which it returns.
func (p *hubPlan) leave(ctx context.Context, view *hubview.View, grace time.Duration) (elsewhere bool) {
	note := goodbye{PlannedAt: p.resource.session.now().UTC()}
	note.Elsewhere = view.Planned.SetLeaving(ctx, p.state.Incarnation.ValueString(), grace)
	text, err := json.Marshal(note)
	if err != nil {
		panic(err) // a time and a bool
	}
	p.diags.Append(p.private.SetKey(ctx, goodbyeKey, text)...)
	return note.Elsewhere
}

// goodbye is what the plan of a hub's deletion tells the deletion.
type goodbye struct {
	PlannedAt time.Time
	Elsewhere bool // the configuration has it at another address
}

const goodbyeKey = "goodbye"

// plannedGoodbye returns what the plan has noted; nothing if there was none.
func plannedGoodbye(ctx context.Context, private privateReader) (note goodbye) {
	text, _ := private.GetKey(ctx, goodbyeKey)
	_ = json.Unmarshal(text, &note) // none: nothing is known
	return note
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
