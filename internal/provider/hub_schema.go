// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// hubModel is xacct_hub in configuration, plan and state.
type hubModel struct {
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
	ForceDestroy     types.Bool   `tfsdk:"force_destroy"`
	Tags             types.Map    `tfsdk:"tags"`
	TagsAll          types.Map    `tfsdk:"tags_all"`
	Incarnation      types.String `tfsdk:"incarnation"`
	Drift            types.List   `tfsdk:"drift"`

	hubComputedModel
}

// hubComputedModel are the attributes that the provider computes.
type hubComputedModel struct {
	ID                 types.String `tfsdk:"id"`
	Region             types.String `tfsdk:"region"`
	AccountID          types.String `tfsdk:"account_id"`
	QueueURL           types.String `tfsdk:"queue_url"`
	QueueARN           types.String `tfsdk:"queue_arn"`
	DeadLetterQueueARN types.String `tfsdk:"dead_letter_queue_arn"`
	TopicARNs          types.Map    `tfsdk:"topic_arns"`
	TemplateBucket     types.String `tfsdk:"template_bucket"`
	TableName          types.String `tfsdk:"table_name"`
}

func hubSchema() schema.Schema {
	s := schema.Schema{
		MarkdownDescription: "The vendor's side of onboarding: one SNS topic per Region that feeds one SQS queue, a bucket for templates, " +
			"and a DynamoDB table as registry. All of it is in the vendor's account, and is named after `name`.\n\n" +
			"A hub must outlive its customers' stacks: CloudFormation can't delete a stack whose phone-home is not answered. " +
			"So a hub with live stacks or open links refuses to be destroyed.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Name of the hub: 2 to 31 lower-case letters, digits and hyphens, beginning with a letter. Forces replacement.",
				Validators:          []validator.String{validHubName()},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"display_name": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "The vendor's name, as customers read it in the template and in answers; default `name`. At most 100 characters.",
				Validators:          []validator.String{stringvalidator.UTF8LengthBetween(1, 100)},
			},
			"support_url": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Address where customers get help; begins with `https://` or `mailto:`. Every error message that a customer reads ends with it.",
				Validators:          []validator.String{stringvalidator.LengthAtMost(300), validAddress()},
			},
			"regions": schema.SetAttribute{
				Optional: true, Computed: true, ElementType: types.StringType,
				MarkdownDescription: "Regions in which customers may create their stack, default the provider's Region. " +
					"Each gets a topic, because CloudFormation only publishes to topics in the stack's own Region. " +
					"A Region is added in place. The `url` of every link changes in the same apply, because templates list the Regions; no stack becomes outdated. " +
					"A Region can't be removed while a live stack is in it.",
				Validators: []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(validRegion())},
			},

			"response_timeout": schema.StringAttribute{
				Optional: true, Computed: true, PlanModifiers: []planmodifier.String{sameDuration()}, Default: stringdefault.StaticString("15m"),
				MarkdownDescription: "How long CloudFormation waits for the answer to a phone-home, between `2m` and `1h`; default `15m`. " +
					"Stacks use the value of the template that they were created from.",
				Validators: []validator.String{durationBetween("2m", "1h")},
			},
			"capacity": schema.Int64Attribute{
				Optional: true, Computed: true, Default: int64default.StaticInt64(hub.CustomersPerTopic),
				MarkdownDescription: fmt.Sprintf("Number of customers to prepare for, 1 to %d, in any number of Regions; default %d, the most that the policy of one topic has room for. ", hub.MaxCapacity, hub.CustomersPerTopic) +
					"Each further 1500 add one topic per Region. Raising it moves no customer: new customers use the new topics. Lowering it keeps the topics.",
				Validators: []validator.Int64{int64validator.Between(1, hub.MaxCapacity)},
			},

			"connect_page": connectPageAttribute(),
			"force_destroy": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				MarkdownDescription: "Whether to destroy the hub even if customers have live stacks or open links; default `false`. " +
					"The plan names these customers: afterwards, they can only force-delete their stacks.",
			},
			"tags": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Tags of topics, queues, bucket and table. They override the provider's `default_tags` of the same key.",
			},
		},
	}
	maps.Copy(s.Attributes, hubTrustAttributes())
	maps.Copy(s.Attributes, hubComputedAttributes())
	return s
}

