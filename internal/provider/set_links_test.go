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
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

const refersToReadonly = `permission_set = xacct_permission_set.readonly.id`

// referring returns a link that refers to the permission set readonly.
func referring(c customer, more ...string) string {
	return strings.Replace(linkHCL(c.with(append([]string{refersToReadonly}, more...)...)), "\n  "+aRole, "", 1)
}

func TestALinkThatRefersToASetHasTheSetsTemplate(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	hub := w.Provider() + hubHCL()
	config := hub + setHCL("readonly") + referring(globex) + referring(initech) + roleHCL(globex)
	same := func(attribute string) statecheck.StateCheck {
		return statecheck.CompareValuePairs(setReadonly, tfjsonpath.New(attribute), linkGlobex, tfjsonpath.New(attribute), sameAsBefore{})
	}
	run(t,
		resource.TestStep{Config: hub},
		resource.TestStep{
			Config: config,
			ConfigPlanChecks: before(
				planned(linkGlobex, "permission_set", is("acme/readonly")), planned(linkGlobex, "role", knownvalue.Null()),
				planned(linkGlobex, "url", like(`templateURL=https%3A%2F%2F.*param_RoleName=acme-globex`)), planned(linkGlobex, "template_url", like(`^https://`)),
				planned(linkGlobex, "template_version", like(`^[0-9a-f]{16}$`)), planned(linkGlobex, "external_id", knownvalue.NotNull()),
				planned(roleGlobex, "role_arn", is("arn:aws:iam::222222222222:role/acme-globex")),
			),
			ConfigStateChecks: []statecheck.StateCheck{same("template_url"), same("template_version"), value(linkGlobex, "status", is("open"))},
		},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{ResourceName: linkGlobex, ImportState: true, ImportStateId: "acme/globex", ImportStateVerify: true},
	)
}

// A customer is connected when the permission set gets another action.
func TestAChangeOfASetReachesItsLinksInOneApply(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := func(actions ...string) string {
		return w.Provider() + hubHCL() + setHCL("readonly", grants(actions...)) + referring(globex) + referring(initech) + roleHCL(globex, waits)
	}
	address := like(`#/stacks/update/template\?stackId=.*&templateURL=https`)
	var stack sandbox.Stack
	before1 := statecheck.CompareValue(sameAsBefore{})
	changed := statecheck.CompareValue(differentFromBefore{})
	first := connected(w, &stack, config("s3:GetObject"))
	first.ConfigStateChecks = append(first.ConfigStateChecks, before1.AddStateValue(linkGlobex, tfjsonpath.New("external_id")), changed.AddStateValue(linkInitech, tfjsonpath.New("url")))
	mark := 0
	run(t,
		first,
		resource.TestStep{
			PreConfig: func() { mark = w.Journal().Mark() },
			Config:    config("s3:GetObject", "s3:PutObject"),
			ConfigPlanChecks: before(
				action(setReadonly, plancheck.ResourceActionUpdate), action(linkGlobex, plancheck.ResourceActionUpdate), action(linkInitech, plancheck.ResourceActionUpdate),
				action(roleGlobex, plancheck.ResourceActionUpdate),
				planned(linkGlobex, "url", knownvalue.NotNull()), planned(linkGlobex, "template_version", knownvalue.NotNull()), planned(linkGlobex, "template_url", knownvalue.NotNull()),
				planned(linkGlobex, "update_url", address), planned(linkGlobex, "status", is("open")),
				planned(linkInitech, "update_url", knownvalue.Null()), planned(linkInitech, "status", is("open")),
				planned(roleGlobex, "outdated", knownvalue.Bool(true)), planned(roleGlobex, "update_url", address), planned(roleGlobex, "status", is("active")),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.CompareValuePairs(setReadonly, tfjsonpath.New("template_version"), linkGlobex, tfjsonpath.New("template_version"), sameAsBefore{}),
				statecheck.CompareValuePairs(setReadonly, tfjsonpath.New("template_url"), linkInitech, tfjsonpath.New("template_url"), sameAsBefore{}),
				before1.AddStateValue(linkGlobex, tfjsonpath.New("external_id")), changed.AddStateValue(linkInitech, tfjsonpath.New("url")),
				after(func() {
					if writes := tableWrites(w, mark); writes != 1 {
						t.Errorf("the change took %d writes of the registry, want 1", writes)
					}
				}),
			},
		},
		resource.TestStep{Config: config("s3:GetObject", "s3:PutObject"), ConfigPlanChecks: emptyPlan()},
		resource.TestStep{
			PreConfig:         func() { update(t, w, stack.ID, "globex") },
			Config:            config("s3:GetObject", "s3:PutObject"),
			ConfigPlanChecks:  emptyPlan(),
			ConfigStateChecks: []statecheck.StateCheck{value(roleGlobex, "outdated", knownvalue.Bool(false)), value(linkGlobex, "update_url", knownvalue.Null())},
		},
	)
}

