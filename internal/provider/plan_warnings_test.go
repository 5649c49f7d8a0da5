// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// Each configuration is valid, and its first plan has one warning. The plan after the
// apply has none.
func TestAPlanWarnsOfConfigurationsThatMayFailLater(t *testing.T) {
	t.Parallel()
	role := func(arguments string) string { return linkHCL(globex.with("role = {\n" + arguments + "\n}")) }
	neighbour := func(id, name string) string {
		return linkHCL(customer{id: id, account: acctest.Globex}.with(`role = { name = "` + name + `", managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"] }`))
	}
	for name, c := range map[string]struct {
		there   string // applied first
		config  string
		about   string
		summary string
		words   string
	}{
		"a role without policies": {
			config: role(`description = "Reads"`), about: linkGlobex,
			summary: "The role grants nothing", words: "managed_policy_arns, inline_policies and managed_policies",
		},
		"a role with misspelt policies": {
			config: role(`managed_policies_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]`), about: linkGlobex,
			summary: "The role grants nothing", words: "leaves misspelt ones out",
		},
		"a policy that AWS does not have": {
			config: role(`managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudits"]`), about: linkGlobex,
			summary: "Customers may ask about the policy arn:aws:iam::aws:policy/SecurityAudits", words: "no AWS managed policy SecurityAudits on 2026-",
		},
		"more than ten managed policies": {
			config: role(`managed_policy_arns = [for n in range(11) : "arn:aws:iam::222222222222:policy/p${n}"]`), about: linkGlobex,
			summary: "Customers may ask about the number of managed policies", words: "an account allows 10 unless its quota was raised",
		},
		"a boundary of one account, for an organization": {
			config: replaceOnce(role(`managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]
    permissions_boundary_arn = "arn:aws:iam::222222222222:policy/Boundary"`), `account_id  = "222222222222"`, "scope = \"organization\"\n  organization_id = \"o-a1b2c3d4e5\""), about: linkGlobex,
			summary: "Managed policy of one account", words: "in account 222222222222: the stack fails in every other account",
		},
		"the vendor's own account": {
			config: linkHCL(customer{id: "globex", account: sandbox.VendorAccount}), about: linkGlobex,
			summary: "The link is for your own account", words: "111111111111",
		},
		"the same role in the same account": {
			there: neighbour("initech", "AcmeAccess"), config: neighbour("initech", "AcmeAccess") + neighbour("globex", "acmeaccess"), about: linkGlobex,
			summary: "Two customers with the same role in one account", words: "globex and initech have account 222222222222",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newState(t, acctest.Start(t))
			s.apply(hubHCL(), c.there)
			found := s.plan(c.about, hubHCL(), c.config)
			if len(found) != 1 || found[0].Error || !strings.HasPrefix(found[0].Summary, c.summary) || !strings.Contains(found[0].Detail, c.words) {
				t.Fatalf("the plan should warn %q with %q, and says:%s", c.summary, c.words, found)
			}
			s.apply(hubHCL(), c.config)
			if found := s.plan(c.about, hubHCL(), c.config); len(found) > 0 {
				t.Errorf("nothing changes, but the plan warns:%s", found)
			}
		})
	}
}

func TestAPlanWarnsOfTwoNewLinksWithOneRoleInOneAccount(t *testing.T) {
	t.Parallel()
	s := newState(t, acctest.Start(t))
	s.apply(hubHCL())
	config := ""
	for _, id := range []string{"globex", "initech"} {
		config += linkHCL(customer{id: id, account: acctest.Globex}.with(`role = { name = "AcmeAccess", managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"] }`))
	}
	_, found := s.Plan(t.Context(), s.w.Provider()+hubHCL()+config, tfcore.Options{})
	// They are planned at the same time, so one of them warns, or both do.
	if got := summaries(found); !strings.Contains(got, "Two customers with the same role in one account") || found.HasErrors() {
		t.Errorf("the plan warns %q", got)
	}
}

func TestAPlanWarnsOfTagsOutsideTheTagsArgument(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	_, found := s.Plan(t.Context(), w.ProviderWith(acctest.Region, sandbox.VendorAccount, `default_tags = { team = "intake" }`)+hubHCL(), tfcore.Options{})
	if !slices.ContainsFunc(found, func(d *tfcore.Diagnostic) bool { return d.Summary == "default_tags has no tags" && !d.Error }) {
		t.Errorf("the plan says:%s", found)
	}
}

