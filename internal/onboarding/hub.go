// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Hub is what the domain needs to know of a hub: who speaks to the customer,
// and how long CloudFormation waits for our answer.
type Hub struct {
	Name            string
	DisplayName     string // the vendor's name, as customers read it
	SupportURL      string // where a customer may ask; may be empty
	Account         account.ID
	Region          account.Region
	Regions         []account.Region // where it has topics; customers' stacks live there
	Retiring        []account.Region // not offered to customers, but a topic may be there: going, or not yet come
	ResponseTimeout time.Duration
	// SkipSignatures takes messages that SNS has not signed, or whose signature
	// was not checked. Hubs from before there was a choice do not skip them.
	SkipSignatures bool
	// EventBus is the vendor's event bus, which receives status changes of
	// customers' roles; zero: none.
	EventBus account.EventBusARN
	// WebhookURL is the vendor's own https address that is told the same; empty: none.
	WebhookURL string `json:",omitempty"`
}

// Hears reports whether stacks of a Region may send requests to the hub.
func (h Hub) Hears(region account.Region) bool {
	return slices.Contains(h.Regions, region) || slices.Contains(h.Retiring, region)
}

// givesUp reports whether stacks of a Region are heard, but no new one is taken.
func (h Hub) givesUp(region account.Region) bool {
	return !slices.Contains(h.Regions, region) && slices.Contains(h.Retiring, region)
}

// PublisherScope defines who may phone home to a hub. Its values are those of the
// attribute publishers, and are stored as they are.
type PublisherScope string

const (
	// KnownAccounts are the accounts and organizations that links name.
	KnownAccounts PublisherScope = "known_accounts"
	// AnyAccount is every AWS account, for sign-up before the customer's
	// account is known.
	AnyAccount PublisherScope = "anyone"
)

// PublisherScopes lists all values.
func PublisherScopes() []PublisherScope { return []PublisherScope{KnownAccounts, AnyAccount} }

// TemplateAccess defines who may read a hub's templates. Its values are those of
// the attribute template_access, and are stored as they are.
type TemplateAccess string

const (
	// TemplatesPublic may be read by everyone who knows the address.
	TemplatesPublic TemplateAccess = "public"
	// TemplatesPresigned may be read with an address that the vendor has signed.
	TemplatesPresigned TemplateAccess = "presigned"
	// TemplatesAccounts may be read by the accounts of the hub's customers.
	TemplatesAccounts TemplateAccess = "accounts"
)

// TemplateAccesses lists all values.
func TemplateAccesses() []TemplateAccess {
	return []TemplateAccess{TemplatesPublic, TemplatesPresigned, TemplatesAccounts}
}

// Signed reports whether the address of a template opens nothing by itself:
// it has to be signed with the vendor's credentials first.
func (a TemplateAccess) Signed() bool { return a == TemplatesPresigned }
