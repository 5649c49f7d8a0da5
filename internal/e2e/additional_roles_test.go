// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// scanning changes the template of a customer's link to one with a second role.
func (c *Customer) scanning() {
	c.T.Helper()
	spec := c.Specification(roleV1)
	spec.AdditionalRoles = map[string]permissionset.AdditionalRole{"scanner": {InlinePolicies: roleV1.InlinePolicies, ManagedPolicyARNs: roleV1.ManagedPolicyARNs}}
	template, err := stacktemplate.Render(spec)
	c.Must(err)
	c.Change(func(l *onboarding.Link) {
		l.TemplateVersion, l.TemplateURL = stacktemplate.Version(spec), c.Publish(template.JSON())
		l.TemplateParameters, l.AdditionalRoles = template.LinkParameters(), declaration.AdditionalRoles(spec)
	})
}

// An update adds the role. Rounds of proofs detect that it can't be assumed, that
// others can assume it, and that it works again.
func TestARoleThatAnUpdateAddsIsProvenThenAndInEveryRound(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	c := w.Invite("globex", AccountID(1))
	id := c.Connect(Frankfurt)
	if roles := c.Owned(id, onboarding.Active).AdditionalRoles; len(roles) != 0 {
		t.Fatalf("registered are %v", roles)
	}
	c.scanning()
	c.Update(id, sandbox.UpdateOptions{TemplateURL: c.Link.TemplateURL})
	c.Settled(id, "UPDATE_COMPLETE")
	w.Quiet()
	registered := c.Owned(id, onboarding.Active)
	scanner, there := registered.AdditionalRoles["scanner"]
	if want := c.Link.RoleName + "-scanner"; !there || scanner.Name != want || scanner.Account != registered.Account {
		t.Fatalf("registered are %v", registered.AdditionalRoles)
	}

	role, err := c.iam().GetRole(t.Context(), &iam.GetRoleInput{RoleName: &scanner.Name})
	c.Must(err)
	original, err := url.PathUnescape(*role.Role.AssumeRolePolicyDocument)
	c.Must(err)
	round := func(trust string) {
		t.Helper()
		_, err := c.iam().UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: &scanner.Name, PolicyDocument: &trust})
		c.Must(err)
		c.Must(w.Prove())
	}
	const vendor = `"Principal":{"AWS":"arn:aws:iam::` + sandbox.VendorAccount + `:root"},"Action":"sts:AssumeRole"}]}`
	for _, broken := range []struct {
		trust string
		open  bool
	}{
		{`{"Version":"2012-10-17","Statement":[{"Effect":"Deny",` + vendor, false},
		{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + vendor, true},
	} {
		round(broken.trust)
		if got := c.Owned(id, onboarding.Degraded); got.Open != broken.open || !strings.Contains(got.Reason, "additional role "+scanner.String()) {
			t.Errorf("with the trust %s: %q, open: %t", broken.trust, got.Reason, got.Open)
		}
	}
	round(original)
	c.Owned(id, onboarding.Active)
	c.Delete(id)
	c.Settled(id, "DELETE_COMPLETE")
}