// A literal reference to a hub or link that is misspelt, or does not exist yet, would
// fail only at apply.
func TestAPlanWarnsOfALiteralReferenceToNothing(t *testing.T) {
	t.Parallel()
	s := newState(t, acctest.Start(t))
	literal := func(hcl string) string { return strings.ReplaceAll(hcl, "xacct_hub.this.id", `"acme"`) }
	const noHub, noLink = "No hub acme yet", "No link for customer globex of hub acme yet"
	role := replaceOnce(roleHCL(globex), "xacct_onboarding_link.globex.id", `"acme/globex"`)
	for about, c := range map[string]struct{ config, want string }{
		linkGlobex:  {literal(linkHCL(globex)), noHub},
		setReadonly: {literal(setHCL("readonly")), noHub},
		fleetMain:   {literal(fleetHCL("main", []string{"umbrella=" + acctest.Umbrella}) + setHCL("readonly")), noHub},
		roleGlobex:  {role, noLink},
	} {
		if got := s.plan(about, c.config); summaries(got) != c.want || !strings.Contains(got[0].Detail, "refer to it by its id") {
			t.Errorf("%s: the plan says %s, want %q", about, got, c.want)
		}
	}
	byName := strings.ReplaceAll(linkHCL(globex), "xacct_hub.this.id", "xacct_hub.this.name")
	if got := s.plan(linkGlobex, hubHCL(), byName); len(got) > 0 {
		t.Errorf("the hub is created in the same plan, but it warns:%s", got)
	}
	s.apply(hubHCL(), linkHCL(globex))
	if got := summaries(s.plan(roleGlobex, hubHCL(), linkHCL(globex), role)); strings.Contains(got, noLink) {
		t.Errorf("the link exists, but the plan warns: %s", got)
	}
}

// A role without a stack is looked for only if its external ID was issued by the hub.
func TestAPlanWarnsOfALinkThatStillNeedsTheStack(t *testing.T) {
	t.Parallel()
	s := newState(t, acctest.Start(t))
	s.apply(hubHCL())
	without := func(more string) string { return linkHCL(globex.with("register_without_stack = true", more)) }
	if got := summaries(s.plan(linkGlobex, hubHCL(), without(""))); strings.Contains(got, "needs the stack") {
		t.Errorf("a link that needs no stack gets %s", got)
	}
	if got := s.plan(linkGlobex, hubHCL(), without(`external_id = "0123456789abcdef"`)); !strings.Contains(summaries(got), "Customer globex needs the stack") {
		t.Errorf("a link with an external ID of its own gets %s", got)
	}
}

func TestAPlanWarnsOfARegionThatMayNotExist(t *testing.T) {
	t.Parallel()
	s := newState(t, acctest.Start(t))
	found := s.plan(theHub, hubHCL(`regions = ["us-east-1", "us-north-9"]`))
	if got := summaries(found); got != "The Region may not exist" {
		t.Errorf("the plan says:%s", found)
	}
}

func TestAPolicyOfAnotherAccountIsRefused(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	of := func(arguments string) string { return w.Provider() + hubHCL() + linkHCL(globex.with(arguments)) }
	run(t,
		resource.TestStep{Config: w.Provider() + hubHCL()},
		resource.TestStep{
			Config:      of(`role = { permissions_boundary_arn = "arn:aws:iam::333333333333:policy/Boundary", managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"] }`),
			ExpectError: loosely(`Managed policy of another account.*role.permissions_boundary_arn has arn:aws:iam::333333333333:policy/Boundary, which is in account 333333333333, and the role will be in the customer's account 222222222222`),
		},
		resource.TestStep{
			Config:      of(aRole + "\n  " + `optional_permissions = { billing = { description = "x", managed_policy_arns = ["arn:aws:iam::333333333333:policy/Billing"] } }`),
			ExpectError: loosely(`optional_permissions\["billing"\].managed_policy_arns has arn:aws:iam::333333333333:policy/Billing`),
		},
		resource.TestStep{Config: of(`role = { managed_policy_arns = ["arn:aws:iam::222222222222:policy/Own"] }`)},
	)
}

func TestTwoLinksOfOneCustomerAreAnErrorAndAWarningIfTheHubIsNew(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	twice := linkHCL(globex) + replaceOnce(linkHCL(globex), `"xacct_onboarding_link" "globex"`, `"xacct_onboarding_link" "again"`)
	s := newState(t, w)
	_, found := s.Plan(t.Context(), w.Provider()+hubHCL()+twice, tfcore.Options{})
	if got := summaries(found); got != "Two links for customer globex" || found.HasErrors() {
		t.Errorf("while the hub is new the plan warns %q", got)
	}
	s.apply(hubHCL())
	_, found = s.Plan(t.Context(), w.Provider()+hubHCL()+twice, tfcore.Options{})
	if err := found.Err(); err == nil || !strings.Contains(err.Error(), "Two links for customer globex of hub acme") {
		t.Errorf("once it exists the plan says: %v", err)
	}
}

