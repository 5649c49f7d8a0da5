// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// bothLinks returns a hub with a link that has a role of its own, and one that refers
// to a permission set.
func bothLinks(hub string) string {
	return hub + linkHCL(globex) + setHCL("readonly") + referring(initech)
}

const (
	oneRegion  = `regions = ["us-east-1"]`
	twoRegions = `regions = ["us-east-1", "eu-central-1"]`
)

// A hub gains a Region and its vendor another name. The plan shows the links' new URLs,
// no customer becomes outdated, and a customer can launch in the new Region.
func TestAHubThatGainsARegionUpdatesItsLinksInTheSameApply(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := func(hub string) string {
		return w.Provider() + bothLinks(hub) + roleHCL(globex, waits) + roleHCL(initech)
	}
	next := config(replaceOnce(hubHCL(twoRegions), "Acme Monitoring", "Acme & Daughters"))
	moved := []plancheck.PlanCheck{action(theHub, plancheck.ResourceActionUpdate), action(setReadonly, plancheck.ResourceActionUpdate), action(roleGlobex, plancheck.ResourceActionNoop)}
	var comparisons []func() statecheck.StateCheck
	for _, link := range []string{linkGlobex, linkInitech} {
		moved = append(moved, action(link, plancheck.ResourceActionUpdate), planned(link, "status", is("open")), planned(link, "update_url", knownvalue.Null()), planned(link, "template_version", knownvalue.NotNull()))
		for _, attribute := range []string{"url", "template_url"} {
			moved = append(moved, planned(link, attribute, like("templates(/|%2F)")))
			others := statecheck.CompareValue(differentFromBefore{})
			comparisons = append(comparisons, func() statecheck.StateCheck { return others.AddStateValue(link, tfjsonpath.New(attribute)) })
		}
		version := statecheck.CompareValue(sameAsBefore{})
		comparisons = append(comparisons, func() statecheck.StateCheck { return version.AddStateValue(link, tfjsonpath.New("template_version")) })
	}
	checks := func() []statecheck.StateCheck {
		all := []statecheck.StateCheck{value(roleGlobex, "outdated", knownvalue.Bool(false))}
		for _, compare := range comparisons {
			all = append(all, compare())
		}
		return all
	}
	var stack sandbox.Stack
	first := connected(w, &stack, config(hubHCL(oneRegion)))
	first.ConfigStateChecks = append(first.ConfigStateChecks, checks()...)
	journey(t,
		first,
		resource.TestStep{Config: next, ConfigPlanChecks: before(moved...), ConfigStateChecks: checks()},
		resource.TestStep{Config: next, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{
			PreConfig: func() {
				defer w.Registrar("acme")()
				w.LaunchWith("acme", "initech", initech.account, "CREATE_COMPLETE", sandbox.LaunchOptions{Region: "eu-central-1"})()
			},
			Config: next, ConfigPlanChecks: emptyPlan(),
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleInitech, "status", is("active")), value(roleInitech, "stack_region", is("eu-central-1")), value(roleInitech, "outdated", knownvalue.Bool(false)),
				value(roleGlobex, "outdated", knownvalue.Bool(false)),
			},
		},
	)
}

