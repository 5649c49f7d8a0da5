// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// What a vendor reads of links.

// linkDiffers is for a create that finds another link of the same customer.
func linkDiffers(hubName, customer, difference string) diag.Diagnostic {
	return diag.NewErrorDiagnostic(fmt.Sprintf("Customer %s of hub %s has another link already", customer, hubName), fmt.Sprintf(
		"The hub has an open link for this customer, which differs from this configuration in %s. It may belong to another Terraform state. "+
			"If it is to be managed here, take it over and then change it:\n\n  terraform import ADDRESS %s/%s",
		difference, hubName, customer))
}

func linkAdopted(hubName, customer string) diag.Diagnostic {
	return diag.NewWarningDiagnostic(fmt.Sprintf("Customer %s of hub %s had this very link already", customer, hubName),
		"It was taken into this state as it is: an earlier apply was interrupted, or another Terraform state declares the same. "+
			"In the latter case, keep it in one of them: destroying it in either closes it for both.")
}

func externalIDTaken(other, externalID string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("external_id"), "Two customers with one external ID", fmt.Sprintf(
		"The external ID %s belongs to customer %s already. Whoever could assume one customer's role could then register as the other, "+
			"so each customer needs one of their own: leave external_id out, and the hub issues it.", externalID, other))
}

func accountMissing() diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("account_id"), "The customer's account is missing",
		"account_id is required while the hub's publishers are known_accounts: only accounts that a link names may phone home. "+
			"Ask the customer for their 12-digit AWS account ID.")
}

// noRoom says which customer did not fit, and how many do.
func noRoom(hubName, customer string, named, room int) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("account_id"), fmt.Sprintf("No room for %s", customerNamed(hubName, customer)), fmt.Sprintf(
		"With template_access = \"accounts\" the policy of the hub's bucket names every customer's account. S3's limit leaves room for %d, and %d are named or to be named already; "+
			"those of former customers stay for a week. Declare this customer on another hub, or set the hub's template_access to \"presigned\" or \"public\".", room, named))
}

// cannotRead turns a refusal to name an account as reader into its diagnostic.
func cannotRead(hubName, customer string, err error) (diag.Diagnostic, bool) {
	var full *iampolicy.BucketFullError
	if errors.As(err, &full) {
		return noRoom(hubName, customer, full.Fit, full.Fit), true
	}
	var missing *hub.NoSuchAccountError
	if errors.As(err, &missing) {
		return diag.NewAttributeErrorDiagnostic(path.Root("account_id"),
			fmt.Sprintf("The account of %s can't be let in", customerNamed(hubName, customer)), "Nothing was changed. "+sentence(err.Error())), true
	}
	return nil, false
}
