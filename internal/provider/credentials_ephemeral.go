// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/roleproof"
)

var (
	_ ephemeral.EphemeralResource              = (*credentialsResource)(nil)
	_ ephemeral.EphemeralResourceWithConfigure = (*credentialsResource)(nil)
)

// credentialsResource opens a session of a customer's role. Its results are never in a
// plan or a state, and the provider doesn't log them.
type credentialsResource struct{ configured }

type credentialsModel struct {
	Hub         types.String `tfsdk:"hub"`
	CustomerID  types.String `tfsdk:"customer_id"`
	AccountID   types.String `tfsdk:"account_id"`
	StackID     types.String `tfsdk:"stack_id"`
	RoleKey     types.String `tfsdk:"role_key"`
	SessionName types.String `tfsdk:"session_name"`
	Duration    types.String `tfsdk:"duration"`
	Policy      types.String `tfsdk:"policy"`

	Tags              types.Map    `tfsdk:"tags"`
	TransitiveTagKeys types.Set    `tfsdk:"transitive_tag_keys"`
	SourceIdentity    types.String `tfsdk:"source_identity"`

	RoleARN         types.String `tfsdk:"role_arn"`
	AccessKeyID     types.String `tfsdk:"access_key_id"`
	SecretAccessKey types.String `tfsdk:"secret_access_key"`
	SessionToken    types.String `tfsdk:"session_token"`
	Expiration      types.String `tfsdk:"expiration"`
}

func newCredentialsResource() ephemeral.EphemeralResource { return &credentialsResource{} }

func (r *credentialsResource) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_customer_credentials"
}

func (r *credentialsResource) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Credentials of a session in a customer's account, for a provider or a write-only argument. They are written to no plan and no state.\n\n" +
			"The role must be `active`; any other status is an error that names it. Terraform and OpenTofu open ephemeral resources during the plan if all arguments are known, " +
			"so if the same apply waits for the customer, set `stack_id` to that of the `xacct_customer_role`: it is known once the role is registered.",
		Attributes: map[string]schema.Attribute{
			"hub":         schema.StringAttribute{Required: true, Validators: []validator.String{validHubName()}, MarkdownDescription: "Name of the hub."},
			"customer_id": schema.StringAttribute{Required: true, Validators: []validator.String{validCustomerID()}, MarkdownDescription: "The vendor's name for the customer."},
			"account_id": schema.StringAttribute{
				Optional: true, Validators: []validator.String{validAccountID()},
				MarkdownDescription: "Which of the customer's accounts, if roles are registered in several; default the link's `account_id`.",
			},
			"stack_id": schema.StringAttribute{
				Optional: true, MarkdownDescription: "`stack_id` of the `xacct_customer_role`: the session is opened once it is known, and only for that stack's role.",
			},
			"session_name": schema.StringAttribute{
				Optional: true, Validators: []validator.String{validSessionName()},
				MarkdownDescription: "Name of the session, which the customer reads in CloudTrail; default `xacct-<hub>`. 2 to 64 letters, digits and `_+=,.@-`.",
			},
			"duration": schema.StringAttribute{
				Optional: true, Validators: []validator.String{durationBetween("15m", "12h")},
				MarkdownDescription: "How long the credentials work, between `15m` and `12h`; default `1h`. The maximum is the role's `max_session_duration`; " +
					"it is `1h` if the provider itself runs as a role (role chaining).",
			},
			"policy": schema.StringAttribute{
				Optional: true, Validators: []validator.String{validIdentityPolicy(), stringvalidator.LengthAtMost(2048)},
				MarkdownDescription: "Session policy as JSON, at most 2048 characters: the session may do what both it and the role allow. Default: all that the role allows.",
			},
			"tags": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				Validators: []validator.Map{
					mapvalidator.SizeAtMost(50),
					mapvalidator.KeysAre(stringvalidator.UTF8LengthBetween(1, 128)),
					mapvalidator.ValueStringsAre(stringvalidator.UTF8LengthAtMost(256)),
				},
				MarkdownDescription: "Session tags, at most 50, which policies see as `aws:PrincipalTag`. The link needs `allow_session_tags`, and the provider's principal needs `sts:TagSession` on the role.",
			},
			"transitive_tag_keys": schema.SetAttribute{
				Optional: true, ElementType: types.StringType, Validators: []validator.Set{setvalidator.AlsoRequires(path.MatchRoot("tags"))},
				MarkdownDescription: "Keys of `tags` that the session keeps when it assumes another role.",
			},
			"source_identity": schema.StringAttribute{
				Optional: true, Validators: []validator.String{validSourceIdentity()},
				MarkdownDescription: "Identity of the session's user, in the customer's CloudTrail too: 2 to 64 letters, digits and `_+=,.@-`. It can't be changed by a role that the session assumes. " +
					"The link needs `allow_source_identity`, and the provider's principal needs `sts:SetSourceIdentity` on the role.",
			},
			"role_key": schema.StringAttribute{
				Optional: true, Validators: []validator.String{validPermissionKey()},
				MarkdownDescription: "Key in the customer's `additional_roles` of the role to assume; default: the role itself.",
			},
			"role_arn":          schema.StringAttribute{Computed: true, MarkdownDescription: "ARN of the assumed role."},
			"access_key_id":     schema.StringAttribute{Computed: true, MarkdownDescription: "Access key ID."},
			"secret_access_key": schema.StringAttribute{Computed: true, Sensitive: true, MarkdownDescription: "Secret access key."},
			"session_token":     schema.StringAttribute{Computed: true, Sensitive: true, MarkdownDescription: "Session token."},
			"expiration":        schema.StringAttribute{Computed: true, MarkdownDescription: "When the credentials expire, as an RFC 3339 time."},
		},
	}
}

