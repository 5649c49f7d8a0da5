// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// write creates or changes the link to match the model. After a conflict with another
// writer it starts again. It returns false with a diagnostic if the link could not be
// written.
func (r *linkResource) write(ctx context.Context, view *hubview.View, model linkModel, state *linkModel, template rendering, diags *diag.Diagnostics) (onboarding.Link, bool) {
	customer := model.CustomerID.ValueString()
	for attempt := 1; ; attempt++ {
		w := linkWriter{view: view, model: model, state: state, template: template, diags: diags}
		err := w.once(ctx)
		var exists *registry.LinkExistsError
		if (errors.Is(err, registry.ErrConflict) || errors.As(err, &exists)) && attempt < writeAttempts {
			view.Forget()
			continue
		}
		if err != nil {
			diags.Append(cannotWrite(view.Name, customer, err))
		}
		return w.link, !diags.HasError()
	}
}

// cannotWrite returns the diagnostic for a link that could not be written, on the
// attribute that the error is about.
func cannotWrite(hubName, customer string, err error) diag.Diagnostic {
	var taken *registry.ExternalIDTakenError
	refused, isRefused := cannotRead(hubName, customer, err)
	switch {
	case isRefused:
		return refused
	case errors.Is(err, registry.ErrNoHub):
		return noHub(customerNamed(hubName, customer), hubName)
	case errors.As(err, &taken):
		return externalIDTaken(taken.CustomerID, taken.ExternalID.String())
	}
	return cannot("write the link of", customerNamed(hubName, customer), "The next apply continues from there.", err)
}

// linkWriter writes one link, in steps. If it is interrupted, it leaves either an
// unused object (a template, named by its content) or the record, from which the next
// apply continues.
type linkWriter struct {
	view     *hubview.View
	model    linkModel
	state    *linkModel // nil: the link is created
	template rendering  // of the state's link
	diags    *diag.Diagnostics

	record   registry.HubRecord
	existing *onboarding.Customer // nil: the hub has no such customer
	todo     customers.Write
	link     onboarding.Link // as written
}

// once performs all steps. It also returns nil if it has added an error to the
// diagnostics.
func (w *linkWriter) once(ctx context.Context) error {
	for _, step := range []func(context.Context) error{w.load, w.decide, w.do} {
		if err := step(ctx); err != nil || w.diags.HasError() {
			return err
		}
	}
	return nil
}

// load reads the hub's and the customer's records.
func (w *linkWriter) load(ctx context.Context) (err error) {
	if w.record, err = w.view.Record(ctx); err != nil {
		return err
	}
	if w.existing, err = w.view.Find(ctx, w.model.CustomerID.ValueString()); err != nil {
		return err
	}
	if w.existing == nil && w.state != nil {
		return fmt.Errorf("it is in the state, but not in the registry: refresh, and apply again: %w", registry.ErrNoLink)
	}
	return nil
}

// decide determines what has to be written.
func (w *linkWriter) decide(ctx context.Context) error {
	if w.model.Region.IsUnknown() { // the hub did not exist at planning time
		w.model.Region = types.StringValue(w.record.Region.String())
	}
	desired := w.model.desired(ctx, w.record, w.state == nil, w.diags)
	var err error
	if desired.Set, err = w.loadSet(ctx); err != nil || w.diags.HasError() {
		return err
	}
	desired.Continued = w.view.HasClosed(w.model.CustomerID.ValueString())
	desired.Template = w.template.known(w.template.moves(w.view, ""))
	desired.Adopting = holds(w.state, w.existing)
	if w.todo, err = desired.Issue(w.existing); err != nil {
		w.diags.Append(refused(w.view.Name, desired.CustomerID, err)...)
		return nil
	}
	w.link = w.todo.Link
	return nil
}

// holds reports whether the state has imported the link, or has written it in its
// current incarnation. Then the apply may take the link over from another tool.
func holds(state *linkModel, existing *onboarding.Customer) bool {
	return state != nil && existing != nil && existing.Link.HeldBy(state.Incarnation.ValueString())
}

// do writes what decide has determined.
func (w *linkWriter) do(ctx context.Context) error {
	now := w.view.Now().UTC()
	link, err := w.todo.Do(ctx, customers.WriteOptions{
		Hub: w.view.Hub, Record: w.record, Now: now, Existing: w.existing, Incarnation: w.incarnation(now),
		SkipIf: func(link onboarding.Link) bool { return w.state != nil && w.existing.Link.SameRecord(link) }, // only the set has changed
		OnSaved: func(link onboarding.Link) {
			w.view.WroteLink(link)
			if w.todo.Takeover {
				w.diags.Append(linkTakenOver(w.view.Name, link.CustomerID))
			}
		},
	})
	if err == nil {
		w.link = link
	}
	return err
}

// incarnation returns a new incarnation for a link that is created, and the state's
// for a link that is opened again in place. A link that is changed keeps its own,
// whichever configuration holds it.
func (w *linkWriter) incarnation(now time.Time) onboarding.Incarnation {
	switch {
	case w.state == nil:
		return newIncarnation(now)
	case w.existing.Link.Closed:
		return onboarding.Incarnation{ID: w.state.Incarnation.ValueString(), Since: now}
	}
	return w.existing.Link.Incarnation
}

// close closes the customer's link, if the state still holds it: otherwise it adds a
// warning. The record and the external ID remain.
func (r *linkResource) close(ctx context.Context, view *hubview.View, state linkModel, diags *diag.Diagnostics) error {
	var err error
	for range writeAttempts {
		if err = r.closeOnce(ctx, view, state, diags); !errors.Is(err, registry.ErrConflict) {
			return err
		}
		view.Forget() // another writer changed it in between: read again
	}
	return err
}

func (r *linkResource) closeOnce(ctx context.Context, view *hubview.View, state linkModel, diags *diag.Diagnostics) error {
	found, err := view.Customer(ctx, state.CustomerID.ValueString())
	if err != nil {
		return err
	}
	link := found.Link
	if !link.HeldBy(state.Incarnation.ValueString()) {
		if !link.Closed {
			diags.Append(leftOpen(link))
		}
		return nil
	}
	closed, err := customers.Close(ctx, view.Registry, found, view.Now().UTC())
	if err != nil || link.Closed {
		return err
	}
	view.ClosedLink(closed)
	return nil
}
