// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

var (
	_ datasource.DataSource              = (*hubDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*hubDataSource)(nil)
)

// hubDataSource reads a hub, such as one that another Terraform state manages.
type hubDataSource struct{ configured }

type hubDataModel struct {
	Name             types.String `tfsdk:"name"`
	DisplayName      types.String `tfsdk:"display_name"`
	SupportURL       types.String `tfsdk:"support_url"`
	Regions          types.Set    `tfsdk:"regions"`
	Publishers       types.String `tfsdk:"publishers"`
	TemplateAccess   types.String `tfsdk:"template_access"`
	ResponseTimeout  types.String `tfsdk:"response_timeout"`
	Capacity         types.Int64  `tfsdk:"capacity"`
	VerifySignatures types.Bool   `tfsdk:"verify_signatures"`
	EventBusARN      types.String `tfsdk:"event_bus_arn"`
	WebhookURL       types.String `tfsdk:"webhook_url"`
	KMSKeyARN        types.String `tfsdk:"kms_key_arn"`
	ConnectPage      types.Object `tfsdk:"connect_page"`
	Tags             types.Map    `tfsdk:"tags"`

	hubComputedModel
}

func newHubDataSource() datasource.DataSource { return &hubDataSource{} }

func (d *hubDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_hub"
}

func (d *hubDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A hub that exists, such as one that another Terraform state manages.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required: true, Validators: []validator.String{validHubName()}, MarkdownDescription: "Name of the hub.",
			},
			"display_name":      text("The vendor's name, as customers read it; null if it is the hub's name."),
			"support_url":       text("Address where customers get help."),
			"regions":           schema.SetAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Regions in which customers may create their stack."},
			"publishers":        text("Accounts that may phone home."),
			"template_access":   text("How customers may read templates."),
			"response_timeout":  text("How long CloudFormation waits for an answer."),
			"capacity":          schema.Int64Attribute{Computed: true, MarkdownDescription: "How many customers are expected."},
			"verify_signatures": schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether only messages that SNS has signed are accepted."},
			"event_bus_arn":     text("ARN of the event bus that receives events about customers' roles; null if there is none."),
			"webhook_url":       text("Address that receives the same events, signed; null if there is none."),
			"kms_key_arn":       text("ARN of the KMS key that encrypts table and queues; null if AWS's own keys do."),
			"connect_page": schema.SingleNestedAttribute{
				Computed: true, MarkdownDescription: "Logo, colour and return addresses of the connect page; null if the hub has none.",
				Attributes: map[string]schema.Attribute{
					"logo_url":    text("Address of the vendor's logo."),
					"color":       text("Colour of lines and buttons."),
					"return_urls": schema.SetAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Addresses that the page may lead back to."},
				},
			},
			"tags":                  schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "All tags of the hub."},
			"id":                    text("The name again."),
			"region":                text("The vendor's Region, in which the hub was created."),
			"account_id":            text("The vendor's account, in which the hub was created."),
			"queue_url":             text("URL of the queue that all topics feed."),
			"queue_arn":             text("ARN of that queue."),
			"dead_letter_queue_arn": text("ARN of the queue for messages that can't be parsed or handled."),
			"topic_arns":            schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "ARNs of the topics, by Region."},
			"template_bucket":       text("Name of the template bucket."),
			"table_name":            text("Name of the DynamoDB table that is the registry."),
		},
	}
}

func (d *hubDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.take(req.ProviderData, &resp.Diagnostics)
}

func (d *hubDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model hubDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	view := d.view(model.Name.ValueString(), &resp.Diagnostics)
	if view == nil {
		return
	}
	record, err := view.Record(ctx)
	if errors.Is(err, registry.ErrNoHub) {
		resp.Diagnostics.Append(noSuchHub(view))
		return
	}
	if err != nil {
		resp.Diagnostics.Append(cannot("read", hubNamed(view.Name), "", err))
		return
	}
	all := hubModel{Tags: types.MapNull(types.StringType)}
	all.flatten(ctx, stateOf(record), nil, &resp.Diagnostics)
	model = hubDataModel{
		Name:             model.Name,
		DisplayName:      all.DisplayName,
		SupportURL:       all.SupportURL,
		Regions:          all.Regions,
		Publishers:       all.Publishers,
		TemplateAccess:   all.TemplateAccess,
		ResponseTimeout:  all.ResponseTimeout,
		Capacity:         all.Capacity,
		VerifySignatures: all.VerifySignatures,
		EventBusARN:      all.EventBusARN,
		WebhookURL:       all.WebhookURL,
		KMSKeyARN:        all.KMSKeyARN,
		ConnectPage:      all.ConnectPage,
		Tags:             all.TagsAll,
		hubComputedModel: all.hubComputedModel,
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}
