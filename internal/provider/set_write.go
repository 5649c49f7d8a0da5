// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// write makes the set what the model says, and takes the result into the model. A
// write that met another writer starts over; it returns false when it said why the
// set could not be written.
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
			diags.Append(cannot("write", setNamed(view.Name, name), "The next apply goes on from what is there.", err))
		}
		if diags.HasError() {
			return false
		}
		model.flatten(ctx, w.record, w.set, diags)
		diags.Append(madeFor(w.record, w.set).keep(ctx, private)...)
		return true
	}
}

// setWriter writes one set: its template first, which is out of use until the
// record names it.
type setWriter struct {
	view  *hubview.View
	model setModel
	state *setModel // nil: it is created
	diags *diag.Diagnostics

	record registry.HubRecord
	set    onboarding.PermissionSet // as it was written
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
	desired := desiredSet{record: w.record, name: name, declared: w.model.declared(ctx, w.diags), creating: w.state == nil}
	desired.missing = w.state != nil && w.state.text("template_version").IsNull()
	todo, d := desired.issue(existing)
	if w.diags.Append(d...); w.diags.HasError() {
		return nil
	}
	if todo.body != nil {
		if _, err := w.view.Hub.PublishTemplate(ctx, w.record, todo.body); err != nil {
			return err
		}
	}
	return w.save(ctx, existing, todo)
}

func (w *setWriter) save(ctx context.Context, existing *onboarding.PermissionSet, todo setWrite) (err error) {
	set, now := todo.set, w.view.Now().UTC()
	if existing == nil {
		set.CreatedAt, set.Incarnation = now, newIncarnation(now)
		if w.set, err = w.view.Registry.CreatePermissionSet(ctx, set); err == nil {
			w.view.Sets.Wrote(w.set)
		}
		return err
	}
	switch {
	case w.state == nil:
		set.Incarnation = newIncarnation(now)
	case existing.Retired(): // by another state, since it was planned
		set.Incarnation = onboarding.Incarnation{ID: w.state.text("incarnation").ValueString(), Since: now}
	}
	customers, err := w.view.Customers(ctx)
	if err != nil {
		return err
	}
	set = set.Succeed(*existing, referringTo(customers, set.Name), now)
	if w.set, err = w.view.Registry.UpdatePermissionSet(ctx, set); err != nil {
		return err
	}
	w.view.Sets.Wrote(w.set)
	if todo.takeover {
		w.diags.Append(setTakenOver(w.set))
	}
	return nil
}

// referringTo returns the customers whose links refer to a set, open or closed, by ID.
func referringTo(customers map[string]onboarding.Customer, name string) []onboarding.Customer {
	var some []onboarding.Customer
	for _, c := range customers {
		if c.Link.PermissionSet == name {
			some = append(some, c)
		}
	}
	slices.SortFunc(some, func(a, b onboarding.Customer) int {
		if a.Link.CustomerID < b.Link.CustomerID {
			return -1
		}
		return 1
	})
	return some
}

// retire retires the set, if it is still the one that the state holds: otherwise
// it says so. It names the open links that refer to it.
func (r *setResource) retire(ctx context.Context, view *hubview.View, state setModel, diags *diag.Diagnostics) error {
	var err error
	for range writeAttempts {
		if err = r.retireOnce(ctx, view, state, diags); !errors.Is(err, registry.ErrConflict) {
			return err
		}
		view.Forget() // another writer came in between: look again
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
	set.RetiredAt = view.Now().UTC().Truncate(time.Second)
	if set, err = view.Registry.UpdatePermissionSet(ctx, set); err != nil {
		return err
	}
	view.Sets.Wrote(set)
	var open []string
	for _, c := range referringTo(customers, set.Name) {
		if !c.Link.Closed {
			open = append(open, c.Link.CustomerID)
		}
	}
	if len(open) > 0 {
		diags.Append(setRetired(set, open))
	}
	return nil
}
