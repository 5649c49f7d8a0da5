// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package steps_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	dataschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// world has the things that the sample provider manages, by name, and a journal of
// the operations on them.
type world struct {
	mu      sync.Mutex
	things  map[string]thing
	journal []string
	prefix  string          // of names, as the provider is configured
	mended  bool            // deletions don't fail any more
	read    map[string]bool // since the provider was configured
}

type thing struct{ serial int64 }

func newWorld() *world { return &world{things: map[string]thing{}} }

func (w *world) did(format string, arguments ...any) {
	w.journal = append(w.journal, fmt.Sprintf(format, arguments...))
}

func (w *world) repair() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mended = true
}

// lose removes a thing behind the provider's back.
func (w *world) lose(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.things, name)
}

func (w *world) servers() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"sample": providerserver.NewProtocol6WithError(&sample{world: w}),
	}
}

// sample is a provider with all supported features, whose resources fail on demand.
type sample struct{ world *world }

func (*sample) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "sample"
}

func (*sample) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = providerschema.Schema{Attributes: map[string]providerschema.Attribute{
		"prefix": providerschema.StringAttribute{Optional: true, Validators: []validator.String{stringvalidator.LengthAtMost(8)}},
	}}
}

func (s *sample) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var prefix types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("prefix"), &prefix)...)
	if prefix.ValueString() == "wrong" {
		resp.Diagnostics.AddAttributeError(path.Root("prefix"), "The wrong prefix", "It is wrong.")
	}
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.world.prefix, s.world.read = prefix.ValueString(), map[string]bool{}
}

func (s *sample) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return &thingResource{s.world} }}
}

func (s *sample) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{func() datasource.DataSource { return &thingsData{s.world} }}
}

type thingResource struct{ world *world }

type thingModel struct {
	ID       types.String `tfsdk:"id"`
	Name     types.String `tfsdk:"name"`
	Size     types.Int64  `tfsdk:"size"`
	Note     types.String `tfsdk:"note"`
	Serial   types.Int64  `tfsdk:"serial"`
	Tags     types.Set    `tfsdk:"tags"`
	Settings types.Object `tfsdk:"settings"`
	Parts    types.List   `tfsdk:"parts"`
	Labelled types.Map    `tfsdk:"labelled"`
	Broken   types.String `tfsdk:"broken"`
}

func (*thingResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "sample_thing"
}

func (*thingResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	shade := schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("dark")}
	part := schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
		"key":    schema.StringAttribute{Required: true},
		"weight": schema.Int64Attribute{Optional: true, Computed: true, Default: int64default.StaticInt64(7)},
	}}
	resp.Schema = schema.Schema{Version: 2, Attributes: map[string]schema.Attribute{
		"id": schema.StringAttribute{Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}},
		"name": schema.StringAttribute{Required: true, PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			Validators: []validator.String{stringvalidator.LengthAtMost(12)}},
		"size":     schema.Int64Attribute{Optional: true, Computed: true, Default: int64default.StaticInt64(1)},
		"note":     schema.StringAttribute{Optional: true},
		"serial":   schema.Int64Attribute{Computed: true},
		"tags":     schema.SetAttribute{Optional: true, ElementType: types.StringType},
		"settings": schema.SingleNestedAttribute{Optional: true, Attributes: map[string]schema.Attribute{"color": schema.StringAttribute{Optional: true, Validators: []validator.String{stringvalidator.OneOf("red", "blue")}}, "shade": shade}},
		"parts":    schema.ListNestedAttribute{Optional: true, NestedObject: part},
		"labelled": schema.MapNestedAttribute{Optional: true, NestedObject: part},
		"broken":   schema.StringAttribute{Optional: true},
	}}
}