func TestAPlanWarnsIfTheLinkOfAConnectedCustomerCloses(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE")
	s.apply(hubHCL(), linkHCL(globex), roleHCL(globex, waits), linkHCL(initech))
	const goes = "The link of a connected customer closes"
	_, all := s.Plan(t.Context(), w.Provider()+hubHCL(), tfcore.Options{})
	var details []string
	for _, d := range all {
		if d.Summary == goes {
			details = append(details, d.Detail)
		}
	}
	if len(details) != 1 || !strings.Contains(details[0], "Customer globex of hub acme has\n  - stack arn:aws:cloudformation:us-east-1:222222222222:stack/") {
		t.Errorf("the plan that removes two links, one of them connected, says:%s", all)
	}
	renamed := strings.ReplaceAll(linkHCL(globex), `customer_id = "globex"`, `customer_id = "globex-two"`)
	if found := summaries(s.plan(linkGlobex, hubHCL(), renamed, linkHCL(initech))); !strings.Contains(found, goes) {
		t.Errorf("another customer_id gets %q", found)
	}
}

func TestAnErrorAtDestroySaysHowToDestroyNevertheless(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	fleet := func(more ...string) string {
		return fleetHCL("main", []string{"umbrella=" + acctest.Umbrella}, more...)
	}
	hub, set, link, role := hubHCL(), setHCL("readonly"), linkHCL(globex), roleHCL(globex)
	s.apply(hub, set, fleet(), link, role)
	for what, config := range map[string]string{
		theHub:      hubHCL(`template_access = "accounts"`, `capacity = 5000`) + set + fleet() + link + role,
		setReadonly: hub + setHCL("readonly", `managed_policy_arns = ["arn:aws-cn:iam::aws:policy/SecurityAudit"]`) + fleet() + link + role,
		fleetMain:   hub + set + fleet(`region = "eu-west-3"`) + link + role,
		linkGlobex:  hub + set + fleet() + linkHCL(globex.with(`region = "eu-west-3"`)) + role,
		roleGlobex:  hub + set + fleet() + linkHCL(globex.with(`stack_name = "other"`)) + roleHCL(globex, "minimum_accounts = 3"), // a role is checked only if its link changes
	} {
		_, found := s.Plan(t.Context(), w.Provider()+config, tfcore.Options{Destroy: true})
		refused := found.Errors()
		if len(refused) == 0 {
			t.Errorf("%s: the destroy is not refused", what)
		}
		for _, d := range refused {
			if d.Address != what || !strings.Contains(d.Detail, "To destroy the resource nevertheless") || !strings.Contains(d.Detail, "terraform destroy -refresh=false") {
				t.Errorf("%s: the destroy says: %s", what, d)
			}
		}
		if _, found := s.Plan(t.Context(), w.Provider()+config, tfcore.Options{Destroy: true, NoRefresh: true}); found.HasErrors() {
			t.Errorf("%s: without a refresh the destroy says: %s", what, found)
		}
	}
}

func TestAPlanWarnsIfMoreRolesWaitThanTerraformDoesAtOnce(t *testing.T) {
	t.Parallel()
	s := newState(t, acctest.Start(t))
	s.apply(hubHCL())
	plan := func(n int) int {
		config := fmt.Sprintf(`
resource "xacct_onboarding_link" "all" {
  count       = %d
  hub         = xacct_hub.this.id
  customer_id = "c${count.index}"
  account_id  = format("500000000%%03d", count.index)
  %s
}
resource "xacct_customer_role" "all" {
  count = %d
  link  = xacct_onboarding_link.all[count.index].id
  wait  = true
}
`, n, aRole, n)
		_, found := s.Plan(t.Context(), s.w.Provider()+hubHCL()+config, tfcore.Options{})
		if err := found.Err(); err != nil {
			t.Fatal(err)
		}
		return strings.Count(found.String(), "More than 10 roles wait for their customers")
	}
	if ten, thirty := plan(10), plan(30); ten != 0 || thirty != 1 {
		t.Errorf("the warning comes %d times for ten roles, and %d times for thirty", ten, thirty)
	}
}

