// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/provider"
)

func TestMain(m *testing.M) { acctest.Main(m) }

func TestEverySchemaIsOneThatTerraformAccepts(t *testing.T) {
	server, err := providerserver.NewProtocol6WithError(provider.New("test")())()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.GetProviderSchema(context.Background(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range resp.Diagnostics {
		t.Errorf("%s: %s", d.Summary, d.Detail)
	}
	if len(resp.ResourceSchemas) != 3 || len(resp.DataSourceSchemas) != 4 {
		t.Errorf("got %d resources and %d data sources", len(resp.ResourceSchemas), len(resp.DataSourceSchemas))
	}
}

// factories serve the provider inside the test's own process.
func factories() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"xacct": providerserver.NewProtocol6WithError(provider.New("test", provider.WithPollInterval(100*time.Millisecond))()),
	}
}

// run runs the steps of an acceptance test against its world.
func run(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: factories(), Steps: steps})
}

// hubHCL is a hub with some more arguments. It dies even under live stacks, so
// that a test need not clean up after its customers.
func hubHCL(more ...string) string {
	return fmt.Sprintf(`
resource "xacct_hub" "this" {
  name         = "acme"
  display_name = "Acme Monitoring"
  support_url  = "https://acme.example/support"
  force_destroy = true
  %s
}
`, strings.Join(more, "\n  "))
}

// customer is one customer of a test.
type customer struct{ id, account, more string }

var (
	globex   = customer{id: "globex", account: acctest.Globex}
	initech  = customer{id: "initech", account: acctest.Initech}
	umbrella = customer{id: "umbrella", account: acctest.Umbrella}
)

const aRole = `role = { managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"] }`

// with is the customer with other or more arguments of the link.
func (c customer) with(more ...string) customer {
	c.more = strings.Join(more, "\n  ")
	return c
}

// linkHCL is a link, its resource named after the customer.
func linkHCL(c customer) string {
	more := c.more
	if !strings.Contains(more, "role =") {
		more += "\n  " + aRole
	}
	return fmt.Sprintf(`
resource "xacct_onboarding_link" %q {
  hub         = xacct_hub.this.id
  customer_id = %q
  account_id  = %q
  %s
}
`, c.id, c.id, c.account, more)
}

// roleHCL is a customer's role, its resource named after the customer.
func roleHCL(c customer, more ...string) string {
	return fmt.Sprintf(`
resource "xacct_customer_role" %q {
  link = xacct_onboarding_link.%s.id
  %s
}
`, c.id, c.id, strings.Join(more, "\n  "))
}

const waits = "wait = true"

var (
	errChanged   = errors.New("the value has changed")
	errUnchanged = errors.New("the value is the same as before")
)

// replaceOnce fails loudly, by a configuration that makes no sense, where there
// is nothing to replace.
func replaceOnce(s, old, replacement string) string {
	if !strings.Contains(s, old) {
		return "nothing to replace: " + old
	}
	return strings.Replace(s, old, replacement, 1)
}

// after runs something once a step's apply is done.
type after func()

// CheckState implements statecheck.StateCheck.
func (a after) CheckState(context.Context, statecheck.CheckStateRequest, *statecheck.CheckStateResponse) {
	a()
}