// However a change of the hub is planned and applied, its links are updated, and the next
// plan is empty.
func TestAChangedHubUpdatesItsLinksInAnyOrder(t *testing.T) {
	t.Parallel()
	others := func(hub string) string {
		return replaceOnce(hub, "https://acme.example/support", "https://acme.example/help")
	}
	for name, c := range map[string]struct {
		next    string // the changed hub
		options []tfcore.Options
	}{
		"a Region":             {hubHCL(twoRegions), []tfcore.Options{{}}},
		"the vendor's name":    {replaceOnce(hubHCL(oneRegion), "Acme Monitoring", "Acme"), []tfcore.Options{{}}},
		"the support address":  {others(hubHCL(oneRegion)), []tfcore.Options{{}}},
		"the response timeout": {hubHCL(oneRegion, `response_timeout = "20m"`), []tfcore.Options{{}}},
		"without a refresh":    {hubHCL(twoRegions), []tfcore.Options{{NoRefresh: true}}},
		"one at a time":        {hubHCL(twoRegions), []tfcore.Options{{Parallelism: 1}}},
		"one link as target":   {hubHCL(twoRegions), []tfcore.Options{{Target: []string{linkGlobex}}, {}}},
		"the hub as target":    {hubHCL(twoRegions), []tfcore.Options{{Target: []string{theHub}}, {}}},
		"then not refreshed":   {hubHCL(twoRegions), []tfcore.Options{{Target: []string{theHub}}, {NoRefresh: true}, {}}},
		"a link replaced":      {hubHCL(twoRegions), []tfcore.Options{{Replace: []string{linkGlobex, linkInitech}}}},
		"a hub not known yet":  {hubHCL(oneRegion, "support_url = terraform_data.later.output") + "resource \"terraform_data\" \"later\" {\n  input = \"https://acme.example/later\"\n}\n", []tfcore.Options{{}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := acctest.Start(t)
			s := newState(t, w)
			s.apply(bothLinks(hubHCL(oneRegion)))
			was := map[string]map[string]any{linkGlobex: s.Attributes(linkGlobex), linkInitech: s.Attributes(linkInitech)}
			next := c.next
			if strings.Contains(next, "terraform_data.later") {
				next = replaceOnce(next, "  support_url  = \"https://acme.example/support\"\n", "")
			}
			for _, options := range c.options {
				if err := s.Run(t.Context(), w.Provider()+bothLinks(next), options).Err(); err != nil {
					t.Fatal(err)
				}
			}
			s.wantEmptyPlan(bothLinks(next))
			for link, before := range was {
				now := s.Attributes(link)
				if now["url"] == before["url"] || now["template_url"] == before["template_url"] {
					t.Errorf("%s still has the URL %v", link, now["url"])
				}
				if now["template_version"] != before["template_version"] || now["external_id"] != before["external_id"] {
					t.Errorf("%s was %v, and is %v", link, before, now)
				}
			}
		})
	}
}

// wantEmptyPlan fails the test unless the next plan is empty.
func (s state) wantEmptyPlan(resources ...string) {
	s.t.Helper()
	plan, found := s.Plan(s.t.Context(), s.w.Provider()+strings.Join(resources, ""), tfcore.Options{})
	if err := found.Err(); err != nil || !plan.Empty() {
		s.t.Errorf("the next plan is (%v)\n%s", err, plan)
	}
}

// The hub belongs to another configuration. A plan that was made before the hub changed
// is applied as it was shown, and the next plan updates the links.
func TestLinksFollowAHubThatChangesElsewhere(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	hub, s := newState(t, w), newState(t, w)
	links := func(more string) string {
		return strings.ReplaceAll(bothLinks(""), "xacct_hub.this.id", `"acme"`) + strings.ReplaceAll(linkHCL(umbrella.with(more)), "xacct_hub.this.id", `"acme"`)
	}
	hub.apply(hubHCL(oneRegion))
	s.apply(links(""))
	urls := func() string {
		return fmt.Sprint(s.Attributes(linkGlobex)["url"], s.Attributes(linkInitech)["url"], s.Attributes(setReadonly)["template_url"])
	}
	was := urls()
	plan, found := s.Plan(t.Context(), w.Provider()+links(`stack_name = "other"`), tfcore.Options{})
	if err := found.Err(); err != nil || len(plan.Actions) != 1 {
		t.Fatalf("the plan is (%v)\n%s", err, plan)
	}
	hub.apply(hubHCL(twoRegions))
	if err := s.Apply(t.Context(), plan).Err(); err != nil {
		t.Error(err)
	}
	if urls() != was {
		t.Error("the apply changed URLs that the plan had not shown")
	}
	plan, found = s.Plan(t.Context(), w.Provider()+links(`stack_name = "other"`), tfcore.Options{})
	for _, address := range []string{linkGlobex, linkInitech, setReadonly, "xacct_onboarding_link.umbrella"} {
		if plan.Actions[address] != tfcore.Update {
			t.Errorf("no update of %s is planned: %v, %v", address, plan.Actions, found.Err())
		}
	}
	if err := s.Apply(t.Context(), plan).Err(); err != nil {
		t.Error(err)
	}
	if urls() == was {
		t.Error("the links have not changed")
	}
	s.wantEmptyPlan(links(`stack_name = "other"`))
}

// A link that names the hub with a literal may be planned before the hub.
func TestAPlanNamesLinksThatWerePlannedBeforeTheirHub(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	link := strings.Replace(linkHCL(globex), "xacct_hub.this.id", `"acme"`, 1)
	s.apply(hubHCL(oneRegion))
	s.apply(hubHCL(oneRegion), link)
	next := hubHCL(twoRegions, "depends_on = [xacct_onboarding_link.globex]") + link
	if found := s.plan(theHub, next); !strings.Contains(summaries(found), "Links were planned before their hub") || !strings.Contains(fmt.Sprint(found), "customer globex") {
		t.Errorf("the plan warns of %s", found)
	}
	s.apply(next)
	s.apply(next)
	s.wantEmptyPlan(next)
}

