// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Diagnostics about links.

// linkDiffers returns the error for a create that finds another link of the same
// customer.
func linkDiffers(hubName, customer, difference string) diag.Diagnostic {
	return diag.NewErrorDiagnostic(fmt.Sprintf("Customer %s of hub %s has another link already", customer, hubName), fmt.Sprintf(
		"The hub has an open link for this customer, which differs from this configuration in %s. "+
			"If this configuration has it at another address, move it there with a moved block, or move it and change it in two applies; "+
			"do the same if create_before_destroy replaces it. If it belongs to another Terraform state, remove it there, or take it over and then change it:\n\n  terraform import ADDRESS %s/%s",
		difference, hubName, customer))
}

// linkOwned returns the error for a create that finds a link that belongs to another
// of the vendor's tools.
func linkOwned(e *customers.OwnedError) diag.Diagnostic {
	return diag.NewErrorDiagnostic(fmt.Sprintf("Customer %s of hub %s has a link of another tool", e.CustomerID, e.Hub), fmt.Sprintf(
		"The hub has an open link for this customer, which belongs to %s. Close it there, or take it over and change it from here on:\n\n  terraform import ADDRESS %s/%s",
		e.Owner, e.Hub, e.CustomerID))
}

// linkTakenOver returns the warning for a create that found the link open. Its summary
// is the same for all customers, so that Terraform shows many such warnings as one.
func linkTakenOver(hubName, customer string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("An open link was taken over", fmt.Sprintf(
		"The link of customer %s of hub %s exists with the same settings as this configuration, so it was taken over: its external ID and URL are the same as before. "+
			"It had another address in this configuration, an earlier apply was interrupted, or another Terraform state has it. "+
			"The other state can't close it any more: its plans warn of that until it is removed there.", customer, hubName))
}

// heldElsewhere returns the warning for a refresh that finds that another state holds
// the link. Its summary is the same for all customers.
func heldElsewhere(link onboarding.Link) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Another configuration manages this link", fmt.Sprintf(
		"The link of customer %s of hub %s was %s. "+
			"Destroying it here does not close it. Keep it in one of them: remove it here with a removed block or 'terraform state rm', "+
			"or take it back with 'terraform apply -replace'.", link.CustomerID, link.Hub, linkTaken(link)))
}

// leftOpen returns the warning for a destroy that finds that another state holds the
// link.
func leftOpen(link onboarding.Link) diag.Diagnostic {
	return diag.NewWarningDiagnostic("The link was not closed", fmt.Sprintf(
		"The link of customer %s of hub %s was %s, and is managed there. "+
			"It was forgotten here, and not closed.", link.CustomerID, link.Hub, linkTaken(link)))
}

// linkTaken describes what has taken over a link.
func linkTaken(link onboarding.Link) string {
	if link.Fleet != "" {
		return "taken over by fleet " + link.Fleet
	}
	return takenSince(link.Incarnation) + " by another Terraform state, or at another address of this one"
}

func externalIDTaken(other, externalID string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("external_id"), "Two customers with one external ID", fmt.Sprintf(
		"The external ID %s belongs to customer %s already. A caller who can assume one customer's role could then register as the other, "+
			"so each customer needs one of their own: leave external_id out, and the hub issues it.", externalID, other))
}

func accountMissing() diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("account_id"), "account_id is required",
		"account_id is required while the hub's publishers are known_accounts: only accounts that a link names may phone home. "+
			"Ask the customer for their 12-digit AWS account ID.")
}

// noRoom returns the error for a customer whose account does not fit in the bucket's
// policy. The error contains the number of accounts that fit.
func noRoom(hubName, customer string, named, room int) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("account_id"), fmt.Sprintf("The bucket policy has no room for %s", customerNamed(hubName, customer)), fmt.Sprintf(
		"With template_access = \"accounts\" the policy of the hub's bucket names every customer's account. S3's limit leaves room for %d, and %d are named or to be named already; "+
			"those of former customers stay for a week. Declare this customer on another hub, or set the hub's template_access to \"presigned\" or \"public\".", room, named))
}

// cannotRead returns the diagnostic for err if err is a refusal to name an account as
// reader; false if it isn't.
func cannotRead(hubName, customer string, err error) (diag.Diagnostic, bool) {
	var full *iampolicy.BucketFullError
	if errors.As(err, &full) {
		return noRoom(hubName, customer, full.Room, full.Room), true
	}
	var missing *hub.NoSuchAccountError
	if errors.As(err, &missing) {
		return diag.NewAttributeErrorDiagnostic(path.Root("account_id"),
			fmt.Sprintf("The account of %s can't be added", customerNamed(hubName, customer)), "Nothing was changed. "+sentence(err.Error())), true
	}
	return nil, false
}
