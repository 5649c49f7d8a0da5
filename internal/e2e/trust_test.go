// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// inviteTrusting gives a customer a link whose role has this trust.
func (w *World) inviteTrusting(customer string, trust permissionset.Trust) *Customer {
	w.T.Helper()
	spec := w.Specification(roleV1)
	spec.Trust = trust
	template, err := stacktemplate.Render(spec)
	w.Must(err)
	return w.Invite(customer, AccountID(1), func(l *onboarding.Link) {
		l.RoleName, l.TemplateVersion, l.TemplateURL = customer, stacktemplate.Version(spec), w.Publish(template.JSON())
		l.TrustedPrincipals = trust.Provers(spec.Vendor)
	})
}

// The hub's account proves the role; the vendor's other accounts use it.
func TestAllTrustedAccountsAndNoOthersMayAssumeTheRole(t *testing.T) {
	t.Parallel()
	w := New(t)
	w.Registrar()
	scanner, stranger := AccountID(801), AccountID(802)
	clients := map[string]*awsclient.Clients{scanner: w.ClientsOf(scanner, w.Sandbox.URL()), stranger: w.ClientsOf(stranger, w.Sandbox.URL())}
	for name, c := range map[string]struct {
		trust  permissionset.Trust
		by     string // account that assumes the role
		tags   bool
		source bool
		wrong  bool // wrong external ID
		want   string
	}{
		"the other account":                     {permissionset.Trust{TrustedAccountIDs: []string{scanner}}, scanner, false, false, false, ""},
		"without the external ID":               {permissionset.Trust{TrustedAccountIDs: []string{scanner}}, scanner, false, false, true, "AccessDenied"},
		"an account that is not trusted":        {permissionset.Trust{TrustedAccountIDs: []string{scanner}}, stranger, false, false, false, "AccessDenied"},
		"tags that are not allowed":             {permissionset.Trust{TrustedAccountIDs: []string{scanner}}, scanner, true, false, false, "AccessDenied"},
		"tags that are allowed":                 {permissionset.Trust{TrustedAccountIDs: []string{scanner}, AllowSessionTags: true}, scanner, true, false, false, ""},
		"tags without the ID":                   {permissionset.Trust{TrustedAccountIDs: []string{scanner}, AllowSessionTags: true}, scanner, true, false, true, "AccessDenied"},
		"a source identity that is not allowed": {permissionset.Trust{TrustedAccountIDs: []string{scanner}, AllowSessionTags: true}, scanner, false, true, false, "AccessDenied"},
		"a source identity that is allowed":     {permissionset.Trust{TrustedAccountIDs: []string{scanner}, AllowSourceIdentity: true}, scanner, false, true, false, ""},
		"another role of the account":           {permissionset.Trust{TrustedAccountIDs: []string{scanner}, TrustedPrincipals: []string{"arn:aws:iam::" + scanner + ":role/Scanner"}}, scanner, false, false, false, "AccessDenied"},
	} {
		customer := w.inviteTrusting(strings.ReplaceAll(name, " ", "-"), c.trust)
		id := customer.Connect(Frankfurt) // and so it is proven by the hub's account
		input := &sts.AssumeRoleInput{RoleArn: aws.String(customer.Owned(id, onboarding.Active).Role.String()), RoleSessionName: aws.String("scan"), ExternalId: aws.String(customer.Link.ExternalID.String())}
		if c.tags {
			input.Tags = []types.Tag{{Key: aws.String("case"), Value: aws.String("1")}}
		}
		if c.source {
			input.SourceIdentity = aws.String("ann")
		}
		if c.wrong {
			input.ExternalId = aws.String("another-one")
		}
		_, err := clients[c.by].STS(clients[c.by].Region).AssumeRole(t.Context(), input)
		if got := awsclient.Code(err); got != c.want {
			t.Errorf("%s: %q (%v), want %q", name, got, err, c.want)
		}
		customer.Delete(id)
		customer.Settled(id, "DELETE_COMPLETE")
	}
}
