// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// warnOfUpdates warns, in a plan that changes what a customer grants, what changes,
// and that it takes effect only when the customer updates their stack. The summary is
// the same for all customers, so that Terraform shows the warnings of many links as
// one.
func warnOfUpdates(before onboarding.Customer, planned onboarding.Link, next declaration.Declaration) diag.Diagnostics {
	stacks := 0
	for _, r := range before.Live() {
		if r.Outdated(planned) {
			stacks++
		}
	}
	if stacks == 0 || before.Link.TemplateVersion == planned.TemplateVersion {
		return nil
	}
	was, err := declaration.Of(before.Link)
	if err != nil {
		return diag.Diagnostics{cannot("read", customerNamed(planned.Hub, planned.CustomerID), "The link's record in the registry is damaged: restore the table from a backup.", err)}
	}
	changed := "The granted permissions stay the same; only their notation changes."
	if lines := was.Set().Changes(next.Set()); len(lines) > 0 {
		changed = "The role of the template:\n  - " + strings.Join(lines, "\n  - ")
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("role"), "What customers grant changes when they update their stacks", fmt.Sprintf(
		"%s of customer %s %s made with another template than this plan's. %s\n\n"+
			"Applying this changes nothing in the customer's account: their role stays as it is, and outdated, until they update the stack. "+
			"Send them update_url afterwards.%s", onboarding.Counted(stacks, "live stack"), planned.CustomerID, onboarding.Plural(stacks, "was", "were"), changed, immovable(was, next)))}
}

// immovable returns a paragraph about a change that an update of the stack can't make,
// because CloudFormation can't replace a role that has a name; empty if there is no
// such change.
func immovable(was, next declaration.Declaration) string {
	if was.Role.Path == next.Role.Path {
		return ""
	}
	return "\n\nCloudFormation can't move a role to another path: such a customer has to delete the stack and to launch the link again."
}
