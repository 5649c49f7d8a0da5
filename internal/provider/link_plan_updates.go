// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// refuseUpdates refuses a declaration to which the customer's live stacks could not be
// updated. It assumes that they were created from the previous declaration.
func refuseUpdates(before onboarding.Customer, next declaration.Declaration) diag.Diagnostics {
	if !hasStack(before) {
		return nil
	}
	was, err := declaration.Of(before.Link)
	if err != nil {
		return nil // a damaged record is reported when it is read into the state
	}
	return fieldErrors(was.Set().ValidateUpdate(next.Set()))
}
