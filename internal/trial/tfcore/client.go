// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/zclconf/go-cty/cty"
)

// client calls one server of a provider. It converts between values and the bytes of
// the protocol.
type client struct {
	provider *provider
	server   tfprotov6.ProviderServer
}

// writeOnlyAllowed is the client capability that write-only arguments are supported.
const writeOnlyAllowed = true

func (c *client) validateProvider(ctx context.Context, config cty.Value) (cty.Value, Diagnostics) {
	s := c.provider.config
	resp, err := c.server.ValidateProviderConfig(ctx, &tfprotov6.ValidateProviderConfigRequest{Config: encode(config, s.impliedTyp)})
	if err != nil {
		return config, failed(err)
	}
	found := received(resp.Diagnostics)
	if resp.PreparedConfig != nil && !found.HasErrors() {
		config, found = decodeInto(config, resp.PreparedConfig, s.impliedTyp, found)
	}
	return config, found
}

func (c *client) configure(ctx context.Context, config cty.Value) Diagnostics {
	resp, err := c.server.ConfigureProvider(ctx, &tfprotov6.ConfigureProviderRequest{
		TerraformVersion: Version, Config: encode(config, c.provider.config.impliedTyp),
		ClientCapabilities: &tfprotov6.ConfigureProviderClientCapabilities{},
	})
	if err != nil {
		return failed(err)
	}
	return received(resp.Diagnostics)
}

func (c *client) validateResource(ctx context.Context, of address, config cty.Value) Diagnostics {
	encoded := encode(config, c.provider.schemaOf(of).impliedTyp)
	var diagnostics []*tfprotov6.Diagnostic
	var err error
	switch of.mode {
	case data:
		var resp *tfprotov6.ValidateDataResourceConfigResponse
		resp, err = c.server.ValidateDataResourceConfig(ctx, &tfprotov6.ValidateDataResourceConfigRequest{TypeName: of.typ, Config: encoded})
		if resp != nil {
			diagnostics = resp.Diagnostics
		}
	case ephemeral:
		var resp *tfprotov6.ValidateEphemeralResourceConfigResponse
		resp, err = c.server.ValidateEphemeralResourceConfig(ctx, &tfprotov6.ValidateEphemeralResourceConfigRequest{TypeName: of.typ, Config: encoded})
		if resp != nil {
			diagnostics = resp.Diagnostics
		}
	case managed:
		var resp *tfprotov6.ValidateResourceConfigResponse
		resp, err = c.server.ValidateResourceConfig(ctx, &tfprotov6.ValidateResourceConfigRequest{
			TypeName: of.typ, Config: encoded,
			ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: writeOnlyAllowed},
		})
		if resp != nil {
			diagnostics = resp.Diagnostics
		}
	}
	if err != nil {
		return failed(err)
	}
	return received(diagnostics)
}

// read returns the refreshed object; nil if it no longer exists.
func (c *client) read(ctx context.Context, of address, o *object) (*object, Diagnostics) {
	s := c.provider.schemaOf(of)
	resp, err := c.server.ReadResource(ctx, &tfprotov6.ReadResourceRequest{
		TypeName: of.typ, CurrentState: encode(o.value, s.impliedTyp), Private: o.private,
		CurrentIdentity: c.encodeIdentity(of, o.identity), ClientCapabilities: &tfprotov6.ReadResourceClientCapabilities{},
	})
	if err != nil {
		return o, failed(err)
	}
	found := received(resp.Diagnostics)
	if found.HasErrors() {
		return o, found
	}
	if resp.Deferred != nil {
		return o, append(found, refuse("a deferred read of %s", of))
	}
	fresh := *o
	fresh.private = resp.Private
	fresh.value, found = decodeInto(o.value, resp.NewState, s.impliedTyp, found)
	fresh.identity, found = c.decodeIdentity(of, resp.NewIdentity, found)
	switch {
	case found.HasErrors():
		return o, found
	case fresh.value.IsNull():
		return nil, found
	case !fresh.value.IsWhollyKnown():
		return o, append(found, problem("Provider produced invalid object",
			"Provider %q planned an invalid value for %s during refresh: The returned state contains unknown values.%s", c.provider, of, aBug))
	}
	return &fresh, found
}

// planned is a provider's response to PlanResourceChange.
type planned struct {
	state           cty.Value
	private         []byte
	identity        cty.Value
	requiresReplace []cty.Path
}

