// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// declaration is what a vendor declares of a link, defaults filled in. The
// registry keeps it as JSON with the link, so that refresh and import can give
// it back exactly.
type declaration struct {
	Role              declaredRole `json:"role"`
	TrustedPrincipals []string     `json:"trusted_principal_arns"`
	StackName         string       `json:"stack_name"`
	Region            string       `json:"region"`
	ExpiresAt         string       `json:"expires_at,omitempty"`
}

// declaredRole tells null, which is null here too, from empty.
type declaredRole struct {
	Name                   string            `json:"name"`
	Path                   string            `json:"path"`
	Description            string            `json:"description,omitempty"`
	ManagedPolicyARNs      []string          `json:"managed_policy_arns"`
	InlinePolicies         map[string]string `json:"inline_policies"`
	PermissionsBoundaryARN string            `json:"permissions_boundary_arn,omitempty"`
	MaxSessionDuration     int64             `json:"max_session_duration"`
	Tags                   map[string]string `json:"tags"`
}

// declared is the model's declaration; everything in it is known.
func (m linkModel) declared(ctx context.Context, diags *diag.Diagnostics) declaration {
	d := declaration{
		StackName: m.StackName.ValueString(),
		Region:    m.Region.ValueString(),
		ExpiresAt: m.ExpiresAt.ValueString(),
		Role:      m.role(ctx, diags).declared(ctx, diags),
	}
	diags.Append(m.TrustedPrincipalARNs.ElementsAs(ctx, &d.TrustedPrincipals, false)...)
	slices.Sort(d.TrustedPrincipals)
	return d
}

func (m linkModel) role(ctx context.Context, diags *diag.Diagnostics) roleSpecModel {
	var role roleSpecModel
	diags.Append(m.Role.As(ctx, &role, basetypes.ObjectAsOptions{})...)
	return role
}

func (m roleSpecModel) declared(ctx context.Context, diags *diag.Diagnostics) declaredRole {
	d := declaredRole{
		Name:                   m.Name.ValueString(),
		Path:                   m.Path.ValueString(),
		Description:            m.Description.ValueString(),
		PermissionsBoundaryARN: m.PermissionsBoundaryARN.ValueString(),
		MaxSessionDuration:     m.MaxSessionDuration.ValueInt64(),
	}
	diags.Append(m.ManagedPolicyARNs.ElementsAs(ctx, &d.ManagedPolicyARNs, false)...)
	diags.Append(m.InlinePolicies.ElementsAs(ctx, &d.InlinePolicies, false)...)
	diags.Append(m.Tags.ElementsAs(ctx, &d.Tags, false)...)
	slices.Sort(d.ManagedPolicyARNs)
	return d
}

// template is the role's part of a template's specification.
func (d declaredRole) template() stacktemplate.Role {
	return stacktemplate.Role{
		Path:                   d.Path,
		Description:            d.Description,
		ManagedPolicyARNs:      d.ManagedPolicyARNs,
		InlinePolicies:         d.InlinePolicies,
		PermissionsBoundaryARN: d.PermissionsBoundaryARN,
		MaxSessionDuration:     time.Duration(d.MaxSessionDuration) * time.Second,
		Tags:                   d.Tags,
	}
}

// principals are the trusted roles, parsed; the schema has validated them.
func (d declaration) principals(diags *diag.Diagnostics) []account.RoleARN {
	var roles []account.RoleARN
	for _, text := range d.TrustedPrincipals {
		role, err := account.ParseRoleARN(text)
		if err != nil {
			diags.AddAttributeError(path.Root("trusted_principal_arns"), "Not the ARN of a role", sentence(err.Error()))
			continue
		}
		roles = append(roles, role)
	}
	return roles
}

// expires is the parsed expiry; zero: never.
func (d declaration) expires() time.Time {
	t, _ := time.Parse(time.RFC3339, d.ExpiresAt) // validated; empty: zero
	return t.UTC()
}

// differsFrom names the first attribute in which two declarations do not mean
// the same; empty: they do.
func (d declaration) differsFrom(o declaration) string {
	a, b := d.Role, o.Role
	for _, c := range []struct {
		name string
		same bool
	}{
		{"role.name", a.Name == b.Name},
		{"role.path", a.Path == b.Path},
		{"role.description", a.Description == b.Description},
		{"role.managed_policy_arns", sameElements(a.ManagedPolicyARNs, b.ManagedPolicyARNs)},
		{"role.inline_policies", samePolicies(a.InlinePolicies, b.InlinePolicies)},
		{"role.permissions_boundary_arn", a.PermissionsBoundaryARN == b.PermissionsBoundaryARN},
		{"role.max_session_duration", a.MaxSessionDuration == b.MaxSessionDuration},
		{"role.tags", maps.Equal(a.Tags, b.Tags)},
		{"trusted_principal_arns", sameElements(d.TrustedPrincipals, o.TrustedPrincipals)},
		{"stack_name", d.StackName == o.StackName},
		{"region", d.Region == o.Region},
		{"expires_at", d.expires().Equal(o.expires())},
	} {
		if !c.same {
			return c.name
		}
	}
	return ""
}

