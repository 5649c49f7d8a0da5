// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"maps"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// RequestType is the operation that CloudFormation requests of a custom resource
// (aws-facts 1.1).
type RequestType string

// The request types.
const (
	Create RequestType = "Create"
	Update RequestType = "Update"
	Delete RequestType = "Delete"
)

// Request is one decoded phone-home. Everything that can be checked without a call
// has been: the topic is an ARN, the stack is in the same Region as the topic, and
// the response URL has CloudFormation's own form for exactly this stack, resource and
// request. The properties are untrusted until the role is proven.
type Request struct {
	Type   RequestType
	Topic  account.TopicARN
	SentAt time.Time // the envelope's timestamp, by SNS's clock

	Stack      account.StackARN
	RequestID  string
	LogicalID  string
	PhysicalID string        // empty in a Create
	Timeout    time.Duration // ServiceTimeout; 0 if the request has none

	ResponseURL   ResponseURL
	Properties    Properties
	OldProperties Properties // of an Update; zero otherwise
}

// Properties are the properties that the stack reports, as text. They are not parsed,
// because an invalid value must be answered with a message, not dropped.
type Properties struct {
	Hub                string
	ExternalID         string
	RoleARN            string
	TemplateVersion    string
	GrantedPermissions []string

	// AdditionalRoleARNs are the ARNs of the stack's other roles, by their keys.
	AdditionalRoleARNs map[string]string `json:",omitempty"`

	// Parameters are the values that the customer entered, by the vendor's names for
	// them. They are only shown: no decision depends on them.
	Parameters map[string]string `json:",omitempty"`

	// Reported are the template outputs, in which the stack reports its other
	// resources, by the vendor's names for them. They are only shown, too.
	Reported map[string]string `json:",omitempty"`

	// PreviousExternalID is the external ID that the role accepts beside ExternalID
	// during a rotation; empty: none.
	PreviousExternalID string `json:",omitempty"`
}

// Equal reports whether two stacks report the same properties.
func (p Properties) Equal(q Properties) bool {
	return p.Hub == q.Hub && p.ExternalID == q.ExternalID && p.RoleARN == q.RoleARN &&
		p.TemplateVersion == q.TemplateVersion && slices.Equal(p.GrantedPermissions, q.GrantedPermissions) &&
		maps.Equal(p.AdditionalRoleARNs, q.AdditionalRoleARNs) && maps.Equal(p.Parameters, q.Parameters) &&
		maps.Equal(p.Reported, q.Reported) && p.PreviousExternalID == q.PreviousExternalID
}
