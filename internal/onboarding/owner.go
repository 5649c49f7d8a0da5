// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

// Owner is the vendor's tool that a link, a permission set or a hub belongs to: only
// that tool may change or close it, until another tool adopts it.
type Owner string

// The owners of links. Links of earlier releases are Terraform's.
const (
	OwnerTerraform Owner = ""
	OwnerAPI       Owner = "api"
	OwnerCommand   Owner = "command"
)

// String returns the name of the owner as used in a sentence.
func (o Owner) String() string {
	switch o {
	case OwnerTerraform:
		return "Terraform"
	case OwnerAPI:
		return "the onboarding API"
	case OwnerCommand:
		return "the command line"
	}
	return string(o)
}
