// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Diagnostics about fleets.

func fleetNamed(hubName, name string) string { return fmt.Sprintf("fleet %s of hub %s", name, hubName) }

var customersPath = path.Root("customers")

// cannotWriteFleet returns the diagnostic for a fleet that could not be written, on
// the attribute that the error is about.
func cannotWriteFleet(hubName, name, set string, err error) diag.Diagnostic {
	var (
		taken   *registry.ExternalIDTakenError
		topic   *iampolicy.TopicFullError
		bucket  *iampolicy.BucketFullError
		missing *hub.NoSuchAccountError
	)
	what := fleetNamed(hubName, name)
	switch {
	case errors.Is(err, registry.ErrNoHub):
		return noHub(what, hubName)
	case errors.Is(err, registry.ErrNoPermissionSet), errors.Is(err, registry.ErrPermissionSetRetired):
		return noSuchSet(hubName, set, err)
	case errors.As(err, &taken):
		return externalIDTaken(taken.CustomerID, taken.ExternalID.String())
	case errors.As(err, &topic), errors.As(err, &bucket), errors.As(err, &missing):
		return diag.NewAttributeErrorDiagnostic(customersPath, "Not all accounts of "+what+" could be added", sentence(err.Error()))
	case errors.Is(err, registry.ErrFleetChanged):
		return diag.NewErrorDiagnostic("Another process changed "+what,
			paragraphs("It was changed, taken over or closed during this apply. Everything that was done before that is in the state. Plan and apply again.", err.Error()))
	}
	return cannot("write", what, "Everything that was done is in the state, and the next apply continues from there.", err)
}

// membersRefused returns the reasons why customers can't be in the fleet.
func membersRefused(hubName, name string, refusals map[string]error) diag.Diagnostics {
	found := newFindings()
	for _, customer := range slices.Sorted(maps.Keys(refusals)) {
		found.add(customer, memberRefused(hubName, name, customer, refusals[customer])...)
	}
	return found.diagnostics()
}

func memberRefused(hubName, name, customer string, err error) diag.Diagnostics {
	at := customersPath.AtMapKey(customer)
	var inFleet *customers.InFleetError
	if errors.As(err, &inFleet) {
		return diag.Diagnostics{inAnotherFleet(at, inFleet)}
	}
	var all diag.Diagnostics
	for _, d := range refused(hubName, customer, err) {
		switch attribute := attributeOf(d); attribute {
		case "region", "permission_set", "external_id_version":
			all.Append(d)
		default: // the error is about an attribute that a fleet doesn't have
			all.AddAttributeError(at, d.Summary(), strings.ReplaceAll(d.Detail(), "account_id can't change", "The account can't change"))
		}
	}
	return all
}

func attributeOf(d diag.Diagnostic) string {
	if with, ok := d.(diag.DiagnosticWithPath); ok {
		return with.Path().String()
	}
	return ""
}

// checkFleetPublishers refuses new links of a fleet on a hub whose topics are open to
// any AWS account.
func checkFleetPublishers(hubName string, publishers onboarding.PublisherScope, todo customers.FleetWrite) diag.Diagnostics {
	if publishers != onboarding.AnyAccount || len(todo.Changes) == len(todo.Closing) && len(todo.Publishers) == 0 {
		return nil
	}
	return diag.Diagnostics{fleetForAnyone(hubName)}
}

func fleetForAnyone(hubName string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("hub"), "Fleets require known accounts", fmt.Sprintf(
		"The publishers of hub %s are \"anyone\", for customers who sign up with an account that is not known yet. A fleet is for customers whose accounts are known. "+
			"Declare it on a hub with publishers = \"known_accounts\", or each customer with an xacct_onboarding_link.", hubName))
}

// fleetDiffers returns the diagnostic for a create that finds another fleet of the same
// name.
func fleetDiffers(fleet onboarding.Fleet, difference string) diag.Diagnostic {
	return diag.NewErrorDiagnostic(fmt.Sprintf("Hub %s has another fleet %s already", fleet.Hub, fleet.Name), fmt.Sprintf(
		"The existing fleet differs from this configuration in %s. Choose another name. "+
			"If this configuration has it at another address, move it there with a moved block, or move it and change it in two applies; "+
			"do the same if create_before_destroy replaces it. If it belongs to another Terraform state, remove it there, or take it over and then change it:\n\n  terraform import ADDRESS %s",
		difference, fleet.ID()))
}

