// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// providerModel is the provider's configuration. Names, meanings and
// environment variables are those of hashicorp/aws.
type providerModel struct {
	Region                 types.String `tfsdk:"region"`
	Profile                types.String `tfsdk:"profile"`
	AccessKey              types.String `tfsdk:"access_key"`
	SecretKey              types.String `tfsdk:"secret_key"`
	Token                  types.String `tfsdk:"token"`
	SharedConfigFiles      types.List   `tfsdk:"shared_config_files"`
	SharedCredentialsFiles types.List   `tfsdk:"shared_credentials_files"`
	AssumeRole             types.Object `tfsdk:"assume_role"`
	AllowedAccountIDs      types.Set    `tfsdk:"allowed_account_ids"`
	ForbiddenAccountIDs    types.Set    `tfsdk:"forbidden_account_ids"`
	MaxRetries             types.Int64  `tfsdk:"max_retries"`
	ProveOnRefresh         types.Bool   `tfsdk:"prove_on_refresh"`
	DefaultTags            types.Object `tfsdk:"default_tags"`
	Endpoints              types.Object `tfsdk:"endpoints"`
}

type assumeRoleModel struct {
	RoleARN           types.String `tfsdk:"role_arn"`
	SessionName       types.String `tfsdk:"session_name"`
	ExternalID        types.String `tfsdk:"external_id"`
	Duration          types.String `tfsdk:"duration"`
	Policy            types.String `tfsdk:"policy"`
	PolicyARNs        types.Set    `tfsdk:"policy_arns"`
	SourceIdentity    types.String `tfsdk:"source_identity"`
	Tags              types.Map    `tfsdk:"tags"`
	TransitiveTagKeys types.Set    `tfsdk:"transitive_tag_keys"`
}

type defaultTagsModel struct {
	Tags types.Map `tfsdk:"tags"`
}

type endpointsModel struct {
	SNS         types.String `tfsdk:"sns"`
	SQS         types.String `tfsdk:"sqs"`
	S3          types.String `tfsdk:"s3"`
	STS         types.String `tfsdk:"sts"`
	DynamoDB    types.String `tfsdk:"dynamodb"`
	EventBridge types.String `tfsdk:"eventbridge"`
	Console     types.String `tfsdk:"console"`
}

func providerSchema() schema.Schema {
	text := func(description string, validators ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description, Validators: validators}
	}
	secret := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, Sensitive: true, MarkdownDescription: description}
	}
	files := func(description string) schema.ListAttribute {
		return schema.ListAttribute{Optional: true, ElementType: types.StringType, MarkdownDescription: description}
	}
	accounts := func(description string) schema.SetAttribute {
		return schema.SetAttribute{
			Optional: true, ElementType: types.StringType, MarkdownDescription: description,
			Validators: []validator.Set{setvalidator.ValueStringsAre(validAccountID())},
		}
	}
	return schema.Schema{
		MarkdownDescription: "Onboards customers' AWS accounts: one CloudFormation launch link per customer, " +
			"a phone-home through SNS and SQS, and a role in the customer's account that is proven before it is listed. " +
			"The provider works in the vendor's own account. Its configuration means what it means in `hashicorp/aws`, " +
			"environment variables included.",
		Attributes: map[string]schema.Attribute{
			"region":                   text("The vendor's Region, which has the queue, the registry, the templates and by default the topic. Also `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile's.", validRegion()),
			"profile":                  text("Profile of the shared configuration files. Also `AWS_PROFILE`."),
			"access_key":               text("Access key ID. Also `AWS_ACCESS_KEY_ID`."),
			"secret_key":               secret("Secret access key. Also `AWS_SECRET_ACCESS_KEY`."),
			"token":                    secret("Session token, for temporary credentials. Also `AWS_SESSION_TOKEN`."),
			"shared_config_files":      files("Shared configuration files, default `~/.aws/config`. Also `AWS_CONFIG_FILE`."),
			"shared_credentials_files": files("Shared credentials files, default `~/.aws/credentials`. Also `AWS_SHARED_CREDENTIALS_FILE`."),
			"assume_role":              assumeRoleAttribute(text),
			"allowed_account_ids":      accounts("The only account IDs that may be used: a guard against the wrong profile. Conflicts with `forbidden_account_ids`."),
			"forbidden_account_ids":    accounts("Account IDs that may not be used."),
			"max_retries": schema.Int64Attribute{
				Optional: true, MarkdownDescription: "How often a call is tried again when AWS throttles or fails; default 25.",
				Validators: []validator.Int64{int64validator.AtLeast(0)},
			},
			"prove_on_refresh": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Prove all roles of a hub again, with one `sts:AssumeRole` for each, when its roles are read; default `false`: " +
					"a refresh shows what registrars and `xacct verify` have found.",
			},
			"default_tags": schema.SingleNestedAttribute{
				Optional:            true,
				MarkdownDescription: "Tags for every hub of this provider. A resource's own tag of the same key wins.",
				Attributes: map[string]schema.Attribute{
					"tags": schema.MapAttribute{Optional: true, ElementType: types.StringType, MarkdownDescription: "Tags by key."},
				},
			},
			"endpoints": endpointsAttribute(text),
		},
	}
}

