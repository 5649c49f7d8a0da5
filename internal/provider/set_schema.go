// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// setRoleNames are the attributes of a role that have a longer name in a permission
// set, where they are on one level with the set's own.
var setRoleNames = map[string]string{"name": "role_name", "path": "role_path", "description": "role_description", "tags": "role_tags"}

// setRoleName returns the name in a permission set of an attribute of a role.
func setRoleName(name string) string {
	if longer, there := setRoleNames[name]; there {
		return longer
	}
	return name
}

// setDeclared are the attributes that declare a set. In a link they are attributes of
// the link or of its role.
var setDeclared = sync.OnceValue(func() map[string]schema.Attribute {
	attributes := askedAttributes()
	for name, attribute := range roleAttribute().Attributes {
		attributes[setRoleName(name)] = attribute
	}
	attributes["role_name"] = schema.StringAttribute{
		Optional: true, Validators: []validator.String{validRoleName()},
		MarkdownDescription: "Name of the role in every customer's account, the same for all of them; default `<hub>-<customer_id>` for each. 1 to 64 letters, digits and `_+=,.@-`.",
	}
	return attributes
})

func setSchema() schema.Schema {
	replace := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	attributes := map[string]schema.Attribute{
		"id": schema.StringAttribute{Computed: true, MarkdownDescription: "`hub/name`: what links refer to."},
		"hub": schema.StringAttribute{
			Required: true, PlanModifiers: replace, Validators: []validator.String{validHubName()},
			MarkdownDescription: "The hub's `id`. Forces replacement.",
		},
		"name": schema.StringAttribute{
			Required: true, PlanModifiers: replace, Validators: []validator.String{validSetName()},
			MarkdownDescription: "Name of the set in its hub: 1 to 64 letters, digits and `._-`, beginning with a letter or digit. Forces replacement.",
		},
		"template_version": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "Digest of role, trust and optional permissions. Stacks that were made with another one are `outdated`.",
		},
		"template_url": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "URL of the template. Null if the hub's `template_access` is `presigned`.",
		},
		"incarnation": incarnationAttribute("set"),
	}
	maps.Copy(attributes, setDeclared())
	return schema.Schema{
		MarkdownDescription: "What a vendor asks of many customers: the role, who may assume it, and what customers decide about it. " +
			"Onboarding links refer to it (`permission_set`), so it is written down, reviewed and changed in one place: a change of the set is one write, " +
			"however many customers it has, and the plan shows once what they gain and lose.\n\n" +
			"Changing a set changes nothing in customers' accounts: their roles stay as they are, and `outdated`, until each customer has updated their stack.\n\n" +
			"Deleting a set while open links refer to it retires it: these links stay as they are, and no other can refer to it. " +
			"If it is created again under the same name, it is the same set, and its links follow it.",
		Attributes: attributes,
	}
}

// setModel is xacct_permission_set in configuration, plan and state: values by
// attribute name. The attributes of a role have the core's names (see
// rolespec_flex.go), so that a new attribute of roles needs no field here.
type setModel struct{ values map[string]attr.Value }

// setTypes are the types of a set's attributes.
var setTypes = sync.OnceValue(func() map[string]attr.Type {
	types := map[string]attr.Type{}
	for name, attribute := range setSchema().Attributes {
		types[name] = attribute.GetType()
	}
	return types
})

// getter is the configuration, a plan or a state.
type getter interface {
	Get(ctx context.Context, target any) diag.Diagnostics
}

func readSet(ctx context.Context, from getter, diags *diag.Diagnostics) setModel {
	var object types.Object
	diags.Append(from.Get(ctx, &object)...)
	return setModel{object.Attributes()}
}

// object returns the model as a value for a plan or state.
func (m setModel) object(diags *diag.Diagnostics) types.Object {
	object, d := types.ObjectValue(setTypes(), m.values)
	diags.Append(d...)
	return object
}

func (m setModel) text(name string) types.String {
	text, _ := m.values[name].(types.String)
	return text
}

// declaredKnown reports whether every declared value of a set is known.
func (m setModel) declaredKnown() bool {
	for name := range setDeclared() {
		if !fullyKnown(m.values[name]) {
			return false
		}
	}
	return true
}

// sameDeclared reports whether two models declare the same, in the same spelling.
func (m setModel) sameDeclared(o setModel) bool {
	for name := range setDeclared() {
		if !m.values[name].Equal(o.values[name]) {
			return false
		}
	}
	return true
}