// A Region is removed from the hub. The links get a template without it at once. The
// old template and topic, which customers may still use, are kept for the grace period.
// A link whose own Region it was stays as it is, with a warning.
func TestAHubThatLosesARegionUpdatesItsLinksAndKeepsTheirTemplates(t *testing.T) {
	t.Parallel()
	l := library{acctest.Start(t), t}
	there := customer{id: "umbrella", account: acctest.Umbrella}
	config := func(regions string) string {
		return l.Provider() + bothLinks(hubHCL(regions)) + linkHCL(there.with(`region = "eu-central-1"`)) + roleHCL(globex)
	}
	var old, oldOfSet string
	l.run(
		resource.TestStep{Config: config(twoRegions)},
		resource.TestStep{
			PreConfig: func() {
				old, oldOfSet = l.template("globex"), l.template("initech")
				defer l.Registrar("acme")()
				l.Launch("acme", "globex", globex.account, "CREATE_COMPLETE")()
			},
			Config: config(oneRegion),
			ConfigPlanChecks: before(action(linkGlobex, plancheck.ResourceActionUpdate), action(linkInitech, plancheck.ResourceActionUpdate),
				action("xacct_onboarding_link.umbrella", plancheck.ResourceActionUpdate), planned(roleGlobex, "outdated", knownvalue.Bool(false))),
		},
		resource.TestStep{
			PreConfig: func() {
				l.readable(old, true)
				l.readable(oldOfSet, true)
				if l.template("globex") == old || l.template("initech") == oldOfSet {
					t.Error("the links still have the templates with the Region")
				}
			},
			Config: config(oneRegion), ConfigPlanChecks: emptyPlan(),
		},
		resource.TestStep{ // the Region is added again
			Config: config(twoRegions), ConfigPlanChecks: before(planned(linkGlobex, "template_url", knownvalue.NotNull()), planned(roleGlobex, "outdated", knownvalue.Bool(false))),
			ConfigStateChecks: []statecheck.StateCheck{after(func() {
				if l.template("globex") != old || l.template("initech") != oldOfSet {
					t.Error("with the Region again, the links have different templates than before")
				}
			})},
		},
	)
}

// Templates are deleted by hand. The plan names the link and the permission set that they
// belong to, and the apply publishes them again under the same URLs.
func TestADeletedTemplateIsDetectedAndPublishedAgain(t *testing.T) {
	t.Parallel()
	for name, access := range map[string]string{"public": "", "presigned": `template_access = "presigned"`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := library{acctest.Start(t), t}
			s := newState(t, l.World)
			config := bothLinks(hubHCL(access))
			s.apply(config)
			address, ofSet := l.template("globex"), l.template("initech")
			was := fmt.Sprint(s.Attributes(linkGlobex), s.Attributes(linkInitech), s.Attributes(setReadonly))
			for _, template := range []string{address, ofSet} {
				l.remove(template)
			}
			plan, found := s.Plan(t.Context(), l.Provider()+config, tfcore.Options{})
			if err := found.Err(); err != nil || plan.Actions[linkGlobex] != tfcore.Update || plan.Actions[setReadonly] != tfcore.Update || len(plan.Actions) != 2 {
				t.Errorf("the plan is (%v)\n%s", err, plan)
			}
			if told := fmt.Sprint(found); !strings.Contains(told, "Templates were deleted from the hub's bucket") || !strings.Contains(told, address) || !strings.Contains(told, ofSet) {
				t.Errorf("the plan warns of %s", told)
			}
			if err := s.Apply(t.Context(), plan).Err(); err != nil {
				t.Fatal(err)
			}
			l.readable(address, true)
			l.readable(ofSet, true)
			if now := fmt.Sprint(s.Attributes(linkGlobex), s.Attributes(linkInitech), s.Attributes(setReadonly)); now != was {
				t.Errorf("the state was\n%s\nand is\n%s", was, now)
			}
			s.wantEmptyPlan(config)
		})
	}
}

// remove deletes a template from the bucket.
func (l library) remove(address string) {
	l.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		l.t.Fatal(err)
	}
	bucket, _, _ := strings.Cut(u.Host, ".")
	key := strings.TrimPrefix(u.Path, "/")
	if _, err := l.Clients.S3().DeleteObject(l.t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
		l.t.Fatal(err)
	}
}
