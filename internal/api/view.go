// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// State is the onboarding state of a customer.
type State string

// The states, in order of precedence.
const (
	Blocked         State = "blocked"
	Connected       State = "connected"
	Degraded        State = "degraded"
	Closed          State = "closed"
	Failed          State = "failed"  // the last stack was refused; the customer may try again
	Working         State = "working" // a stack has phoned home, and its role is being proven
	Expired         State = "expired"
	AwaitingAccount State = "awaiting_account"
	Disconnected    State = "disconnected"
	Waiting         State = "waiting" // for the customer's stack
)

var states = []State{Blocked, Connected, Degraded, Closed, Failed, Working, Expired, AwaitingAccount, Disconnected, Waiting}

// CustomerView is the representation of a customer in the API.
type CustomerView struct {
	CustomerID    string            `json:"customer_id"`
	State         State             `json:"state" enum:"blocked,connected,degraded,closed,failed,working,expired,awaiting_account,disconnected,waiting" doc:"How far the customer has come: the first of these that applies."`
	Reason        string            `json:"reason,omitempty" doc:"Why the last stack failed, as the customer reads it, or why the role is degraded or disconnected, which is written for the vendor: do not show it to the customer. Of a stack that failed it is only in the answer for one customer."`
	Owner         string            `json:"owner" enum:"terraform,api,command" doc:"Which of the vendor's tools the link belongs to."`
	PermissionSet string            `json:"permission_set,omitempty"`
	LinkStatus    string            `json:"link_status" enum:"open,expired,closed"`
	AccountID     string            `json:"account_id,omitempty" doc:"The customer's account, if one is named."`
	AskAccountID  bool              `json:"ask_account_id,omitempty" doc:"Whether the connect page asks the customer for their account."`
	ExternalID    string            `json:"external_id" doc:"External ID of the role: unguessable, and no secret."`
	Region        string            `json:"region,omitempty" doc:"Region that the link proposes."`
	StackName     string            `json:"stack_name,omitempty" doc:"Name that the link proposes for the stack."`
	LaunchURL     string            `json:"launch_url,omitempty" doc:"The link into the CloudFormation console. Absent if the link is not open, if the account is still to be named, or if the hub's templates have to be signed: then the connect page signs a fresh one."`
	ExpiresAt     *time.Time        `json:"expires_at,omitempty"`
	CreatedAt     *time.Time        `json:"created_at,omitempty"`
	ClosedAt      *time.Time        `json:"closed_at,omitempty"`
	BlockedAt     *time.Time        `json:"blocked_at,omitempty"`
	BlockedReason string            `json:"blocked_reason,omitempty" doc:"For the vendor: customers never read it."`
	Metadata      map[string]string `json:"metadata,omitempty" doc:"The vendor's own."`
	Roles         []RoleView        `json:"roles" doc:"Roles of the customer, today's and any other that still has a live stack."`
}

// RoleView is the representation of a customer's role in the API.
type RoleView struct {
	AccountID          string            `json:"account_id"`
	RoleARN            string            `json:"role_arn"`
	Status             string            `json:"status" enum:"active,degraded,disconnected"`
	Reason             string            `json:"reason,omitempty"`
	ExternalID         string            `json:"external_id"`
	GrantedPermissions []string          `json:"granted_permissions" doc:"Optional permissions that the customer has switched on."`
	Parameters         map[string]string `json:"parameters,omitempty" doc:"What the customer typed in: untrusted text, to be shown and nothing else."`
	Reported           map[string]string `json:"reported,omitempty" doc:"What the stack reports by its template_outputs: untrusted text too."`
	AdditionalRoleARNs map[string]string `json:"additional_role_arns,omitempty" doc:"ARNs of the stack's additional roles, by their keys."`
	StackID            string            `json:"stack_id,omitempty"`
	Outdated           bool              `json:"outdated" doc:"Whether the stack was made with another template than today's."`
	UpdateURL          string            `json:"update_url,omitempty" doc:"The link that opens the stack's update, if it is outdated."`
	RegisteredAt       *time.Time        `json:"registered_at,omitempty"`
	ProvenAt           *time.Time        `json:"proven_at,omitempty"`
	ChangedAt          *time.Time        `json:"changed_at,omitempty"`
}

// attempt is the customer's latest attempt to connect, from their history.
type attempt struct {
	failed  bool
	working bool
	reason  string
	at      time.Time
}

// workingLifetime is how long a stack's request is shown as being checked. A registrar
// writes the history entry again every ten minutes while the request waits; the entries
// end without a result only if CloudFormation did not send the request.
const workingLifetime = 15 * time.Minute