// textAttribute returns an optional string attribute.
type textAttribute = func(description string, validators ...validator.String) schema.StringAttribute

func assumeRoleAttribute(text textAttribute) schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Role of the vendor to assume before anything else.",
		Attributes: map[string]schema.Attribute{
			"role_arn":        schema.StringAttribute{Required: true, MarkdownDescription: "ARN of the role.", Validators: []validator.String{validRoleARN()}},
			"session_name":    text("Name of the session, as CloudTrail shows it.", stringvalidator.LengthBetween(2, 64)),
			"external_id":     text("External ID that the role's trust policy asks for.", stringvalidator.LengthBetween(2, 1224)),
			"duration":        text("Length of the session, between `15m` and `12h`; default `1h`.", durationBetween("15m", "12h")),
			"policy":          text("Session policy, as JSON: narrows what the session may do.", validJSON()),
			"policy_arns":     schema.SetAttribute{Optional: true, ElementType: types.StringType, MarkdownDescription: "ARNs of managed session policies."},
			"source_identity": text("Source identity of the session.", stringvalidator.LengthBetween(2, 64)),
			"tags":            schema.MapAttribute{Optional: true, ElementType: types.StringType, MarkdownDescription: "Session tags."},
			"transitive_tag_keys": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Keys of session tags that are passed on to further sessions.",
			},
		},
	}
}

func endpointsAttribute(text textAttribute) schema.SingleNestedAttribute {
	endpoint := func(service string) schema.StringAttribute {
		return text("URL to use for "+service+", instead of the one of AWS.", validEndpoint())
	}
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Other endpoints than those of AWS. Also `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_SNS` and so on.",
		Attributes: map[string]schema.Attribute{
			"sns":         endpoint("Amazon SNS"),
			"sqs":         endpoint("Amazon SQS"),
			"s3":          endpoint("Amazon S3"),
			"sts":         endpoint("AWS STS"),
			"dynamodb":    endpoint("Amazon DynamoDB"),
			"eventbridge": endpoint("Amazon EventBridge"),
			"console":     text("URL that launch links begin with, instead of the AWS console's: for the sandbox.", validEndpoint()),
		},
	}
}

// unknown returns the name of the first argument that has no value yet; empty if all
// have one. Without all values, the provider can't call AWS, and plans without it.
func (m providerModel) unknown() string {
	for name, value := range map[string]attr.Value{
		"region": m.Region, "profile": m.Profile, "access_key": m.AccessKey, "secret_key": m.SecretKey, "token": m.Token,
		"shared_config_files": m.SharedConfigFiles, "shared_credentials_files": m.SharedCredentialsFiles,
		"assume_role": m.AssumeRole, "allowed_account_ids": m.AllowedAccountIDs,
		"forbidden_account_ids": m.ForbiddenAccountIDs, "max_retries": m.MaxRetries, "prove_on_refresh": m.ProveOnRefresh, "endpoints": m.Endpoints,
	} {
		if !fullyKnown(value) {
			return name
		}
	}
	return ""
}