func (r *credentialsResource) Configure(_ context.Context, req ephemeral.ConfigureRequest, resp *ephemeral.ConfigureResponse) {
	r.take(req.ProviderData, &resp.Diagnostics)
}

func (r *credentialsResource) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var model credentialsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	view := r.view(model.Hub.ValueString(), &resp.Diagnostics)
	if view == nil {
		return
	}
	record, err := view.Record(ctx)
	switch {
	case errors.Is(err, registry.ErrNoHub):
		resp.Diagnostics.Append(noSuchHub(view))
	case err != nil:
		resp.Diagnostics.Append(cannot("read", hubNamed(view.Name), "", err))
	}
	if err != nil {
		return
	}
	found, role, ok := model.find(ctx, view, &resp.Diagnostics)
	if !ok {
		return
	}
	ask := model.ask(ctx, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	probe, ok := model.probe(found.Link, role, &resp.Diagnostics)
	if !ok {
		return
	}
	opened, err := registrar.NewProver(r.session.clients, record).Open(ctx, probe, ask)
	if err != nil {
		resp.Diagnostics.Append(noSession(view.Name, role, ask, err))
		return
	}
	model.RoleARN = types.StringValue(probe.Role.String())
	model.AccessKeyID = types.StringValue(opened.AccessKeyID)
	model.SecretAccessKey = types.StringValue(opened.SecretAccessKey)
	model.SessionToken = types.StringValue(opened.SessionToken)
	model.Expiration = timeString(opened.Expiration)
	resp.Diagnostics.Append(resp.Result.Set(ctx, model)...)
}

// probe returns what identifies the role of the session: the customer's role, or one
// of the additional roles; false with a diagnostic if the stack has not registered it.
func (m credentialsModel) probe(link onboarding.Link, role onboarding.Registration, diags *diag.Diagnostics) (onboarding.Probe, bool) {
	key := m.RoleKey.ValueString()
	if key == "" {
		return role.Probes(link)[0], true
	}
	arn, there := role.AdditionalRoles[key]
	if !there {
		diags.AddAttributeError(path.Root("role_key"), fmt.Sprintf("No additional role %s of %s", key, customerNamed(link.Hub, link.CustomerID)), fmt.Sprintf(
			"The customer's stack has registered the additional roles %v. A role that the link declares is available once the customer has updated their stack.", slices.Sorted(maps.Keys(role.AdditionalRoles))))
		return onboarding.Probe{}, false
	}
	return link.AdditionalProbe(key, arn, role.ExternalID), true
}