// The values that other resources select roles by are known in every plan after the
// first, whatever changes. Otherwise a for_each over them could not be planned.
func TestRolesCanBeSelectedByStatusInEveryLaterPlan(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := func(policy string, ids ...string) string {
		var all []string
		for n, id := range ids {
			all = append(all, fmt.Sprintf("%s = %q", id, []string{acctest.Globex, acctest.Initech, acctest.Umbrella}[n]))
		}
		return w.Provider() + hubHCL() + fmt.Sprintf(`
resource "xacct_onboarding_link" "all" {
  for_each    = { %s }
  hub         = xacct_hub.this.id
  customer_id = each.key
  account_id  = each.value
  role        = { managed_policy_arns = ["arn:aws:iam::aws:policy/%s"] }
}
resource "xacct_customer_role" "all" {
  for_each = xacct_onboarding_link.all
  link     = each.value.id
}
data "xacct_customer_roles" "all" { hub = xacct_hub.this.id }
resource "terraform_data" "by_status" {
  for_each = { for id, role in xacct_customer_role.all : id => role.role_arn if role.status == "active" }
  input    = each.value
}
resource "terraform_data" "by_data" {
  for_each = data.xacct_customer_roles.all.role_arns
  input    = each.value
}
`, strings.Join(all, ", "), policy)
	}
	onlyVersions := func(found *tfcore.Plan) {
		t.Helper()
		shown := found.Show()
		for _, ch := range shown.ResourceChanges {
			unknown, _ := ch.Change.AfterUnknown.(map[string]any)
			if ch.Type != "xacct_customer_role" || ch.Change.Actions.Create() {
				continue
			}
			for name, v := range unknown {
				if v == true && name != "template_version" && name != "outdated" && name != "update_url" {
					t.Errorf("%s: %s is not known", ch.Address, name)
				}
			}
		}
	}
	s := newState(t, w)
	plan := func(config string) *tfcore.Plan {
		t.Helper()
		p, found := s.Plan(t.Context(), config, tfcore.Options{})
		if err := found.Err(); err != nil {
			t.Fatal(err)
		}
		return p
	}
	apply := func(p *tfcore.Plan) {
		t.Helper()
		if err := s.Apply(t.Context(), p).Err(); err != nil {
			t.Fatal(err)
		}
	}
	s.apply(hubHCL()) // the hub first: nothing can be read of one that does not exist
	apply(plan(config("SecurityAudit", "globex", "initech")))
	stop := w.Registrar("acme")
	w.Launch("acme", "globex", acctest.Globex, "CREATE_COMPLETE")()
	stop()
	apply(plan(config("SecurityAudit", "globex", "initech")))
	if got := s.Attributes(`terraform_data.by_status["globex"]`); got == nil {
		t.Errorf("the connected customer is not selected: %v", s.Resources())
	}
	changed := plan(config("ReadOnlyAccess", "globex", "initech")) // another policy
	onlyVersions(changed)
	apply(changed)
	if got := s.Attributes(`xacct_customer_role.all["globex"]`); got["outdated"] != true || got["update_url"] == nil {
		t.Errorf("the connected customer's role is %v", got)
	}
	apply(plan(config("ReadOnlyAccess", "globex", "initech", "umbrella"))) // another customer
	if p := plan(config("ReadOnlyAccess", "globex", "initech", "umbrella")); !p.Empty() {
		t.Errorf("the last plan is not empty:\n%s", p)
	}
}

// Replacing a hub replaces its links in the same apply. Nothing that was read of the
// former hub is used.
func TestReplacingAHubRecreatesItsLinks(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	config := hubHCL() + linkHCL(globex) + roleHCL(globex)
	s.apply(config)
	before := s.Attributes(theHub)["incarnation"]
	if err := s.Taint(theHub); err != nil {
		t.Fatal(err)
	}
	defer w.Faults().Before(func(c *kernel.Call) error {
		if c.Action == "CreateTable" {
			w.Clock().Advance(sqsForgets)
		}
		return nil
	})()
	s.apply(config)
	now, bucket := s.Attributes(theHub)["incarnation"], s.Attributes(theHub)["template_bucket"]
	if url := s.Attributes(linkGlobex)["template_url"]; now == before || !strings.Contains(fmt.Sprint(url), fmt.Sprint(bucket)) {
		t.Errorf("the hub was %v and is %v, with bucket %v; its link has %v", before, now, bucket, url)
	}
	if p, found := s.Plan(t.Context(), w.Provider()+config, tfcore.Options{}); found.HasErrors() || !p.Empty() {
		t.Errorf("the next plan is not empty:\n%s%s", p, found)
	}
}