// validateAccounts refuses contradictory account lists.
func (m providerModel) validateAccounts() diag.Diagnostics {
	var diags diag.Diagnostics
	if len(m.AllowedAccountIDs.Elements()) > 0 && len(m.ForbiddenAccountIDs.Elements()) > 0 {
		diags.AddAttributeError(path.Root("forbidden_account_ids"), "Conflicting account lists",
			"allowed_account_ids and forbidden_account_ids can't be used together: keep one of them.")
	}
	return diags
}

// expand returns the configuration as an awsclient.Config, and the address that launch
// links begin with.
func (m providerModel) expand(ctx context.Context, version string) (awsclient.Config, string, diag.Diagnostics) {
	var diags diag.Diagnostics
	config := awsclient.Config{
		Region:     m.Region.ValueString(),
		Profile:    m.Profile.ValueString(),
		AccessKey:  m.AccessKey.ValueString(),
		SecretKey:  m.SecretKey.ValueString(),
		Token:      m.Token.ValueString(),
		MaxRetries: int(m.MaxRetries.ValueInt64()),
		UserAgent:  []awsclient.Product{{Name: "terraform-provider-xacct", Version: version}},
	}
	if !m.MaxRetries.IsNull() && config.MaxRetries == 0 {
		config.MaxRetries = 1 // zero would mean the default
	}
	diags.Append(m.SharedConfigFiles.ElementsAs(ctx, &config.SharedConfigFiles, false)...)
	diags.Append(m.SharedCredentialsFiles.ElementsAs(ctx, &config.SharedCredentialsFiles, false)...)
	diags.Append(m.AllowedAccountIDs.ElementsAs(ctx, &config.AllowedAccountIDs, false)...)
	diags.Append(m.ForbiddenAccountIDs.ElementsAs(ctx, &config.ForbiddenAccountIDs, false)...)

	if !m.AssumeRole.IsNull() {
		var role assumeRoleModel
		diags.Append(m.AssumeRole.As(ctx, &role, basetypes.ObjectAsOptions{})...)
		assume, d := role.expand(ctx)
		diags.Append(d...)
		config.AssumeRole = []awsclient.AssumeRole{assume}
	}
	var endpoints endpointsModel
	if !m.Endpoints.IsNull() {
		diags.Append(m.Endpoints.As(ctx, &endpoints, basetypes.ObjectAsOptions{})...)
	}
	config.Endpoints = map[string]string{}
	for service, url := range map[string]types.String{
		"sns": endpoints.SNS, "sqs": endpoints.SQS, "s3": endpoints.S3, "sts": endpoints.STS, "dynamodb": endpoints.DynamoDB,
		"eventbridge": endpoints.EventBridge,
	} {
		if url.ValueString() != "" {
			config.Endpoints[service] = url.ValueString()
		}
	}
	return config, endpoints.Console.ValueString(), diags
}

func (m assumeRoleModel) expand(ctx context.Context) (awsclient.AssumeRole, diag.Diagnostics) {
	role := awsclient.AssumeRole{
		RoleARN:        m.RoleARN.ValueString(),
		SessionName:    m.SessionName.ValueString(),
		ExternalID:     m.ExternalID.ValueString(),
		Policy:         m.Policy.ValueString(),
		SourceIdentity: m.SourceIdentity.ValueString(),
	}
	role.Duration, _ = time.ParseDuration(m.Duration.ValueString()) // validated; empty: STS's default
	diags := m.PolicyARNs.ElementsAs(ctx, &role.PolicyARNs, false)
	diags.Append(m.Tags.ElementsAs(ctx, &role.Tags, false)...)
	diags.Append(m.TransitiveTagKeys.ElementsAs(ctx, &role.TransitiveTagKeys, false)...)
	return role, diags
}