// hubTrustAttributes returns the attributes for who may publish and read, which
// messages the registrar accepts, where events are sent, and the key for encryption.
func hubTrustAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"publishers": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(string(onboarding.KnownAccounts)),
			MarkdownDescription: "Accounts that may phone home. `known_accounts` (default): the accounts and organizations that links name, and no others. " +
				"`anyone`: any AWS account, for sign-up before the customer's account is known. Then links need `expires_at` and may leave out `account_id`: " +
				"the first account that registers a proven role owns the link, and all others are refused. " +
				"Changes in place; to change back, every open link needs an `account_id`.",
			Validators: []validator.String{oneOf(onboarding.PublisherScopes()...)},
		}, "template_access": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(string(onboarding.TemplatesPublic)),
			MarkdownDescription: "How customers may read templates. `public` (default): anyone who has the address, which contains a hash of the content; " +
				"the bucket can't be listed, and nothing in it is secret. `accounts`: the bucket is private, and its policy names the customers' accounts, " +
				"of which S3's limit of 20 KB leaves room for about 600. `presigned`: the bucket is private, and no other account may read it. " +
				"Links then have no `url`, because a signature must not be in the state: `xacct link HUB/CUSTOMER` prints a signed one, which is valid for at most seven days. Changes in place.",
			Validators: []validator.String{oneOf(onboarding.TemplateAccesses()...)},
		}, "verify_signatures": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(true),
			MarkdownDescription: "Whether to accept only messages that SNS has signed, with a certificate fetched from SNS's own hosts; default `true`. " +
				"Turn it off only if registrars can't reach those hosts.",
		}, "event_bus_arn": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "ARN of an EventBridge event bus of the hub's own account, the `default` one or another, in any Region. " +
				"It receives an event when a customer's role is registered, updated, degraded or disconnected: see the guide on events. Changes in place. Default: no events.",
			Validators: []validator.String{validEventBusARN()},
		}, "webhook_url": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Address of the vendor's own that receives the same events, signed as Standard Webhooks says; begins with `https://`. " +
				"Registrars have the secret that signs, and only those that have it send: see the guide on webhooks. Changes in place. Default: none.",
			Validators: []validator.String{check{"an address that begins with https://", "Invalid webhook URL", onboarding.CheckWebhookURL}},
		}, "kms_key_arn": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "ARN of a KMS key in the hub's own account and Region that encrypts the table, the queue and the dead-letter queue. " +
				"Its key policy must let SNS use it: the plan prints the statement, and an apply tests whether messages arrive. Changes in place. " +
				"Default: AWS's own keys. Topics and the template bucket never use it, because every customer would need it to publish and to read.",
			Validators: []validator.String{validKMSKeyARN()},
		}}
}

// hubComputedAttributes returns the computed attributes of a hub.
func hubComputedAttributes() map[string]schema.Attribute {
	kept := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	known := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description, PlanModifiers: kept}
	}
	return map[string]schema.Attribute{
		"tags_all": schema.MapAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "All tags, those of `default_tags` included.",
		},
		"incarnation": hubIncarnationAttribute(),
		"drift": schema.ListAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "Parts and settings that were missing, or had been changed outside of this provider, when the hub was last read, such as the retention of its queue. " +
				"An apply restores them, and empties the list.",
			PlanModifiers: []planmodifier.List{listplanmodifier.UseStateForUnknown()},
		},
		"id":                    known("The name, known once the hub exists: links that refer to it are created after the hub."),
		"region":                known("The vendor's Region, in which the hub was created."),
		"account_id":            known("The vendor's account, in which the hub was created."),
		"queue_url":             known("URL of the queue that all topics feed."),
		"queue_arn":             known("ARN of that queue."),
		"dead_letter_queue_arn": known("ARN of the queue for messages that can't be parsed or handled."),
		"topic_arns": schema.MapAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "ARNs of the topics by Region: of each Region's first one, if `capacity` requires several.",
		},
		"template_bucket": known("Name of the template bucket."),
		"table_name":      known("Name of the DynamoDB table that is the registry."),
	}
}

// hubIncarnationAttribute returns the attribute incarnation, which keeps the state's
// value in updates.
func hubIncarnationAttribute() schema.StringAttribute {
	a := incarnationAttribute("hub")
	a.PlanModifiers = []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	return a
}
