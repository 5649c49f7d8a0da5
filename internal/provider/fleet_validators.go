// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

func validFleetName() check {
	return check{"1 to 64 letters, digits and ._- beginning with a letter or digit", "Invalid fleet name",
		matches(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`, "it is a name of your own choice, such as main or eu")}
}

// validCustomers validates the customers of a fleet without reading the hub.
type validCustomers struct{}

// Description implements validator.Map.
func (validCustomers) Description(context.Context) string {
	return "keys must be customer IDs, values must be AWS account IDs"
}

// MarkdownDescription implements validator.Map.
func (v validCustomers) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateMap implements validator.Map.
func (validCustomers) ValidateMap(_ context.Context, req validator.MapRequest, resp *validator.MapResponse) {
	customerID, found := validCustomerID(), newFindings()
	elements := req.ConfigValue.Elements()
	for _, id := range slices.Sorted(maps.Keys(elements)) {
		at := req.Path.AtMapKey(id)
		if err := customerID.find(id); err != nil {
			found.add(id, diag.NewAttributeErrorDiagnostic(at, customerID.summary, sentence(err.Error())))
		}
		if value, ok := elements[id].(types.String); ok && !value.IsUnknown() {
			if d := checkFleetAccount(at, id, value); d != nil {
				found.add(id, d)
			}
		}
	}
	resp.Diagnostics.Append(found.diagnostics()...)
}

// checkFleetAccount returns the error for an invalid account of a fleet's customer;
// nil if it is valid.
func checkFleetAccount(at path.Path, customer string, value types.String) diag.Diagnostic {
	text := value.ValueString()
	switch {
	case text == "" || text == "anyone":
		return diag.NewAttributeErrorDiagnostic(at, "A fleet's customers have an account", fmt.Sprintf(
			"Customer %s has none here. A customer whose account is not known yet needs an xacct_onboarding_link of their own, on a hub with publishers = \"anyone\"; "+
				"if it is known, write its 12 digits.", customer))
	case strings.HasPrefix(text, "o-"):
		return diag.NewAttributeErrorDiagnostic(at, "A fleet's customers have one account each", fmt.Sprintf(
			"Customer %s has the organization %s here. A customer with many accounts, who launches a StackSet, needs an xacct_onboarding_link of their own, "+
				"with scope = \"organization\" and organization_id = %q.", customer, text, text))
	}
	if _, err := account.ParseID(text); err != nil {
		if len(text) != 12 {
			err = fmt.Errorf("%w; this one has %d characters", err, len(text))
		}
		return diag.NewAttributeErrorDiagnostic(at, "Invalid AWS account ID", fmt.Sprintf("The account of customer %s: %s", customer, sentence(err.Error())))
	}
	return nil
}
