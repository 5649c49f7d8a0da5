// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package customers issues, changes and closes the onboarding links of a hub's
// customers. Terraform, the onboarding API and the commands all use it, so that a
// link is the same whichever of them issues it.
//
// [Desired] decides, without any call, what has to be written for a link. A [Write]
// makes the changes, in steps after any of which it can be interrupted and repeated.
// [Service] combines both for callers without a state of their own.
package customers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// Desired is a link as it is declared, on the hub as it is now or will be.
type Desired struct {
	Record      registry.HubRecord
	CustomerID  string
	Owner       onboarding.Owner
	Fleet       string // the fleet that declares the link; empty: it has its own declaration
	Scope       Scope
	ExternalID  account.ExternalID // defined by the vendor; zero: the hub issues one
	Version     int                // of the external ID that the hub issues; 0: unchanged
	Declaration declaration.Declaration
	Set         *onboarding.PermissionSet // the set that the link refers to; nil: the declaration is complete without one

	// Creating is set if the caller's state has no link of the customer, or one that
	// is being replaced.
	Creating bool

	// Replacing is set if the existing open link is the caller's own and is being
	// replaced by this one, so that it may differ.
	Replacing bool
	// Continued is set if the caller itself has closed the link, in order to replace
	// it by this one.
	Continued bool
	// Adopting is set if the open link may be taken over from another owner.
	Adopting bool
	// Template is what the caller knows about an open link's template.
	Template KnownTemplate
}

// KnownTemplate is the information about a link's template in a caller's own state.
type KnownTemplate struct {
	RenderedFor string // digest of the hub that it was rendered for, if the link's record has none
	StillValid  bool   // the hub needs no other template, even if its record has changed since
	Missing     bool   // it was deleted from the bucket
}

// Write contains the changes to make for a link.
type Write struct {
	Link     onboarding.Link
	Takeover bool // an open link with the same settings is taken over

	body []byte // the template to publish; nil: it is published already
	save func(*registry.Registry, context.Context, onboarding.Link) (onboarding.Link, error)
}

// Renders reports whether a template has to be published for the link.
func (w Write) Renders() bool { return w.body != nil }

// Issue returns what to write for the link, given the registry's record of the
// customer (nil: none). Terraform calls it in the plan and in the apply, and must get
// the same link from both although the link may be open in the plan and closed in the
// apply: see [onboarding.Customer.Reissue].
func (d Desired) Issue(existing *onboarding.Customer) (Write, error) {
	link := onboarding.Link{Hub: d.Record.Name, CustomerID: d.CustomerID, Shard: d.Record.ShardOf(d.CustomerID)}
	w := Write{save: (*registry.Registry).CreateLink}
	if existing != nil {
		link, w.save = existing.Link, (*registry.Registry).UpdateLink
	}
	before := link
	if existing != nil && !link.Closed && link.Owner != d.Owner && !d.Adopting && !d.Replacing {
		return Write{}, &OwnedError{Hub: d.Record.Name, CustomerID: d.CustomerID, Owner: link.Owner}
	}
	if existing != nil && !link.Closed && !d.Creating && link.Fleet != d.Fleet {
		return Write{}, &InFleetError{Hub: d.Record.Name, CustomerID: d.CustomerID, Fleet: link.Fleet, Wanted: d.Fleet}
	}
	d.Scope = d.Scope.keepNamedAccount(link)
	if existing != nil && d.Creating && !link.Closed && !d.Replacing {
		if difference := d.DiffersFrom(link); difference != "" {
			differs := &DiffersError{d.Record.Name, d.CustomerID, difference}
			if link.Fleet != d.Fleet {
				return Write{}, &InFleetError{Hub: d.Record.Name, CustomerID: d.CustomerID, Fleet: link.Fleet, Wanted: d.Fleet, Differs: differs}
			}
			return Write{}, differs
		}
		w.Takeover = true
	}
	link = d.Scope.ApplyTo(link)
	link.Owner, link.Fleet = d.Owner, d.Fleet
	if existing != nil && (d.Creating || before.Closed) {
		link = existing.Reissue(link, !before.Closed || d.Continued)
	}
	link, err := d.identify(link, before)
	if err != nil {
		return Write{}, err
	}
	if existing != nil {
		if err := d.refuseUnderLiveStack(*existing, link); err != nil {
			return Write{}, err
		}
		if link.ExternalID != before.ExternalID {
			w.save = (*registry.Registry).ReissueLink
		}
	}
	link.Closed, link.ClosedAt = false, time.Time{}
	w.Link = link
	return w, d.declare(&w, before)
}

