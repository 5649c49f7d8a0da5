// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"

	data "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
)

// asData returns the attributes of a resource as those of a data source, so that
// common attributes are declared once. Computed attributes remain computed. An
// attribute that a resource computes if it is omitted becomes optional, and reading
// sets it, because the schema of a data source has no defaults.
func asData(attributes map[string]schema.Attribute) map[string]data.Attribute {
	converted := make(map[string]data.Attribute, len(attributes))
	for name, attribute := range attributes {
		converted[name] = oneAsData(attribute)
	}
	return converted
}

// oneAsData returns one attribute. It panics for an attribute type that it doesn't
// support; the tests of every schema find that.
func oneAsData(attribute schema.Attribute) data.Attribute {
	required, text := attribute.IsRequired(), attribute.GetMarkdownDescription()
	computed := attribute.IsComputed() && !attribute.IsOptional()
	optional := !required && !computed
	switch a := attribute.(type) {
	case schema.StringAttribute:
		return data.StringAttribute{Required: required, Optional: optional, Computed: computed, Validators: a.Validators, MarkdownDescription: text}
	case schema.BoolAttribute:
		return data.BoolAttribute{Required: required, Optional: optional, Computed: computed, Validators: a.Validators, MarkdownDescription: text}
	case schema.Int64Attribute:
		return data.Int64Attribute{Required: required, Optional: optional, Computed: computed, Validators: a.Validators, MarkdownDescription: text}
	case schema.SetAttribute:
		return data.SetAttribute{Required: required, Optional: optional, Computed: computed, ElementType: a.ElementType, Validators: a.Validators, MarkdownDescription: text}
	case schema.MapAttribute:
		return data.MapAttribute{Required: required, Optional: optional, Computed: computed, ElementType: a.ElementType, Validators: a.Validators, MarkdownDescription: text}
	case schema.SingleNestedAttribute:
		return data.SingleNestedAttribute{Required: required, Optional: optional, Computed: computed, Attributes: asData(a.Attributes), Validators: a.Validators, MarkdownDescription: text}
	case schema.MapNestedAttribute:
		return data.MapNestedAttribute{
			Required: required, Optional: optional, Computed: computed, NestedObject: data.NestedAttributeObject{Attributes: asData(a.NestedObject.Attributes)},
			Validators: a.Validators, MarkdownDescription: text,
		}
	}
	panic(fmt.Sprintf("no data source has an attribute like %T", attribute))
}
