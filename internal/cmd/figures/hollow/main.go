// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command hollow is the provider with the same schemas, but with a create, read,
// update and delete that only replace unknown values with known ones. It shows what
// Terraform and the framework cost, which no provider with these schemas can avoid.
package main

import (
	"context"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	xacct "github.com/xacct/terraform-provider-xacct/internal/provider"
)

type hollowProvider struct{ provider.Provider }

func (hollowProvider) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}

func (p hollowProvider) Resources(ctx context.Context) []func() resource.Resource {
	var all []func() resource.Resource
	for _, make := range p.Provider.Resources(ctx) {
		all = append(all, func() resource.Resource { return hollowResource{make()} })
	}
	return all
}

// hollowResource has the schema of a real resource.
type hollowResource struct{ real resource.Resource }

func (h hollowResource) Metadata(ctx context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	h.real.Metadata(ctx, req, resp)
}

func (h hollowResource) Schema(ctx context.Context, req resource.SchemaRequest, resp *resource.SchemaResponse) {
	h.real.Schema(ctx, req, resp)
}

func (h hollowResource) Create(_ context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	raw, err := known(req.Plan.Raw)
	if err != nil {
		resp.Diagnostics.AddError("Hollow", err.Error())
	}
	resp.State.Raw = raw
}

func (h hollowResource) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (h hollowResource) Update(_ context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	raw, err := known(req.Plan.Raw)
	if err != nil {
		resp.Diagnostics.AddError("Hollow", err.Error())
	}
	resp.State.Raw = raw
}

func (h hollowResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

// known returns a resource with its unknown values replaced.
func known(raw tftypes.Value) (tftypes.Value, error) {
	var attributes map[string]tftypes.Value
	if err := raw.As(&attributes); err != nil {
		return raw, err
	}
	id := idOf(attributes)
	return tftypes.Transform(raw, func(_ *tftypes.AttributePath, v tftypes.Value) (tftypes.Value, error) {
		switch {
		case v.IsKnown():
			return v, nil
		case v.Type().Is(tftypes.String):
			return tftypes.NewValue(tftypes.String, id), nil
		case v.Type().Is(tftypes.Bool):
			return tftypes.NewValue(tftypes.Bool, false), nil
		case v.Type().Is(tftypes.Number):
			return tftypes.NewValue(tftypes.Number, 0), nil
		}
		return tftypes.NewValue(v.Type(), nil), nil
	})
}

// idOf returns an ID of the form that other resources refer to.
func idOf(attributes map[string]tftypes.Value) string {
	text := func(name string) (s string) {
		if v, there := attributes[name]; there && v.IsKnown() && !v.IsNull() {
			_ = v.As(&s)
		}
		return s
	}
	if link := text("link"); link != "" {
		return link
	}
	id := text("name") + text("customer_id")
	if hub := text("hub"); hub != "" {
		id = hub + "/" + id
	}
	return id
}

func main() {
	serve := func() provider.Provider { return hollowProvider{xacct.New("hollow")()} }
	if err := providerserver.Serve(context.Background(), serve, providerserver.ServeOpts{Address: "registry.terraform.io/xacct/xacct"}); err != nil {
		log.Fatal(err)
	}
}
