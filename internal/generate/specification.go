// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package generate is the generator that works without Terraform: from a
// specification in a small YAML or JSON file it makes the customer's template,
// the launch link, the StackSet, a Terraform module for the customer, and the
// vendor's hub as CloudFormation. Templates and links come from the same code
// as the provider's.
//
// It writes files' contents, not files, calls nobody, and invents no external
// ID: whatever it makes follows from the specification alone.
package generate

import (
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
)

// Specification is the file. Names and meanings are those of the provider's
// attributes; the tags say what a person who writes one has to know, for the
// schema that is published.
type Specification struct {
	Hub                  HubSection                    `spec:"hub,required" doc:"The vendor's intake, as customers' stacks speak to it."`
	Role                 Role                          `spec:"role,required" doc:"The role that the customer's stack creates."`
	OptionalPermissions  map[string]OptionalPermission `spec:"optional_permissions" doc:"Grants that the customer switches on or off in the console, by a short name: lower-case letters, digits and underscores."`
	TrustedPrincipalARNs []string                      `spec:"trusted_principal_arns" doc:"Roles of the vendor that may assume the customer's role: full ARNs, without wildcards. Default: the vendor's account."`
	StackName            string                        `spec:"stack_name" doc:"Name proposed for the customer's stack; default <hub>-access."`
	TemplateURL          string                        `spec:"template_url" doc:"Where the customer's template is published; default: its place in hub.template_bucket."`
	Customer             *Customer                     `spec:"customer" doc:"One customer, for the launch link, the StackSet and the Terraform module."`
}

// HubSection is the vendor's side.
type HubSection struct {
	Name            string   `spec:"name,required" doc:"Name of the hub: 2 to 31 lower-case letters, digits and hyphens, beginning with a letter."`
	DisplayName     string   `spec:"display_name" doc:"The vendor's name, as customers read it; default the hub's name."`
	SupportURL      string   `spec:"support_url" doc:"Where customers may ask: an address that begins with https:// or mailto:."`
	VendorAccountID string   `spec:"vendor_account_id,required" doc:"The vendor's AWS account: 12 digits."`
	Region          string   `spec:"region,required" doc:"The vendor's Region: that of queue, bucket and table."`
	Regions         []string `spec:"regions" doc:"Regions in which customers may create their stack; default region."`
	ResponseTimeout string   `spec:"response_timeout" doc:"How long CloudFormation waits for the answer to a phone-home, between 2m and 1h; default 15m."`
	TemplateBucket  string   `spec:"template_bucket" doc:"Bucket that templates are published in; default xacct-<hub>-templates-<vendor account>."`
}

// Role is the customer's role.
type Role struct {
	Name                   string              `spec:"name" doc:"Name of the role; default <hub>-<customer.id>. 1 to 64 letters, digits and _+=,.@-."`
	Path                   string              `spec:"path" doc:"Path of the role; default /."`
	Description            string              `spec:"description" doc:"Description of the role, at most 1000 characters: customers read it."`
	ManagedPolicyARNs      []string            `spec:"managed_policy_arns" doc:"Managed policies to attach."`
	InlinePolicies         map[string]Document `spec:"inline_policies" doc:"Inline policies by name: each a JSON document in a string, or written out as YAML."`
	PermissionsBoundaryARN string              `spec:"permissions_boundary_arn" doc:"ARN of the policy that is the role's permissions boundary."`
	MaxSessionDuration     int64               `spec:"max_session_duration" doc:"Longest session of the role, in seconds: 3600 (default) to 43200."`
	Tags                   map[string]string   `spec:"tags" doc:"Tags of the role, at most 50."`
}

// OptionalPermission is one switch of the customer's.
type OptionalPermission struct {
	Description       string              `spec:"description,required" doc:"What the customer grants with it: they read it beside the switch."`
	DefaultEnabled    bool                `spec:"default_enabled" doc:"Whether it is switched on unless the customer switches it off; default false."`
	ManagedPolicyARNs []string            `spec:"managed_policy_arns" doc:"Managed policies that it attaches."`
	InlinePolicies    map[string]Document `spec:"inline_policies" doc:"Inline policies that it adds, by name."`
}

// Customer is one customer of the vendor.
type Customer struct {
	ID         string `spec:"id,required" doc:"The vendor's own name for the customer: 1 to 64 letters, digits and ._-, beginning with a letter or digit."`
	ExternalID string `spec:"external_id" doc:"External ID that the role asks for: unguessable, and another one for each customer. It has to be the one that the registrar knows."`
	Region     string `spec:"region" doc:"Region in which the launch link opens the console, one of the hub's; default the hub's region."`
	Shard      int64  `spec:"shard" doc:"Which topic of each Region the stack speaks to; default 0."`
}

// Document is a policy: JSON, however it was written.
type Document string

// declaration is the specification as the provider would have it.
func (s Specification) declaration() declaration.Declaration {
	d := declaration.Declaration{
		Role: declaration.Role{
			Name:                   s.roleName(),
			Path:                   or(s.Role.Path, "/"),
			Description:            s.Role.Description,
			ManagedPolicyARNs:      s.Role.ManagedPolicyARNs,
			InlinePolicies:         documents(s.Role.InlinePolicies),
			PermissionsBoundaryARN: s.Role.PermissionsBoundaryARN,
			MaxSessionDuration:     s.Role.MaxSessionDuration,
			Tags:                   s.Role.Tags,
		},
		TrustedPrincipals: s.TrustedPrincipalARNs,
		StackName:         or(s.StackName, s.Hub.Name+"-access"),
		Region:            s.Hub.Region,
	}
	if s.OptionalPermissions != nil {
		d.OptionalPermissions = make(map[string]declaration.OptionalPermission, len(s.OptionalPermissions))
	}
	for key, p := range s.OptionalPermissions {
		d.OptionalPermissions[key] = declaration.OptionalPermission{
			Description: p.Description, DefaultEnabled: p.DefaultEnabled,
			ManagedPolicyARNs: p.ManagedPolicyARNs, InlinePolicies: documents(p.InlinePolicies),
		}
	}
	if s.Customer != nil && s.Customer.Region != "" {
		d.Region = s.Customer.Region
	}
	return d
}

func (s Specification) roleName() string {
	if s.Role.Name == "" && s.Customer != nil {
		return s.Hub.Name + "-" + s.Customer.ID
	}
	return s.Role.Name
}

func documents(policies map[string]Document) map[string]string {
	if policies == nil {
		return nil
	}
	texts := make(map[string]string, len(policies))
	for name, document := range policies {
		texts[name] = string(document)
	}
	return texts
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
