// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// desiredSet is a permission set as it is declared, on the hub as it is or will be.
type desiredSet struct {
	record   registry.HubRecord
	name     string
	declared permissionset.Set

	creating bool // Terraform has no state of it, or only one that is being replaced
	// replacing is set in a plan if the set that is there belongs to a state of this
	// very operation, which retires it before it is created.
	replacing bool
	// missing is set if the set's template was deleted from the bucket.
	missing bool
}

// setWrite is what has to be written for a set.
type setWrite struct {
	set      onboarding.PermissionSet
	body     []byte // template to publish; nil: it is published already
	takeover bool   // the set is there, not retired, and says the same
}

// issue decides how the set comes to be, given what the registry has of it (nil:
// nothing). Plan and apply both get here, and come to the same although the one
// may see it as it was and the other retired.
func (d desiredSet) issue(existing *onboarding.PermissionSet) (setWrite, diag.Diagnostics) {
	set := onboarding.PermissionSet{Hub: d.record.Name, Name: d.name}
	if existing != nil {
		set = *existing
	}
	w := setWrite{takeover: existing != nil && d.creating && !d.replacing && !set.Retired()}
	if w.takeover {
		if difference := d.differsFrom(set); difference != "" {
			return setWrite{}, diag.Diagnostics{setDiffers(set, difference)}
		}
	}
	var diags diag.Diagnostics
	spec, errs := declaration.Specification(d.record.Hub, d.declared)
	if diags.Append(fieldErrors(setFields(errs))...); diags.HasError() {
		return setWrite{}, diags
	}
	set.RetiredAt = time.Time{}
	set.RoleName, set.RolePath = d.declared.Role.Name, d.declared.Role.Path
	set.TrustedPrincipals, set.AdditionalRoles = spec.Provers(spec.Vendor), declaration.AdditionalRoles(spec)
	set.RegisterWithoutStack = d.declared.RegisterWithoutStack
	set.Declared = declaration.EncodeSet(d.declared)
	set.TemplateVersion = stacktemplate.Version(spec)
	rendering := declaration.Rendering(spec)
	if existing != nil && !d.creating && !d.missing && existing.Rendered == rendering {
		w.set = set
		return w, nil // it keeps the renderer that made its template, which is there as long as the set is
	}
	template, err := stacktemplate.Render(spec)
	if err != nil {
		return setWrite{}, diag.Diagnostics{cannot("render the template of", setNamed(d.record.Name, d.name), "", err)}
	}
	w.body = template.JSON()
	set.Rendered = rendering
	set.TemplateURL, set.TemplateParameters = hub.TemplateURL(d.record, template.Digest()), template.LinkParameters()
	w.set = set
	return w, nil
}

// differsFrom names the first attribute in which a set that is there is not the
// one that is wanted.
func (d desiredSet) differsFrom(set onboarding.PermissionSet) string {
	found, err := declaration.OfSet(set)
	if err != nil {
		return "a declaration that can't be read"
	}
	return setField(permissionset.Differs(d.declared, found))
}
