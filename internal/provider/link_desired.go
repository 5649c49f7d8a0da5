// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// desiredLink is a link as it is declared, on the hub as it is or will be.
type desiredLink struct {
	record      registry.HubRecord
	customerID  string
	scope       linkScope
	externalID  account.ExternalID // set by the vendor; zero: the hub issues one
	declaration declaration.Declaration

	creating bool // Terraform has no state of it
}

// desired returns the link that the model declares; everything declared in it is
// known.
func (m linkModel) desired(ctx context.Context, record registry.HubRecord, creating bool, diags *diag.Diagnostics) desiredLink {
	d := desiredLink{
		record:      record,
		customerID:  m.CustomerID.ValueString(),
		declaration: m.declared(ctx, diags),
		creating:    creating,
	}
	if text := m.ExternalID.ValueString(); text != "" {
		var err error
		if d.externalID, err = account.ParseExternalID(text); err != nil {
			diags.AddAttributeError(path.Root("external_id"), "Not an external ID", sentence(err.Error()))
		}
	}
	d.scope = m.expandScope(ctx, record, diags)
	return d
}

// linkWrite is what has to be written for a link.
type linkWrite struct {
	link  onboarding.Link
	body  []byte // template to publish; nil: it is published already
	save  func(*registry.Registry, context.Context, onboarding.Link) (onboarding.Link, error)
	adopt bool // the link is there, as an interrupted apply left it
}

// issue decides how the link comes to be, given what the registry knows of the
// customer (nil: nothing). Plan and apply both get here, with the same inputs,
// and so come to the same link.
func (d desiredLink) issue(existing *onboarding.Customer) (linkWrite, diag.Diagnostics) {
	link := onboarding.Link{Hub: d.record.Name, CustomerID: d.customerID, Shard: d.record.ShardOf(d.customerID)}
	save := (*registry.Registry).CreateLink
	generation, externalID := 0, account.ExternalID{}
	if existing != nil {
		link = existing.Link
		save = (*registry.Registry).UpdateLink
		generation, externalID = link.Generation, link.ExternalID
	}
	switch {
	case existing == nil:
	case d.creating && !link.Closed:
		if difference := d.differsFrom(link); difference != "" {
			return linkWrite{}, diag.Diagnostics{linkDiffers(d.record.Name, d.customerID, difference)}
		}
		return linkWrite{link: link, adopt: true}, nil
	case link.Closed && !d.livesIn(*existing):
		// A customer who comes back after offboarding is onboarded anew: what
		// was known of them then opens nothing now.
		generation, externalID = generation+1, account.ExternalID{}
		link.Bound, link.Reservation = account.ID{}, nil
	}
	if !d.externalID.IsZero() {
		externalID = d.externalID
	}
	if externalID.IsZero() {
		externalID = onboarding.ExternalID(d.record.Key.Bytes(), d.record.Name, d.customerID, generation)
	}
	if existing != nil {
		if diags := d.refuseUnderLiveStack(*existing, externalID); diags.HasError() {
			return linkWrite{}, diags
		}
		if externalID != link.ExternalID {
			save = (*registry.Registry).ReissueLink
		}
	}
	before := link
	link = d.scope.applyTo(link)
	link.Generation, link.ExternalID = generation, externalID
	link.Closed, link.ClosedAt = false, time.Time{}
	result := linkWrite{link: link, save: save}
	return result, d.declare(&result, before)
}

// declare puts the declaration into the link, and renders its template where
// the one that it has is no longer right.
func (d desiredLink) declare(w *linkWrite, before onboarding.Link) diag.Diagnostics {
	var diags diag.Diagnostics
	declared, link := d.declaration, &w.link
	spec := d.specification(&diags)
	if diags.HasError() {
		return diags
	}
	link.RoleName, link.RolePath = declared.Role.Name, declared.Role.Path
	link.TrustedPrincipals = spec.Provers(spec.Vendor)
	link.ExpiresAt = declared.Expires()
	link.Declared = declared.Encode()
	link.TemplateVersion = stacktemplate.Version(spec)

	old, err := declaration.Of(before)
	if err == nil && !before.Closed && before.TemplateURL != "" && before.TemplateVersion == link.TemplateVersion && old.Region == declared.Region && old.SameWording(declared.Choices) {
		return diags // a link keeps the renderer that made its template, which is there as long as the link is open
	}
	template, err := stacktemplate.Render(spec)
	if err != nil {
		diags.Append(cannot("render the template of", customerNamed(d.record.Name, d.customerID), "", err))
		return diags
	}
	w.body = template.JSON()
	link.TemplateURL, link.TemplateParameters = hub.TemplateURL(d.record, template.Digest()), template.LinkParameters()
	return diags
}

// specification is that of the link's template, checked.
func (d desiredLink) specification(diags *diag.Diagnostics) stacktemplate.Specification {
	spec, errs := d.declaration.Specification(d.record.Hub)
	diags.Append(fieldErrors(errs)...)
	region, err := account.ParseRegion(d.declaration.Region)
	if err != nil || !slices.Contains(spec.Regions, region) {
		diags.AddAttributeError(path.Root("region"), "Not a Region of the hub", fmt.Sprintf(
			"Region %s is none of the Regions of hub %s: add it to the hub's regions, or choose one of %s.",
			d.declaration.Region, d.record.Name, strings.Join(regionNames(spec.Regions), ", ")))
	}
	return spec
}

// differsFrom names the first attribute in which an open link is not the one
// that is wanted.
func (d desiredLink) differsFrom(link onboarding.Link) string {
	found, err := declaration.Of(link)
	switch {
	case err != nil:
		return "a declaration that can't be read"
	case d.scope.differsFrom(link) != "":
		return d.scope.differsFrom(link)
	case !d.externalID.IsZero() && link.ExternalID != d.externalID:
		return "external_id"
	}
	return d.declaration.DiffersFrom(found)
}

// refuseUnderLiveStack keeps what a live stack was made with: the account that
// it is in, and the external ID that its role asks for.
func (d desiredLink) refuseUnderLiveStack(existing onboarding.Customer, externalID account.ExternalID) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, r := range existing.Live() {
		if r.Adopted() && (r.Account != d.scope.account || r.ExternalID != externalID) {
			diags.AddError(fmt.Sprintf("Customer %s has an adopted role in account %s", d.customerID, r.Account), fmt.Sprintf(
				"account_id and external_id can't change while role %s is registered. Give it up first: xacct adopt %s --hub %s --release", r.Role, d.customerID, d.record.Name))
			continue
		}
		if moved := d.scope.refuseMove(existing.Link, r); moved != nil {
			diags.Append(moved)
		} else if r.ExternalID != externalID {
			diags.AddAttributeError(path.Root("external_id"), fmt.Sprintf("Customer %s has a live stack with another external ID", d.customerID), fmt.Sprintf(
				"external_id can't change while it lives: the role of stack %s asks for the one that it was made with.", r.Stack))
		}
	}
	return diags
}

// livesIn reports whether a stack lives that the link would be for.
func (d desiredLink) livesIn(c onboarding.Customer) bool {
	link := d.scope.applyTo(c.Link)
	return slices.ContainsFunc(c.Live(), func(r onboarding.Registration) bool { return link.Admits(r.Account) })
}
