// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/xacct/terraform-provider-xacct/internal/hub/sets"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// write creates or changes the set to match the model, and updates the model. After a
// conflict with another writer it starts again. It returns false with a diagnostic if
// the set could not be written.
func (r *setResource) write(ctx context.Context, view *hubview.View, model, state *setModel, private privateWriter, diags *diag.Diagnostics) bool {
	name := model.text("name").ValueString()
	for attempt := 1; ; attempt++ {
		w := setWriter{view: view, model: *model, state: state, diags: diags}
		err := w.once(ctx)
		var exists *registry.PermissionSetExistsError
		if (errors.Is(err, registry.ErrConflict) || errors.As(err, &exists)) && attempt < writeAttempts {
			view.Forget()
			continue
		}
		switch {
		case errors.Is(err, registry.ErrNoHub):
			diags.Append(noHub(setNamed(view.Name, name), view.Name))
		case err != nil:
			diags.Append(cannot("write", setNamed(view.Name, name), "The next apply continues from there.", err))
		}
		if diags.HasError() {
			return false
		}
		model.flatten(ctx, w.record, w.set, diags)
		diags.Append(madeFor(w.record, w.set).keep(ctx, private)...)
		return true
	}
}

// setWriter writes one set: first its template, which is unused until the record names
// it.
type setWriter struct {
	view  *hubview.View
	model setModel
	state *setModel // nil: the set is created
	diags *diag.Diagnostics

	record registry.HubRecord
	set    onboarding.PermissionSet // as written
}

func (w *setWriter) once(ctx context.Context) (err error) {
	if w.record, err = w.view.Record(ctx); err != nil {
		return err
	}
	name := w.model.text("name").ValueString()
	existing, err := w.view.Sets.Find(ctx, name)
	if err != nil {
		return err
	}
	if existing == nil && w.state != nil {
		return fmt.Errorf("it is in the state, but not in the registry: refresh, and apply again: %w", registry.ErrNoPermissionSet)
	}
	desired := sets.Desired{
		Record: w.record, Name: name, Declared: w.model.declared(ctx, w.diags), Owner: onboarding.OwnerTerraform,
		Creating: w.state == nil, Adopting: holdsSet(w.state, existing),
		Missing: w.state != nil && w.state.text("template_version").IsNull(),
	}
	todo, d := issueSet(desired, existing)
	if w.diags.Append(d...); w.diags.HasError() {
		return nil
	}
	return w.save(ctx, existing, todo)
}

func (w *setWriter) save(ctx context.Context, existing *onboarding.PermissionSet, todo sets.Write) (err error) {
	now := w.view.Now().UTC()
	w.set, err = todo.Do(ctx, sets.WriteOptions{
		Hub: w.view.Hub, Record: w.record, Now: now, Existing: existing, Incarnation: w.incarnation(existing, now),
		Customers: func(ctx context.Context) ([]onboarding.Customer, error) {
			customers, err := w.view.Customers(ctx)
			return slices.Collect(maps.Values(customers)), err
		},
	})
	if err != nil {
		return err
	}
	w.view.Sets.Wrote(w.set)
	if todo.Takeover {
		w.diags.Append(setTakenOver(w.set))
	}
	return nil
}

// incarnation returns a new incarnation for a set that is created, and the state's for
// a set that another state has retired since it was planned.
func (w *setWriter) incarnation(existing *onboarding.PermissionSet, now time.Time) onboarding.Incarnation {
	switch {
	case existing == nil, w.state == nil:
		return newIncarnation(now)
	case existing.Retired():
		return onboarding.Incarnation{ID: w.state.text("incarnation").ValueString(), Since: now}
	}
	return existing.Incarnation
}

// referringTo returns the customers whose links refer to a set, open or closed, by ID.
func referringTo(customers map[string]onboarding.Customer, name string) []onboarding.Customer {
	return sets.Referring(slices.Collect(maps.Values(customers)), name)
}

// retire retires the set, if the state still holds it: otherwise it adds a warning. It
// also warns if open links refer to the set, and names their customers.
func (r *setResource) retire(ctx context.Context, view *hubview.View, state setModel, diags *diag.Diagnostics) error {
	var err error
	for range writeAttempts {
		if err = r.retireOnce(ctx, view, state, diags); !errors.Is(err, registry.ErrConflict) {
			return err
		}
		view.Forget() // another writer changed it in between: read again
	}
	return err
}

func (r *setResource) retireOnce(ctx context.Context, view *hubview.View, state setModel, diags *diag.Diagnostics) error {
	found, err := view.Sets.Find(ctx, state.text("name").ValueString())
	if err != nil || found == nil || found.Retired() {
		return err
	}
	set := *found
	if !set.Incarnation.HeldBy(state.text("incarnation").ValueString()) {
		diags.Append(setLeft(set))
		return nil
	}
	customers, err := view.Customers(ctx)
	if err != nil {
		return err
	}
	if set, err = sets.Retire(ctx, view.Registry, set, view.Now()); err != nil {
		return err
	}
	view.Sets.Wrote(set)
	if open := sets.OpenLinks(referringTo(customers, set.Name)); len(open) > 0 {
		diags.Append(setRetired(set, open))
	}
	return nil
}
