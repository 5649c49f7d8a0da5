// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package leastpolicy_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/leastpolicy"
	"github.com/xacct/terraform-provider-xacct/internal/provider"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// apply runs the real provider under the real engine.
func apply(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"xacct": func() (tfprotov6.ProviderServer, error) {
				return providerserver.NewProtocol6WithError(provider.New("test", provider.WithPollInterval(100*time.Millisecond))())()
			},
		},
		Steps: steps,
	})
}

func hubHCL(tag string, regions ...string) string {
	return fmt.Sprintf(`
resource "xacct_hub" "this" {
  name            = "acme"
  regions         = ["%s"]
  tags            = { %s = "intake" }
  template_access = "presigned"
}
data "xacct_customer_roles" "all" { hub = xacct_hub.this.id }
`, strings.Join(regions, `", "`), tag)
}

func customerHCL(id, accountID, description string) string {
	return fmt.Sprintf(`
resource "xacct_onboarding_link" %[1]q {
  hub         = xacct_hub.this.id
  customer_id = %[1]q
  account_id  = %[2]q
  role        = { description = %[3]q, managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"] }
}
resource "xacct_customer_role" %[1]q {
  link = xacct_onboarding_link.%[1]s.id
  wait = true
}
`, id, accountID, description)
}

// A hub and its customers go through their lifetime under the policy.
func TestThePolicyIsSufficientForTerraformAndCompletelyUsed(t *testing.T) {
	t.Parallel()
	vendor := acctest.Start(t)
	policy, err := leastpolicy.Provider(acme(virginia, ireland, oregon))
	if err != nil {
		t.Fatal(err)
	}
	w := newCaller(t, vendor.Sandbox, policy)
	vendor.Signer = w.caller
	block := vendor.ProviderAs(w.keys, acctest.Region, "")
	var globexStack func() sandbox.Stack
	initechStack := make(chan func() sandbox.Stack, 1)
	both := customerHCL("globex", acctest.Globex, "Reads more") + customerHCL("initech", acctest.Initech, "Reads")
	apply(t,
		resource.TestStep{
			PreConfig: func() { globexStack = vendor.Launch("acme", "globex", acctest.Globex, "CREATE_COMPLETE") },
			Config:    block + hubHCL("team", "us-east-1", "eu-west-1") + customerHCL("globex", acctest.Globex, "Reads"),
		},
		resource.TestStep{
			Config: block + hubHCL("team", "us-east-1", "eu-west-1", "us-west-2") + customerHCL("globex", acctest.Globex, "Reads more"),
		},
		resource.TestStep{
			PreConfig: func() {
				if err := w.changeByHand(virginia, ireland, oregon); err != nil {
					t.Fatal(err)
				}
			},
			Config: block + hubHCL("owner", "us-east-1", "eu-west-1", "us-west-2") + customerHCL("globex", acctest.Globex, "Reads more"),
		},
		resource.TestStep{ // while the apply waits for initech, globex's stack is updated
			PreConfig: func() {
				w.update(vendor, globexStack())
				go func() {
					if err := errors.Join(w.updated(globexStack().ID), w.sendUnreadable()); err != nil {
						t.Error(err)
					}
					initechStack <- vendor.Launch("acme", "initech", acctest.Initech, "CREATE_COMPLETE")
				}()
			},
			Config: block + hubHCL("owner", "us-east-1", "eu-west-1", "us-west-2") + both,
		},
		resource.TestStep{
			PreConfig: func() {
				defer vendor.Registrar("acme")()
				vendor.Leave(globexStack().ID)
				vendor.Leave((<-initechStack)().ID)
			},
			Config: block + hubHCL("owner", "us-east-1", "eu-west-1"),
		},
	)
	for _, refused := range w.refusedAfter("dynamodb:CreateTable") {
		t.Errorf("missing from the policy: %s", refused)
	}
	for _, pair := range w.unused(policy) {
		t.Errorf("in the policy, but never used: %s", pair)
	}
}

// update starts an update of globex's stack to the link's current template. The next registrar answers
// it.
func (w *world) update(vendor *acctest.World, stack sandbox.Stack) {
	w.t.Helper()
	customer, err := vendor.Registry("acme").Customer(w.t.Context(), "globex")
	if err == nil {
		customer.Link, err = w.readable(customer.Link)
	}
	if err == nil {
		err = w.UpdateStack(w.t.Context(), stack.ID, sandbox.UpdateOptions{TemplateURL: customer.Link.TemplateURL})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// updated waits until the stack's update is complete.
func (w *world) updated(stackID string) error {
	stack, err := w.WaitStack(w.waitCtx, stackID)
	if err == nil && stack.Status != "UPDATE_COMPLETE" {
		err = fmt.Errorf("the stack is %s: %s", stack.Status, stack.StatusReason)
	}
	return err
}

func TestTerraformNamesTheMissingPermissionAndItsResource(t *testing.T) {
	t.Parallel()
	for action, resourceARN := range map[string]string{
		"dynamodb:CreateTable": `arn:aws:dynamodb:us-east-1:111111111111:table/xacct-acme`,
		"sns:Subscribe":        `arn:aws:sns:us-east-1:111111111111:xacct-acme-0`,
		"s3:PutObject":         `arn:aws:s3:::xacct-acme-111111111111-us-east-1-an/templates/[0-9a-f]{64}.json`,
	} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			vendor := acctest.Start(t)
			policy, err := leastpolicy.Provider(acme(virginia))
			if err != nil {
				t.Fatal(err)
			}
			w := newCaller(t, vendor.Sandbox, without(policy, action))
			config := hubHCL("team", "us-east-1") + customerHCL("globex", acctest.Globex, "Reads")
			apply(t, resource.TestStep{
				Config: vendor.ProviderAs(w.keys, acctest.Region, "") + config,
				// The engine breaks lines between words.
				ExpectError: regexp.MustCompile(`user/worker\s+may\s+not\s+do\s+` + action + `\s+on\s+` + resourceARN),
			})
		})
	}
}
