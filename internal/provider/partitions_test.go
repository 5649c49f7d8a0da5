// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// partition is an AWS partition, with its names.
type partition struct {
	id, region, suffix, console string
}

var partitions = []partition{
	{"aws-us-gov", "us-gov-west-1", "amazonaws.com", "console.amazonaws-us-gov.com"},
	{"aws-cn", "cn-north-1", "amazonaws.com.cn", "console.amazonaws.cn"},
	{"aws-eusc", "eusc-de-east-1", "amazonaws.eu", "console.amazonaws-eusc.eu"},
}

// customer returns a link whose role has a managed policy of the partition.
func (p partition) customer(c customer, more ...string) string {
	return strings.ReplaceAll(linkHCL(c.with(more...)), "arn:aws:", "arn:"+p.id+":")
}

// A customer is connected in each partition, from the hub to the data source that lists
// proven roles, with that partition's names.
func TestAHubWorksInEveryPartition(t *testing.T) {
	t.Parallel()
	for _, p := range partitions {
		t.Run(p.id, func(t *testing.T) {
			t.Parallel()
			w := acctest.StartIn(t, p.region)
			hosts := hostsOf(w)
			arn := "arn:" + p.id
			// Links lead to AWS's own console, as they do outside the sandbox.
			provider := replaceOnce(w.Provider(), `console = "`+w.URL()+`/console"`, "")
			config := provider + hubHCL(`template_access = "accounts"`) + p.customer(globex) + roleHCL(globex, waits) + `
data "xacct_customer_roles" "all" {
  hub        = xacct_hub.this.id
  depends_on = [xacct_customer_role.globex]
}
`
			run(t,
				resource.TestStep{
					PreConfig: func() { w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE") },
					Config:    config,
					ConfigStateChecks: []statecheck.StateCheck{
						value(theHub, "queue_arn", is(arn+":sqs:"+p.region+":111111111111:xacct-acme")),
						// Certificates must come from the partition's SNS, or no role
						// would be registered.
						value(theHub, "verify_signatures", knownvalue.Bool(true)),
						value(theHub, "topic_arns", knownvalue.MapExact(map[string]knownvalue.Check{
							p.region: is(arn + ":sns:" + p.region + ":111111111111:xacct-acme-0"),
						})),
						value(linkGlobex, "url", like(`^https://`+p.region+`\.`+p.console+`/cloudformation/home\?region=`+p.region+`#/stacks/quickcreate\?`+
							`templateURL=https%3A%2F%2Fxacct-acme-\d{12}-`+p.region+`-an\.s3\.`+p.region+`\.`+p.suffix+`%2Ftemplates%2F`)),
						value(linkGlobex, "template_url", like(`^https://xacct-acme-\d{12}-`+p.region+`-an\.s3\.`+p.region+`\.`+p.suffix+`/templates/[0-9a-f]{64}\.json$`)),
						value(roleGlobex, "status", is("active")),
						value(roleGlobex, "role_arn", is(arn+":iam::222222222222:role/acme-globex")),
						value(roleGlobex, "stack_id", like(`^`+arn+`:cloudformation:`+p.region+`:222222222222:stack/acme-access/`)),
						value("data.xacct_customer_roles.all", "role_arns", knownvalue.MapExact(map[string]knownvalue.Check{
							"globex": is(arn + ":iam::222222222222:role/acme-globex"),
						})),
					},
				},
				resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
			)
			answers := "cloudformation-custom-resource-response-" + strings.ReplaceAll(p.region, "-", "") + ".s3." + p.region + "." + p.suffix
			if !slices.Contains(hosts(), answers) {
				t.Errorf("no answer went to %s, but to %v", answers, hosts())
			}
		})
	}
}

// hostsOf returns a function that returns the host names of all requests so far.
func hostsOf(w *acctest.World) func() []string {
	var mu sync.Mutex
	seen := map[string]bool{}
	w.Faults().Before(func(c *kernel.Call) error {
		mu.Lock()
		defer mu.Unlock()
		if c.Request != nil {
			seen[c.Request.Host] = true
		}
		return nil
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		var hosts []string
		for host := range seen {
			hosts = append(hosts, host)
		}
		return hosts
	}
}

// Nothing works across partitions, so each of these would fail in the customer's
// account or never be proven.
func TestAnotherPartitionIsAnErrorAtPlan(t *testing.T) {
	t.Parallel()
	govRole := strings.Replace(aRole, "arn:aws:", "arn:aws-us-gov:", 1)
	for summary, config := range map[string]string{
		`Region in another partition.*regions =`: hubHCL(`regions = ["us-gov-west-1", "us-east-1"]`),
		`Region in another partition.*region =`:  hubHCL() + linkHCL(globex.with(govRole, `region = "us-east-1"`)),
		`Invalid trusted_principal_arns`:         hubHCL() + linkHCL(globex.with(govRole, `trusted_principal_arns = ["arn:aws:iam::111111111111:role/acme-worker"]`)),
		`Invalid managed_policy_arns`:            hubHCL() + linkHCL(globex),
		`Invalid permissions_boundary_arn`:       hubHCL() + linkHCL(globex.with(`role = { permissions_boundary_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess" }`)),
		`Invalid inline_policies`: hubHCL() + linkHCL(globex.with(`role = { inline_policies = { read = jsonencode({
    Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::b/*" }] }) } }`)),
		`event_bus_arn.*`: hubHCL(`event_bus_arn = "arn:aws:events:us-east-1:111111111111:event-bus/default"`),
	} {
		t.Run(summary, func(t *testing.T) {
			t.Parallel()
			w := acctest.StartIn(t, "us-gov-west-1")
			refused := resource.TestStep{
				Config: w.Provider() + config, PlanOnly: true, ExpectError: loosely(summary + `.*so a hub per partition is needed`),
			}
			run(t,
				refused, // while the hub does not exist yet
				resource.TestStep{Config: w.Provider() + hubHCL()},
				refused,
				resource.TestStep{Config: w.Provider() + hubHCL()},
			)
		})
	}
}