func (c *client) plan(ctx context.Context, of address, prior, proposed, config cty.Value, private []byte, id cty.Value) (planned, Diagnostics) {
	s := c.provider.schemaOf(of)
	resp, err := c.server.PlanResourceChange(ctx, &tfprotov6.PlanResourceChangeRequest{
		TypeName: of.typ, PriorState: encode(prior, s.impliedTyp), ProposedNewState: encode(proposed, s.impliedTyp),
		Config: encode(config, s.impliedTyp), PriorPrivate: private, PriorIdentity: c.encodeIdentity(of, id),
		ClientCapabilities: &tfprotov6.PlanResourceChangeClientCapabilities{},
	})
	if err != nil {
		return planned{}, failed(err)
	}
	found := received(resp.Diagnostics)
	if found.HasErrors() {
		return planned{}, found
	}
	if resp.Deferred != nil || resp.UnsafeToUseLegacyTypeSystem { //nolint:staticcheck // deprecated answers are refused
		return planned{}, append(found, refuse("deferred plans and the legacy type system (%s)", of))
	}
	p := planned{private: resp.PlannedPrivate}
	p.state, found = decodeInto(proposed, resp.PlannedState, s.impliedTyp, found)
	p.identity, found = c.decodeIdentity(of, resp.PlannedIdentity, found)
	for _, path := range resp.RequiresReplace {
		p.requiresReplace = append(p.requiresReplace, pathOf(path))
	}
	return p, found
}

// apply applies a change and returns the new object; its value is nil if the provider
// returned none.
func (c *client) apply(ctx context.Context, of address, ch *change, prior, config cty.Value) (*object, Diagnostics) {
	s := c.provider.schemaOf(of)
	resp, err := c.server.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: of.typ, PriorState: encode(prior, s.impliedTyp), PlannedState: encode(ch.after, s.impliedTyp),
		Config: encode(config, s.impliedTyp), PlannedPrivate: ch.private, PlannedIdentity: c.encodeIdentity(of, ch.afterIdentity),
	})
	if err != nil {
		return nil, failed(err)
	}
	found := received(resp.Diagnostics)
	if resp.NewState == nil {
		if !found.HasErrors() {
			found = append(found, problem("Provider produced invalid object", "Provider %q produced an invalid nil value after apply for %s.%s", c.provider.configured(), ch.addr, aBug))
		}
		return nil, found
	}
	o := &object{private: resp.Private}
	o.value, found = decodeInto(prior, resp.NewState, s.impliedTyp, found)
	o.identity, found = c.decodeIdentity(of, resp.NewIdentity, found)
	return o, found
}

func (c *client) readData(ctx context.Context, of address, config cty.Value) (cty.Value, Diagnostics) {
	s := c.provider.schemaOf(of)
	resp, err := c.server.ReadDataSource(ctx, &tfprotov6.ReadDataSourceRequest{
		TypeName: of.typ, Config: encode(config, s.impliedTyp), ClientCapabilities: &tfprotov6.ReadDataSourceClientCapabilities{},
	})
	if err != nil {
		return cty.NilVal, failed(err)
	}
	found := received(resp.Diagnostics)
	if found.HasErrors() {
		return cty.NilVal, found
	}
	value, found := decodeInto(config, resp.State, s.impliedTyp, found)
	switch {
	case found.HasErrors():
	case resp.Deferred != nil:
		found = append(found, refuse("a deferred read of %s", of))
	case value.IsNull():
		found = append(found, problem("Provider produced null object", "Provider %q produced a null value for %s.%s", c.provider.configured(), of, aBug))
	case !value.IsWhollyKnown():
		found = append(found, problem("Provider produced invalid object", "Provider %q produced a value for %s that is not wholly known.%s", c.provider.configured(), of, aBug))
	}
	return value, found
}

// imported returns the object that an import finds, by ID or else by identity.
func (c *client) imported(ctx context.Context, of address, id string, by cty.Value) (*object, Diagnostics) {
	s := c.provider.schemaOf(of)
	req := &tfprotov6.ImportResourceStateRequest{TypeName: of.typ, ID: id, ClientCapabilities: &tfprotov6.ImportResourceStateClientCapabilities{}}
	if id == "" {
		req.Identity = c.encodeIdentity(of, by)
	}
	resp, err := c.server.ImportResourceState(ctx, req)
	if err != nil {
		return nil, failed(err)
	}
	found := received(resp.Diagnostics)
	if found.HasErrors() {
		return nil, found
	}
	if len(resp.ImportedResources) != 1 || resp.ImportedResources[0].TypeName != of.typ {
		return nil, append(found, refuse("an import of %s that brings something else than one %s", of, of.typ))
	}
	o := &object{private: resp.ImportedResources[0].Private}
	o.value, found = decodeInto(cty.NilVal, resp.ImportedResources[0].State, s.impliedTyp, found)
	o.identity, found = c.decodeIdentity(of, resp.ImportedResources[0].Identity, found)
	return o, found
}

