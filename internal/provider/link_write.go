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
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// wanted is a link as it is declared, on the hub as it is or will be.
type wanted struct {
	record      registry.HubRecord
	customer    string
	account     account.ID
	scope       onboarding.Scope
	externalID  account.ExternalID // set by the vendor; zero: the hub issues one
	declaration declaration.Declaration

	organization account.OrganizationID
	onlyAccounts []account.ID

	creating bool // Terraform has no state of it
}

// issue is what has to be written for it. Plan and apply both get here, with
// the same inputs, and so come to the same link.
type issue struct {
	link  onboarding.Link
	body  []byte // template to publish; nil: it is published already
	write func(*registry.Registry, context.Context, onboarding.Link) (onboarding.Link, error)
	adopt bool // the link is there, as an interrupted apply left it
}

// issueLink decides how a declared link comes to be, given what the registry
// knows of the customer (nil: nothing).
func issueLink(w wanted, existing *onboarding.Customer) (issue, diag.Diagnostics) {
	link := onboarding.Link{Hub: w.record.Name, CustomerID: w.customer, Shard: w.record.ShardOf(w.customer)}
	write := (*registry.Registry).CreateLink
	generation, externalID := 0, account.ExternalID{}
	if existing != nil {
		link = existing.Link
		write = (*registry.Registry).UpdateLink
		generation, externalID = link.Generation, link.ExternalID
	}
	switch {
	case existing == nil:
	case w.creating && !link.Closed:
		if difference := w.differsFrom(link); difference != "" {
			return issue{}, diag.Diagnostics{linkDiffers(w.record.Name, w.customer, difference)}
		}
		return issue{link: link, adopt: true}, nil
	case link.Closed && !w.aliveIn(*existing):
		// A customer who comes back after offboarding is onboarded anew: what
		// was known of them then opens nothing now.
		generation, externalID = generation+1, account.ExternalID{}
		link.Bound, link.Reservation = account.ID{}, nil
	}
	if !w.externalID.IsZero() {
		externalID = w.externalID
	}
	if externalID.IsZero() {
		externalID = onboarding.ExternalID(w.record.Key.Bytes(), w.record.Name, w.customer, generation)
	}
	if existing != nil {
		if diags := refuseUnderLiveStack(w, *existing, externalID); diags.HasError() {
			return issue{}, diags
		}
		if externalID != link.ExternalID {
			write = (*registry.Registry).ReissueLink
		}
	}
	before := link
	link = w.expectedBy(link)
	link.Generation, link.ExternalID = generation, externalID
	link.Closed, link.ClosedAt = false, time.Time{}
	result := issue{link: link, write: write}
	return result, w.declare(&result, before)
}

// declare puts the declaration into the link, and renders its template where
// the one that it has is no longer right.
func (w wanted) declare(i *issue, before onboarding.Link) diag.Diagnostics {
	var diags diag.Diagnostics
	d, link := w.declaration, &i.link
	spec := w.specification(&diags)
	if diags.HasError() {
		return diags
	}
	link.RoleName, link.RolePath = d.Role.Name, d.Role.Path
	link.TrustedPrincipals, _ = spec.Principals() // validated
	link.ExpiresAt = d.Expires()
	link.Declared = d.Encode()
	link.TemplateVersion = stacktemplate.Version(spec)

	old, err := declaration.Of(before)
	if err == nil && !before.Closed && before.TemplateURL != "" && before.TemplateVersion == link.TemplateVersion && old.Region == d.Region && old.SameWording(d.Choices) {
		return diags // a link keeps the renderer that made its template, which is there as long as the link is open
	}
	template, err := stacktemplate.Render(spec)
	if err != nil {
		diags.Append(cannot("render the template of", onCustomer(w.record.Name, w.customer), "", err))
		return diags
	}
	i.body = template.JSON()
	link.TemplateURL = hub.TemplateURL(w.record, template.Digest())
	return diags
}

// specification is that of the link's template, checked.
func (w wanted) specification(diags *diag.Diagnostics) stacktemplate.Specification {
	spec, errs := w.declaration.Specification(w.record.Hub)
	diags.Append(onAttributes(errs)...)
	region, err := account.ParseRegion(w.declaration.Region)
	if err != nil || !slices.Contains(spec.Regions, region) {
		diags.AddAttributeError(path.Root("region"), "Not a Region of the hub", fmt.Sprintf(
			"Region %s is none of the Regions of hub %s: add it to the hub's regions, or choose one of %v.",
			w.declaration.Region, w.record.Name, regionNames(spec.Regions)))
	}
	return spec
}

// differsFrom names the first attribute in which an open link is not the one
// that is wanted.
func (w wanted) differsFrom(link onboarding.Link) string {
	found, err := declaration.Of(link)
	switch {
	case err != nil:
		return "a declaration that can't be read"
	case w.expects(link) != "":
		return w.expects(link)
	case !w.externalID.IsZero() && link.ExternalID != w.externalID:
		return "external_id"
	}
	return w.declaration.DiffersFrom(found)
}

