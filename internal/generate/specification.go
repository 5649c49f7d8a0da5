// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package generate creates the files of a hub and its customers without Terraform:
// from a specification in a small YAML or JSON file it returns the customer's
// template, the launch link, the StackSet, a Terraform module for the customer, and
// the vendor's hub as a CloudFormation template. Templates and links come from the
// same code as the provider's.
//
// It returns the contents of files and does not write them. It calls no service and
// generates no external ID: all results depend on the specification only.
package generate

import (
	"cmp"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// Specification is the content of the file: a permission set, its hub and a customer.
// Names and meanings are those of the provider's attributes; the tags are those of
// permissionset.Attribute.
type Specification struct {
	Hub  HubSection         `json:"hub" rule:"required" doc:"The vendor's intake, as customers' stacks speak to it."`
	Role permissionset.Role `json:"role" rule:"required" doc:"The role that the customer's stack creates."`
	permissionset.Choices
	permissionset.Trust
	permissionset.Additions
	PermissionSet string    `json:"permission_set" doc:"Name of the permission set, for xacct permission-set apply; --name gives another one."`
	StackName     string    `json:"stack_name" doc:"Name proposed for the customer's stack; default <hub>-access."`
	TemplateURL   string    `json:"template_url" doc:"Where the customer's template is published; default: its place in hub.template_bucket."`
	Customer      *Customer `json:"customer" doc:"One customer, for the launch link, the StackSet and the Terraform module."`
}

// HubSection is the vendor's hub.
type HubSection struct {
	Name            string   `json:"name" rule:"required" doc:"Name of the hub: 2 to 31 lower-case letters, digits and hyphens, beginning with a letter."`
	DisplayName     string   `json:"display_name" doc:"The vendor's name, as customers read it; default the hub's name."`
	SupportURL      string   `json:"support_url" doc:"Where customers may ask: an address that begins with https:// or mailto:."`
	VendorAccountID string   `json:"vendor_account_id" rule:"required" doc:"The vendor's AWS account: 12 digits."`
	Region          string   `json:"region" rule:"required" doc:"The vendor's Region: that of queue, bucket and table."`
	Regions         []string `json:"regions" doc:"Regions in which customers may create their stack; default region."`
	ResponseTimeout string   `json:"response_timeout" doc:"How long CloudFormation waits for the answer to a phone-home, between 2m and 1h; default 15m."`
	TemplateBucket  string   `json:"template_bucket" doc:"Bucket that templates are published in; default xacct-<hub>-templates-<vendor account>."`

	Publishers     string            `json:"publishers" doc:"Who may phone home to a hub of xacct hub create: known_accounts (default) or anyone."`
	TemplateAccess string            `json:"template_access" doc:"How customers read the templates of a hub of xacct hub create: public (default), accounts or presigned."`
	Capacity       int64             `json:"capacity" doc:"How many customers a hub of xacct hub create has room for, 1 to 150000; default 1500."`
	EventBusARN    string            `json:"event_bus_arn" doc:"EventBridge event bus to which a hub of xacct hub create publishes status changes of customers' roles."`
	WebhookURL     string            `json:"webhook_url" doc:"HTTPS endpoint of the vendor to which registrars of a hub of xacct hub create send the same events."`
	KMSKeyARN      string            `json:"kms_key_arn" doc:"KMS key of the table and queues of a hub of xacct hub create; default: keys of AWS's own."`
	ConnectPage    *ConnectPage      `json:"connect_page" doc:"Logo, colour and return addresses of the connect page of a hub of xacct hub create."`
	Tags           map[string]string `json:"tags" doc:"Tags of what xacct hub create makes."`
}

// ConnectPage is the page that customers see.
type ConnectPage struct {
	LogoURL    string   `json:"logo_url" doc:"Address of the vendor's logo: begins with https://."`
	Color      string   `json:"color" doc:"Colour of lines and buttons, such as #0b5fff; text on it is black or white, whichever is easier to read."`
	ReturnURLs []string `json:"return_urls" doc:"Addresses that the page may lead back to, with all below them: at most 20, which begin with https://."`
}

// Customer is one customer of the vendor.
type Customer struct {
	ID         string `json:"id" rule:"required" doc:"The vendor's own name for the customer: 1 to 64 letters, digits and ._-, beginning with a letter or digit."`
	AccountID  string `json:"account_id" doc:"The customer's AWS account, the only one in which the link works: 12 digits. Without it, and for a StackSet, the template does not check."`
	ExternalID string `json:"external_id" doc:"External ID that the role asks for: unguessable, and another one for each customer. It has to be the one that the registrar knows."`
	Region     string `json:"region" doc:"Region in which the launch link opens the console, one of the hub's; default the hub's region."`
	Shard      int64  `json:"shard" doc:"Which topic of each Region the stack speaks to; default 0."`
}

// declaration returns the specification as a declaration, with the provider's
// defaults.
func (s Specification) declaration() declaration.Declaration {
	d := declaration.Declaration{
		Role: s.Role, Trust: s.Trust, Choices: s.Choices, Additions: s.Additions,
		StackName: cmp.Or(s.StackName, s.Hub.Name+"-access"),
		Region:    s.Hub.Region,
	}
	d.Role.Path = cmp.Or(s.Role.Path, "/")
	if s.Customer != nil {
		d.Role.Name = cmp.Or(s.Role.Name, s.Hub.Name+"-"+s.Customer.ID)
		d.Region = cmp.Or(s.Customer.Region, s.Hub.Region)
	}
	return d
}
