// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
)

// A plan takes what it says about existing stacks from the state, not from the
// registry: a customer may update a stack between plan and apply, and Terraform
// refuses a final plan that differs from the first.

// knownStack is the stack of a customer when it was last read.
type knownStack struct {
	ID      string `json:"stack_id,omitempty"` // empty: none is live
	Version string `json:"template_version,omitempty"`

	ExternalID string `json:"external_id,omitempty"` // that it is registered with
}

// stackKey is the key of the known stack in a link's private state.
const stackKey = "stack"

// keepStack writes the customer's stack into the private state of their link.
func keepStack(ctx context.Context, private privateWriter, c onboarding.Customer) diag.Diagnostics {
	var known knownStack
	if r, ok := c.SoleRegistration(); ok && r.Live() && !r.Adopted() {
		known = knownStack{r.Stack.String(), r.TemplateVersion, r.ExternalID.String()}
	}
	text, _ := json.Marshal(known)
	return private.SetKey(ctx, stackKey, text)
}

// keptStack reads it back.
func keptStack(ctx context.Context, private privateReader) (known knownStack) {
	text, _ := private.GetKey(ctx, stackKey)
	_ = json.Unmarshal(text, &known) // none: no stack
	return known
}

// outdatedBy reports whether the stack was made with another template than the
// link has.
func (s knownStack) outdatedBy(link onboarding.Link) bool {
	return s.ID != "" && s.Version != link.TemplateVersion
}

// needsUpdate reports whether the stack has another template, or another external
// ID, than the link.
func (s knownStack) needsUpdate(link onboarding.Link) bool {
	return s.outdatedBy(link) || s.ID != "" && s.ExternalID != "" && s.ExternalID != link.ExternalID.String()
}

// updateURL is updateURL for a link that is planned.
func (s knownStack) updateURL(ctx context.Context, view *hubview.View, link onboarding.Link, diags *diag.Diagnostics) types.String {
	stack, err := account.ParseStackARN(s.ID)
	if err != nil || !s.needsUpdate(link) {
		return types.StringNull()
	}
	record, known, err := view.RecordAfterApply(ctx)
	if err != nil {
		diags.Append(cannot("read", hubNamed(view.Name), "", err))
	}
	if !known || record.TemplateAccess.Signed() {
		return types.StringNull()
	}
	url, err := quickcreate.UpdateURL(view.Console(), stack, link.TemplateURL)
	if err != nil {
		diags.Append(cannot("make the update link of", customerNamed(link.Hub, link.CustomerID), "", err))
	}
	return optional(url)
}
