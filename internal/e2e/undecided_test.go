// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// TestAMissingPermissionOfTheVendorIsReported has a link that trusts one of the
// vendor's roles, which the registrar may not assume.
func TestAMissingPermissionOfTheVendorIsReported(t *testing.T) {
	t.Parallel()
	w := New(t)
	worker := "arn:aws:iam::" + sandbox.VendorAccount + ":role/worker"
	// The role exists, so that IAM accepts it as a principal, but it trusts another one.
	vendor := &Customer{World: w, Account: sandbox.VendorAccount}
	_, err := vendor.iam().CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName:                 aws.String("worker"),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	})
	w.Must(err)
	role, err := account.ParseRoleARN(worker)
	w.Must(err)
	c := w.Invite("globex", AccountID(1), func(l *onboarding.Link) { l.TrustedPrincipals = []account.RoleARN{role} })
	w.Registrar()
	id := c.Launch(Frankfurt, sandbox.LaunchOptions{})
	c.Settled(id, "ROLLBACK_COMPLETE")
	w.Quiet()
	w.Reads(id, "the AWS account of Acme lacks a permission for it. Your stack is not at fault.")
	if strings.Contains(w.Story(id), "role/worker") {
		t.Errorf("the customer can read the vendor's own roles:\n%s", w.Story(id))
	}

	const missing = "user/admin may not do sts:AssumeRole on "
	history := c.refusals()
	if len(history) != 1 || !history[0].Refused || history[0].Outcome != onboarding.OutcomeNotPermitted || !strings.Contains(history[0].Cause, missing+worker) {
		t.Errorf("the history is %+v", history)
	}
	if log := w.log.String(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, missing+worker) {
		t.Errorf("%s", log)
	}
}

// TestALinkThatAnotherOneHasReplacedIsRecognised depends on the claim of the replaced
// link, which is kept: the customer reads what to do, and the vendor sees which
// customer it was.
func TestALinkThatAnotherOneHasReplacedIsRecognised(t *testing.T) {
	t.Parallel()
	w := New(t)
	c := w.Invite("globex", AccountID(1))
	old := *c
	link := c.Link
	link.Generation++
	link.ExternalID = onboarding.ExternalID(w.Record.Key.Bytes(), Hub, c.Name, link.Generation)
	var err error
	c.Link, err = w.Registry().ReissueLink(t.Context(), link)
	w.Must(err)
	w.Registrar()
	id := old.Launch(Frankfurt, sandbox.LaunchOptions{})
	c.Settled(id, "ROLLBACK_COMPLETE")
	w.Reads(id, "Delete the stack, ask Acme for the new link, and open that one.")
	w.Quiet()
	if got := c.refusals(); len(got) != 1 || got[0].Outcome != onboarding.OutcomeRetired {
		t.Errorf("the customer's history has the refusals %+v", got)
	}
	c.Unknown()
	c.Delete(id)
	c.Settled(id, "DELETE_COMPLETE")
	c.Connect(Frankfurt)
}

// refusals returns the entries of refused requests in the customer's history.
func (c *Customer) refusals() []onboarding.HistoryEntry {
	c.T.Helper()
	history, err := c.Registry().History(c.T.Context(), c.Name)
	c.Must(err)
	return slices.DeleteFunc(history, func(h onboarding.HistoryEntry) bool { return !h.Refused })
}