func sameElements(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func samePolicies(a, b map[string]string) bool {
	return maps.EqualFunc(a, b, func(x, y string) bool {
		same, err := iampolicy.Equivalent(x, y)
		return err == nil && same
	})
}

func (d declaration) encode() json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(d) // strings, lists and maps of strings always encode
	return bytes.TrimSpace(b.Bytes())
}

func decodeDeclaration(text json.RawMessage) (declaration, error) {
	var d declaration
	err := json.Unmarshal(text, &d)
	return d, err
}

// linkURL is the launch link of a link's record.
func linkURL(link onboarding.Link, d declaration, console string) (string, error) {
	region, err := account.ParseRegion(d.Region)
	if err != nil {
		return "", err
	}
	return quickcreate.Link{
		Region:      region,
		TemplateURL: link.TemplateURL,
		StackName:   d.StackName,
		Parameters:  launchParameters(link),
	}.URL(console)
}

// flatten takes a link's record into the model. Where the model declares the
// same already, it keeps its own spelling of it.
func (m *linkModel) flatten(ctx context.Context, link onboarding.Link, console string, now time.Time, diags *diag.Diagnostics) {
	found, err := decodeDeclaration(link.Declared)
	if err != nil {
		diags.Append(cannot("read", onCustomer(link.Hub, link.CustomerID), "The link's record in the registry is damaged: restore the table from a backup.", err))
		return
	}
	url, err := linkURL(link, found, console)
	if err != nil {
		diags.Append(cannot("make the launch link of", onCustomer(link.Hub, link.CustomerID), "", err))
		return
	}
	if m.Role.IsNull() || !fullyKnown(m.Role) || m.declared(ctx, diags).differsFrom(found) != "" {
		m.flattenDeclaration(ctx, found, diags)
	}
	m.ID = types.StringValue(link.ID())
	m.Hub = types.StringValue(link.Hub)
	m.CustomerID = types.StringValue(link.CustomerID)
	m.AccountID = types.StringValue(link.Account.String())
	m.ExternalID = types.StringValue(link.ExternalID.String())
	m.URL = types.StringValue(url)
	m.TemplateURL = types.StringValue(link.TemplateURL)
	m.TemplateVersion = types.StringValue(link.TemplateVersion)
	m.Status = types.StringValue(string(link.Status(now)))
}

func (m *linkModel) flattenDeclaration(ctx context.Context, d declaration, diags *diag.Diagnostics) {
	m.StackName = types.StringValue(d.StackName)
	m.Region = types.StringValue(d.Region)
	m.ExpiresAt = optional(d.ExpiresAt)
	m.TrustedPrincipalARNs = nullableSet(ctx, d.TrustedPrincipals, diags)
	role := roleSpecModel{
		Name:                   types.StringValue(d.Role.Name),
		Path:                   types.StringValue(d.Role.Path),
		Description:            optional(d.Role.Description),
		ManagedPolicyARNs:      nullableSet(ctx, d.Role.ManagedPolicyARNs, diags),
		InlinePolicies:         nullableMap(ctx, d.Role.InlinePolicies, diags),
		PermissionsBoundaryARN: optional(d.Role.PermissionsBoundaryARN),
		MaxSessionDuration:     types.Int64Value(d.Role.MaxSessionDuration),
		Tags:                   nullableMap(ctx, d.Role.Tags, diags),
	}
	m.setRole(ctx, role, diags)
}

func (m *linkModel) setRole(ctx context.Context, role roleSpecModel, diags *diag.Diagnostics) {
	object, d := types.ObjectValueFrom(ctx, roleSpecTypes(), role)
	diags.Append(d...)
	m.Role = object
}

func nullableSet(ctx context.Context, values []string, diags *diag.Diagnostics) types.Set {
	if values == nil {
		return types.SetNull(types.StringType)
	}
	return stringSet(ctx, values, diags)
}

func nullableMap(ctx context.Context, values map[string]string, diags *diag.Diagnostics) types.Map {
	if values == nil {
		return types.MapNull(types.StringType)
	}
	return stringMap(ctx, values, diags)
}
