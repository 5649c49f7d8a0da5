// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package declaration defines what a vendor declares of one customer's access: the
// role, who may assume it, and the values that the launch link proposes. It encodes
// a declaration as JSON for the registry and decodes it, so that a refresh, an
// import and the companion command all return it exactly and can render it again.
//
// It uses Terraform's names of attributes, but does not depend on Terraform, and it
// checks nothing itself: permissionset validates the declaration.
package declaration

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// Declaration is a link as declared, with defaults filled in: a permission set, and
// what the launch link proposes. Its fields are in the order of the registry's
// records.
type Declaration struct {
	Role permissionset.Role `json:"role"`
	permissionset.Trust
	StackName string `json:"stack_name"`
	Region    string `json:"region"`
	ExpiresAt string `json:"expires_at,omitempty"` // RFC 3339; empty: never
	permissionset.Choices
	permissionset.Additions
}

// Set returns the permission set that the vendor asks for.
func (d Declaration) Set() permissionset.Set {
	return permissionset.Set{Role: d.Role, Trust: d.Trust, Choices: d.Choices, Additions: d.Additions}
}

// Specification returns the specification of the declaration's template on a hub, and
// its mistakes, each on its attribute.
func (d Declaration) Specification(hub onboarding.Hub) (stacktemplate.Specification, []permissionset.FieldError) {
	return Specification(hub, d.Set())
}

// HubSpecification returns the part of a template's specification that the hub
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

// DiffersFrom returns the name of the first attribute in which two declarations do not
// mean the same; empty if they mean the same.
func (d Declaration) DiffersFrom(o Declaration) string {
	sameInstant := d.Expires().Equal(o.Expires())
	o.ExpiresAt = d.ExpiresAt // times are compared regardless of their spelling
	if difference := permissionset.Differs(d, o); difference != "" || sameInstant {
		return difference
	}
	return "expires_at"
}

// Expires returns the parsed expiry; zero if the link never expires.
func (d Declaration) Expires() time.Time {
	t, _ := time.Parse(time.RFC3339, d.ExpiresAt) // validated; empty: zero
	return t.UTC()
}

// Encode returns the declaration as the registry stores it.
func (d Declaration) Encode() json.RawMessage { return encode(d) }

func encode(declared any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(declared) // strings, lists and maps of strings always encode
	return bytes.TrimSpace(b.Bytes())
}

// Of returns the declaration from which a link was made, or that of the permission set
// to which it refers.
func Of(link onboarding.Link) (Declaration, error) {
	d, err := Proposed(link)
	if err != nil || link.Set == nil {
		return d, err
	}
	return d.Referring(*link.Set, link.CustomerID)
}

// Proposed returns what a link itself declares: its whole declaration, but, if it
// refers to a permission set, without the contents of the set.
func Proposed(link onboarding.Link) (Declaration, error) {
	var d Declaration
	err := json.Unmarshal(link.Declared, &d)
	return d, err
}
