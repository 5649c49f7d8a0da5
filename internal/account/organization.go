// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package account

import (
	"fmt"
	"regexp"
	"sync"
)

// OrganizationID is the ID of an organization of AWS Organizations, such as
// o-a1b2c3d4e5.
type OrganizationID struct{ value string }

var organizationIDPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^o-[a-z0-9]{10,32}$`) })

// ParseOrganizationID returns the organization ID in s. The ID of a root (r-)
// or of an organizational unit (ou-) is refused.
func ParseOrganizationID(s string) (OrganizationID, error) {
	if !organizationIDPattern().MatchString(s) {
		return OrganizationID{}, fmt.Errorf("%q is not the ID of an AWS organization: it is o- and 10 to 32 lower-case letters and digits, such as o-a1b2c3d4e5", clip(s))
	}
	return OrganizationID{s}, nil
}

// IsZero reports whether o is the zero value, "no organization".
func (o OrganizationID) IsZero() bool { return o.value == "" }

func (o OrganizationID) String() string { return o.value }
