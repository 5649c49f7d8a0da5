// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package customers

import (
	"fmt"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// stored returns a version as it is recorded in links: 0 for the first version.
func stored(version int) int {
	if version == 1 {
		return 0
	}
	return version
}

// identify returns the link with its external ID: the vendor's, or the desired
// version of the one that the hub issues.
func (d Desired) identify(link, before onboarding.Link) (onboarding.Link, error) {
	wanted := stored(d.Version)
	sameGeneration := link.Generation == before.Generation && !before.ExternalID.IsZero()
	switch {
	case d.Version == 0 && !sameGeneration:
		link.ExternalIDVersion = 0
	case d.Version == 0, sameGeneration && wanted == before.ExternalIDVersion:
	case sameGeneration && wanted < before.ExternalIDVersion:
		return link, &Refusal{"external_id_version", "An external ID can't be reused", fmt.Sprintf(
			"Customer %s of hub %s has version %d of the external ID, and an earlier one is not issued again: others may know it. Set external_id_version to %d or more.",
			d.CustomerID, d.Record.Name, before.ExternalIDVersion, before.ExternalIDVersion)}
	default:
		link.ExternalIDVersion, link.ExternalID = wanted, account.ExternalID{}
	}
	if !d.ExternalID.IsZero() {
		link.ExternalID = d.ExternalID
	}
	if link.ExternalID.IsZero() {
		link.ExternalID = d.issued(link)
	}
	link.Issued = link.ExternalID == d.issued(link)
	return link, nil
}

// issued returns the external ID that the hub issues for the link.
func (d Desired) issued(link onboarding.Link) account.ExternalID {
	return onboarding.RotatedExternalID(d.Record.Key.Bytes(), d.Record.Name, d.CustomerID, link.Generation, link.ExternalIDVersion)
}

// rotates reports whether a link has a later version of the external ID than before.
func (d Desired) rotates(before, link onboarding.Link) bool {
	return link.Generation == before.Generation && link.ExternalIDVersion > before.ExternalIDVersion && link.ExternalID == d.issued(link)
}

// needsRotation reports whether the link's external ID was rotated although a role
// from a template with these parameters accepts only one.
func needsRotation(link onboarding.Link, parameters []string) bool {
	return link.ExternalIDVersion > 1 && !stacktemplate.HasRotation(parameters)
}

// setWithoutRotation returns the error for a link whose permission set has a template
// of an earlier release, with which external IDs cannot rotate.
func setWithoutRotation(set onboarding.PermissionSet) error {
	return &Refusal{"external_id_version", "The template cannot change external IDs", fmt.Sprintf(
		"The template of permission set %s is of an earlier release, and lets a role accept one external ID only. Publish it again first: terraform apply -replace with the address of the set keeps its links as they are.", set.ID())}
}
