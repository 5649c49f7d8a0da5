// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

func TestARefreshProvesRolesOnlyIfTheProviderIsConfiguredToDoSo(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	rest := hubHCL() + linkHCL(globex) + roleHCL(globex, waits)
	proving := w.ProviderWith(acctest.Region, sandbox.VendorAccount, `prove_on_refresh = true`)
	var stack sandbox.Stack
	status := func(want string) []statecheck.StateCheck {
		return []statecheck.StateCheck{value(roleGlobex, "status", is(want))}
	}
	run(t,
		connected(w, &stack, w.Provider()+rest),
		resource.TestStep{
			PreConfig: func() { trustOnly(t, w, acctest.Initech) }, // and no longer the vendor
			Config:    w.Provider() + rest, ConfigStateChecks: status("active"),
		},
		resource.TestStep{Config: proving + rest, ConfigStateChecks: status("degraded")},
		resource.TestStep{Config: w.Provider() + rest, ConfigStateChecks: status("degraded")},
	)
}

// trustOnly lets globex's administrator change the role's trust policy to one account.
func trustOnly(t *testing.T, w *acctest.World, account string) {
	t.Helper()
	keys, err := w.Credentials(globex.account)
	if err != nil {
		t.Fatal(err)
	}
	client := iam.New(iam.Options{
		Region: acctest.Region, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(w.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken),
	})
	if err := w.OpenAccount(account, "aws"); err != nil {
		t.Fatal(err)
	}
	_, err = client.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{
		RoleName: aws.String("acme-globex"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::` +
			account + `:root"}}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
}
