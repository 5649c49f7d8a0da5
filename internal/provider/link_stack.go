// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
)

// A plan takes what it shows of existing stacks from the state, not from the registry:
// a customer may update a stack between plan and apply, and Terraform refuses a final
// plan that differs from the first.

// knownStack is a customer's stack at the last refresh.
type knownStack struct {
	ID      string `json:"stack_id,omitempty"` // empty: no stack is live
	Version string `json:"template_version,omitempty"`

	ExternalID string `json:"external_id,omitempty"` // as registered

	// Choices are the customer's choices as reported by the stack; nil if they aren't
	// known, because an earlier release of the provider wrote the state.
	Choices *knownChoices `json:"choices,omitempty"`
}

// knownChoices are the choices on which the update command depends. They don't contain
// the values that the customer entered.
type knownChoices struct {
	Granted []string `json:"granted,omitempty"` // optional permissions that are on
	Typed   []string `json:"typed,omitempty"`   // parameters that have a value
}

// stackKey is the key of the known stack in a link's private state.
const stackKey = "stack"

// keepStack writes the customer's stack to the private state of their link.
func keepStack(ctx context.Context, private privateWriter, c onboarding.Customer) diag.Diagnostics {
	var known knownStack
	if r, ok := c.SoleRegistration(); ok && r.Live() && !r.Adopted() {
		known = knownStack{r.Stack.String(), r.TemplateVersion, r.ExternalID.String(),
			&knownChoices{r.GrantedPermissions, slices.Sorted(maps.Keys(r.Parameters))}}
	}
	text, _ := json.Marshal(known)
	return private.SetKey(ctx, stackKey, text)
}

// keptStack reads the stack that keepStack wrote.
func keptStack(ctx context.Context, private privateReader) (known knownStack) {
	text, _ := private.GetKey(ctx, stackKey)
	_ = json.Unmarshal(text, &known) // no data: no stack
	return known
}

// outdatedBy reports whether the stack was created from another template than the
// link's.
func (s knownStack) outdatedBy(link onboarding.Link) bool {
	return s.ID != "" && s.Version != link.TemplateVersion
}

// needsUpdate reports whether the stack has another template, or another external
// ID, than the link.
func (s knownStack) needsUpdate(link onboarding.Link) bool {
	return s.outdatedBy(link) || s.ID != "" && s.ExternalID != "" && s.ExternalID != link.ExternalID.String()
}

// updateURL returns what the function updateURL does, for a planned link.
func (s knownStack) updateURL(ctx context.Context, view *hubview.View, link onboarding.Link, diags *diag.Diagnostics) types.String {
	stack, err := account.ParseStackARN(s.ID)
	if err != nil || !s.needsUpdate(link) || !canUpdate(ctx, view, diags) {
		return types.StringNull()
	}
	url, err := quickcreate.UpdateURL(view.Console(), stack, link.TemplateURL)
	if err != nil {
		diags.Append(cannot("make the update link of", customerNamed(link.Hub, link.CustomerID), "", err))
	}
	return optional(url)
}

// updateCommand returns what the function updateCommand does, for a planned link.
func (s knownStack) updateCommand(ctx context.Context, view *hubview.View, link onboarding.Link, diags *diag.Diagnostics) types.String {
	stack, err := account.ParseStackARN(s.ID)
	if err != nil || !s.needsUpdate(link) || !canUpdate(ctx, view, diags) {
		return types.StringNull()
	}
	externalID, err := account.ParseExternalID(s.ExternalID)
	if err != nil || s.Choices == nil {
		return types.StringUnknown()
	}
	r := onboarding.Registration{
		Status: onboarding.Active, Stack: stack, TemplateVersion: s.Version, ExternalID: externalID,
		GrantedPermissions: s.Choices.Granted, Parameters: map[string]string{},
	}
	for _, key := range s.Choices.Typed {
		r.Parameters[key] = "" // the command keeps the value
	}
	return commandFor(link, r)
}

// canUpdate reports whether a template's address can be given to a customer who
// updates their stack: the hub is known, and its templates need no signature.
func canUpdate(ctx context.Context, view *hubview.View, diags *diag.Diagnostics) bool {
	record, known, err := view.RecordAfterApply(ctx)
	if err != nil {
		diags.Append(cannot("read", hubNamed(view.Name), "", err))
	}
	return known && !record.TemplateAccess.Presigned()
}