// find returns the customer and the active role for the session; false with a
// diagnostic if there is none. It reads the registry, and not the operation's shared
// list, which may be out of date: a configuration may have waited for the customer in
// this same apply.
func (m credentialsModel) find(ctx context.Context, view *hubview.View, diags *diag.Diagnostics) (onboarding.Customer, onboarding.Registration, bool) {
	customer := m.CustomerID.ValueString()
	found, err := view.Registry.Customer(ctx, customer)
	switch {
	case errors.Is(err, registry.ErrNoLink):
		diags.Append(noSuchCustomer(view.Name, customer))
	case err != nil:
		diags.Append(cannot("read", customerNamed(view.Name, customer), "", err))
	}
	if err != nil {
		return found, onboarding.Registration{}, false
	}
	role, ok := found.SoleRegistration()
	if account := m.AccountID.ValueString(); account != "" {
		role, ok = onboarding.Registration{}, false
		for _, r := range found.Registrations {
			if r.Account.String() == account {
				role, ok = r, true
			}
		}
	}
	if !ok || role.Status != onboarding.Active {
		diags.Append(notActive(view.Name, customer, role))
		return found, role, false
	}
	if stack := m.StackID.ValueString(); stack != "" && stack != role.Stack.String() {
		diags.AddAttributeError(path.Root("stack_id"), fmt.Sprintf("The stack of %s was replaced", customerNamed(view.Name, customer)), fmt.Sprintf(
			"The role belongs to stack %s now, and stack_id is %s. Plan again: a refresh shows the new stack.", role.Stack, stack))
		return found, role, false
	}
	return found, role, true
}

// ask returns the requested session.
func (m credentialsModel) ask(ctx context.Context, diags *diag.Diagnostics) roleproof.Session {
	ask := roleproof.Session{
		Name: "xacct-" + m.Hub.ValueString(), Duration: time.Hour, Policy: m.Policy.ValueString(), SourceIdentity: m.SourceIdentity.ValueString(),
	}
	diags.Append(m.Tags.ElementsAs(ctx, &ask.Tags, false)...)
	diags.Append(m.TransitiveTagKeys.ElementsAs(ctx, &ask.TransitiveTagKeys, false)...)
	for _, key := range ask.TransitiveTagKeys {
		if _, there := ask.Tags[key]; !there {
			diags.AddAttributeError(path.Root("transitive_tag_keys"), "Invalid transitive tag key", fmt.Sprintf("transitive_tag_keys has %q, which is not a key of tags. Add it there, or remove it here.", key))
		}
	}
	if !m.SessionName.IsNull() {
		ask.Name = m.SessionName.ValueString()
	}
	if d, err := time.ParseDuration(m.Duration.ValueString()); err == nil { // validated; null: the default
		ask.Duration = d
	}
	return ask
}

// notActive returns the diagnostic that explains why a role can't be assumed now. It
// takes the zero registration for a customer who has not launched.
func notActive(hub, customer string, r onboarding.Registration) diag.Diagnostic {
	detail := "The customer's link has not been launched yet, so there is no role to assume. If this configuration waits for it, set stack_id to that of the xacct_customer_role."
	switch r.Status {
	case onboarding.Degraded:
		detail = fmt.Sprintf("The role %s has been degraded since %s: %s. Ask the customer to update the stack; 'xacct verify --hub %s --customer %s' proves the role again.",
			r.Role, r.ChangedAt.UTC().Format(time.RFC3339), r.Reason, hub, customer)
	case onboarding.Disconnected:
		detail = fmt.Sprintf("The customer has been disconnected since %s: %s. Remove what still depends on the role, or ask the customer to launch the link again.",
			r.ChangedAt.UTC().Format(time.RFC3339), r.Reason)
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("customer_id"), fmt.Sprintf("No active role of %s", customerNamed(hub, customer)), detail)
}

func noSession(hub string, r onboarding.Registration, ask roleproof.Session, err error) diag.Diagnostic {
	advice := ""
	switch {
	case roleproof.IsRefusal(err) && (len(ask.Tags) > 0 || ask.SourceIdentity != ""):
		advice = fmt.Sprintf("The role %s was proven, but refuses this session. Tags need allow_session_tags on the customer's link, and a source identity allow_source_identity: "+
			"if they were added later, the customer has to update the stack first. The provider's principal needs sts:TagSession or sts:SetSourceIdentity on the role, too.", r.Role)
	case roleproof.IsRefusal(err):
		advice = fmt.Sprintf("The role %s was proven, but refuses now. Either the customer has changed it ('xacct verify --hub %s --customer %s' shows whether), "+
			"or the provider's credentials have lost sts:AssumeRole on it.", r.Role, hub, r.CustomerID)
	case awsclient.Code(err) == "ValidationError":
		advice = "AWS refused the parameters of the session. If duration exceeds the role's max_session_duration, choose a shorter one."
	}
	return cannot("assume the role of", customerNamed(hub, r.CustomerID), advice, err)
}
