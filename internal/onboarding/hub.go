// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Hub is the part of a hub's record that the domain uses: the vendor's name and
// address as customers read them, the Regions, and how long CloudFormation waits for
// an answer.
type Hub struct {
	Name            string
	DisplayName     string // the vendor's name, as customers read it
	SupportURL      string // where customers can ask for help; may be empty
	Account         account.ID
	Region          account.Region
	Regions         []account.Region // where the hub has topics and customers can create stacks
	Retiring        []account.Region // Regions that are being added or removed: not offered to customers, but may have a topic
	ResponseTimeout time.Duration
	// SkipSignatures makes the registrar accept messages whose SNS signature is
	// missing or was not verified. Hubs of releases without this setting do not skip
	// signatures.
	SkipSignatures bool
	// EventBus is the vendor's event bus, which receives status changes of
	// customers' roles; zero: none.
	EventBus account.EventBusARN
	// WebhookURL is the vendor's own https endpoint, which receives the same events;
	// empty: none.
	WebhookURL string `json:",omitempty"`
}

// AcceptsFrom reports whether stacks of a Region may send requests to the hub.
func (h Hub) AcceptsFrom(region account.Region) bool {
	return slices.Contains(h.Regions, region) || slices.Contains(h.Retiring, region)
}

// isRetiring reports whether the hub handles requests from a Region, but connects no new
// stacks there.
func (h Hub) isRetiring(region account.Region) bool {
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
	// TemplatesPublic: every caller that knows the address can read them.
	TemplatesPublic TemplateAccess = "public"
	// TemplatesPresigned: callers with a presigned address can read them.
	TemplatesPresigned TemplateAccess = "presigned"
	// TemplatesAccounts: the accounts of the hub's customers can read them.
	TemplatesAccounts TemplateAccess = "accounts"
)

// TemplateAccesses lists all values.
func TemplateAccesses() []TemplateAccess {
	return []TemplateAccess{TemplatesPublic, TemplatesPresigned, TemplatesAccounts}
}

// Presigned reports whether a template can only be read with an address that was
// presigned with the vendor's credentials.
func (a TemplateAccess) Presigned() bool { return a == TemplatesPresigned }
