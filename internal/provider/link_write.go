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

// write creates or changes the link to match the model. A write that met another writer
// starts over; it returns false with a diagnostic if the link could not be written.
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

// cannotWrite returns why a link could not be written, on the attribute that it
// is about.
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

// linkWriter writes one link, in steps. Whatever an interrupted apply leaves
// behind is either out of use (a template, named by its content) or exactly what
// the next apply finds and continues from (the record).
type linkWriter struct {
	view     *hubview.View
	model    linkModel
	state    *linkModel // nil: it is created
	template rendering  // that the state's link has
	diags    *diag.Diagnostics

	record   registry.HubRecord
	existing *onboarding.Customer // nil: the hub has no such customer
	todo     customers.Write
	link     onboarding.Link // as it was written
}

// once takes all steps. It stops without an error if it was said in the
// diagnostics what is wrong.
func (w *linkWriter) once(ctx context.Context) error {
	for _, step := range []func(context.Context) error{w.load, w.decide, w.do} {
		if err := step(ctx); err != nil || w.diags.HasError() {
			return err
		}
	}
	return nil
}

// load reads the hub and what it knows of the customer.
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

// decide finds what has to be written.
func (w *linkWriter) decide(ctx context.Context) error {
	if w.model.Region.IsUnknown() { // the hub was not there when it was planned
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

// holds reports whether the state has imported or written the link as it is: then
// it may be another tool's, which loses it.
func holds(state *linkModel, existing *onboarding.Customer) bool {
	return state != nil && existing != nil && existing.Link.HeldBy(state.Incarnation.ValueString())
}

// do carries out what was decided.
func (w *linkWriter) do(ctx context.Context) error {
	now := w.view.Now().UTC()
	link, err := w.todo.Do(ctx, customers.Writing{
		Hub: w.view.Hub, Record: w.record, Now: now, Existing: w.existing, Incarnation: w.incarnation(now),
		Unless: func(link onboarding.Link) bool { return w.state != nil && w.existing.Link.SameRecord(link) }, // only the set has changed
		Saved: func(link onboarding.Link) {
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

// incarnation returns a new one for a link that is created. One that is opened again
// in place gets that of the state, and one that is changed keeps its own, whichever
// configuration holds it.
func (w *linkWriter) incarnation(now time.Time) onboarding.Incarnation {
	switch {
	case w.state == nil:
		return newIncarnation(now)
	case w.existing.Link.Closed:
		return onboarding.Incarnation{ID: w.state.Incarnation.ValueString(), Since: now}
	}
	return w.existing.Link.Incarnation
}

// close closes the customer's link, if it is still the one that the state holds:
// otherwise it adds an error. Record and external ID stay.
func (r *linkResource) close(ctx context.Context, view *hubview.View, state linkModel, diags *diag.Diagnostics) error {
	var err error
	for range writeAttempts {
		if err = r.closeOnce(ctx, view, state, diags); !errors.Is(err, registry.ErrConflict) {
			return err
		}
		view.Forget() // another writer came in between: look again
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
