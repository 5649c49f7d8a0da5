// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// place is a hub's account and Region. A hub's own state contains them; links and
// roles keep them in their private state, so that a provider that is configured for
// another Region doesn't use a hub of the same name there.
type place struct {
	Account string `json:"account_id"`
	Region  string `json:"region"`
}

// placeKey is the key of the place in a resource's private state.
const placeKey = "hub"

func placeOf(clients *awsclient.Clients) place {
	return place{clients.Account.String(), clients.Region.String()}
}

// privateReader and privateWriter are the framework's access to a resource's private
// state.
type privateReader interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

type privateWriter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// keepPlace writes the provider's account and Region to a resource's private state.
func (c *configured) keepPlace(ctx context.Context, private privateWriter) diag.Diagnostics {
	text, _ := json.Marshal(placeOf(c.session.clients))
	return private.SetKey(ctx, placeKey, text)
}

// justImported reports whether a resource was imported and has not been read since:
// its private state has no data of the provider yet.
func justImported(ctx context.Context, private privateReader) bool {
	text, diags := private.GetKey(ctx, placeKey)
	return text == nil && !diags.HasError()
}

// movedFrom reports, with a diagnostic, whether the provider's account or Region is
// not that of the resource's hub.
func (c *configured) movedFrom(ctx context.Context, hubName string, private privateReader, diags *diag.Diagnostics) bool {
	text, d := private.GetKey(ctx, placeKey)
	diags.Append(d...)
	var was place
	if text == nil || json.Unmarshal(text, &was) != nil {
		return false // just imported
	}
	return c.elsewhere(hubName, was, diags)
}

// elsewhere reports, with a diagnostic, whether the provider's account or Region is
// not that of the hub. It doesn't compare empty fields of was.
func (c *configured) elsewhere(hubName string, was place, diags *diag.Diagnostics) bool {
	switch here := placeOf(c.session.clients); {
	case was.Account != "" && was.Account != here.Account:
		diags.Append(wrongPlace(hubName, "account", here.Account, was.Account))
	case was.Region != "" && was.Region != here.Region:
		diags.Append(wrongPlace(hubName, "Region", here.Region, was.Region))
	default:
		return false
	}
	return true
}
