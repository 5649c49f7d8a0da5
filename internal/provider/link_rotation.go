// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
)

// A link's external ID rotates when external_id_version is raised.
// onboarding/rotation.go describes the consequences.

func externalIDVersionAttribute() schema.Int64Attribute {
	return schema.Int64Attribute{
		Optional: true, Validators: []validator.Int64{int64validator.Between(1, 1000)},
		MarkdownDescription: "Raise it to give a customer a new external ID, even a connected one; default 1. Without it, the link keeps its ID. The link has the new ID at once, and no new stack can use an old one. " +
			"A connected customer keeps the registered ID until they update their stack with `update_command`, or enter the new one in the console: the role then accepts both, " +
			"and the new one is registered once it is proven. The update after that removes the old one. It can't be lowered, and can't be used with `external_id`.",
	}
}

func updateCommandAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Computed: true,
		MarkdownDescription: "The AWS CLI command that updates the customer's stack, quoted for POSIX shells, while `update_url` is set. " +
			"It leaves the customer's choices as they are, and carries the new external ID if that has changed.",
	}
}

func previousExternalIDAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Computed: true,
		MarkdownDescription: "After a rotation, the external ID that the customer's role still accepts. A customer who updates the stack in the console types `external_id` into the field " +
			"*External ID*, and this one into the field *External ID before*: so the access is never interrupted. Null if no other ID than `external_id` is accepted.",
	}
}

var versionPath = path.Root("external_id_version")

// version returns the requested version of the external ID; 0 to keep the current one.
func (m linkModel) version() int { return int(m.ExternalIDVersion.ValueInt64()) }

// flattenVersion copies the version in a link's record into the model, if the model
// has a version. A model without one keeps the link's version, whatever it is.
func (m *linkModel) flattenVersion(link onboarding.Link) {
	if version := max(link.ExternalIDVersion, 1); !m.ExternalIDVersion.IsNull() && m.version() != version {
		m.ExternalIDVersion = types.Int64Value(int64(version))
	}
}

// validateVersion refuses to rotate an external ID that the vendor has chosen.
func (m linkModel) validateVersion(diags *diag.Diagnostics) {
	if !m.ExternalIDVersion.IsNull() && !m.ExternalID.IsNull() {
		diags.AddAttributeError(versionPath, "Both external_id and external_id_version",
			"external_id_version counts the external IDs that the hub issues. Leave external_id out, and the next version is a new ID; a role with an ID of your own still works until the customer updates it.")
	}
}

// rotates reports whether the plan may give the existing link another version.
func (p *linkPlan) rotates() bool {
	return p.sameLink() && (p.plan.ExternalIDVersion.IsUnknown() || p.plan.version() > max(p.state.version(), 1))
}

// unknownUntilApply makes everything that follows from the customer's stack unknown:
// the customer may update it while the apply runs.
func (p *linkPlan) unknownUntilApply() {
	p.plan.Status, p.plan.UpdateURL = types.StringUnknown(), types.StringUnknown()
	p.plan.UpdateCommand, p.plan.PreviousExternalID = types.StringUnknown(), types.StringUnknown()
}

// warnOfRotation warns, in a plan that rotates, that connected customers have to
// update their stacks. The summary is the same for all customers.
func warnOfRotation(before onboarding.Customer, planned onboarding.Link) diag.Diagnostics {
	live := before.Live()
	if len(live) == 0 {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(versionPath, "Customers get a new external ID when they update their stacks", fmt.Sprintf(
		"Customer %s has %s, which still %s with the external ID of %s registration. Send the customer update_command afterwards; "+
			"in the console they type external_id and previous_external_id in. The new ID is the registered one once it is proven: read it from xacct_customer_role.external_id, not from here.",
		planned.CustomerID, onboarding.Counted(len(live), "live role"), onboarding.Plural(len(live), "works", "work"), onboarding.Plural(len(live), "its", "their")))}
}

// warnOfOldExternalID warns, in a refresh, of a rotation that the customer should have
// finished long ago. The summary is the same for all customers.
func warnOfOldExternalID(c onboarding.Customer, now time.Time) diag.Diagnostics {
	for _, r := range c.Live() {
		since, overdue := r.RotationOverdue(c.Link, now)
		if !overdue {
			continue
		}
		return diag.Diagnostics{diag.NewWarningDiagnostic("The old external ID is still accepted", fmt.Sprintf(
			"Customer %s of hub %s got a new external ID on %s, and role %s still accepts the one before. Ask the customer to update the stack: xacct link %s --update --format cli",
			c.Link.CustomerID, c.Link.Hub, since.UTC().Format("2 January 2006"), r.Role, c.Link.ID()))}
	}
	return nil
}

// previousExternalID returns the external ID that a role of the customer accepts
// besides the link's; null if there is none.
func previousExternalID(c onboarding.Customer) types.String {
	for _, r := range c.Live() {
		if previous, accepted := r.PreviousAccepted(c.Link); accepted {
			return types.StringValue(previous.String())
		}
	}
	return types.StringNull()
}

// updateCommand returns the command with which the customer updates their stack; null
// if there is nothing to update, or if the template's URL has to be signed.
func updateCommand(ctx context.Context, view *hubview.View, c onboarding.Customer, diags *diag.Diagnostics) types.String {
	r, _ := c.SoleRegistration()
	if !launch.NeedsUpdate(c.Link, r) || !canUpdate(ctx, view, diags) {
		return types.StringNull()
	}
	return commandFor(c.Link, r)
}

// commandFor returns the command that updates the stack of a registration; null if no
// command can do it.
func commandFor(link onboarding.Link, r onboarding.Registration) types.String {
	declared, err := declaration.Of(link)
	if err != nil {
		return types.StringNull() // a damaged record is reported when it is read into the state
	}
	command, err := launch.UpdateCommand(link, declared, r)
	if err != nil {
		return types.StringNull() // a command can't contain all values; the console asks for them
	}
	return types.StringValue(command)
}
