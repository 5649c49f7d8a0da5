// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package declaration is what a vendor declares of one customer's access: the
// role, who may assume it, and what the launch link proposes. The registry
// keeps it as JSON with the link, so that a refresh, an import and the
// companion command can all give it back exactly and render it again.
//
// It knows attributes by Terraform's names, but not Terraform; it checks
// nothing itself: stacktemplate says what is wrong with the specification that
// a declaration makes.
package declaration

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// Declaration is a link as it is declared, defaults filled in.
type Declaration struct {
	Role              Role     `json:"role"`
	TrustedPrincipals []string `json:"trusted_principal_arns"`
	StackName         string   `json:"stack_name"`
	Region            string   `json:"region"`
	ExpiresAt         string   `json:"expires_at,omitempty"` // RFC 3339; empty: never

	OptionalPermissions map[string]OptionalPermission `json:"optional_permissions,omitzero"`
}

// Role is the role in the customer's account. Lists and maps tell null, which
// is null here too, from empty.
type Role struct {
	Name                   string            `json:"name"`
	Path                   string            `json:"path"`
	Description            string            `json:"description,omitempty"`
	ManagedPolicyARNs      []string          `json:"managed_policy_arns"`
	InlinePolicies         map[string]string `json:"inline_policies"`
	PermissionsBoundaryARN string            `json:"permissions_boundary_arn,omitempty"`
	MaxSessionDuration     int64             `json:"max_session_duration"` // seconds
	Tags                   map[string]string `json:"tags"`
}

// OptionalPermission is one that customers switch on or off themselves.
type OptionalPermission struct {
	Description       string            `json:"description"`
	DefaultEnabled    bool              `json:"default_enabled"`
	ManagedPolicyARNs []string          `json:"managed_policy_arns"`
	InlinePolicies    map[string]string `json:"inline_policies"`
}

// Specification is that of the declaration's template on a hub, with what is
// wrong in it, each on its attribute.
func (d Declaration) Specification(hub onboarding.Hub) (stacktemplate.Specification, []stacktemplate.FieldError) {
	spec := HubSpecification(hub)
	spec.Role, spec.OptionalPermissions = d.Role.Template(), d.Optional()
	principals, errs := d.Principals()
	spec.TrustedPrincipals = principals
	return spec, slices.Concat(errs, stacktemplate.ValidateTrust(spec), d.Permissions(spec.Partition))
}

// Permissions says what is wrong with what is granted, always and optionally.
// The partition may be zero: not known yet.
func (d Declaration) Permissions(partition account.Partition) []stacktemplate.FieldError {
	role := d.Role.Template()
	return slices.Concat(stacktemplate.ValidateRole(role, partition), stacktemplate.ValidateOptional(role, d.Optional(), partition))
}

// HubSpecification is the part of a template's specification that a hub
// declares.
func HubSpecification(hub onboarding.Hub) stacktemplate.Specification {
	return stacktemplate.Specification{
		Hub:             hub.Name,
		DisplayName:     hub.DisplayName,
		SupportURL:      hub.SupportURL,
		Vendor:          hub.Account,
		Partition:       hub.Region.Partition(),
		Regions:         hub.Regions,
		ResponseTimeout: hub.ResponseTimeout,
	}
}

// Template is the role's part of a template's specification.
func (r Role) Template() stacktemplate.Role {
	return stacktemplate.Role{
		Path:                   r.Path,
		Description:            r.Description,
		ManagedPolicyARNs:      r.ManagedPolicyARNs,
		InlinePolicies:         r.InlinePolicies,
		PermissionsBoundaryARN: r.PermissionsBoundaryARN,
		MaxSessionDuration:     time.Duration(r.MaxSessionDuration) * time.Second,
		Tags:                   r.Tags,
	}
}

// Optional is the part of a template's specification that customers decide about.
func (d Declaration) Optional() map[string]stacktemplate.OptionalPermission {
	if len(d.OptionalPermissions) == 0 {
		return nil
	}
	all := make(map[string]stacktemplate.OptionalPermission, len(d.OptionalPermissions))
	for key, permission := range d.OptionalPermissions {
		all[key] = stacktemplate.OptionalPermission(permission)
	}
	return all
}

// Principals are the trusted roles, parsed.
func (d Declaration) Principals() ([]account.RoleARN, []stacktemplate.FieldError) {
	var roles []account.RoleARN
	var errs []stacktemplate.FieldError
	for _, text := range d.TrustedPrincipals {
		role, err := account.ParseRoleARN(text)
		if err != nil {
			errs = append(errs, stacktemplate.FieldError{Field: "trusted_principal_arns", Key: text, Problem: err.Error()})
			continue
		}
		roles = append(roles, role)
	}
	return roles, errs
}

// Expires is the parsed expiry; zero: never.
func (d Declaration) Expires() time.Time {
	t, _ := time.Parse(time.RFC3339, d.ExpiresAt) // validated; empty: zero
	return t.UTC()
}

// Encode is the form that the registry keeps.
func (d Declaration) Encode() json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(d) // strings, lists and maps of strings always encode
	return bytes.TrimSpace(b.Bytes())
}

// Of is the declaration that a link was made from.
func Of(link onboarding.Link) (Declaration, error) {
	var d Declaration
	err := json.Unmarshal(link.Declared, &d)
	return d, err
}
