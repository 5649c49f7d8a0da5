// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// write changes the fleet to match the model, and then updates the model from the
// registry, even if part of it failed, so that the state has everything that was
// written. It returns false, with a diagnostic, if nothing was written.
func (r *fleetResource) write(ctx context.Context, view *hubview.View, model, state *fleetModel, diags *diag.Diagnostics) bool {
	w := fleetWriter{view: view, model: *model, state: state, diags: diags}
	if state == nil {
		w.incarnation = newIncarnation(view.Now().UTC())
	}
	var err error
	for range writeAttempts {
		if err = w.once(ctx); !errors.Is(err, registry.ErrConflict) || errors.Is(err, registry.ErrFleetChanged) {
			break
		}
		view.Forget() // another writer changed it in between: read again
	}
	if err != nil {
		diags.Append(cannotWriteFleet(view.Name, w.model.Name.ValueString(), w.model.setName(), err))
	}
	if w.fleet == nil {
		return false
	}
	*model = w.model
	if diags.HasError() && state != nil {
		// Values that don't come from the links are unchanged.
		model.URLTemplate = state.URLTemplate
	}
	model.flatten(ctx, view, *w.fleet, diags)
	model.Incarnation = types.StringValue(w.fleet.Incarnation.ID)
	if state != nil {
		model.Incarnation = state.Incarnation
	}
	return true
}

// fleetWriter writes one fleet: first its record, then its links, then who may
// publish. If it is interrupted, all written links are usable, and the next apply
// continues from them.
type fleetWriter struct {
	view        *hubview.View
	model       fleetModel
	state       *fleetModel            // nil: the fleet is created
	incarnation onboarding.Incarnation // of a fleet that is created
	diags       *diag.Diagnostics

	fleet *onboarding.Fleet // as written; nil: not written yet
}

func (w *fleetWriter) once(ctx context.Context) error {
	record, err := w.view.Record(ctx)
	if err != nil {
		return err
	}
	if w.model.Region.IsUnknown() { // the hub did not exist at planning time
		w.model.Region = types.StringValue(record.Region.String())
	}
	existing, err := findFleet(ctx, w.view, w.model.Name.ValueString())
	if err != nil {
		return err
	}
	known, err := w.view.Customers(ctx)
	if err != nil {
		return err
	}
	set, err := w.set(ctx, existing)
	if err != nil || set == nil {
		return err
	}
	desired := w.model.desired(record, *set, w.state, w.diags)
	if w.diags.HasError() {
		return nil
	}
	taking := w.state == nil && existing != nil && !existing.Closed() && existing.Incarnation.ID != w.incarnation.ID
	if taking {
		if difference := desired.DiffersFrom(*existing, known); difference != "" {
			w.diags.Append(fleetDiffers(*existing, difference))
			return nil
		}
	}
	now := w.view.Now().UTC()
	todo, refusals := desired.Issue(known, now)
	w.diags.Append(membersRefused(record.Name, desired.Name, refusals)...)
	w.diags.Append(checkFleetPublishers(record.Hub.Name, record.PublisherScope, todo)...)
	if w.diags.HasError() {
		return nil
	}
	return w.save(ctx, record, desired, existing, todo)
}

// set returns the permission set that the fleet refers to; nil with a diagnostic if
// there is none.
func (w *fleetWriter) set(ctx context.Context, existing *onboarding.Fleet) (*onboarding.PermissionSet, error) {
	name := w.model.setName()
	set, err := w.view.Sets.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	stays := existing != nil && !existing.Closed() && existing.PermissionSet == name
	switch {
	case set == nil:
		w.diags.Append(noSuchSet(w.view.Name, name, registry.ErrNoPermissionSet))
	case set.Retired() && !stays:
		w.diags.Append(noSuchSet(w.view.Name, name, registry.ErrPermissionSetRetired))
		return nil, nil
	}
	return set, nil
}

// save writes the fleet's record, so that no other resource writes its links, and then
// the links.
func (w *fleetWriter) save(ctx context.Context, record registry.HubRecord, desired customers.DesiredFleet, existing *onboarding.Fleet, todo customers.FleetWrite) error {
	now := w.view.Now().UTC()
	next, err := desired.Fleet()
	if err != nil {
		return err
	}
	next.CreatedAt, next.Incarnation = now, w.incarnation
	if existing != nil {
		next.CreatedAt = existing.CreatedAt
	}
	if w.state != nil {
		next.Incarnation = onboarding.Incarnation{ID: w.state.Incarnation.ValueString(), Since: now}
		if existing != nil && !existing.Closed() {
			next.Incarnation = existing.Incarnation // even if another configuration holds it
		}
	}
	first := w.fleet == nil
	fleet, err := w.view.Registry.WriteFleet(ctx, existing, next)
	if err != nil {
		return err
	}
	w.fleet = &fleet
	if first && w.state == nil && existing != nil && !existing.Closed() {
		w.diags.Append(fleetTakenOver(fleet))
	}
	err = todo.Do(ctx, w.view.Hub, record, fleet, now, w.view.WroteOrClosedLink)
	if err == nil && len(todo.TakenOver) > 0 {
		w.diags.Append(membersTaken(fleet, todo.TakenOver))
	}
	return err
}

// findFleet returns a fleet, open or closed; nil if the hub has none of that name.
func findFleet(ctx context.Context, view *hubview.View, name string) (*onboarding.Fleet, error) {
	fleet, err := view.Registry.Fleet(ctx, name)
	if errors.Is(err, registry.ErrNoFleet) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &fleet, nil
}

// close closes the fleet with its links, if the state still holds the fleet: otherwise
// it adds a warning.
func (r *fleetResource) close(ctx context.Context, view *hubview.View, state fleetModel, diags *diag.Diagnostics) error {
	var err error
	for range writeAttempts {
		err = r.closeOnce(ctx, view, state, diags)
		if errors.Is(err, registry.ErrFleetChanged) {
			continue // taken over in the meantime: the next attempt reports it
		}
		if !errors.Is(err, registry.ErrConflict) {
			return err
		}
		view.Forget()
	}
	return err
}

func (r *fleetResource) closeOnce(ctx context.Context, view *hubview.View, state fleetModel, diags *diag.Diagnostics) error {
	found, err := findFleet(ctx, view, state.Name.ValueString())
	if err != nil || found == nil {
		return err
	}
	if !found.Incarnation.HeldBy(state.Incarnation.ValueString()) {
		if !found.Closed() {
			diags.Append(fleetLeft(*found))
		}
		return nil
	}
	record, err := view.Record(ctx)
	if err != nil {
		return err
	}
	now, fleet := view.Now().UTC(), *found
	if !fleet.Closed() { // first, so that a state that takes the fleet over in the meantime stops this close
		fleet.ClosedAt = now
		if fleet, err = view.Registry.WriteFleet(ctx, found, fleet); err != nil {
			return err
		}
	}
	known, err := view.Customers(ctx)
	if err != nil {
		return err
	}
	return customers.End(fleet, known, now).Do(ctx, view.Hub, record, fleet, now, view.WroteOrClosedLink)
}
