// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// textsOf returns the elements of m that are known.
func textsOf(m types.Map) map[string]string {
	elements := m.Elements()
	texts := make(map[string]string, len(elements))
	for key, value := range elements {
		if text, ok := value.(types.String); ok && !text.IsUnknown() {
			texts[key] = text.ValueString()
		}
	}
	return texts
}

// textMap returns a map of texts. If former contains the same texts, it returns former.
func textMap(former types.Map, texts map[string]string, diags *diag.Diagnostics) types.Map {
	if had := former.Elements(); !former.IsNull() && !former.IsUnknown() && len(had) == len(texts) {
		same := true
		for key, text := range texts {
			if was, ok := had[key].(types.String); !ok || was.IsUnknown() || was.IsNull() || was.ValueString() != text {
				same = false
				break
			}
		}
		if same {
			return former
		}
	}
	elements := make(map[string]attr.Value, len(texts))
	for key, text := range texts {
		elements[key] = types.StringValue(text)
	}
	m, d := types.MapValue(types.StringType, elements)
	diags.Append(d...)
	return m
}

// nullableTextMap returns what textMap does, or null if there are no texts.
func nullableTextMap(former types.Map, texts map[string]string, diags *diag.Diagnostics) types.Map {
	if len(texts) == 0 {
		return types.MapNull(types.StringType)
	}
	return textMap(former, texts, diags)
}

// accounts returns the accounts of the customers whose account is known.
func (m fleetModel) accounts(diags *diag.Diagnostics) map[string]account.ID {
	texts := textsOf(m.Customers)
	ids := make(map[string]account.ID, len(texts))
	for customer, text := range texts {
		id, err := account.ParseID(text)
		if err != nil {
			diags.AddAttributeError(path.Root("customers").AtMapKey(customer), "Invalid AWS account ID", sentence(err.Error()))
			return nil
		}
		ids[customer] = id
	}
	return ids
}

// desired returns the fleet that the model declares. Everything that the model
// declares must be known. The state is nil if the fleet is created.
func (m fleetModel) desired(record registry.HubRecord, set onboarding.PermissionSet, state *fleetModel, diags *diag.Diagnostics) customers.DesiredFleet {
	d := customers.DesiredFleet{
		Record: record, Name: m.Name.ValueString(), Set: set, Region: m.Region.ValueString(), ExpiresAt: m.ExpiresAt.ValueString(),
		Customers: m.accounts(diags), Version: m.version(),
	}
	if state != nil {
		d.Previous = state.accounts(diags)
	}
	return d
}