// tableWrites counts the calls that wrote to a hub's table since a mark.
func tableWrites(w *acctest.World, mark int) int {
	writes := 0
	for call, n := range w.Journal().Counts(mark) {
		for _, action := range []string{"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:TransactWriteItems", "dynamodb:DeleteItem"} {
			if call == action {
				writes += n
			}
		}
	}
	return writes
}

// The customer updates their stack between plan and apply. The plan is applied as it was
// shown, and the next refresh shows the update.
func TestACustomerMayUpdateTheirStackBetweenPlanAndApply(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	config := func(actions ...string) string {
		return hubHCL() + setHCL("readonly", grants(actions...)) + referring(globex) + roleHCL(globex)
	}
	s.apply(config("s3:GetObject"))
	stop := w.Registrar("acme")
	stack := w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE")()
	stop()
	s.apply(config("s3:GetObject", "s3:ListBucket"))

	text := w.Provider() + config("s3:GetObject", "s3:PutObject")
	plan, found := s.Plan(t.Context(), text, tfcore.Options{})
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	update(t, w, stack.ID, "globex")
	if err := s.Apply(t.Context(), plan).Err(); err != nil {
		t.Fatal(err)
	}
	s.apply(config("s3:GetObject", "s3:PutObject"))
	if got := s.Attributes(roleGlobex)["outdated"]; got != true {
		t.Errorf("outdated is %v, but the customer has the second of three versions", got)
	}
}

func TestAHubThatGainsARegionUpdatesTheLinksOfItsSets(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := func(regions string) string {
		return w.Provider() + hubHCL(`regions = [`+regions+`]`) + setHCL("readonly") + referring(globex)
	}
	version, url := statecheck.CompareValue(sameAsBefore{}), statecheck.CompareValue(differentFromBefore{})
	checks := func() []statecheck.StateCheck {
		return []statecheck.StateCheck{version.AddStateValue(linkGlobex, tfjsonpath.New("template_version")), url.AddStateValue(linkGlobex, tfjsonpath.New("url"))}
	}
	run(t,
		resource.TestStep{Config: config(`"us-east-1"`), ConfigStateChecks: checks()},
		resource.TestStep{
			Config: config(`"us-east-1", "eu-west-1"`), ConfigStateChecks: checks(),
			ConfigPlanChecks: before(action(linkGlobex, plancheck.ResourceActionUpdate), planned(linkGlobex, "url", knownvalue.NotNull()), planned(linkGlobex, "status", is("open"))),
		},
		resource.TestStep{Config: config(`"us-east-1", "eu-west-1"`), ConfigPlanChecks: emptyPlan()},
	)
}

func TestASetWithAnUnknownPolicyMakesOnlyURLAndTemplateUnknown(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	later := func(action string) string {
		return `
resource "terraform_data" "later" { input = ` + fmt.Sprintf("%q", action) + ` }
` + setHCL("readonly", `inline_policies = { data = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = terraform_data.later.output, Resource = "*" }] }) }`)
	}
	config := func(action string) string {
		return w.Provider() + hubHCL() + later(action) + referring(globex) + roleHCL(globex)
	}
	unknown := func(attribute string) plancheck.PlanCheck {
		return plancheck.ExpectUnknownValue(linkGlobex, tfjsonpath.New(attribute))
	}
	run(t,
		resource.TestStep{Config: config("s3:GetObject")},
		resource.TestStep{
			Config: config("s3:PutObject"),
			ConfigPlanChecks: before(
				unknown("url"), unknown("template_url"), unknown("template_version"),
				planned(linkGlobex, "status", is("open")), planned(linkGlobex, "external_id", knownvalue.NotNull()),
			),
		},
		resource.TestStep{Config: config("s3:PutObject"), ConfigPlanChecks: emptyPlan()},
	)
}

