// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"maps"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// RequestType is what CloudFormation asks of a custom resource (aws-facts 1.1).
type RequestType string

// The three requests.
const (
	Create RequestType = "Create"
	Update RequestType = "Update"
	Delete RequestType = "Delete"
)

// Request is one decoded phone-home. Everything that could be checked without
// asking a service has been: its topic is an ARN, its stack is one in the same
// Region, and its response URL is of CloudFormation's own form for exactly this
// stack, resource and request. Its properties are an attacker's until proven.
type Request struct {
	Type   RequestType
	Topic  account.TopicARN
	SentAt time.Time // the envelope's timestamp, by SNS's clock

	Stack      account.StackARN
	RequestID  string
	LogicalID  string
	PhysicalID string        // empty in a Create
	Timeout    time.Duration // ServiceTimeout; 0 where the request has none

	ResponseURL   ResponseURL
	Properties    Properties
	OldProperties Properties // of an Update; zero otherwise
}

// Properties are the stack's report, as text: nothing here has been
// parsed, because a bad value must be answered with a sentence, not dropped.
type Properties struct {
	Hub                string
	ExternalID         string
	RoleARN            string
	TemplateVersion    string
	GrantedPermissions []string

	// AdditionalRoleARNs are the ARNs of the stack's other roles, by their keys.
	AdditionalRoleARNs map[string]string `json:",omitempty"`

	// Parameters are what the customer has typed in, by the vendor's names for
	// it. It is text to show and no more: nothing is decided by it.
	Parameters map[string]string `json:",omitempty"`

	// Reported are the template outputs: the stack's report on the resources that it
	// has beside the roles, by the vendor's names for it. It is text to show and no
	// more, too.
	Reported map[string]string `json:",omitempty"`

	// PreviousExternalID is the external ID that the role accepts beside ExternalID
	// while the customer changes from the one to the other; empty: none.
	PreviousExternalID string `json:",omitempty"`
}

// Equal reports whether two stacks report the same.
func (p Properties) Equal(q Properties) bool {
	return p.Hub == q.Hub && p.ExternalID == q.ExternalID && p.RoleARN == q.RoleARN &&
		p.TemplateVersion == q.TemplateVersion && slices.Equal(p.GrantedPermissions, q.GrantedPermissions) &&
		maps.Equal(p.AdditionalRoleARNs, q.AdditionalRoleARNs) && maps.Equal(p.Parameters, q.Parameters) &&
		maps.Equal(p.Reported, q.Reported) && p.PreviousExternalID == q.PreviousExternalID
}
