// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package permissionset defines what a vendor asks of a customer: the role, who may
// assume it, and what the customer decides about it. The types are the same from
// the declaration in the registry to the template, and for Terraform and
// `xacct generate` alike; an attribute is one field of them, with its tags.
//
// The package validates a set, returns the warnings of a review and the changes from
// one set to the next, and computes a set's version. It renders nothing: package
// stacktemplate does that.
package permissionset

// Set is everything that a vendor asks a customer for.
type Set struct {
	Role Role `json:"role"`
	Trust
	Choices
	Additions
}

// Role is the role in the customer's account. Lists and maps distinguish null, which
// is nil here, from empty; for strings, null is empty here.
//
// The tags of a field define it for most of the project: see Attribute.
type Role struct {
	Name                   string            `json:"name" doc:"Name of the role; default <hub>-<customer.id>. 1 to 64 letters, digits and _+=,.@-."`
	Path                   string            `json:"path" default:"/" version:"path" doc:"Path of the role; default /."`
	Description            string            `json:"description,omitempty" version:"description" doc:"Description of the role, at most 1000 characters: customers read it."`
	ManagedPolicyARNs      []string          `json:"managed_policy_arns" version:"managed_policies" doc:"Managed policies to attach."`
	InlinePolicies         Policies          `json:"inline_policies" version:"inline_policies" doc:"Inline policies by name: each a JSON document in a string, or written out as YAML."`
	ManagedPolicies        Policies          `json:"managed_policies,omitzero" version:"customer_managed_policies" doc:"Customer-managed policies by name, which the stack creates and attaches: for what is too long for inline policies. A document over IAM's limit of 6144 characters is divided by its statements."`
	PermissionsBoundaryARN string            `json:"permissions_boundary_arn,omitempty" version:"boundary" doc:"ARN of the policy that is the role's permissions boundary."`
	MaxSessionDuration     int64             `json:"max_session_duration" default:"3600" version:"max_session_duration" doc:"Longest session of the role, in seconds: 3600 (default) to 43200."`
	Tags                   map[string]string `json:"tags" version:"tags" doc:"Tags of the role, at most 50."`
}

// Trust is who may assume the role.
type Trust struct {
	// TrustedPrincipals are roles of the vendor; if empty, every principal to which
	// the vendor's account gives the permission.
	TrustedPrincipals []string `json:"trusted_principal_arns" version:"trusted_principals" doc:"Roles of the vendor that may assume the customer's role: full ARNs, without wildcards. Default: the vendor's account."`

	// TrustedAccountIDs are other accounts of the vendor. The hub's own account is
	// always trusted, because it proves the role.
	TrustedAccountIDs   []string `json:"trusted_account_ids,omitzero" version:"trusted_accounts" doc:"Other AWS accounts of the vendor that may assume the customer's role: 12 digits each. Where trusted_principal_arns names roles of an account, only those may. All of these accounts must exist, or every customer's stack fails."`
	AllowSessionTags    bool     `json:"allow_session_tags,omitempty" version:"session_tags" doc:"Whether the vendor's sessions may have tags (sts:TagSession); default false."`
	AllowSourceIdentity bool     `json:"allow_source_identity,omitempty" version:"source_identity" doc:"Whether the vendor's sessions may have a source identity (sts:SetSourceIdentity); default false."`
}

// Choices are what the customer decides.
type Choices struct {
	CustomerParameters   map[string]CustomerParameter  `json:"customer_parameters,omitzero" doc:"Values that the customer enters when they create the stack, such as the name of a bucket, by a short name. Policies and ARNs refer to them: {{xacct:parameter:NAME}}."`
	CustomerChooses      []string                      `json:"customer_chooses,omitzero" doc:"What the customer may choose instead of the vendor: permissions_boundary, role_path. What the set says of it is the default."`
	RegisterWithoutStack bool                          `json:"register_without_stack,omitempty" doc:"Whether a role that the customer makes without the stack, by IAM alone, is looked for and registered; default false."`
	OptionalPermissions  map[string]OptionalPermission `json:"optional_permissions,omitzero" version:"optional_permissions" doc:"Grants that the customer switches on or off in the console, by a short name: lower-case letters, digits and underscores."`
}

// OptionalPermission is a grant that the customer switches on or off in the console,
// when they create the stack and in any update of it. Its description and the initial
// position of its switch are not part of the version, so changing them makes no
// customer outdated.
type OptionalPermission struct {
	Description       string   `json:"description" rule:"required" doc:"What the customer grants with it: they read it beside the switch."`
	DefaultEnabled    bool     `json:"default_enabled" doc:"Whether it is switched on unless the customer switches it off; default false."`
	WhenParameter     string   `json:"when_parameter,omitempty" version:"when_parameter" doc:"A customer parameter that may be left empty: the permission is granted when it is filled in, and has no switch of its own."`
	ManagedPolicyARNs []string `json:"managed_policy_arns" version:"managed_policies" doc:"Managed policies that it attaches."`
	InlinePolicies    Policies `json:"inline_policies" version:"inline_policies" doc:"Inline policies that it adds, by name."`
	ManagedPolicies   Policies `json:"managed_policies,omitzero" version:"customer_managed_policies" doc:"Customer-managed policies that it creates and attaches, by name."`
}

// Policies are policy documents as JSON, by name. Two documents with the same meaning
// are equal.
type Policies map[string]string
