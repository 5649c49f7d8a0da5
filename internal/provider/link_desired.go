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
	set         *onboarding.PermissionSet // that the link refers to; nil: the declaration is all of it

	creating bool // Terraform has no state of it, or only one that is being replaced

	// replacing is set in a plan if the open link that is there belongs to a state
	// of this very operation: it is closed before it is created, whatever it says.
	replacing bool
	// continued is set if this operation itself has closed the link.
	continued bool
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
	link     onboarding.Link
	body     []byte // template to publish; nil: it is published already
	save     func(*registry.Registry, context.Context, onboarding.Link) (onboarding.Link, error)
	takeover bool // the link is open, and says the same
}

// issue decides how the link comes to be, given what the registry knows of the
// customer (nil: nothing). Plan and apply both get here, and come to the same
// link although the one may see it open and the other closed: see
// [onboarding.Customer.Reissue].
func (d desiredLink) issue(existing *onboarding.Customer) (linkWrite, diag.Diagnostics) {
	link := onboarding.Link{Hub: d.record.Name, CustomerID: d.customerID, Shard: d.record.ShardOf(d.customerID)}
	w := linkWrite{save: (*registry.Registry).CreateLink}
	if existing != nil {
		link, w.save = existing.Link, (*registry.Registry).UpdateLink
	}
	before := link
	if existing != nil && d.creating && !link.Closed && !d.replacing {
		if difference := d.differsFrom(link); difference != "" {
			return linkWrite{}, diag.Diagnostics{linkDiffers(d.record.Name, d.customerID, difference)}
		}
		w.takeover = true
	}
	link = d.scope.applyTo(link)
	if existing != nil && (d.creating || before.Closed) {
		link = existing.Reissue(link, !before.Closed || d.continued)
	}
	if !d.externalID.IsZero() {
		link.ExternalID = d.externalID
	}
	if link.ExternalID.IsZero() {
		link.ExternalID = onboarding.ExternalID(d.record.Key.Bytes(), d.record.Name, d.customerID, link.Generation)
	}
	if existing != nil {
		if diags := d.refuseUnderLiveStack(*existing, link.ExternalID); diags.HasError() {
			return linkWrite{}, diags
		}
		if link.ExternalID != before.ExternalID {
			w.save = (*registry.Registry).ReissueLink
		}
	}
	link.Closed, link.ClosedAt = false, time.Time{}
	w.link = link
	return w, d.declare(&w, before)
}

// declare puts the declaration into the link, and renders its template if the
// one that it has is no longer right. One that is created gets a template of
// this release, open or closed before, so that plan and apply come to the same.
func (d desiredLink) declare(w *linkWrite, before onboarding.Link) diag.Diagnostics {
	if d.set != nil {
		return d.refer(w)
	}
	var diags diag.Diagnostics
	declared, link := d.declaration, &w.link
	link.PermissionSet, link.Set = "", nil
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
	if err == nil && !d.creating && !before.Closed && before.TemplateURL != "" && before.TemplateVersion == link.TemplateVersion && old.Region == declared.Region && old.SameWording(declared.Choices) {
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
	d.checkRegion(diags)
	return spec
}

// checkRegion refuses a Region that the hub has no topic in.
func (d desiredLink) checkRegion(diags *diag.Diagnostics) {
	region, err := account.ParseRegion(d.declaration.Region)
	if err != nil || !slices.Contains(d.record.Regions, region) {
		diags.AddAttributeError(path.Root("region"), "Not a Region of the hub", fmt.Sprintf(
			"Region %s is none of the Regions of hub %s: add it to the hub's regions, or choose one of %s.",
			d.declaration.Region, d.record.Name, strings.Join(regionNames(d.record.Regions), ", ")))
	}
}

// differsFrom names the first attribute in which an open link is not the one
// that is wanted.
func (d desiredLink) differsFrom(link onboarding.Link) string {
	found, err := declaration.Proposed(link)
	switch {
	case err != nil:
		return "a declaration that can't be read"
	case d.setDiffersFrom(link) != "":
		return d.setDiffersFrom(link)
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
