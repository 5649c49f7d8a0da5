// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

var (
	_ datasource.DataSource              = (*setDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*setDataSource)(nil)
)

// setDataSource reads a permission set, such as one that another Terraform state
// manages.
type setDataSource struct{ configured }

func newSetDataSource() datasource.DataSource { return &setDataSource{} }

func (d *setDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_permission_set"
}

func (d *setDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := map[string]schema.Attribute{}
	for name, attribute := range asData(setSchema().Attributes) {
		attributes[name] = onlyRead(attribute)
	}
	attributes["hub"] = schema.StringAttribute{Required: true, Validators: []validator.String{validHubName()}, MarkdownDescription: "Name of the hub."}
	attributes["name"] = schema.StringAttribute{Required: true, Validators: []validator.String{validSetName()}, MarkdownDescription: "Name of the permission set."}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A permission set that exists, such as one that another Terraform state manages, for links to refer to.",
		Attributes:          attributes,
	}
}

func (d *setDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.take(req.ProviderData, &resp.Diagnostics)
}

func (d *setDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	model := readSet(ctx, req.Config, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	view := d.view(model.text("hub").ValueString(), &resp.Diagnostics)
	if view == nil {
		return
	}
	name := model.text("name").ValueString()
	record, err := view.Record(ctx)
	if errors.Is(err, registry.ErrNoHub) {
		resp.Diagnostics.Append(noSuchHub(view))
		return
	}
	var found *onboarding.PermissionSet
	if err == nil {
		found, err = view.Sets.Find(ctx, name)
	}
	switch {
	case err != nil:
		resp.Diagnostics.Append(cannot("read", setNamed(view.Name, name), "", err))
	case found == nil, found.Retired():
		resp.Diagnostics.AddAttributeError(path.Root("name"), "No "+setNamed(view.Name, name), fmt.Sprintf("The hub has no permission set of this name, or it was deleted. Check the name: 'xacct permission-set list --hub %s' lists the sets.", view.Name))
	default:
		model.flatten(ctx, record, *found, &resp.Diagnostics)
		resp.Diagnostics.Append(resp.State.Set(ctx, model.object(&resp.Diagnostics))...)
	}
}

// onlyRead returns a computed attribute of a data source for an attribute of the
// resource.
func onlyRead(attribute schema.Attribute) schema.Attribute {
	text := attribute.GetMarkdownDescription()
	switch a := attribute.(type) {
	case schema.StringAttribute:
		return schema.StringAttribute{Computed: true, MarkdownDescription: text}
	case schema.BoolAttribute:
		return schema.BoolAttribute{Computed: true, MarkdownDescription: text}
	case schema.Int64Attribute:
		return schema.Int64Attribute{Computed: true, MarkdownDescription: text}
	case schema.SetAttribute:
		return schema.SetAttribute{Computed: true, ElementType: a.ElementType, MarkdownDescription: text}
	case schema.MapAttribute:
		return schema.MapAttribute{Computed: true, ElementType: a.ElementType, MarkdownDescription: text}
	case schema.MapNestedAttribute:
		nested := map[string]schema.Attribute{}
		for name, inner := range a.NestedObject.Attributes {
			nested[name] = onlyRead(inner)
		}
		return schema.MapNestedAttribute{Computed: true, NestedObject: schema.NestedAttributeObject{Attributes: nested}, MarkdownDescription: text}
	}
	panic(fmt.Sprintf("no data source only reads an attribute like %T", attribute))
}
