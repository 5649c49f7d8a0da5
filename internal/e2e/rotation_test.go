// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// Rotate gives the customer's link another version of its external ID, as the
// provider does.
func (c *Customer) Rotate(version int) {
	c.T.Helper()
	link := c.Link
	link.ExternalIDVersion = version
	link.ExternalID = onboarding.RotatedExternalID(c.Record.Key.Bytes(), Hub, c.Name, link.Generation, version)
	link, err := c.Registry().ReissueLink(c.T.Context(), link)
	c.Must(err)
	c.Link = link
}

// Rotated returns the parameters that a customer enters after the first rotation.
func (c *Customer) Rotated() map[string]string {
	return map[string]string{
		stacktemplate.ParameterExternalID:         c.Link.ExternalID.String(),
		stacktemplate.ParameterPreviousExternalID: c.Link.PastExternalIDs[len(c.Link.PastExternalIDs)-1].ID.String(),
	}
}

// accepts fails the test unless the customer's role can be assumed with the external
// IDs whose value in want is true, and not with the others.
func (c *Customer) accepts(role account.RoleARN, want map[account.ExternalID]bool) {
	c.T.Helper()
	for id, works := range want {
		_, err := c.Clients.STS(c.Clients.Region).AssumeRole(c.T.Context(), &sts.AssumeRoleInput{
			RoleArn: aws.String(role.String()), RoleSessionName: aws.String("rotation"), ExternalId: aws.String(id.String()),
		})
		if code := awsclient.Code(err); works && err != nil || !works && code != "AccessDenied" {
			c.T.Errorf("external ID %s: %v, want accepted: %t", id, err, works)
		}
	}
}

// The registered external ID works before and during the update, and until the new
// one is registered. The next update of the stack ends the old one.
func TestAnExternalIDRotatesWithoutAnInterruption(t *testing.T) {
	t.Parallel()
	w := New(t)
	c := w.Invite("globex", AccountID(1))
	first := w.Registrar()
	id := c.Connect(Frankfurt)
	before := c.Owned(id, onboarding.Active)
	c.Rotate(2)
	first.Stop()

	command, err := launch.UpdateCommand(c.Link, declaration.Declaration{}, before)
	c.Must(err)
	c.updates(t, id, parametersOf(t, command))
	w.queueHas(func(messages int) bool { return messages == 1 }) // the role is updated, but no registrar has decided yet
	both := map[account.ExternalID]bool{before.ExternalID: true, c.Link.ExternalID: true}
	c.accepts(before.Role, both)
	if now := c.Owned(id, onboarding.Active); now.ExternalID != before.ExternalID {
		t.Errorf("before it was proven, the registered external ID is %s", now.ExternalID)
	}
	w.Registrar()
	c.Settled(id, "UPDATE_COMPLETE")
	w.Quiet()
	rotated := c.Owned(id, onboarding.Active)
	if rotated.ExternalID != c.Link.ExternalID || rotated.PreviousExternalID != before.ExternalID {
		t.Errorf("registered is %s, and %s before it", rotated.ExternalID, rotated.PreviousExternalID)
	}
	c.accepts(before.Role, both)
	w.Must(w.Prove())

	command, err = launch.UpdateCommand(c.Link, declaration.Declaration{}, rotated)
	c.Must(err)
	c.updates(t, id, parametersOf(t, command))
	c.Settled(id, "UPDATE_COMPLETE")
	w.Quiet()
	if ended := c.Owned(id, onboarding.Active); ended.ExternalID != c.Link.ExternalID || !ended.PreviousExternalID.IsZero() {
		t.Errorf("registered is %s, and %s before it", ended.ExternalID, ended.PreviousExternalID)
	}
	c.accepts(before.Role, map[account.ExternalID]bool{before.ExternalID: false, c.Link.ExternalID: true})

	c.Delete(id)
	c.Settled(id, "DELETE_COMPLETE")
	w.Quiet()
	c.Owned(id, onboarding.Disconnected)
	for sentence, parameters := range map[string]map[string]string{
		"The external ID of this stack is from a link of Acme that another one has replaced.": {stacktemplate.ParameterExternalID: before.ExternalID.String()},
		"a new role of Acme accepts none but the new one":                                     {stacktemplate.ParameterPreviousExternalID: before.ExternalID.String()},
	} {
		id = c.Launch(Frankfurt, sandbox.LaunchOptions{Parameters: parameters})
		c.Settled(id, "ROLLBACK_COMPLETE")
		w.Quiet()
		w.Reads(id, sentence)
		c.Delete(id)
		c.Settled(id, "DELETE_COMPLETE")
	}
	c.Connect(Frankfurt)
}

// A rollback restores the previous external ID, which is then registered again.
func TestARotationThatIsRolledBackRestoresTheExternalIDBefore(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	other := w.Neighbour(c.Account, Frankfurt)
	with := func(version string) string {
		return w.Edited(w.Template(roleV1), func(resources map[string]any) {
			resources["Other"] = other.Resource(map[string]any{"Version": version}, stacktemplate.PhoneHomeLogicalID)
		})
	}
	id := c.LaunchOf(Frankfurt, with("1"), sandbox.LaunchOptions{})
	other.Answer(other.Next(), "")
	c.Settled(id, "CREATE_COMPLETE")
	w.Quiet()
	before := c.Owned(id, onboarding.Active)
	c.Rotate(2)

	c.Update(id, sandbox.UpdateOptions{TemplateURL: with("2"), Parameters: c.Rotated()})
	failing := other.Next() // our own update was answered before
	other.Answer(failing, "the neighbour is out of order")
	other.Answer(other.Next(), "")
	c.Settled(id, "UPDATE_ROLLBACK_COMPLETE")
	w.Quiet()
	after := c.Owned(id, onboarding.Active)
	if after.ExternalID != before.ExternalID || !after.PreviousExternalID.IsZero() {
		t.Errorf("registered is %s, and %s before it", after.ExternalID, after.PreviousExternalID)
	}
	c.accepts(after.Role, map[account.ExternalID]bool{before.ExternalID: true, c.Link.ExternalID: false})

	c.Update(id, sandbox.UpdateOptions{Parameters: map[string]string{
		stacktemplate.ParameterExternalID: c.Link.ExternalID.String(), stacktemplate.ParameterPreviousExternalID: "of-another-customer",
	}})
	c.Settled(id, "UPDATE_ROLLBACK_COMPLETE")
	w.Quiet()
	w.Reads(id, "The parameter PreviousExternalId of this stack is no external ID that Acme gave you.")
}