// lastAttempt returns the customer's latest attempt to connect, if it is newer than the
// result of the previous one.
func lastAttempt(c onboarding.Customer, history []onboarding.HistoryEntry) attempt {
	since := c.Link.Incarnation.Since
	for _, r := range c.Current() {
		if r.ChangedAt.After(since) {
			since = r.ChangedAt
		}
	}
	var found attempt
	for _, h := range history {
		if h.By != "" || h.RequestID == "" || h.At.Before(since) {
			continue
		}
		switch {
		case h.Refused:
			found = attempt{failed: true, reason: h.Detail, at: h.At}
		case h.Waiting, h.Status == onboarding.Active: // Active: the customer was read before the registration changed
			found = attempt{working: true, at: h.At}
		default:
			found = attempt{}
		}
	}
	return found
}

// stateOf returns the customer's state and its reason. found is zero if the history was
// not read.
func stateOf(c onboarding.Customer, found attempt, now time.Time) (State, string) {
	current, link := c.Current(), c.Link
	status := func(wanted onboarding.RegistrationStatus) (onboarding.Registration, bool) {
		for _, r := range current {
			if r.Status == wanted {
				return r, true
			}
		}
		return onboarding.Registration{}, false
	}
	degraded, isDegraded := status(onboarding.Degraded)
	gone, isGone := status(onboarding.Disconnected)
	_, isActive := status(onboarding.Active)
	switch {
	case link.Blocked:
		return Blocked, ""
	case isActive:
		return Connected, ""
	case isDegraded:
		return Degraded, degraded.Reason
	case link.Closed:
		return Closed, ""
	case found.failed:
		return Failed, found.reason
	case found.working && now.Before(found.at.Add(workingLifetime)):
		return Working, ""
	case link.Status(now) == onboarding.LinkExpired:
		return Expired, ""
	case link.AsksAccount && link.Account.IsZero():
		return AwaitingAccount, ""
	case isGone:
		return Disconnected, gone.Reason
	}
	return Waiting, ""
}

// view returns the representation of a customer in the API.
func (s *Server) view(record registry.HubRecord, c onboarding.Customer, found attempt) CustomerView {
	link, now := c.Link, s.config.Clock()
	v := CustomerView{
		CustomerID: link.CustomerID, Owner: ownerName(link.Owner), PermissionSet: link.PermissionSet, LinkStatus: string(link.Status(now)),
		AccountID: link.SoleAccount().String(), AskAccountID: link.AsksAccount, ExternalID: link.ExternalID.String(),
		ExpiresAt: timePointer(link.ExpiresAt), CreatedAt: timePointer(link.CreatedAt), ClosedAt: timePointer(link.ClosedAt),
		BlockedAt: timePointer(link.BlockedAt), BlockedReason: link.BlockedReason, Metadata: link.Metadata, Roles: []RoleView{},
	}
	v.State, v.Reason = stateOf(c, found, now)
	if proposed, err := declaration.Proposed(link); err == nil {
		v.Region, v.StackName = proposed.Region, proposed.StackName
		if mayLaunch(link, now) && !record.TemplateAccess.Presigned() {
			v.LaunchURL, _ = launch.URL(link, proposed, s.config.Console) // empty if the link can't be built
		}
	}
	current := map[string]bool{}
	for _, r := range c.Current() {
		current[r.Account.String()] = true
	}
	for _, r := range c.Registrations {
		if r.Live() || current[r.Account.String()] {
			v.Roles = append(v.Roles, s.role(record, link, r))
		}
	}
	return v
}

// mayLaunch reports whether the customer can launch the link: the link is open, not
// blocked, has a template, and does not still need an account.
func mayLaunch(link onboarding.Link, now time.Time) bool {
	named := link.Scope != onboarding.ScopeAccount || !link.Account.IsZero()
	return link.Status(now) == onboarding.LinkOpen && named && !link.Blocked && link.TemplateURL != ""
}

func (s *Server) role(record registry.HubRecord, link onboarding.Link, r onboarding.Registration) RoleView {
	v := RoleView{
		AccountID: r.Account.String(), RoleARN: r.Role.String(), Status: string(r.Status), Reason: r.Reason, ExternalID: r.ExternalID.String(),
		GrantedPermissions: append([]string{}, r.GrantedPermissions...), Parameters: r.Parameters, Reported: r.Reported, AdditionalRoleARNs: r.AdditionalRoleARNs(), StackID: r.Stack.String(), Outdated: r.Outdated(link),
		RegisteredAt: timePointer(r.RegisteredAt), ProvenAt: timePointer(r.ProvenAt), ChangedAt: timePointer(r.ChangedAt),
	}
	if !record.TemplateAccess.Presigned() {
		v.UpdateURL, _ = launch.UpdateURL(link, r, s.config.Console) // a link without a template has no update
	}
	return v
}

func ownerName(o onboarding.Owner) string {
	if o == onboarding.OwnerTerraform {
		return "terraform"
	}
	return string(o)
}

func timePointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}
