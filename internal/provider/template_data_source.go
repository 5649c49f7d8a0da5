// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	resourceschema "github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

var (
	_ datasource.DataSource              = (*templateDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*templateDataSource)(nil)
)

// templateDataSource renders a customer's template without publishing it, so that it
// can be read, reviewed or delivered by other means.
type templateDataSource struct{ configured }

type templateModel struct {
	Hub    types.String `tfsdk:"hub"`
	Vendor types.Object `tfsdk:"vendor"`
	Role   types.Object `tfsdk:"role"`
	askedModel

	JSON            types.String `tfsdk:"json"`
	YAML            types.String `tfsdk:"yaml"`
	TemplateVersion types.String `tfsdk:"template_version"`
	Digest          types.String `tfsdk:"digest"`
}

// vendorModel describes the hub of a template if no hub exists.
type vendorModel struct {
	AccountID       types.String `tfsdk:"account_id"`
	Regions         types.Set    `tfsdk:"regions"`
	DisplayName     types.String `tfsdk:"display_name"`
	SupportURL      types.String `tfsdk:"support_url"`
	ResponseTimeout types.String `tfsdk:"response_timeout"`
}

func newTemplateDataSource() datasource.DataSource { return &templateDataSource{} }

func (d *templateDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_stack_template"
}

func (d *templateDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := asData(askedAttributes())
	maps.Copy(attributes, asData(map[string]resourceschema.Attribute{"role": roleAttribute()}))
	maps.Copy(attributes, map[string]schema.Attribute{
		"hub": schema.StringAttribute{
			Required: true, Validators: []validator.String{validHubName()},
			MarkdownDescription: "Name of the hub that stacks phone home to. It must exist unless `vendor` is set.",
		},
		"vendor": schema.SingleNestedAttribute{
			Optional: true, MarkdownDescription: "The hub's settings, for rendering without AWS calls. Default: the hub is read.",
			Attributes: map[string]schema.Attribute{
				"account_id": schema.StringAttribute{Required: true, Validators: []validator.String{validAccountID()}, MarkdownDescription: "The vendor's account."},
				"regions": schema.SetAttribute{
					Required: true, ElementType: types.StringType, MarkdownDescription: "Regions that the hub has topics in.",
					Validators: []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(validRegion())},
				},
				"display_name": schema.StringAttribute{
					Optional: true, Validators: []validator.String{stringvalidator.UTF8LengthBetween(1, 100)}, MarkdownDescription: "The vendor's name; default the hub's.",
				},
				"support_url": schema.StringAttribute{
					Optional: true, Validators: []validator.String{stringvalidator.LengthAtMost(300), validAddress()}, MarkdownDescription: "Address where customers get help.",
				},
				"response_timeout": schema.StringAttribute{
					Optional: true, Validators: []validator.String{durationBetween("2m", "1h")}, MarkdownDescription: "How long CloudFormation waits for an answer; default `15m`.",
				},
			},
		},
		"json":             schema.StringAttribute{Computed: true, MarkdownDescription: "The template as JSON, byte for byte as it would be published."},
		"yaml":             schema.StringAttribute{Computed: true, MarkdownDescription: "The same template as YAML, for people to read."},
		"template_version": schema.StringAttribute{Computed: true, MarkdownDescription: "Digest of role, trust and optional permissions: the value that links have and stacks report."},
		"digest":           schema.StringAttribute{Computed: true, MarkdownDescription: "SHA-256 of `json`, which names the object in the hub's bucket."},
	})
	resp.Schema = schema.Schema{
		MarkdownDescription: "The CloudFormation template of a role, rendered and not published: to review it, or to give it to the customer by other means. " +
			"An `xacct_onboarding_link` with the same arguments publishes the same template. The role's `name` is a parameter, so it makes no difference.",
		Attributes: attributes,
	}
}

func (d *templateDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.take(req.ProviderData, &resp.Diagnostics)
}

func (d *templateDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model templateModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	hub, ok := d.hub(ctx, model, &resp.Diagnostics)
	if !ok {
		return
	}
	declared := linkModel{Role: model.Role, askedModel: model.askedModel}.declared(ctx, &resp.Diagnostics)
	declared.Role = declared.Role.WithDefaults()
	spec, errs := declared.Specification(hub)
	resp.Diagnostics.Append(fieldErrors(errs)...)
	if resp.Diagnostics.HasError() {
		return
	}
	template, err := stacktemplate.Render(spec)
	if err != nil {
		resp.Diagnostics.Append(cannot("render the template of", hubNamed(hub.Name), "", err))
		return
	}
	text, err := template.YAML()
	if err != nil {
		resp.Diagnostics.Append(cannot("write as YAML the template of", hubNamed(hub.Name), "", err))
		return
	}
	model.JSON, model.YAML = types.StringValue(string(template.JSON())), types.StringValue(string(text))
	model.TemplateVersion, model.Digest = types.StringValue(stacktemplate.Version(spec)), types.StringValue(template.Digest())
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// hub returns the hub for the template: the described one, otherwise the existing one.
func (d *templateDataSource) hub(ctx context.Context, model templateModel, diags *diag.Diagnostics) (onboarding.Hub, bool) {
	name := model.Hub.ValueString()
	if !model.Vendor.IsNull() {
		return model.described(ctx, diags)
	}
	view := d.view(name, diags)
	if view == nil {
		return onboarding.Hub{}, false
	}
	record, err := view.Record(ctx)
	switch {
	case errors.Is(err, registry.ErrNoHub):
		diags.Append(noSuchHub(view))
	case err != nil:
		diags.Append(cannot("read", hubNamed(name), "", err))
	}
	return record.Hub, err == nil
}

// described returns the hub that the argument vendor describes.
func (m templateModel) described(ctx context.Context, diags *diag.Diagnostics) (onboarding.Hub, bool) {
	var vendor vendorModel
	diags.Append(m.Vendor.As(ctx, &vendor, basetypes.ObjectAsOptions{})...)
	hub := onboarding.Hub{
		Name:            m.Hub.ValueString(),
		DisplayName:     vendor.DisplayName.ValueString(),
		SupportURL:      vendor.SupportURL.ValueString(),
		Regions:         regionsOf(ctx, vendor.Regions, path.Root("vendor").AtName("regions"), diags),
		ResponseTimeout: 15 * time.Minute,
	}
	if d, err := time.ParseDuration(vendor.ResponseTimeout.ValueString()); err == nil { // validated; null: the default
		hub.ResponseTimeout = d
	}
	var err error
	if hub.Account, err = account.ParseID(vendor.AccountID.ValueString()); err != nil {
		diags.AddAttributeError(path.Root("vendor").AtName("account_id"), "Invalid AWS account ID", sentence(err.Error()))
	}
	if diags.HasError() {
		return hub, false
	}
	hub.Region = hub.Regions[0] // any of the Regions: they are in the same partition
	for _, region := range hub.Regions {
		if region.Partition() != hub.Region.Partition() {
			diags.AddAttributeError(path.Root("vendor").AtName("regions"), "Regions of different partitions",
				fmt.Sprintf("%s is in partition %s, and %s in %s. A hub works in one partition: create a hub in each.",
					hub.Region, hub.Region.Partition(), region, region.Partition()))
			return hub, false
		}
	}
	return hub, true
}