func TestALinkMovesBetweenItsOwnRoleAndSets(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	sets := w.Provider() + hubHCL() + setHCL("readonly") + setHCL("writing", grants("s3:PutObject"))
	external := statecheck.CompareValue(sameAsBefore{})
	step := func(link string) resource.TestStep {
		return resource.TestStep{Config: sets + link, ConfigStateChecks: []statecheck.StateCheck{external.AddStateValue(linkGlobex, tfjsonpath.New("external_id"))}}
	}
	rest := func(link string) resource.TestStep {
		return resource.TestStep{Config: sets + link, ConfigPlanChecks: emptyPlan()}
	}
	writing := strings.Replace(referring(globex), "readonly", "writing", 1)
	run(t,
		step(linkHCL(globex)), step(referring(globex)), rest(referring(globex)),
		step(writing), rest(writing), step(linkHCL(globex)), rest(linkHCL(globex)),
	)
}

func TestALinkHasEitherARoleOrASetOfItsOwnHub(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	base := w.Provider() + hubHCL() + setHCL("readonly")
	with := func(more string) string {
		return strings.Replace(linkHCL(globex.with(more)), "\n  "+aRole, "", 1)
	}
	run(t,
		resource.TestStep{Config: base},
		resource.TestStep{Config: base + linkHCL(globex.with(refersToReadonly, aRole)), ExpectError: loosely(`Both permission_set and role`)},
		resource.TestStep{Config: base + referring(globex, `allow_session_tags = true`), ExpectError: loosely(`Both permission_set and allow_session_tags`)},
		resource.TestStep{Config: base + with(""), ExpectError: loosely(`The link requests no permissions`)},
		resource.TestStep{Config: base + with(`permission_set = "readonly"`), ExpectError: loosely(`Invalid permission set ID`)},
		resource.TestStep{Config: base + with(`permission_set = "other/readonly"`), ExpectError: loosely(`The permission set of another hub`)},
		resource.TestStep{Config: base + with(`permission_set = "acme/nothing"`), ExpectError: loosely(`No permission set nothing in hub acme`)},
		resource.TestStep{Config: base + strings.ReplaceAll(referring(customer{id: strings.Repeat("c", 64), account: globex.account}), "globex", "c"), ExpectError: loosely(`The default role name is too long`)},
	)
}

func TestASetDeletedUnderOpenLinksIsRetiredUntilItIsCreatedAgain(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s, other := newState(t, w), newState(t, w)
	byID := func(c customer) string {
		return strings.NewReplacer("xacct_hub.this.id", `"acme"`, "xacct_permission_set.readonly.id", `"acme/readonly"`).Replace(referring(c))
	}
	s.apply(hubHCL(), setHCL("readonly"))
	other.apply(byID(globex))
	before := other.Attributes(linkGlobex)["url"]

	found := s.Run(t.Context(), w.Provider()+hubHCL(), tfcore.Options{})
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(fmt.Sprint(found), "A permission set was retired under open links") || !strings.Contains(fmt.Sprint(found), "1 open link refers to permission set readonly of hub acme: globex") {
		t.Errorf("the retirement says %s", found)
	}
	if got := summaries(other.plan(linkGlobex, byID(globex))); got != "" {
		t.Errorf("the link's plan warns %q", got)
	}
	if err := other.Run(t.Context(), w.Provider()+byID(globex)+byID(initech), tfcore.Options{}).Err(); err == nil || !strings.Contains(err.Error(), "Permission set readonly of hub acme was deleted") {
		t.Errorf("a new link of a retired set: got %v", err)
	}
	other.apply(byID(globex))
	if got := other.Attributes(linkGlobex)["url"]; got != before {
		t.Errorf("the link's url was %v and is %v", before, got)
	}
	s.apply(hubHCL(), setHCL("readonly", grants("s3:GetObject")))
	other.apply(byID(globex), byID(initech))
	if got := other.Attributes(linkGlobex)["template_version"]; got != s.Attributes(setReadonly)["template_version"] {
		t.Errorf("the link has version %v, and its set %v", got, s.Attributes(setReadonly)["template_version"])
	}
}