// upgrade returns a stored object, upgraded to the provider's current schema.
func (c *client) upgrade(ctx context.Context, of address, st *stored) (*object, Diagnostics) {
	s := c.provider.schemaOf(of)
	resp, err := c.server.UpgradeResourceState(ctx, &tfprotov6.UpgradeResourceStateRequest{
		TypeName: of.typ, Version: st.version, RawState: &tfprotov6.RawState{JSON: st.attributes},
	})
	if err != nil {
		return nil, failed(err)
	}
	found := received(resp.Diagnostics)
	if found.HasErrors() {
		return nil, found
	}
	o := &object{private: st.private, tainted: st.tainted, dependencies: st.dependencies, createBeforeDestroy: st.createBeforeDestroy, identity: cty.NilVal}
	o.value, found = decodeInto(cty.NilVal, resp.UpgradedState, s.impliedTyp, found)
	if !found.HasErrors() {
		o.identity, found = c.upgradeIdentity(ctx, of, st, found)
	}
	return o, found
}

// upgradeIdentity asks the provider only about identities of older schemas.
func (c *client) upgradeIdentity(ctx context.Context, of address, st *stored, found Diagnostics) (cty.Value, Diagnostics) {
	schema := c.provider.identities[of.typ]
	if schema == nil || st.identity == nil {
		return cty.NilVal, found
	}
	if st.identityVersion == schema.version {
		return decodeInto(cty.NilVal, &tfprotov6.DynamicValue{JSON: st.identity}, schema.typ, found)
	}
	resp, err := c.server.UpgradeResourceIdentity(ctx, &tfprotov6.UpgradeResourceIdentityRequest{
		TypeName: of.typ, Version: st.identityVersion, RawIdentity: &tfprotov6.RawState{JSON: st.identity},
	})
	if err != nil {
		return cty.NilVal, append(found, failed(err)...)
	}
	return c.decodeIdentity(of, resp.UpgradedIdentity, append(found, received(resp.Diagnostics)...))
}

// opened opens an ephemeral resource, and returns its value and a function that
// closes it.
func (c *client) opened(ctx context.Context, of address, config cty.Value) (cty.Value, func(context.Context) Diagnostics, Diagnostics) {
	s := c.provider.schemaOf(of)
	resp, err := c.server.OpenEphemeralResource(ctx, &tfprotov6.OpenEphemeralResourceRequest{
		TypeName: of.typ, Config: encode(config, s.impliedTyp), ClientCapabilities: &tfprotov6.OpenEphemeralResourceClientCapabilities{},
	})
	if err != nil {
		return cty.NilVal, nil, failed(err)
	}
	found := received(resp.Diagnostics)
	if found.HasErrors() {
		return cty.NilVal, nil, found
	}
	if resp.Deferred != nil {
		return cty.NilVal, nil, append(found, refuse("a deferred opening of %s", of))
	}
	value, found := decodeInto(config, resp.Result, s.impliedTyp, found)
	return value, func(ctx context.Context) Diagnostics {
		closed, err := c.server.CloseEphemeralResource(ctx, &tfprotov6.CloseEphemeralResourceRequest{TypeName: of.typ, Private: resp.Private})
		if err != nil {
			return failed(err)
		}
		return received(closed.Diagnostics)
	}, found
}

func (c *client) encodeIdentity(of address, id cty.Value) *tfprotov6.ResourceIdentityData {
	schema := c.provider.identities[of.typ]
	if schema == nil || id == cty.NilVal || id.IsNull() {
		return nil
	}
	return &tfprotov6.ResourceIdentityData{IdentityData: encode(id, schema.typ)}
}

func (c *client) decodeIdentity(of address, id *tfprotov6.ResourceIdentityData, found Diagnostics) (cty.Value, Diagnostics) {
	schema := c.provider.identities[of.typ]
	if schema == nil || id == nil || id.IdentityData == nil {
		return cty.NilVal, found
	}
	return decodeInto(cty.NilVal, id.IdentityData, schema.typ, found)
}

// aBug is the end of Terraform's messages about bugs in providers.
const aBug = "\n\nThis is a bug in the provider, which should be reported in the provider's own issue tracker."

// refuse returns the error about a feature that this core does not support.
func refuse(format string, arguments ...any) *Diagnostic {
	return problem("The in-process core does not do that", "It is for tests, and does not know %s. Run this test with Terraform.", fmt.Sprintf(format, arguments...))
}