// flatten copies a fleet's record into the model, and reports whether that changed the
// model. If the model has an equal value already, it keeps its own spelling. Customers
// whose links were taken over by another state or tool stay in the model, with a
// warning.
func (m *fleetModel) flatten(ctx context.Context, view *hubview.View, fleet onboarding.Fleet, diags *diag.Diagnostics) bool {
	record, err := view.Record(ctx)
	if err != nil {
		diags.Append(cannot("read", fleetNamed(view.Name, fleet.Name), "", err))
		return false
	}
	all, err := view.Customers(ctx)
	if err != nil {
		diags.Append(cannot("read the customers of", fleetNamed(view.Name, fleet.Name), "", err))
		return false
	}
	before := *m
	had := textsOf(m.Customers)
	accounts, externalIDs, topics := map[string]string{}, map[string]string{}, map[string]string{}
	var elsewhere []string
	shown, version := fleet, m.version()
	for id, customer := range all {
		link := customer.Link
		if !link.InFleet(fleet.Name) {
			if was, mine := had[id]; !mine || link.Closed || was != link.Account.String() {
				continue
			}
			elsewhere = append(elsewhere, id)
		} else {
			shown, version = withStrayValues(shown, fleet, link), min(version, max(link.ExternalIDVersion, 1))
		}
		accounts[id], externalIDs[id] = link.Account.String(), link.ExternalID.String()
		if link.Shard != record.ShardOf(id) {
			topics[id] = strconv.Itoa(link.Shard)
		}
	}
	if len(elsewhere) > 0 {
		slices.Sort(elsewhere)
		diags.Append(membersElsewhere(fleet, elsewhere))
	}
	m.ID, m.Hub, m.Name = types.StringValue(fleet.ID()), types.StringValue(fleet.Hub), types.StringValue(fleet.Name)
	m.Customers = textMap(m.Customers, accounts, diags)
	m.ExternalIDs = textMap(m.ExternalIDs, externalIDs, diags)
	m.Topics = nullableTextMap(m.Topics, topics, diags)
	if version != m.version() { // an apply did not reach all customers; the next plan does
		m.ExternalIDVersion = types.Int64Value(int64(version))
	}
	m.PermissionSet = types.StringValue(fleet.Hub + "/" + shown.PermissionSet)
	m.Region = types.StringValue(shown.Region.String())
	if declared := (declaration.Declaration{ExpiresAt: m.ExpiresAt.ValueString()}); m.ExpiresAt.IsUnknown() || !declared.Expires().Equal(shown.ExpiresAt) {
		m.ExpiresAt = timeString(shown.ExpiresAt)
	}
	m.URLTemplate = types.StringNull()
	set, err := view.Sets.Find(ctx, shown.PermissionSet)
	if err == nil && set == nil {
		err = registry.ErrNoPermissionSet
	}
	if err == nil {
		m.URLTemplate, err = fleetTemplate(record, *set, m.proposal(), view.Console())
	}
	if err != nil {
		diags.Append(cannot("make the launch links of", fleetNamed(view.Name, fleet.Name), "", err))
	}
	return !m.sameAs(before)
}

// withStrayValues returns shown with the values in which a link differs from its fleet.
// An apply did not reach that link; because the state then shows its values, the next
// plan changes them.
func withStrayValues(shown, fleet onboarding.Fleet, link onboarding.Link) onboarding.Fleet {
	proposed, err := declaration.Proposed(link)
	if region, wrong := account.ParseRegion(proposed.Region); err == nil && wrong == nil && region != fleet.Region {
		shown.Region = region
	}
	if link.PermissionSet != fleet.PermissionSet && link.PermissionSet != "" {
		shown.PermissionSet = link.PermissionSet
	}
	if !link.ExpiresAt.Equal(fleet.ExpiresAt) {
		shown.ExpiresAt = link.ExpiresAt
	}
	return shown
}

// sameAs reports whether two models are equal. Maps with the same elements are the
// same value, because textMap returns the former map for them.
func (m fleetModel) sameAs(o fleetModel) bool {
	return m.ID.Equal(o.ID) && m.Hub.Equal(o.Hub) && m.Name.Equal(o.Name) && m.PermissionSet.Equal(o.PermissionSet) &&
		m.Region.Equal(o.Region) && m.ExpiresAt.Equal(o.ExpiresAt) && m.ExternalIDVersion.Equal(o.ExternalIDVersion) && m.URLTemplate.Equal(o.URLTemplate) && m.Incarnation.Equal(o.Incarnation) &&
		m.Customers.Equal(o.Customers) && m.ExternalIDs.Equal(o.ExternalIDs) && m.Topics.Equal(o.Topics)
}

// proposal returns what the fleet's launch links propose: stack name, Region and
// expiry.
func (m fleetModel) proposal() declaration.Declaration {
	return declaration.Declaration{
		StackName: customers.StackNameOf(m.Hub.ValueString()), Region: m.Region.ValueString(), ExpiresAt: m.ExpiresAt.ValueString(),
	}
}

// fleetTemplate returns the url_template of a fleet; null if templates have to be
// signed.
func fleetTemplate(record registry.HubRecord, set onboarding.PermissionSet, d declaration.Declaration, console string) (types.String, error) {
	if record.TemplateAccess.Presigned() {
		return types.StringNull(), nil
	}
	text, err := launch.FleetTemplate(set, d, record.Account, record.NewestShard, record.Shards-record.NewestShard, console)
	if err != nil {
		return types.StringNull(), fmt.Errorf("permission set %s: %w", set.Name, err)
	}
	return types.StringValue(text), nil
}