func TestAPlanThatChangesASetMentionsNoStackIfNoneIsLive(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	config := func(set string) string { return hubHCL() + set + referring(globex) + referring(initech) }
	s.apply(config(setHCL("readonly", grants("s3:GetObject"))))
	found := s.plan(setReadonly, config(setHCL("readonly", grants("s3:PutObject"))))
	if len(found) != 1 || found[0].Summary != "What customers grant changes when they launch their links" {
		t.Fatalf("the plan warns of %s", found)
	}
	for _, want := range []string{"2 open links refer to permission set readonly, and no live stack has to be updated", "gains s3:PutObject on *", "have another url"} {
		if !strings.Contains(found[0].Detail, want) {
			t.Errorf("the warning doesn't say %q: %s", want, found[0].Detail)
		}
	}
	if strings.Contains(found[0].Detail, "0 ") || strings.Contains(found[0].Detail, "until each has updated") {
		t.Errorf("the warning is %s", found[0].Detail)
	}
}

func TestAPlanThatChangesASetReportsOnceWhatCustomersGainAndLose(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	config := func(set string) string {
		return hubHCL() + set + referring(globex) + referring(initech) + roleHCL(globex)
	}
	s.apply(config(setHCL("readonly", grants("s3:GetObject"))))
	stop := w.Registrar("acme")
	w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE")()
	stop()
	next := config(setHCL("readonly", grants("s3:PutObject")))
	found := s.plan(setReadonly, next)
	if len(found) != 1 || found[0].Summary != "What customers grant changes when they update their stacks" {
		t.Fatalf("the plan warns of %s", found)
	}
	for _, want := range []string{"2 open links", "1 live stack was", "gains s3:PutObject on *", "loses s3:GetObject on *"} {
		if !strings.Contains(found[0].Detail, want) {
			t.Errorf("the warning doesn't say %q: %s", want, found[0].Detail)
		}
	}
	for _, link := range []string{linkGlobex, linkInitech} {
		if got := summaries(s.plan(link, next)); got != "" {
			t.Errorf("the plan of %s warns as well: %q", link, got)
		}
	}
	policies := func(n, of int) string {
		return fmt.Sprintf(`managed_policy_arns = [for n in range(%d, %d) : "arn:aws:iam::aws:policy/Policy${n}"]`, n, of)
	}
	s.apply(config(setHCL("readonly", policies(0, 9))))
	for refused, why := range map[string]string{
		`role_name = "Other"`:   "The role of live stacks can't have another name",
		`role_path = "/other/"`: "The role of live stacks can't have another path",
		policies(100, 115):      "managed policies, and IAM allows 20",
	} {
		text := w.Provider() + config(setHCL("readonly", refused))
		if _, found := s.Plan(t.Context(), text, tfcore.Options{}); !strings.Contains(strings.Join(strings.Fields(fmt.Sprint(found)), " "), why) {
			t.Errorf("%s under a live stack is planned: %s", refused, found)
		}
	}
}

func TestASetMayNameTheRoleOfAllCustomers(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := func(name string) string {
		return w.Provider() + hubHCL() + setHCL("readonly", `role_name = "`+name+`"`) + referring(globex) + referring(initech) + roleHCL(globex)
	}
	run(t,
		resource.TestStep{Config: config("AcmeAccess"), ConfigStateChecks: []statecheck.StateCheck{
			value(roleGlobex, "role_arn", is("arn:aws:iam::222222222222:role/AcmeAccess")), value(linkInitech, "url", like(`param_RoleName=AcmeAccess`)),
		}},
		resource.TestStep{Config: config("Acme"), ConfigPlanChecks: before(
			planned(roleGlobex, "role_arn", is("arn:aws:iam::222222222222:role/Acme")), planned(linkInitech, "url", like(`param_RoleName=Acme(&|$)`)),
		)},
		resource.TestStep{Config: config("Acme"), ConfigPlanChecks: emptyPlan()},
	)
}

