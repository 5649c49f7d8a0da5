// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// Policies in configurations: validation, size limits, and differences that are no
// change.

func validIdentityPolicy() check { return validPolicy(iampolicy.Inline) }

// validManagedPolicy returns a check for a document of any length. A document that is
// too long for one policy is divided.
func validManagedPolicy() check { return validPolicy(iampolicy.Managed) }

func validPolicy(kind iampolicy.Kind) check {
	return check{"an IAM policy document as JSON", "Invalid IAM policy", func(text string) error {
		findings, err := iampolicy.Lint(permissionset.Sampled(text), kind, account.Partition{})
		if err != nil {
			return err
		}
		var messages []string
		for _, f := range findings { // the plan shows the warnings, if the policy is new
			if f.Severity == iampolicy.SeverityError && f.Code != iampolicy.TooLong {
				messages = append(messages, f.Message)
			}
		}
		if len(messages) == 0 {
			return nil
		}
		return errors.New(strings.Join(messages, ". "))
	}}
}

func validPolicyName() check {
	return check{"the name of an inline policy", "Invalid policy name", account.CheckPolicyName}
}

// inlineSum validates IAM's limit for the total size of a role's inline policies
// (aws-facts 7.2).
type inlineSum struct{}

func (inlineSum) Description(context.Context) string {
	return fmt.Sprintf("must have at most %d characters together", iampolicy.MaxInlineSize)
}
func (i inlineSum) MarkdownDescription(ctx context.Context) string { return i.Description(ctx) }

func (inlineSum) ValidateMap(ctx context.Context, req validator.MapRequest, resp *validator.MapResponse) {
	if req.ConfigValue.IsNull() || !fullyKnown(req.ConfigValue) {
		return
	}
	var policies map[string]string
	resp.Diagnostics.Append(req.ConfigValue.ElementsAs(ctx, &policies, false)...)
	for name, text := range policies {
		policies[name] = permissionset.Sampled(text) // the plan uses the greatest length of each reference
	}
	sum, err := iampolicy.InlineSize(policies)
	if err == nil && sum > iampolicy.MaxInlineSize {
		resp.Diagnostics.AddAttributeError(req.Path, "Inline policies too long", fmt.Sprintf(
			"The inline policies of a role may have %d characters together, white space not counted; these have %d. "+
				"Move some of them to managed policies.", iampolicy.MaxInlineSize, sum))
	}
}

// sameMeaning keeps the state's policies if the configuration's policies differ only
// in spelling: white space, or the order of a list.
type sameMeaning struct{}

var _ planmodifier.Map = sameMeaning{}

func (sameMeaning) Description(context.Context) string {
	return "policies that mean the same are not a change"
}
func (s sameMeaning) MarkdownDescription(ctx context.Context) string { return s.Description(ctx) }

func (sameMeaning) PlanModifyMap(ctx context.Context, req planmodifier.MapRequest, resp *planmodifier.MapResponse) {
	if req.StateValue.IsNull() || !fullyKnown(req.PlanValue) || len(req.StateValue.Elements()) != len(req.PlanValue.Elements()) {
		return
	}
	var state, plan map[string]string
	resp.Diagnostics.Append(req.StateValue.ElementsAs(ctx, &state, false)...)
	resp.Diagnostics.Append(req.PlanValue.ElementsAs(ctx, &plan, false)...)
	if resp.Diagnostics.HasError() {
		return
	}
	for name, document := range plan {
		before, ok := state[name]
		if !ok {
			return
		}
		if same, err := iampolicy.Equivalent(before, document); err != nil || !same {
			return
		}
	}
	resp.PlanValue = req.StateValue
}