// declare sets the declaration in the link, and renders its template if the current
// one is no longer right. A link that is created always gets a template of this
// release, whether it was open or closed before, so that plan and apply agree.
func (d Desired) declare(w *Write, before onboarding.Link) error {
	if d.Set != nil {
		return d.referToSet(w, before)
	}
	declared, link := d.Declaration, &w.Link
	link.PermissionSet, link.Set = "", nil
	spec, fields := declared.Specification(d.Record.Hub)
	if err := errors.Join(invalid(fields), d.checkRegion(before)); err != nil {
		return err
	}
	link.RoleName, link.RolePath = declared.Role.Name, declared.Role.Path
	link.TrustedPrincipals, link.AdditionalRoles = spec.Provers(spec.Vendor), declaration.AdditionalRoles(spec)
	link.RegisterWithoutStack = declared.RegisterWithoutStack
	link.ExpiresAt = declared.Expires()
	link.Declared = declared.Encode()
	link.TemplateVersion = stacktemplate.Version(spec)
	link.RenderedFor = declaration.HubRendering(d.Record.Hub)
	if made := cmp.Or(before.RenderedFor, d.Template.RenderedFor); d.keepsTemplate(before, *link, made) && !needsRotation(*link, before.TemplateParameters) {
		link.RenderedFor = made
		return nil
	}
	template, err := stacktemplate.Render(spec)
	if err != nil {
		return &RenderError{err}
	}
	w.body = template.JSON()
	link.TemplateURL, link.TemplateParameters = hub.TemplateURL(d.Record, template.Digest()), template.LinkParameters()
	return nil
}

// keepsTemplate reports whether the link's template, rendered for the hub with the
// given digest, is still right. Then it is not rendered again, whichever release has
// rendered it.
func (d Desired) keepsTemplate(before, next onboarding.Link, made string) bool {
	old, err := declaration.Of(before)
	return err == nil && !d.Creating && !before.Closed && before.TemplateURL != "" && !d.Template.Missing &&
		before.TemplateVersion == next.TemplateVersion && (d.Template.StillValid || made == next.RenderedFor) &&
		old.Region == d.Declaration.Region && old.SameWording(d.Declaration.Choices)
}

// referToSet makes the link refer to the desired set.
func (d Desired) referToSet(w *Write, before onboarding.Link) error {
	err := d.checkRegion(before)
	if name := d.Set.RoleOf(d.CustomerID); account.CheckRoleName(name) != nil {
		err = errors.Join(err, &Refusal{"permission_set", "The default role name is too long", fmt.Sprintf(
			"Permission set %s has no role_name, so this customer's role is called %q, which has %d characters, and IAM allows 64. Set role_name in the set, or choose a shorter customer_id.",
			d.Set.Name, name, len(name))})
	}
	for _, a := range d.Set.AdditionalRoles {
		if name := permissionset.AdditionalRoleName(d.Set.RoleOf(d.CustomerID), a.Key); account.CheckRoleName(name) != nil {
			err = errors.Join(err, &Refusal{"permission_set", "The name of an additional role is too long", fmt.Sprintf(
				"In permission set %s this customer's additional role %s is called %q, which has %d characters, and IAM allows 64. Choose a shorter key or role_name in the set, or a shorter customer_id.",
				d.Set.Name, a.Key, name, len(name))})
		}
	}
	if needsRotation(w.Link, d.Set.TemplateParameters) {
		err = errors.Join(err, setWithoutRotation(*d.Set))
	}
	w.Link.ExpiresAt = d.Declaration.Expires()
	w.Link.Declared = d.Declaration.EncodeProposal()
	w.Link = w.Link.WithSet(*d.Set)
	return err
}