func TestAPlanNamesLinksThatWerePlannedBeforeTheirSet(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	config := func(action string) string { // the set depends on the link, not the link on the set
		set := setHCL("readonly", grants(action), `depends_on = [xacct_onboarding_link.globex]`)
		return hubHCL() + set + strings.Replace(referring(globex), "xacct_permission_set.readonly.id", `"acme/readonly"`, 1)
	}
	s.apply(hubHCL(), setHCL("readonly", grants("s3:GetObject")))
	s.apply(config("s3:GetObject"))
	found := s.plan(setReadonly, config("s3:PutObject"))
	if !strings.Contains(summaries(found), "Links were planned before their permission set") || !strings.Contains(fmt.Sprint(found), "customers globex") {
		t.Errorf("the plan warns of %s", found)
	}
	s.apply(config("s3:PutObject"))
	s.apply(config("s3:PutObject"))
	if got := s.Attributes(linkGlobex)["template_version"]; got != s.Attributes(setReadonly)["template_version"] {
		t.Errorf("the link has version %v, and its set %v", got, s.Attributes(setReadonly)["template_version"])
	}
}

// A set that changes needs only one apply, however Terraform orders it.
func TestAChangedSetConvergesInOneApplyInAnyOrder(t *testing.T) {
	t.Parallel()
	config := func(name string, actions ...string) string {
		set := strings.Replace(setHCL("readonly", grants(actions...)), `"xacct_permission_set" "readonly"`, fmt.Sprintf(`"xacct_permission_set" %q`, name), 1)
		return hubHCL() + set + strings.ReplaceAll(referring(globex)+referring(initech), "xacct_permission_set.readonly", "xacct_permission_set."+name) + roleHCL(globex)
	}
	for name, c := range map[string]struct {
		next    string
		options tfcore.Options
		taint   bool
	}{
		"changed":            {next: config("readonly", "s3:PutObject")},
		"without a refresh":  {next: config("readonly", "s3:PutObject"), options: tfcore.Options{NoRefresh: true}},
		"one at a time":      {next: config("readonly", "s3:PutObject"), options: tfcore.Options{Parallelism: 1}},
		"renamed":            {next: config("other", "s3:GetObject")},
		"replaced":           {next: config("readonly", "s3:GetObject"), options: tfcore.Options{Replace: []string{setReadonly}}},
		"replaced, changed":  {next: config("readonly", "s3:PutObject"), options: tfcore.Options{Replace: []string{setReadonly}}},
		"tainted":            {next: config("readonly", "s3:PutObject"), taint: true},
		"with link replaced": {next: config("readonly", "s3:PutObject"), options: tfcore.Options{Replace: []string{linkGlobex}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := acctest.Start(t)
			s := newState(t, w)
			s.apply(config("readonly", "s3:GetObject"))
			external := s.Attributes(linkGlobex)["external_id"]
			if c.taint {
				if err := s.Taint(setReadonly); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Run(t.Context(), w.Provider()+c.next, c.options).Err(); err != nil {
				t.Fatal(err)
			}
			plan, found := s.Plan(t.Context(), w.Provider()+c.next, tfcore.Options{})
			if err := found.Err(); err != nil || len(plan.Actions) != 0 {
				t.Errorf("the next plan has %v (%v)", plan.Actions, err)
			}
			set, err := w.Registry("acme").PermissionSet(t.Context(), "readonly")
			if err != nil || set.Retired() {
				t.Fatalf("the set is retired (%v)", err)
			}
			for _, link := range []string{linkGlobex, linkInitech} {
				if got := s.Attributes(link); got["template_url"] != set.TemplateURL || got["template_version"] != set.TemplateVersion || got["status"] != "open" {
					t.Errorf("%s is %v, and its set has %s", link, got, set.TemplateURL)
				}
			}
			if s.Attributes(linkGlobex)["external_id"] != external {
				t.Error("the external ID has changed")
			}
		})
	}
}
