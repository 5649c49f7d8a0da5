// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Diagnostics about permission sets.

func setNamed(hubName, name string) string {
	return fmt.Sprintf("permission set %s of hub %s", name, hubName)
}

// setDiffers returns the error for a create that finds another set of the same name.
func setDiffers(set onboarding.PermissionSet, difference string) diag.Diagnostic {
	return diag.NewErrorDiagnostic(fmt.Sprintf("Hub %s has another permission set %s already", set.Hub, set.Name), fmt.Sprintf(
		"The existing set differs from this configuration in %s, and links may refer to it. Choose another name. "+
			"If this configuration has it at another address, move it there with a moved block, or move it and change it in two applies; "+
			"do the same if create_before_destroy replaces it. If it belongs to another Terraform state, remove it there, or take it over and then change it:\n\n  terraform import ADDRESS %s",
		difference, set.ID()))
}

// setOwned returns the error for a set that belongs to another of the vendor's tools.
func setOwned(set onboarding.PermissionSet) diag.Diagnostic {
	return diag.NewErrorDiagnostic(fmt.Sprintf("Permission set %s of hub %s is not Terraform's", set.Name, set.Hub), fmt.Sprintf(
		"It belongs to %s, which continues to manage it. Use the data source xacct_permission_set here; or take the set over, and then change it:\n\n  terraform import ADDRESS %s",
		set.Owner, set.ID()))
}

// setTakenOver returns the warning for a create that found the set exactly as
// declared.
func setTakenOver(set onboarding.PermissionSet) diag.Diagnostic {
	return diag.NewWarningDiagnostic("A permission set was taken over", fmt.Sprintf(
		"%s exists with the same settings as this configuration, so it was taken over with its links. "+
			"It had another address in this configuration, an earlier apply was interrupted, or another Terraform state has it. "+
			"The other state can't delete it any more: its plans warn of that until it is removed there.", sentenceStart(setNamed(set.Hub, set.Name))))
}

// setHeldElsewhere returns the warning for a refresh that finds that another state
// holds the set.
func setHeldElsewhere(set onboarding.PermissionSet) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Another configuration manages this permission set", fmt.Sprintf(
		"%s was %s by another Terraform state, or at another address of this one. "+
			"Destroying it here does not delete it, and changing it here changes it there. Keep it in one of them: remove it here with a removed block or 'terraform state rm', "+
			"or take it back with 'terraform apply -replace'.", sentenceStart(setNamed(set.Hub, set.Name)), takenSince(set.Incarnation)))
}

// setLeft returns the warning for a destroy that finds that another state holds the
// set.
func setLeft(set onboarding.PermissionSet) diag.Diagnostic {
	return diag.NewWarningDiagnostic("The permission set was not deleted", fmt.Sprintf(
		"%s was %s by another Terraform state, or at another address of this one, and is managed there. It was forgotten here, and not deleted.",
		sentenceStart(setNamed(set.Hub, set.Name)), takenSince(set.Incarnation)))
}

// setRetired returns the warning for a destroy of a set to which open links refer.
func setRetired(set onboarding.PermissionSet, customers []string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("A permission set was retired under open links", fmt.Sprintf(
		"%s to permission set %s of hub %s: %s. They stay as they are and can be launched, but no other link can refer to the set, and it can't be changed. "+
			"Created again under the same name, it is the same set, and its links follow it: so if it only has another address now, do nothing. "+
			"Otherwise let these links refer to another set, or destroy them.",
		referred(len(customers)), set.Name, set.Hub, someOf(customers)))
}

// noSuchSet returns the error for a link or fleet whose permission set doesn't exist
// or is retired.
func noSuchSet(hubName, name string, err error) diag.Diagnostic {
	summary, detail := fmt.Sprintf("No permission set %s in hub %s", name, hubName), fmt.Sprintf(
		"The hub has no permission set of this name. Create it with xacct_permission_set, and refer to it by its id, so that Terraform creates it first:\n\n"+
			"  permission_set = xacct_permission_set.%s.id", "example")
	if errors.Is(err, registry.ErrPermissionSetRetired) {
		summary = fmt.Sprintf("Permission set %s of hub %s was deleted", name, hubName)
		detail = "Links that refer to it stay as they are, and no other can refer to it. Create it again under the same name, or refer to another one."
	}
	return diag.NewAttributeErrorDiagnostic(setPath, summary, detail)
}

// setOfAnotherHub returns the diagnostic for a link or fleet that refers to a set of
// another hub.
func setOfAnotherHub(hubName, setsHub, set string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(setPath, "The permission set of another hub", fmt.Sprintf(
		"Permission set %s belongs to hub %s, and the link to hub %s: stacks phone home to the hub that their template names. Declare the set on hub %s too.",
		set, setsHub, hubName, hubName))
}

// referred returns "1 open link refers" or "3 open links refer".
func referred(n int) string {
	return onboarding.Counted(n, "open link") + onboarding.Plural(n, " refers", " refer")
}

func sentenceStart(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