// refuseUnderLiveStack keeps what a live stack was made with: the account that
// it is in, and the external ID that its role asks for.
func refuseUnderLiveStack(w wanted, existing onboarding.Customer, externalID account.ExternalID) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, r := range live(existing) {
		if r.Adopted() && (r.Account != w.account || r.ExternalID != externalID) {
			diags.AddError(fmt.Sprintf("Customer %s has an adopted role in account %s", w.customer, r.Account), fmt.Sprintf(
				"account_id and external_id can't change while role %s is registered. Give it up first: xacct adopt %s --hub %s --release", r.Role, w.customer, w.record.Name))
			continue
		}
		if moved := w.refuseToMove(existing.Link, r); moved != nil {
			diags.Append(moved)
		} else if r.ExternalID != externalID {
			diags.AddAttributeError(path.Root("external_id"), fmt.Sprintf("Customer %s has a live stack with another external ID", w.customer), fmt.Sprintf(
				"external_id can't change while it lives: the role of stack %s asks for the one that it was made with.", r.Stack))
		}
	}
	return diags
}

// aliveIn reports whether a stack lives that the link would be for.
func (w wanted) aliveIn(c onboarding.Customer) bool {
	link := w.expectedBy(c.Link)
	return slices.ContainsFunc(live(c), func(r onboarding.Registration) bool { return link.Admits(r.Account) })
}

// writeAttempts is how often a write that met another one starts over.
const writeAttempts = 5

// write makes the link what the model says: permission to read templates (which
// S3 may refuse, and then nothing is done), template, record, permission to
// publish, in this order. Whatever an interrupted apply leaves behind is either
// out of use (a template, named by its content) or exactly what the next apply
// finds and goes on from (the record); and the record stands before the
// permission, because it is what keeps the permission from being swept away.
func (r *linkResource) write(ctx context.Context, in *intake, model linkModel, state *linkModel, diags *diag.Diagnostics) (onboarding.Link, bool) {
	customer := model.CustomerID.ValueString()
	for attempt := 1; ; attempt++ {
		link, err := r.writeOnce(ctx, in, model, state, diags)
		var exists *registry.LinkExistsError
		if (errors.Is(err, registry.ErrConflict) || errors.As(err, &exists)) && attempt < writeAttempts {
			in.forget()
			continue
		}
		var taken *registry.ExternalIDTakenError
		refused, isRefused := cannotRead(in.name, customer, err)
		switch {
		case isRefused:
			diags.Append(refused)
		case errors.Is(err, registry.ErrNoHub):
			diags.Append(noHub(onCustomer(in.name, customer), in.name))
		case errors.As(err, &taken):
			diags.Append(externalIDTaken(taken.CustomerID, taken.ExternalID.String()))
		case err != nil:
			diags.Append(cannot("write the link of", onCustomer(in.name, customer), "The next apply goes on from what is there.", err))
		}
		return link, !diags.HasError()
	}
}

func (r *linkResource) writeOnce(ctx context.Context, in *intake, model linkModel, state *linkModel, diags *diag.Diagnostics) (onboarding.Link, error) {
	none := onboarding.Link{}
	record, err := in.record(ctx)
	if err != nil {
		return none, err
	}
	existing, err := in.find(ctx, model.CustomerID.ValueString())
	if err != nil {
		return none, err
	}
	if existing == nil && state != nil {
		return none, fmt.Errorf("it is in the state, but not in the registry: refresh, and apply again: %w", registry.ErrNoLink)
	}
	if model.Region.IsUnknown() { // the hub was not there when it was planned
		model.Region = types.StringValue(record.Region.String())
	}
	w := model.wanted(ctx, record, state == nil, diags)
	if diags.HasError() {
		return none, nil
	}
	todo, d := issueLink(w, existing)
	if diags.Append(d...); diags.HasError() {
		return none, nil
	}
	joins := existing == nil || todo.adopt || existing.Link.Closed || !sameWho(existing.Link, todo.link)
	if joins {
		if err := in.letRead(ctx, record, todo.link); err != nil {
			return none, err
		}
	}
	if todo.body != nil {
		if _, err := in.hub.PublishTemplate(ctx, record, todo.body); err != nil {
			return none, err
		}
	}
	link := todo.link
	switch {
	case todo.adopt:
		diags.Append(linkAdopted(in.name, link.CustomerID))
	default:
		if now := r.session.now().UTC(); existing == nil {
			link.CreatedAt = now
		} else {
			link = existing.Follow(link, now)
		}
		if link, err = todo.write(in.registry, ctx, link); err != nil {
			return none, err
		}
		in.wroteLink(link)
	}
	if joins {
		if err := in.letPublish(ctx, link); err != nil {
			return none, err
		}
	}
	return link, nil
}

// find is a customer, or nil where the hub definitely has none of the ID.
func (in *intake) find(ctx context.Context, customer string) (*onboarding.Customer, error) {
	found, err := in.customer(ctx, customer)
	if errors.Is(err, registry.ErrNoLink) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &found, nil
}

// wanted is the model as a link to be; everything declared in it is known.
func (m linkModel) wanted(ctx context.Context, record registry.HubRecord, creating bool, diags *diag.Diagnostics) wanted {
	w := wanted{
		record:      record,
		customer:    m.CustomerID.ValueString(),
		declaration: m.declared(ctx, diags),
		creating:    creating,
	}
	if text := m.ExternalID.ValueString(); text != "" {
		var err error
		if w.externalID, err = account.ParseExternalID(text); err != nil {
			diags.AddAttributeError(path.Root("external_id"), "Not an external ID", sentence(err.Error()))
		}
	}
	w.expect(ctx, m, diags)
	return w
}
