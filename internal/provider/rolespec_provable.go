// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/roleproof"
)

// provable refuses a trust that the provider could never prove, because the provider
// is none of the trusted principals and can't assume any of them.
func provable(ctx context.Context, clients *awsclient.Clients, principals []account.RoleARN) diag.Diagnostics {
	if len(principals) == 0 || roleproof.CanProve(clients.CallerARN, clients.Account, principals) {
		return nil
	}
	var last error
	for _, principal := range principals {
		if _, last = clients.Assume(ctx, principal); last == nil {
			return nil
		}
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("trusted_principal_arns"), "The provider cannot assume any trusted principal", paragraphs(fmt.Sprintf(
		"Roles are proven before they are registered, by a principal that they trust. The provider runs as %s, which is none of the trusted principals and may assume none of them. "+
			"Add a role that the provider uses or may assume.", clients.CallerARN), last.Error()))}
}
