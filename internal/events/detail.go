// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package events

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// Source is the source of every event.
const Source = "xacct"

// schemaVersion counts breaking changes of Detail. A new field is not one:
// readers ignore unknown fields.
const schemaVersion = 1

// Detail is the detail of every event, whatever its type: the registration after the
// change, and the reason for the change. Every field is documented in the guide on
// events, and remains compatible within a schema version.
type Detail struct {
	SchemaVersion int       `json:"schema_version"`
	EventID       string    `json:"event_id"`
	Sequence      int64     `json:"sequence"`
	OccurredAt    time.Time `json:"occurred_at"`
	Change        string    `json:"change"`
	RequestID     string    `json:"request_id,omitempty"`

	Hub        string `json:"hub"`
	CustomerID string `json:"customer_id"`
	AccountID  string `json:"account_id"`

	Status         string `json:"status"`
	PreviousStatus string `json:"previous_status"`
	Reason         string `json:"reason,omitempty"`

	RoleARN string `json:"role_arn"`

	AdditionalRoleARNs map[string]string `json:"additional_role_arns,omitempty"`

	ExternalID         string    `json:"external_id"`
	StackID            string    `json:"stack_id"`
	StackRegion        string    `json:"stack_region"`
	TemplateVersion    string    `json:"template_version"`
	GrantedPermissions []string  `json:"granted_permissions"`
	RegisteredAt       time.Time `json:"registered_at"`
	ProvenAt           time.Time `json:"proven_at"`
}

// DetailType returns the type by which EventBridge rules match an event.
func DetailType(kind onboarding.EventKind) string {
	switch kind {
	case onboarding.EventRegistered:
		return "xacct Customer Role Registered"
	case onboarding.EventDegraded:
		return "xacct Customer Role Degraded"
	case onboarding.EventOpen:
		return "xacct Customer Role Open"
	case onboarding.EventDisconnected:
		return "xacct Customer Role Disconnected"
	case onboarding.EventUpdated:
	}
	return "xacct Customer Role Updated"
}

// detailOf returns the detail of an event.
func detailOf(e onboarding.Event) Detail {
	r := e.After
	return Detail{
		SchemaVersion:      schemaVersion,
		EventID:            e.ID,
		Sequence:           e.Sequence,
		OccurredAt:         e.At.UTC(),
		Change:             string(e.Outcome),
		RequestID:          e.RequestID,
		Hub:                r.Hub,
		CustomerID:         r.CustomerID,
		AccountID:          r.Account.String(),
		Status:             string(r.Status),
		PreviousStatus:     string(e.Before),
		Reason:             r.Reason,
		RoleARN:            r.Role.String(),
		AdditionalRoleARNs: r.AdditionalRoleARNs(),
		ExternalID:         r.ExternalID.String(),
		StackID:            r.Stack.String(),
		StackRegion:        r.Stack.Region.String(),
		TemplateVersion:    r.TemplateVersion,
		GrantedPermissions: append([]string{}, r.GrantedPermissions...),
		RegisteredAt:       r.RegisteredAt.UTC(),
		ProvenAt:           r.ProvenAt.UTC(),
	}
}

// entryOf returns an event in EventBridge's format.
func entryOf(bus account.EventBusARN, e onboarding.Event) (types.PutEventsRequestEntry, error) {
	detail, err := json.Marshal(detailOf(e))
	if err != nil {
		return types.PutEventsRequestEntry{}, fmt.Errorf("encode event %s of customer %s: %w", e.ID, e.After.CustomerID, err)
	}
	return types.PutEventsRequestEntry{
		EventBusName: aws.String(bus.String()),
		Source:       aws.String(Source),
		DetailType:   aws.String(DetailType(e.Kind)),
		Detail:       aws.String(string(detail)),
		Time:         aws.Time(e.At),
		Resources:    slices.DeleteFunc([]string{e.After.Role.String(), e.After.Stack.String()}, func(arn string) bool { return arn == "" }),
	}, nil
}
