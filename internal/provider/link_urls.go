// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// The addresses of a link: those that may be written to a state, according to the
// hub's template_access, and what customers get instead.

// addresses returns a link's url and template_url. They are null if templates have to
// be signed: a signature must not be in a plan or state, and would expire soon.
func addresses(record registry.HubRecord, link onboarding.Link, d declaration.Declaration, console string) (url, template types.String, err error) {
	if record.TemplateAccess.Presigned() {
		return types.StringNull(), types.StringNull(), nil
	}
	text, err := launch.URL(link, d, console)
	return types.StringValue(text), types.StringValue(link.TemplateURL), err
}

// unknownAddresses returns the url and template_url of a link about which too little
// is known yet: unknown, or null if templates have to be signed.
func unknownAddresses(record registry.HubRecord) types.String {
	if record.TemplateAccess.Presigned() {
		return types.StringNull()
	}
	return types.StringUnknown()
}

// launchAdvice returns what to send to a customer: the link, or how to make one.
func launchAdvice(record registry.HubRecord, link onboarding.Link, d declaration.Declaration, console string) string {
	if record.TemplateAccess.Presigned() {
		return fmt.Sprintf("Links of this hub are signed when they are needed. Print a fresh one with:\n\n  xacct link %s", link.ID())
	}
	text, err := launch.URL(link, d, console)
	if err != nil {
		return ""
	}
	return text
}

// updateURL returns the URL at which the customer updates their stack; null if there
// is nothing to update, or if the template's address has to be signed.
func updateURL(ctx context.Context, view *hubview.View, c onboarding.Customer, diags *diag.Diagnostics) types.String {
	r, _ := c.SoleRegistration()
	if !launch.NeedsUpdate(c.Link, r) || !canUpdate(ctx, view, diags) {
		return types.StringNull()
	}
	url, err := launch.UpdateURL(c.Link, r, view.Console())
	if err != nil {
		diags.Append(cannot("make the update link of", customerNamed(c.Link.Hub, c.Link.CustomerID), "", err))
	}
	return optional(url)
}