// FullDeclaration returns the link's declaration with the contents of its set.
func (d Desired) FullDeclaration() declaration.Declaration {
	if d.Set == nil {
		return d.Declaration
	}
	whole, err := d.Declaration.Referring(*d.Set, d.CustomerID)
	if err != nil {
		return d.Declaration
	}
	return whole
}

// checkRegion refuses a Region in which the hub has no topic, unless the open link
// has the Region already: a hub that leaves it warns of that, and the template
// informs the customer.
func (d Desired) checkRegion(before onboarding.Link) error {
	if old, err := declaration.Proposed(before); err == nil && !d.Creating && !before.Closed && old.Region == d.Declaration.Region {
		return nil
	}
	region, err := account.ParseRegion(d.Declaration.Region)
	if err == nil && slices.Contains(d.Record.Regions, region) {
		return nil
	}
	names := make([]string, len(d.Record.Regions))
	for i, region := range d.Record.Regions {
		names[i] = region.String()
	}
	return &Refusal{"region", "Region not in the hub", fmt.Sprintf(
		"Region %s is not a Region of hub %s: add it to the hub's regions, or choose one of %s.",
		d.Declaration.Region, d.Record.Name, strings.Join(names, ", "))}
}

// DiffersFrom returns the first attribute in which an open link differs from the
// desired one; empty if there is none.
func (d Desired) DiffersFrom(link onboarding.Link) string {
	found, err := declaration.Proposed(link)
	switch {
	case err != nil:
		return "a declaration that can't be read"
	case d.setDiffersFrom(link):
		return "permission_set"
	case d.Scope.differsFrom(link) != "":
		return d.Scope.differsFrom(link)
	case d.Version != 0 && stored(d.Version) != link.ExternalIDVersion:
		return "external_id_version"
	case !d.ExternalID.IsZero() && link.ExternalID != d.ExternalID:
		return "external_id"
	}
	return d.Declaration.DiffersFrom(found)
}

// setDiffersFrom reports whether an open link does not refer to the desired set.
func (d Desired) setDiffersFrom(link onboarding.Link) bool {
	if d.Set == nil {
		return link.PermissionSet != ""
	}
	return link.PermissionSet != d.Set.Name
}

// refuseUnderLiveStack returns an error if the link differs in what a live stack was
// created with: its account, or the external ID that its role asks for, unless that
// is a rotation.
func (d Desired) refuseUnderLiveStack(existing onboarding.Customer, link onboarding.Link) error {
	var errs []error
	for _, r := range existing.Live() {
		keeps := r.ExternalID == link.ExternalID || d.rotates(existing.Link, link) ||
			link.ExternalID == existing.Link.ExternalID && r.Rotating(existing.Link)
		if r.Adopted() && (r.Account != d.Scope.Account || !keeps) {
			errs = append(errs, &Refusal{"", fmt.Sprintf("Customer %s has an adopted role in account %s", d.CustomerID, r.Account), fmt.Sprintf(
				"account_id and external_id can't change while role %s is registered. Release it first: xacct adopt %s --hub %s --release", r.Role, d.CustomerID, d.Record.Name)})
			continue
		}
		if moved := d.Scope.refuseMove(existing.Link, r); moved != nil {
			errs = append(errs, moved)
		} else if !keeps {
			errs = append(errs, &Refusal{"external_id", fmt.Sprintf("Customer %s has a live stack with another external ID", d.CustomerID), fmt.Sprintf(
				"external_id can't change while it lives: the role of stack %s asks for the one that it was made with. To give it a new one, leave external_id out and raise external_id_version.", r.Stack)})
		}
	}
	return errors.Join(errs...)
}
