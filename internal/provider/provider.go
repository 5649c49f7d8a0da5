// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package provider implements the Terraform provider: the schemas, plans and
// operations of its resources, data sources, list resources, actions, ephemeral
// resources and functions. They call the packages below.
//
// It decides nothing about a phone-home: while an apply waits for a role, it runs
// the same registrar that the daemon runs. It keeps nothing between two operations
// except Terraform's own state. What the resources of one operation share (the
// read of a hub's customers, the planned specifications, the registrar) is in
// [session].
package provider

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/xacct/terraform-provider-xacct/internal/hub"
)

var (
	_ provider.Provider                       = (*xacctProvider)(nil)
	_ provider.ProviderWithValidateConfig     = (*xacctProvider)(nil)
	_ provider.ProviderWithFunctions          = (*xacctProvider)(nil)
	_ provider.ProviderWithEphemeralResources = (*xacctProvider)(nil)
	_ provider.ProviderWithListResources      = (*xacctProvider)(nil)
	_ provider.ProviderWithActions            = (*xacctProvider)(nil)
)

// Option changes the behaviour of a provider instance, for tests.
type Option func(*settings)

// WithPollInterval sets how often a waiting apply reads the registry.
func WithPollInterval(d time.Duration) Option {
	return func(s *settings) { s.pollInterval = d }
}

// WithClock replaces the machine's clock.
func WithClock(now func() time.Time) Option {
	return func(s *settings) { s.now = now }
}

// WithSleep replaces how an apply waits for AWS and for other processes.
func WithSleep(wait func(context.Context, time.Duration) error) Option {
	return func(s *settings) { s.hub = append(s.hub, hub.WithSleep(wait)) }
}

type xacctProvider struct {
	settings  settings
	session   atomic.Pointer[session] // nil: not configured yet
	validated atomic.Bool             // ValidateConfig was called since the last Configure
}

// New returns the constructor of a provider with this version.
func New(version string, options ...Option) func() provider.Provider {
	s := settings{version: version, now: time.Now, pollInterval: 5 * time.Second}
	for _, option := range options {
		option(&s)
	}
	return func() provider.Provider { return &xacctProvider{settings: s} }
}

func (p *xacctProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "xacct"
	resp.Version = p.settings.version
}

func (p *xacctProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = providerSchema()
}

// ValidateConfig begins an operation, because engines call it before they use the
// provider in a plan, apply or query. They also call it before Configure, so a provider
// that is configured without it has a caller that configures it once for several
// operations: see session.shared.
func (p *xacctProvider) ValidateConfig(context.Context, provider.ValidateConfigRequest, *provider.ValidateConfigResponse) {
	p.validated.Store(true)
	if s := p.session.Load(); s != nil {
		s.begin()
	}
}

// Configure creates the session that all resources and data sources of one operation
// share. Values that a plan doesn't know yet are no error: whatever is possible
// without them is planned.
func (p *xacctProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var config providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	s := newSession(p.settings)
	s.shared = !p.validated.Swap(false)
	if unknown := config.unknown(); unknown != "" {
		s.unconfigured = unknown
	} else {
		resp.Diagnostics.Append(s.connect(ctx, config)...)
	}
	p.session.Store(s)
	resp.ResourceData, resp.DataSourceData, resp.EphemeralResourceData = s, s, s
	resp.ListResourceData, resp.ActionData = s, s
}

func (p *xacctProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{newHubResource, newSetResource, newFleetResource, newLinkResource, newRoleResource}
}

func (p *xacctProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{newHubDataSource, newSetDataSource, newRoleDataSource, newRolesDataSource, newTemplateDataSource}
}

func (p *xacctProvider) ListResources(context.Context) []func() list.ListResource {
	return []func() list.ListResource{newSetList, newFleetList, newLinkList, newRoleList}
}

func (p *xacctProvider) Actions(context.Context) []func() action.Action {
	return []func() action.Action{newVerifyAction, newBlockAction, newUnblockAction, newRedriveAction, newAdoptAction}
}

func (p *xacctProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{newCredentialsResource}
}

func (p *xacctProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{newQuickCreateURLFunction, newFleetURLFunction, newCLICommandFunction, newTerraformSnippetFunction, newTrustPolicyFunction,
		newCustomerParameterFunction, newCustomerAccountFunction, newCustomerPartitionFunction}
}
