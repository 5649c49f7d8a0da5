// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sets

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// MoveError indicates that a change of a set would change the name or path of the role
// in live stacks. CloudFormation can't replace a role that has a name.
type MoveError struct {
	Attribute string // role_name or role_path, as Terraform calls it
	Was       string
	Customers []string // with live stacks
}

func (e *MoveError) Error() string {
	return fmt.Sprintf("CloudFormation can't replace a role that has a name, so %s can't change while stacks of the set are live: those of %s have %s. "+
		"Declare another permission set, and let new customers' links refer to that one.", e.Attribute, onboarding.SomeOf(e.Customers), e.Was)
}

// RefuseMove returns an error for each of the role's name and path that a change of the
// set would change, if any of the customers has a live stack.
func RefuseMove(before, next onboarding.PermissionSet, referring []onboarding.Customer) []*MoveError {
	var live []string
	for _, c := range referring {
		if HasStack(c) {
			live = append(live, c.Link.CustomerID)
		}
	}
	var errs []*MoveError
	refuse := func(attribute, was, is string) {
		if was != is && len(live) > 0 {
			errs = append(errs, &MoveError{attribute, was, live})
		}
	}
	refuse("role_name", cmp.Or(before.RoleName, before.Hub+"-<customer_id>"), cmp.Or(next.RoleName, next.Hub+"-<customer_id>"))
	refuse("role_path", before.RolePath, next.RolePath)
	return errs
}

// HasStack reports whether the customer has a live stack.
func HasStack(c onboarding.Customer) bool {
	return slices.ContainsFunc(c.Live(), func(r onboarding.Registration) bool { return !r.Adopted() })
}
