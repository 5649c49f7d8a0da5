// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/provider"
	"github.com/xacct/terraform-provider-xacct/internal/trial/steps"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

func TestMain(m *testing.M) { acctest.Main(m) }

func TestTheSchemasAreValid(t *testing.T) {
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
	if len(resp.ResourceSchemas) != 5 || len(resp.DataSourceSchemas) != 5 || len(resp.ListResourceSchemas) != 4 || len(resp.ActionSchemas) != 5 {
		t.Errorf("got %d resources, %d data sources, %d list resources and %d actions", len(resp.ResourceSchemas), len(resp.DataSourceSchemas), len(resp.ListResourceSchemas), len(resp.ActionSchemas))
	}
}

// factories returns factories that serve the provider in the test's process.
func factories() map[string]tfcore.Factory {
	return map[string]tfcore.Factory{
		"xacct": serverOf(provider.WithPollInterval(100 * time.Millisecond)),
	}
}

// serverOf returns a factory of servers. Each has a provider of its own, as each process
// has.
func serverOf(options ...provider.Option) tfcore.Factory {
	return func() (tfprotov6.ProviderServer, error) {
		return providerserver.NewProtocol6WithError(provider.New("test", options...)())()
	}
}

// inProcess plans and applies without Terraform or OpenTofu.
var inProcess = tfcore.New(factories())

// run runs the steps of a test in this process, or like journey if XACCT_STEPS is engine.
func run(t *testing.T, all ...resource.TestStep) {
	t.Helper()
	if withEngine() {
		journey(t, all...)
		return
	}
	steps.Run(t, steps.InProcess(inProcess), all...)
}

// runWith is run with other factories.
func runWith(t *testing.T, servers map[string]tfcore.Factory, all ...resource.TestStep) {
	t.Helper()
	if withEngine() {
		journeyWith(t, servers, all...)
		return
	}
	steps.Run(t, steps.InProcess(tfcore.New(servers)), all...)
}

// withEngine reports whether all tests run with Terraform or OpenTofu.
func withEngine() bool { return os.Getenv("XACCT_STEPS") == "engine" }

// journey runs the steps of a test with Terraform or OpenTofu.
func journey(t *testing.T, all ...resource.TestStep) {
	t.Helper()
	journeyWith(t, factories(), all...)
}

func journeyWith(t *testing.T, servers map[string]tfcore.Factory, all ...resource.TestStep) {
	t.Helper()
	engine := acctest.Engine(t)
	for _, step := range all {
		if strings.Contains(step.Config, "identity =") && !steps.AtLeast(t, engine, "1.12.0") {
			t.Skip("only Terraform 1.12 and OpenTofu 1.12 import by identity")
		}
	}
	steps.Run(t, steps.Engine(engine, servers), all...)
}

// clocked returns factories of a provider with a sandbox's clock.
func clocked(w *acctest.World) map[string]tfcore.Factory {
	return map[string]tfcore.Factory{
		"xacct": serverOf(provider.WithClock(w.Clock().Now)),
	}
}

// hubHCL returns a hub with additional arguments. It has force_destroy, so that tests
// need not delete their customers' stacks.
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

// customer is a customer of a test, with additional arguments of their link.
type customer struct{ id, account, more string }

var (
	globex   = customer{id: "globex", account: acctest.Globex}
	initech  = customer{id: "initech", account: acctest.Initech}
	umbrella = customer{id: "umbrella", account: acctest.Umbrella}
)

const aRole = `role = { managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"] }`

// with returns the customer with these additional arguments of the link.
func (c customer) with(more ...string) customer {
	c.more = strings.Join(more, "\n  ")
	return c
}

// linkHCL returns a link whose resource is named after the customer.
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

// roleHCL returns a customer's role whose resource is named after the customer.
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

// replaceOnce replaces a part of a configuration. If there is nothing to replace, it
// returns an invalid configuration, so that the test fails.
func replaceOnce(s, old, replacement string) string {
	if !strings.Contains(s, old) {
		return "nothing to replace: " + old
	}
	return strings.Replace(s, old, replacement, 1)
}

// after runs a function after a step's apply, as a state check.
type after func()

// CheckState implements statecheck.StateCheck.
func (a after) CheckState(context.Context, statecheck.CheckStateRequest, *statecheck.CheckStateResponse) {
	a()
}
