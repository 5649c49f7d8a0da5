// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"crypto/rand"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// incarnationAttribute returns the attribute incarnation of a hub, a permission set or
// a link.
func incarnationAttribute(of string) schema.StringAttribute {
	return schema.StringAttribute{
		Computed: true,
		MarkdownDescription: "Identifies the creation of the " + of + " that this state manages: a random value, also kept in the registry. " +
			"If another Terraform state, or another address of this one, has since created or taken over the " + of + ", the two differ: plans warn of that, and destroying it here leaves it alone. " +
			"An import takes the registry's value. Null if the first release has created it.",
	}
}

// newIncarnation returns an incarnation that begins now.
func newIncarnation(now time.Time) onboarding.Incarnation {
	return onboarding.Incarnation{ID: rand.Text(), Since: now}
}

// takenSince describes since when an incarnation exists, for a message.
func takenSince(i onboarding.Incarnation) string {
	if i.Since.IsZero() {
		return "created or taken over"
	}
	return "created or taken over at " + i.Since.UTC().Format(time.RFC3339)
}

// writeAttempts is how often a write is tried that conflicts with another writer.
const writeAttempts = 5
