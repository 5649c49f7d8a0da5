// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// caller is another account of the vendor, which assumes customers' roles.
type caller struct {
	account *sts.Client // with an administrator's credentials
	scanner *sts.Client // with a session of its role Scanner
}

// caller creates the role Scanner in an account, and returns the account's clients.
func (w *World) caller(id string) caller {
	w.T.Helper()
	clients := w.ClientsOf(id, w.Sandbox.URL())
	keys, err := w.Credentials(id)
	w.Must(err)
	client := iam.New(iam.Options{
		Region: Virginia, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(w.Sandbox.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken),
	})
	const longest = 43200 // seconds; the session is used for all specifications
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + id + `:root"},"Action":"sts:AssumeRole"}]}`
	role, err := client.CreateRole(w.T.Context(), &iam.CreateRoleInput{RoleName: aws.String("Scanner"), AssumeRolePolicyDocument: &trust, MaxSessionDuration: aws.Int32(longest)})
	w.Must(err)
	work := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"*"}]}`
	_, err = client.PutRolePolicy(w.T.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("Scanner"), PolicyName: aws.String("work"), PolicyDocument: &work})
	w.Must(err)
	c := caller{account: clients.STS(clients.Region)}
	out, err := c.account.AssumeRole(w.T.Context(), &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("scan"), DurationSeconds: aws.Int32(longest)})
	w.Must(err)
	c.scanner = sts.New(sts.Options{
		Region: Virginia, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(w.Sandbox.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken),
	})
	return c
}

// trustsExactly assumes the role as the vendor's accounts: with the external ID,
// without it, and with session tags and a source identity, which a trust may allow.
func (c *Customer) trustsExactly(d drawn, role string, others map[string]caller, did *figures) {
	c.T.Helper()
	trust := d.spec.Trust
	try := func(as *sts.Client, change func(*sts.AssumeRoleInput)) bool {
		in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("vendor"), ExternalId: aws.String(c.Link.ExternalID.String())}
		change(in)
		_, err := as.AssumeRole(c.T.Context(), in)
		if err != nil && awsclient.Code(err) != "AccessDenied" {
			c.T.Fatalf("%s: %v", role, err)
		}
		did.tries++
		return err == nil
	}
	expect := func(what string, got, want bool) {
		if got != want {
			c.T.Fatalf("%s: %s is allowed: %t, and was declared as %t in %+v", role, what, got, want, trust)
		}
	}
	as := func(*sts.AssumeRoleInput) {}
	stranger := func(in *sts.AssumeRoleInput) { in.ExternalId = nil }
	tagged := func(in *sts.AssumeRoleInput) {
		in.Tags = []types.Tag{{Key: aws.String("case"), Value: aws.String("1")}}
	}
	named := func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("ann") }
	hub := c.Clients.STS(c.Clients.Region)
	expect("the hub's account", try(hub, as), true)
	expect("the hub's account without the external ID", try(hub, stranger), false)
	expect("a session with tags", try(hub, tagged), trust.AllowSessionTags)
	expect("a session with a source identity", try(hub, named), trust.AllowSourceIdentity)
	for id, other := range others {
		trusted := slices.Contains(trust.TrustedAccountIDs, id)
		all := trusted && !slices.Contains(trust.TrustedPrincipals, "arn:aws:iam::"+id+":role/Scanner")
		expect("account "+id, try(other.account, as), all)
		expect("account "+id+" without the external ID", try(other.account, stranger), false)
		expect("the role Scanner of account "+id, try(other.scanner, as), trusted)
		expect("the role Scanner of account "+id+" without the external ID", try(other.scanner, stranger), false)
		if trusted {
			expect("the role Scanner of account "+id+" with tags", try(other.scanner, tagged), trust.AllowSessionTags)
			expect("the role Scanner of account "+id+" with a source identity", try(other.scanner, named), trust.AllowSourceIdentity)
		}
	}
}
