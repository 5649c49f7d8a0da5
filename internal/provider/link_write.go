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

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// write makes the link what the model says. A write that met another writer
// starts over; it returns false when it said why the link could not be written.
func (r *linkResource) write(ctx context.Context, view *hubview.View, model linkModel, state *linkModel, diags *diag.Diagnostics) (onboarding.Link, bool) {
	customer := model.CustomerID.ValueString()
	for attempt := 1; ; attempt++ {
		w := linkWriter{view: view, model: model, state: state, diags: diags}
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
	return cannot("write the link of", customerNamed(hubName, customer), "The next apply goes on from what is there.", err)
}

// linkWriter writes one link, in steps. Whatever an interrupted apply leaves
// behind is either out of use (a template, named by its content) or exactly what
// the next apply finds and goes on from (the record).
type linkWriter struct {
	view  *hubview.View
	model linkModel
	state *linkModel // nil: it is created
	diags *diag.Diagnostics

	record   registry.HubRecord
	existing *onboarding.Customer // nil: the hub has no such customer
	todo     linkWrite
	link     onboarding.Link // as it was written
}

// once takes all steps. It stops without an error if it was said in the
// diagnostics what is wrong.
func (w *linkWriter) once(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		w.load,
		w.decide,
		w.allowReading, // which S3 may refuse, and then nothing is done
		w.publishTemplate,
		w.save,
		w.allowPublishing, // after the record, which keeps the permission from being swept away
	} {
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
	if desired.set, err = w.loadSet(ctx); err != nil || w.diags.HasError() {
		return err
	}
	desired.continued = w.view.HasClosed(w.model.CustomerID.ValueString())
	todo, d := desired.issue(w.existing)
	w.diags.Append(d...)
	w.todo, w.link = todo, todo.link
	return nil
}

// newPublishers reports whether the link lets accounts publish that it did not
// let before, or for which that was not finished.
func (w *linkWriter) newPublishers() bool {
	return w.existing == nil || w.todo.takeover || w.existing.Link.Closed || !samePublishers(w.existing.Link, w.todo.link)
}

func (w *linkWriter) allowReading(ctx context.Context) error {
	if !w.newPublishers() {
		return nil
	}
	return allowReading(ctx, w.view, w.record, w.todo.link)
}

func (w *linkWriter) publishTemplate(ctx context.Context) error {
	if w.todo.body == nil {
		return nil
	}
	_, err := w.view.Hub.PublishTemplate(ctx, w.record, w.todo.body)
	return err
}

// save writes the link's record.
func (w *linkWriter) save(ctx context.Context) error {
	link, now := w.todo.link, w.view.Now().UTC()
	link.Incarnation = w.incarnation(now)
	if w.existing == nil {
		link.CreatedAt = now
	} else {
		link = w.existing.Follow(link, now)
	}
	if w.state != nil && w.existing.Link.SameRecord(link) {
		w.link = link // only the set has changed
		return nil
	}
	written, err := w.todo.save(w.view.Registry, ctx, link)
	if err != nil {
		return err
	}
	w.link = written
	w.view.WroteLink(written)
	if w.todo.takeover {
		w.diags.Append(linkTakenOver(w.view.Name, written.CustomerID))
	}
	return nil
}

// incarnation returns a new one for a link that is created. One that is opened again
// in place gets that of the state, and one that is changed keeps its own, whoever
// holds it.
func (w *linkWriter) incarnation(now time.Time) onboarding.Incarnation {
	switch {
	case w.state == nil:
		return newIncarnation(now)
	case w.existing.Link.Closed:
		return onboarding.Incarnation{ID: w.state.Incarnation.ValueString(), Since: now}
	}
	return w.existing.Link.Incarnation
}

func (w *linkWriter) allowPublishing(ctx context.Context) error {
	if !w.newPublishers() {
		return nil
	}
	return allowPublishing(ctx, w.view, w.link)
}

// close closes the customer's link, if it is still the one that the state holds:
// otherwise it says so. Record and external ID stay.
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
	if !link.Incarnation.HeldBy(state.Incarnation.ValueString()) {
		if !link.Closed {
			diags.Append(leftOpen(link))
		}
		return nil
	}
	if err := r.release(ctx, view, found); err != nil || link.Closed {
		return err
	}
	link.Closed, link.ClosedAt = true, view.Now().UTC()
	if link, err = view.Registry.UpdateLink(ctx, link); err != nil {
		return err
	}
	view.ClosedLink(link)
	return nil
}

// release ends adoptions: no stack's Delete ever will.
func (r *linkResource) release(ctx context.Context, view *hubview.View, customer onboarding.Customer) error {
	for _, reg := range customer.Registrations {
		released, entry := onboarding.Release(reg, view.Now().UTC())
		if entry == nil {
			continue
		}
		if _, err := view.Registry.PutHealth(ctx, released, *entry); err != nil {
			return err
		}
	}
	return nil
}