// ModifyPlan keeps the serial if nothing changes, and returns invalid plans on
// demand.
func (r *thingResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		r.planEnd(ctx, req, resp)
		return
	}
	var plan thingModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	switch plan.Broken.ValueString() {
	case "plan":
		resp.Diagnostics.AddAttributeError(path.Root("settings").AtName("color"), "A plan that is refused", "The detail of a plan that is refused, which is so long that it does not fit into a line of seventy-eight characters.")
	case "warning":
		resp.Diagnostics.AddAttributeWarning(path.Root("note"), "A plan that is warned of", "With a detail.")
	case "invalid plan":
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("note"), "not what is configured")...)
	case "other mind":
		r.world.mu.Lock()
		defer r.world.mu.Unlock()
		r.world.did("plan")
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("serial"), int64(len(r.world.journal)))...)
	}
}

// planEnd records in the journal whether a watched thing was read before its deletion
// is planned.
func (r *thingResource) planEnd(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state thingModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if state.Broken.ValueString() != "watched" {
		return
	}
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	if line := fmt.Sprintf("plan the end of %s, read %t", state.Name.ValueString(), r.world.read[state.Name.ValueString()]); !slices.Contains(r.world.journal, line) {
		r.world.did("%s", line)
	}
}

func (r *thingResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	r.put(ctx, "create", req.Plan.Get, resp.State.Set, &resp.Diagnostics)
}

func (r *thingResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	r.put(ctx, "update", req.Plan.Get, resp.State.Set, &resp.Diagnostics)
}

func (r *thingResource) put(ctx context.Context, what string, get func(context.Context, any) diag.Diagnostics, set func(context.Context, any) diag.Diagnostics, found *diag.Diagnostics) {
	var plan thingModel
	found.Append(get(ctx, &plan)...)
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	name := plan.Name.ValueString()
	r.world.did("%s %s", what, r.world.prefix+name)
	if plan.Broken.ValueString() == "apply" {
		found.AddError("An apply that fails", "Nothing was made.")
		return
	}
	serial := r.world.things[name].serial + 1
	r.world.things[name] = thing{serial: serial}
	plan.ID, plan.Serial = types.StringValue("thing-"+name), types.Int64Value(serial)
	switch plan.Broken.ValueString() {
	case "half":
		found.AddAttributeError(path.Root("note"), "An apply that fails part-way", "Something was made.")
	case "inconsistent":
		plan.Note = types.StringValue("not what was planned")
	case "unknown":
		plan.Serial = types.Int64Unknown()
	case "other mind":
		plan.Serial = types.Int64Value(99)
	}
	found.Append(set(ctx, &plan)...)
}

func (r *thingResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state thingModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	r.world.read[state.Name.ValueString()] = true
	found, ok := r.world.things[state.Name.ValueString()]
	if !ok {
		resp.State.RemoveResource(ctx)
		return
	}
	state.ID, state.Serial = types.StringValue("thing-"+state.Name.ValueString()), types.Int64Value(found.serial)
	if state.Size.IsNull() {
		state.Size = types.Int64Value(1)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

func (r *thingResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state thingModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	name := state.Name.ValueString()
	if state.Broken.ValueString() == "delete" && !r.world.mended {
		resp.Diagnostics.AddError("A deletion that fails", "It is still there: "+name)
		return
	}
	r.world.did("delete %s", name)
	delete(r.world.things, name)
}

func (*thingResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("name"), req, resp)
}

type thingsData struct{ world *world }

func (*thingsData) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "sample_things"
}

func (*thingsData) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = dataschema.Schema{Attributes: map[string]dataschema.Attribute{
		"beginning": dataschema.StringAttribute{Optional: true},
		"names":     dataschema.ListAttribute{Computed: true, ElementType: types.StringType},
	}}
}

func (d *thingsData) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var beginning types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("beginning"), &beginning)...)
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	if beginning.ValueString() == "none" {
		resp.Diagnostics.AddAttributeError(path.Root("beginning"), "Nothing begins like that", "There is nothing.")
		return
	}
	names := []string{}
	for _, name := range slices.Sorted(maps.Keys(d.world.things)) {
		if strings.HasPrefix(name, beginning.ValueString()) {
			names = append(names, name)
		}
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("beginning"), beginning)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("names"), names)...)
}
