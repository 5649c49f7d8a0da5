// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package stacktemplate turns the specification of a role into the
// CloudFormation template that a customer launches: the role, and a custom
// resource that phones home when it exists.
//
// One template serves every customer with the same specification: what differs
// between customers travels as parameters of their links, so the bytes, and
// with them the object's key, are the same for all. The package is the only one
// that imports goformation. It publishes nothing and makes no links.
package stacktemplate

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// The names in a template that other packages use.
const (
	RoleLogicalID      = "Role"
	PhoneHomeLogicalID = "PhoneHome"
	PhoneHomeType      = "Custom::XacctPhoneHome"

	ParameterExternalID   = "ExternalId"
	ParameterCustomerName = "CustomerName"
	ParameterRoleName     = "RoleName"
	ParameterShard        = "Shard"

	// ParameterExpectedAccountID doesn't exist in templates of the first release.
	ParameterExpectedAccountID = "ExpectedAccountId"
	// ParameterPreviousExternalID doesn't exist in templates of the first release
	// either.
	ParameterPreviousExternalID = "PreviousExternalId"
)

// Specification is all input of a template.
type Specification struct {
	Hub         string // the hub's name
	DisplayName string // the vendor's name, as customers read it; empty: the hub's
	SupportURL  string // where customers can ask questions; may be empty

	Vendor    account.ID
	Partition account.Partition

	Regions         []account.Region // where the hub has topics
	TopicPrefix     string           // topics are PREFIX-SHARD; empty: xacct-HUB
	ResponseTimeout time.Duration    // how long CloudFormation waits for the answer to a request

	// Set is what the vendor asks for. The role's name is a parameter, so it is not
	// part of the template.
	permissionset.Set
}

// Version returns the template_version, which is the version of the permission set.
func Version(s Specification) string { return s.Set.Version(s.Vendor, s.Partition) }

// vendorName returns the vendor's name for customers: the display name, otherwise the
// hub's name.
func (s Specification) vendorName() string {
	if s.DisplayName != "" {
		return s.DisplayName
	}
	return s.Hub
}

func (s Specification) topicPrefix() string {
	if s.TopicPrefix != "" {
		return s.TopicPrefix
	}
	return "xacct-" + s.Hub
}