// fleetTakenOver returns the diagnostic for a create that found the fleet as it is
// declared.
func fleetTakenOver(fleet onboarding.Fleet) diag.Diagnostic {
	return diag.NewWarningDiagnostic("A fleet was taken over", fmt.Sprintf(
		"%s exists with the same settings as this configuration, so it was taken over with its customers: their external IDs and launch links are the same as before. "+
			"It had another address in this configuration, an earlier apply was interrupted, or another Terraform state has it. "+
			"The other state can't close it any more: its plans warn of that until it is removed there.", sentenceStart(fleetNamed(fleet.Hub, fleet.Name))))
}

// fleetHeldElsewhere returns the diagnostic for a refresh that finds that another
// state holds the fleet.
func fleetHeldElsewhere(fleet onboarding.Fleet) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Another configuration manages this fleet", fmt.Sprintf(
		"%s was %s by another Terraform state, or at another address of this one. "+
			"Destroying it here does not close it, and changing it here changes it there. Keep it in one of them: remove it here with a removed block or 'terraform state rm', "+
			"or take it back with 'terraform apply -replace'.", sentenceStart(fleetNamed(fleet.Hub, fleet.Name)), takenSince(fleet.Incarnation)))
}

// fleetLeft returns the diagnostic for a destroy that finds that another state holds
// the fleet.
func fleetLeft(fleet onboarding.Fleet) diag.Diagnostic {
	return diag.NewWarningDiagnostic("The fleet was not closed", fmt.Sprintf(
		"%s was %s by another Terraform state, or at another address of this one, and is managed there. It was forgotten here, and not closed.",
		sentenceStart(fleetNamed(fleet.Hub, fleet.Name)), takenSince(fleet.Incarnation)))
}

// membersTaken returns the diagnostic for customers whose links belonged to another
// fleet or resource before.
func membersTaken(fleet onboarding.Fleet, ids []string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Open links were taken over by a fleet", fmt.Sprintf(
		"The links of %s of %s exist with the same settings as this configuration, so the fleet has taken them over, with their external IDs. "+
			"They had a resource of their own, or were in another fleet. If another Terraform state has these, its plans warn of that until the customers are removed there.",
		counted(ids), fleetNamed(fleet.Hub, fleet.Name)))
}

// membersElsewhere returns the diagnostic for a refresh that finds that another fleet
// or resource holds links of the fleet.
func membersElsewhere(fleet onboarding.Fleet, ids []string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Other resources manage customers of this fleet", fmt.Sprintf(
		"The links of %s of %s were taken over by another fleet, or by a link of their own. They are left as they are. Take these customers out of one of the two.",
		counted(ids), fleetNamed(fleet.Hub, fleet.Name)))
}

// warnOfClosings warns that links with live stacks will be closed: one warning for all
// customers of a fleet.
func warnOfClosings(hubName, name string, leaving []onboarding.Customer) diag.Diagnostics {
	var ids []string
	adopted := 0
	for _, c := range leaving {
		if len(c.Live()) > 0 {
			ids = append(ids, c.Link.CustomerID)
		}
		for _, r := range c.Live() {
			if r.Adopted() {
				adopted++
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	also := ""
	if adopted > 0 {
		also = fmt.Sprintf(" %s among these %s given up.", onboarding.Counted(adopted, "adopted role"), onboarding.Plural(adopted, "is", "are"))
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("The links of connected customers close", fmt.Sprintf(
		"This plan closes the links of %s of %s. Their stacks are live.%s\n\n"+
			"The stacks and their roles stay as they are, can be assumed with the external ID, and phone home when their owner deletes or updates them. The links can no longer be launched: "+
			"the customer reads that the link is closed. To end the access, ask the customers to delete their stacks. "+
			"If this plan declares them in another fleet or as individual links, those take them over.", counted(ids), fleetNamed(hubName, name), also))}
}

// counted returns a count and a few of the customers, such as "3 customers (a, b, c)".
func counted(ids []string) string {
	if len(ids) == 1 {
		return "customer " + ids[0]
	}
	return fmt.Sprintf("%d customers (%s)", len(ids), someOf(ids))
}
