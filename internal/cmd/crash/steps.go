// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
)

// step is a configuration that is applied or destroyed, with what customers do before
// and after it.
type step struct {
	name    string
	config  string
	destroy bool
	before  func(context.Context, *stage) error
	after   func(context.Context, *stage) error
}

// steps are run in this order; each continues where the previous one ended. Long ones
// come first if possible, because a round ends with the last step that still has a
// call to crash at.
var steps = []step{
	{
		name:   "create",
		config: hub("us-east-1", "blue") + customer("globex", globex, "us-east-1", "SecurityAudit", false),
	},
	{
		name: "change",
		config: hub("us-east-1 eu-west-1", "green") +
			customer("globex", globex, "us-east-1", "ReadOnlyAccess", false) +
			customer("initech", initech, "eu-west-1", "SecurityAudit", false),
	},
	{
		name:   "shrink",
		config: hub("us-east-1", "green") + customer("globex", globex, "us-east-1", "ReadOnlyAccess", false),
	},
	{
		name:   "wait",
		before: launch,
		config: hub("us-east-1", "green") + customer("globex", globex, "us-east-1", "ReadOnlyAccess", true),
		after:  launched,
	},
	{
		name:    "destroy",
		before:  leave,
		config:  hub("us-east-1", "green") + customer("globex", globex, "us-east-1", "ReadOnlyAccess", true),
		destroy: true,
		after:   nothingLeft,
	},
}

const (
	vendor  = "111111111111"
	globex  = "222222222222"
	initech = "333333333333"
)

func hub(regions, color string) string {
	return fmt.Sprintf(`
terraform {
  required_providers {
    xacct = { source = "registry.terraform.io/xacct/xacct" }
  }
}

resource "xacct_hub" "this" {
  name    = "crash"
  regions = split(" ", %q)
  tags    = { color = %q }
}
`, regions, color)
}

func customer(id, account, region, policy string, wait bool) string {
	return fmt.Sprintf(`
resource "xacct_onboarding_link" %[1]q {
  hub         = xacct_hub.this.id
  customer_id = %[1]q
  account_id  = %[2]q
  region      = %[3]q
  role        = { managed_policy_arns = ["arn:aws:iam::aws:policy/%[4]s"] }
}

resource "xacct_customer_role" %[1]q {
  link = xacct_onboarding_link.%[1]s.id
  wait = %[5]t
}
`, id, account, region, policy, wait)
}
