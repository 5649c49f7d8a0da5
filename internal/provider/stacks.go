// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/xacct/terraform-provider-xacct/internal/hub/sets"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// hasStack reports whether the customer has a live stack.
func hasStack(c onboarding.Customer) bool { return sets.HasStack(c) }
