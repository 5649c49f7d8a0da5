// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/provider"
	"github.com/xacct/terraform-provider-xacct/internal/trial/steps"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// configuredOnce is a server that several operations share, like the one that `terraform
// test` (1.13 and later) starts for a provider block of a test file. It is configured
// once, and its configuration is not validated before.
type configuredOnce struct {
	tfprotov6.ProviderServer

	configure func() (*tfprotov6.ConfigureProviderResponse, error)
}

func (s *configuredOnce) ValidateProviderConfig(context.Context, *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	return &tfprotov6.ValidateProviderConfigResponse{}, nil
}

func (s *configuredOnce) ConfigureProvider(ctx context.Context, req *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	if s.configure == nil {
		s.configure = sync.OnceValues(func() (*tfprotov6.ConfigureProviderResponse, error) {
			return s.ProviderServer.ConfigureProvider(ctx, req)
		})
	}
	return s.configure()
}

// An operation must not use what an earlier one in the same process has planned, counted
// or read.
func TestOperationsThatShareAProcessDoNotShareWhatTheyPlan(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	server, err := serverOf(provider.WithPollInterval(100 * time.Millisecond))()
	if err != nil {
		t.Fatal(err)
	}
	shared := &configuredOnce{ProviderServer: server}
	core := tfcore.New(map[string]tfcore.Factory{"xacct": func() (tfprotov6.ProviderServer, error) { return shared, nil }})
	s := state{core.Workspace(), t, w}
	base := hubHCL() + setHCL("readonly")
	s.apply(base)
	s.apply(base, referring(globex), referring(initech))
	s.apply(base, fleetHCL("main", twoCustomers[:1]))
	s.apply(base, referring(globex), roleHCL(globex))
	w.Launch("acme", "globex", acctest.Globex, "CREATE_COMPLETE")
	s.apply(base, referring(globex), roleHCL(globex, waits))
	s.wantEmptyPlan(base, referring(globex), roleHCL(globex, waits))
	s.apply(base, fleetHCL("main", twoCustomers))
	s.apply(base)
}

// Terraform 1.13 and later configures the provider of a test file once for all runs.
func TestRunsOfATestFileShareNoPlans(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	in := steps.OpenFolder(t, acctest.Engine(t), factories())
	const module = `
variable "customers" { type = map(string) }
variable "policy" { default = "SecurityAudit" }

resource "xacct_permission_set" "readonly" {
  hub                 = xacct_hub.this.id
  name                = "readonly"
  managed_policy_arns = ["arn:aws:iam::aws:policy/${var.policy}"]
}

resource "xacct_onboarding_link" "customer" {
  for_each       = var.customers
  hub            = xacct_hub.this.id
  permission_set = xacct_permission_set.readonly.id
  customer_id    = each.key
  account_id     = each.value
}

resource "xacct_customer_role" "customer" {
  for_each = xacct_onboarding_link.customer
  link     = each.value.id
}
`
	if err := in.Configure(hubHCL() + module); err != nil {
		t.Fatal(err)
	}
	const one, two = `customers = { globex = "222222222222" }`, `customers = { globex = "222222222222", initech = "333333333333" }`
	test := w.Provider()
	for i, run := range []struct{ command, variables string }{
		{"apply", "customers = {}"},
		{"apply", one},
		{"plan", two},
		{"apply", two},
		{"plan", one},
		{"apply", two + "\n    policy = \"ViewOnlyAccess\""},
		{"apply", one},
	} {
		test += fmt.Sprintf("\nrun \"run_%d\" {\n  command = %s\n  variables {\n    %s\n  }\n}\n", i, run.command, run.variables)
	}
	if err := in.Write("runs.tftest.hcl", test); err != nil {
		t.Fatal(err)
	}
	if told, err := in.Run(t.Context(), "test", "-no-color"); err != nil || !strings.Contains(told, "7 passed, 0 failed") {
		t.Errorf("%s\n%v", told, err)
	}
}
