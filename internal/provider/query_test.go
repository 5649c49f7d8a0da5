// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/trial/steps"
)

// since returns a folder for Terraform, and skips the test if Terraform is older than
// version or the engine is OpenTofu.
func since(t *testing.T, version string) *steps.Folder {
	t.Helper()
	engine := acctest.Engine(t)
	if strings.Contains(engine, "tofu") || !steps.AtLeast(t, engine, version) {
		t.Skipf("only with Terraform %s or later: make test-terraform-1.16", version)
	}
	return steps.OpenFolder(t, engine, factories())
}

// shell runs commands in a folder, and ends the test at the first one that fails.
type shell struct {
	*steps.Folder
	t *testing.T
}

func (s shell) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s shell) run(arguments ...string) string {
	s.t.Helper()
	out, err := s.Run(s.t.Context(), arguments...)
	if err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// plan runs terraform plan and returns the plan.
func (s shell) plan() *tfjson.Plan {
	s.t.Helper()
	s.run("plan", "-input=false", "-no-color", "-out=plan.out")
	plan := &tfjson.Plan{}
	s.must(plan.UnmarshalJSON([]byte(s.run("show", "-json", "plan.out"))))
	return plan
}

func TestAQueryRestoresALostStateOfFiftyCustomers(t *testing.T) {
	t.Parallel()
	in := shell{since(t, "1.14.0"), t}
	w := acctest.Start(t)
	lost := newState(t, w)
	resources, n := []string{hubHCL(), setHCL("readonly"), fleetHCL("main", threeCustomers)}, 50
	for i := range n {
		c := customer{id: fmt.Sprintf("customer-%02d", i), account: fmt.Sprintf("5000000000%02d", i)}
		switch i % 5 {
		case 0:
			c = c.with(`expires_at = "2099-01-01T00:00:00Z"`, `stack_name = "other"`)
		case 1:
			c = c.with(`role = {
    path            = "/vendors/"
    inline_policies = { data = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "*" }] }) }
  }
  optional_permissions = { more = { description = "Read more", managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"] } }`)
		case 2:
			resources = append(resources, referring(c), roleHCL(c))
			continue
		case 3:
			c = c.with(`external_id = "as-agreed-with-`+c.id+`"`, `customer_parameters = { bucket = { description = "Bucket of logs" } }`)
		}
		resources = append(resources, linkHCL(c), roleHCL(c))
	}
	lost.apply(resources...)

	in.must(in.Configure(w.Provider()))
	in.must(in.Write("lost.tfquery.hcl", listHCL("xacct_permission_set", "")+listHCL("xacct_fleet", "")+listHCL("xacct_onboarding_link", "limit = 1000")+listHCL("xacct_customer_role", "limit = 1000")))
	told := in.run("query", "-no-color", "-generate-config-out=generated.tf")
	if strings.Contains(told, "Warning") {
		t.Error(told)
	}
	want := 1 + 1 + n + n + len(threeCustomers)
	plan := in.plan()
	imported := 0
	for _, ch := range plan.ResourceChanges {
		if !ch.Change.Actions.NoOp() || ch.Change.Importing == nil {
			t.Errorf("%s: %v, from %v\nto %v", ch.Address, ch.Change.Actions, ch.Change.Before, ch.Change.After)
		}
		imported++
	}
	if imported != want {
		t.Errorf("%d resources were imported, not %d", imported, want)
	}
	in.run("apply", "-input=false", "-no-color", "plan.out")
	in.run("plan", "-input=false", "-no-color", "-detailed-exitcode")
}

func TestATruncatedQueryWarns(t *testing.T) {
	t.Parallel()
	in := shell{since(t, "1.14.0"), t}
	w := acctest.Start(t)
	newState(t, w).apply(hubHCL(), linkHCL(globex), linkHCL(initech))
	in.must(in.Configure(w.Provider()))
	in.must(in.Write("some.tfquery.hcl", listHCL("xacct_onboarding_link", "limit = 1")))
	if told := in.run("query", "-no-color"); !strings.Contains(told, "More links of hub acme exist") || !strings.Contains(told, "globex") || strings.Contains(told, "initech") {
		t.Error(told)
	}
}

func TestActionsRunAloneAndWhenALinkIsCreated(t *testing.T) {
	t.Parallel()
	in := shell{since(t, "1.14.0"), t}
	w := acctest.Start(t)
	block := strings.Replace(actionHCL("xacct_block_customer", "customer_id = xacct_onboarding_link.globex.customer_id", `reason = "not paid yet"`), "config {\n    hub = \"acme\"", "config {\n    hub = xacct_hub.this.id", 1)
	config := w.Provider() + hubHCL() + linkHCL(globex.with("lifecycle {\n    action_trigger {\n      events  = [after_create]\n      actions = [action.xacct_block_customer.it]\n    }\n  }")) +
		block + actionHCL("xacct_unblock_customer", `customer_id = "globex"`) + actionHCL("xacct_verify_roles") + actionHCL("xacct_redrive_dead_letters")
	blocked := func() bool {
		t.Helper()
		found, err := w.Registry("acme").Customer(t.Context(), "globex")
		in.must(err)
		return found.Link.Blocked && found.Link.Status(w.Clock().Now()) == onboarding.LinkOpen
	}
	in.must(in.Configure(config))
	if told := in.run("apply", "-input=false", "-no-color", "-auto-approve"); !strings.Contains(told, "Customer globex is blocked, from the next message on.") || !blocked() {
		t.Error(told)
	}
	for action, want := range map[string]string{
		"xacct_unblock_customer":     "Customer globex is no longer blocked.",
		"xacct_verify_roles":         "No customer has a live stack: there is nothing to verify.",
		"xacct_redrive_dead_letters": "Hub acme has no dead letters.",
	} {
		if told := in.run("apply", "-input=false", "-no-color", "-auto-approve", "-invoke=action."+action+".it"); !strings.Contains(told, want) {
			t.Errorf("%s: %s", action, told)
		}
	}
	if blocked() {
		t.Error("the customer is still blocked")
	}
	in.run("plan", "-input=false", "-no-color", "-detailed-exitcode") // a block is no change of the link's resource
}

func TestAnActionRunsBeforeALinkIsDestroyed(t *testing.T) {
	t.Parallel()
	in := shell{since(t, "1.16.0"), t}
	w := acctest.Start(t)
	config := w.Provider() + hubHCL() + linkHCL(globex.with("lifecycle {\n    action_trigger {\n      events  = [before_destroy]\n      actions = [action.xacct_block_customer.it]\n    }\n  }")) +
		actionHCL("xacct_block_customer", `customer_id = "globex"`)
	in.must(in.Configure(config))
	in.run("apply", "-input=false", "-no-color", "-auto-approve")
	told := in.run("destroy", "-input=false", "-no-color", "-auto-approve", "-target="+linkGlobex)
	found, err := w.Registry("acme").Customer(t.Context(), "globex")
	in.must(err)
	if !found.Link.Closed || !found.Link.Blocked || !strings.Contains(told, "Customer globex is blocked, from the next message on.") {
		t.Errorf("closed: %t, blocked: %t\n%s", found.Link.Closed, found.Link.Blocked, told)
	}
}
