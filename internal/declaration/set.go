// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package declaration

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// EncodeSet returns a permission set as the registry stores it.
func EncodeSet(set permissionset.Set) json.RawMessage { return encode(set) }

// OfSet returns the declaration in a permission set's record.
func OfSet(record onboarding.PermissionSet) (permissionset.Set, error) {
	var set permissionset.Set
	err := json.Unmarshal(record.Declared, &set)
	return set, err
}

// Specification returns the specification of a permission set's template on a hub, and
// its mistakes, each on its attribute.
func Specification(hub onboarding.Hub, set permissionset.Set) (stacktemplate.Specification, []permissionset.FieldError) {
	spec := HubSpecification(hub)
	spec.Set = set
	return spec, set.Validate(spec.Vendor, spec.Partition)
}

// proposal is what a link that refers to a permission set declares itself.
type proposal struct {
	StackName string `json:"stack_name"`
	Region    string `json:"region"`
	ExpiresAt string `json:"expires_at,omitempty"`
}

// EncodeProposal returns what the registry stores for a link that refers to a
// permission set.
func (d Declaration) EncodeProposal() json.RawMessage {
	return encode(proposal{d.StackName, d.Region, d.ExpiresAt})
}

// Referring returns the declaration of a customer's link that refers to a permission
// set: the set's declaration, with the link's own values.
func (d Declaration) Referring(record onboarding.PermissionSet, customer string) (Declaration, error) {
	set, err := OfSet(record)
	if err != nil {
		return Declaration{}, fmt.Errorf("permission set %s: %w", record.Name, err)
	}
	set.Role.Name = record.RoleOf(customer)
	d.Role, d.Trust, d.Choices, d.Additions = set.Role, set.Trust, set.Choices, set.Additions
	return d, nil
}

// HubRendering returns a digest of the hub's values that templates contain: its
// Regions, names and timeout. If it is the same, existing templates are still valid.
func HubRendering(hub onboarding.Hub) string { return Rendering(HubSpecification(hub)) }

// Rendering returns a digest of a template's input. If it is the same, an existing
// template is still valid, even if another release has rendered it.
func Rendering(spec stacktemplate.Specification) string {
	set := spec.Set
	set.Role.Name = "" // a parameter of the template
	regions := make([]string, len(spec.Regions))
	for i, region := range spec.Regions {
		regions[i] = region.String()
	}
	slices.Sort(regions)
	sum := sha256.Sum256(encode([]any{
		spec.Hub, spec.DisplayName, spec.SupportURL, spec.Vendor.String(), spec.Partition.String(),
		regions, spec.TopicPrefix, spec.ResponseTimeout.String(), set,
	}))
	return hex.EncodeToString(sum[:])[:16]
}

// AdditionalRoles returns the additional roles of a specification for the record of a
// link or a set.
func AdditionalRoles(spec stacktemplate.Specification) []onboarding.AdditionalRole {
	var roles []onboarding.AdditionalRole
	for _, key := range spec.AdditionalKeys() {
		roles = append(roles, onboarding.AdditionalRole{Key: key, TrustedPrincipals: spec.AdditionalRoles[key].Provers(spec.Vendor)})
	}
	return roles
}
