// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

func TestThirtyCustomersLaunchInAnyOrderWhileTenSlotsWait(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	const customers = 30
	// With count, because the test library can't read for_each. The graph is the same.
	config := w.Provider() + hubHCL(`regions = ["us-east-1", "eu-central-1"]`) + fmt.Sprintf(`
resource "xacct_onboarding_link" "all" {
  count       = %d
  hub         = xacct_hub.this.id
  customer_id = format("c%%02d", count.index)
  account_id  = format("5000000000%%02d", count.index)
  region      = count.index %% 2 == 0 ? "us-east-1" : "eu-central-1"
  %s
}

resource "xacct_customer_role" "all" {
  count = %d
  link  = xacct_onboarding_link.all[count.index].id
  wait  = true
}

data "xacct_customer_roles" "all" {
  hub        = xacct_hub.this.id
  status     = "active"
  depends_on = [xacct_customer_role.all]
}

output "active" { value = length(data.xacct_customer_roles.all.role_arns) }
`, customers, aRole, customers)
	run(t,
		resource.TestStep{
			PreConfig: func() {
				for i := customers - 1; i >= 0; i-- {
					accountID := fmt.Sprintf("5000000000%02d", i)
					if err := w.OpenAccount(accountID, "aws"); err != nil {
						t.Fatal(err)
					}
					w.Launch("acme", fmt.Sprintf("c%02d", i), accountID, "CREATE_COMPLETE")
				}
			},
			Config:            config,
			ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownOutputValue("active", knownvalue.Int64Exact(customers))},
		},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
	)
}

func TestAWaitWithoutALaunchTimesOutAndTheNextApplyContinues(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := w.Provider() + hubHCL() + linkHCL(globex) + roleHCL(globex, waits, `timeouts = { create = "2s" }`)
	run(t,
		resource.TestStep{
			Config:      config,
			ExpectError: loosely(`No role registered yet for customer globex of hub acme.*within 2s.*set timeouts.create.*/stacks/quickcreate\?templateURL=`),
		},
		resource.TestStep{
			PreConfig:        func() { w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE") },
			Config:           replaceOnce(config, `"2s"`, `"1m"`),
			ConfigPlanChecks: before(action(roleGlobex, plancheck.ResourceActionCreate), action(linkGlobex, plancheck.ResourceActionNoop)),
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleGlobex, "status", is("active")),
			},
		},
	)
}

func TestAStackInTheWrongAccountIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	// Initech's account may publish, because it has a link of its own.
	links := w.Provider() + hubHCL() + linkHCL(globex) + linkHCL(initech)
	var stack func() sandbox.Stack
	run(t, resource.TestStep{Config: links}, resource.TestStep{
		PreConfig: func() {
			emptied := sandbox.LaunchOptions{Parameters: map[string]string{"ExpectedAccountId": ""}} // else CloudFormation would refuse the launch
			stack = w.LaunchWith("acme", "globex", initech.account, "ROLLBACK_COMPLETE", emptied)
		},
		Config:      links + roleHCL(globex, waits, `timeouts = { create = "10s" }`),
		ExpectError: loosely(`No role registered yet for customer globex`),
	})
	if story := w.Story(stack().ID); !strings.Contains(story, "333333333333") || !strings.Contains(story, "Acme Monitoring") {
		t.Errorf("the stack's events don't say what is wrong:\n%s", story)
	}
}

