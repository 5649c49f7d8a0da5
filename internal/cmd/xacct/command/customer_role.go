// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// customerRole is one role of a customer in the output. Its JSON has the
// attribute names of the Terraform resources.
type customerRole struct {
	CustomerID      string `json:"customer_id"`
	AccountID       string `json:"account_id,omitempty"`
	LinkStatus      string `json:"link_status"`
	Fleet           string `json:"fleet,omitempty"`
	Status          string `json:"status"`
	Reason          string `json:"reason,omitempty"`
	Outdated        bool   `json:"outdated"`
	TemplateVersion string `json:"template_version,omitempty"`
	UpdateURL       string `json:"update_url,omitempty"`
	RoleARN         string `json:"role_arn,omitempty"`

	AdditionalRoleARNs map[string]string `json:"additional_role_arns,omitempty"`

	ExternalID         string   `json:"external_id,omitempty"`
	PreviousExternalID string   `json:"previous_external_id,omitempty"`
	RotationOverdue    bool     `json:"rotation_overdue,omitempty"`
	GrantedPermissions []string `json:"granted_permissions,omitempty"`

	// Parameters are the values that the customer entered: untrusted text.
	Parameters map[string]string `json:"parameters,omitempty"`

	// Reported are the values that the stack reported: also untrusted text.
	Reported map[string]string `json:"reported,omitempty"`

	StackID       string     `json:"stack_id,omitempty"`
	StackRegion   string     `json:"stack_region,omitempty"`
	RegisteredAt  *time.Time `json:"registered_at,omitempty"`
	ProvenAt      *time.Time `json:"proven_at,omitempty"`
	ChangedAt     *time.Time `json:"changed_at,omitempty"`
	BlockedAt     *time.Time `json:"blocked_at,omitempty"`
	BlockedReason string     `json:"blocked_reason,omitempty"`
}

// rolesOf returns a customer's roles: first the registration that belongs to
// the link, or a pending one if there is none, and then any other that still
// has a live stack.
func rolesOf(record registry.HubRecord, c onboarding.Customer, now time.Time) []customerRole {
	var roles []customerRole
	connected := false
	for _, r := range c.Registrations {
		switch mine := belongsTo(r, c.Link); {
		case mine:
			connected = true
			roles = append([]customerRole{registered(record, c.Link, r, now)}, roles...)
		case r.Live():
			roles = append(roles, registered(record, c.Link, r, now))
		}
	}
	if !connected {
		roles = append([]customerRole{pending(c.Link, record.Region.Partition(), now)}, roles...)
	}
	return roles
}

// belongsTo reports whether a registration belongs to the current link. A
// registration that was disconnected before the link was issued again does not.
func belongsTo(r onboarding.Registration, link onboarding.Link) bool {
	return len(onboarding.Customer{Link: link, Registrations: []onboarding.Registration{r}}.Current()) > 0
}

func registered(record registry.HubRecord, link onboarding.Link, r onboarding.Registration, now time.Time) customerRole {
	update := ""
	if !record.TemplateAccess.Presigned() { // then `xacct link --update` has to sign it
		update, _ = launch.UpdateURL(link, r, "") // a link without a template has no update to show
	}
	previous, _ := r.PreviousAccepted(link)
	_, overdue := r.RotationOverdue(link, now)
	return customerRole{
		PreviousExternalID: previous.String(),
		RotationOverdue:    overdue,
		CustomerID:         link.CustomerID,
		AccountID:          r.Account.String(),
		LinkStatus:         string(link.Status(now)),
		Fleet:              link.Fleet,
		Status:             string(r.Status),
		Reason:             r.Reason,
		Outdated:           r.Outdated(link),
		TemplateVersion:    r.TemplateVersion,
		UpdateURL:          update,
		RoleARN:            r.Role.String(),
		AdditionalRoleARNs: r.AdditionalRoleARNs(),
		ExternalID:         r.ExternalID.String(),
		GrantedPermissions: r.GrantedPermissions,
		Parameters:         r.Parameters,
		Reported:           r.Reported,
		StackID:            r.Stack.String(),
		StackRegion:        r.Stack.Region.String(),
		RegisteredAt:       known(r.RegisteredAt),
		ProvenAt:           known(r.ProvenAt),
		ChangedAt:          known(r.ChangedAt),
		BlockedAt:          known(link.BlockedAt),
		BlockedReason:      link.BlockedReason,
	}
}

func pending(link onboarding.Link, partition account.Partition, now time.Time) customerRole {
	role := customerRole{
		CustomerID:    link.CustomerID,
		AccountID:     link.SoleAccount().String(),
		LinkStatus:    string(link.Status(now)),
		Fleet:         link.Fleet,
		Status:        string(onboarding.Pending),
		ExternalID:    link.ExternalID.String(),
		BlockedAt:     known(link.BlockedAt),
		BlockedReason: link.BlockedReason,
	}
	if !link.SoleAccount().IsZero() {
		role.RoleARN = link.Role(partition).String()
	}
	return role
}

// known returns a time in UTC, in whole seconds, or nil if it is zero.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}