// The link's creator may assume the role that the link trusts. The apply that waits may
// not.
func TestAWaitThatTimesOutNamesThePermissionThatTheVendorLacks(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	trusts := func(principal string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}]}`
	}
	const vendors = `{"AWS":"arn:aws:iam::111111111111:root"}`
	trusted := w.Role("acme-worker", trusts(vendors), `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`)
	links := w.Provider() + hubHCL() + linkHCL(globex.with(`trusted_principal_arns = ["`+trusted+`"]`))
	elsewhere := w.Provider() + strings.ReplaceAll(roleHCL(globex, waits, `timeouts = { create = "3s" }`), linkGlobex+".id", `"acme/globex"`)
	run(t, resource.TestStep{Config: links}, resource.TestStep{
		PreConfig: func() {
			w.Trust("acme-worker", trusts(`{"Service":"ec2.amazonaws.com"}`))
			url, err := w.Link(t.Context(), "acme", "globex")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.LaunchURL(t.Context(), url, globex.account, sandbox.LaunchOptions{}); err != nil {
				t.Fatal(err)
			}
			run(t, resource.TestStep{
				Config: elsewhere,
				ExpectError: loosely(`No role registered yet for customer globex of hub acme.*in account 222222222222.*It waits for you:.*` +
					`user/admin may not do sts:AssumeRole on arn:aws:iam::111111111111:role/acme-worker`),
			})
			w.Trust("acme-worker", trusts(vendors))
		},
		Config: links,
	})
}

// This test is not parallel, because AWS_CA_BUNDLE is set for the whole process.
func TestAnUnreadableCABundleIsAnError(t *testing.T) {
	w := acctest.Start(t)
	t.Setenv("AWS_CA_BUNDLE", "/nowhere/roots.pem")
	run(t, resource.TestStep{
		Config: w.Provider() + hubHCL(), PlanOnly: true,
		ExpectError: loosely(`The root certificates cannot be read.*AWS_CA_BUNDLE names the file /nowhere/roots.pem, which cannot be read: no such file or directory`),
	})
}

func TestARefreshShowsTheCustomerWithoutWaitingAndWaitingCanBeEnabled(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := func(more ...string) string {
		return w.Provider() + hubHCL() + linkHCL(globex) + roleHCL(globex, more...) + linkHCL(initech) + roleHCL(initech, more...)
	}
	run(t,
		resource.TestStep{
			Config:            config(),
			ConfigStateChecks: []statecheck.StateCheck{value(roleGlobex, "status", is("pending"))},
		},
		resource.TestStep{
			PreConfig: func() {
				defer w.Registrar("acme")()
				w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE")()
			},
			Config:           config(),
			ConfigPlanChecks: emptyPlan(),
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleGlobex, "status", is("active")), value(roleGlobex, "registered_at", knownvalue.NotNull()),
				value(roleInitech, "status", is("pending")),
			},
		},
		resource.TestStep{ // globex is registered already, and the apply waits for initech
			PreConfig: func() { w.Launch("acme", "initech", initech.account, "CREATE_COMPLETE") },
			Config:    config(waits),
			ConfigPlanChecks: before(
				action(roleGlobex, plancheck.ResourceActionUpdate), action(roleInitech, plancheck.ResourceActionUpdate),
				planned(roleInitech, "role_arn", is("arn:aws:iam::333333333333:role/acme-initech")),
			),
			ConfigStateChecks: []statecheck.StateCheck{value(roleInitech, "status", is("active"))},
		},
		resource.TestStep{
			Config:           config(),
			ConfigPlanChecks: before(action(roleGlobex, plancheck.ResourceActionUpdate)),
		},
		resource.TestStep{Config: config(), ConfigPlanChecks: emptyPlan()},
	)
}

func TestTwoStatesShareAHub(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	first := w.Provider() + hubHCL() + linkHCL(globex) + roleHCL(globex)
	second := w.Provider() + `
data "xacct_hub" "this" { name = "acme" }
` + strings.ReplaceAll(linkHCL(initech), "xacct_hub.this.id", "data.xacct_hub.this.id") + roleHCL(initech, waits) + `
data "xacct_customer_role" "other" {
  hub         = data.xacct_hub.this.id
  customer_id = "globex"
}
`
	run(t,
		resource.TestStep{Config: first},
		resource.TestStep{
			PreConfig: func() {
				// The second state's registrar also handles the first state's customer.
				launched := w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE")
				run(t, resource.TestStep{
					PreConfig: func() { w.Launch("acme", "initech", initech.account, "CREATE_COMPLETE") },
					Config:    second,
					ConfigStateChecks: []statecheck.StateCheck{
						value(roleInitech, "status", is("active")),
						value("data.xacct_hub.this", "queue_arn", is("arn:aws:sqs:us-east-1:111111111111:xacct-acme")),
						value("data.xacct_customer_role.other", "role_arn", is("arn:aws:iam::222222222222:role/acme-globex")),
					},
				})
				launched()
			},
			Config:            first,
			ConfigStateChecks: []statecheck.StateCheck{value(roleGlobex, "status", is("active"))},
		},
	)
}
