// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// Each alias of the provider is a process of its own. It finds the other aliases' hubs
// with one call to AWS.
func TestALinkWarnsIfAnotherRegionHasAHubOfTheSameName(t *testing.T) {
	t.Parallel()
	const summary = "Hub acme also exists in another Region"
	w := acctest.Start(t)
	s := newState(t, w)
	providers := w.Provider() + w.ProviderWith("eu-west-1", sandbox.VendorAccount, `alias = "ireland"`)
	inIreland := func(hcl string) string { return replaceOnce(hcl, "{\n", "{\n  provider = xacct.ireland\n") }
	second := replaceOnce(inIreland(hubHCL()), `"this"`, `"ireland"`)
	warned := func(config string) map[string]string {
		t.Helper()
		p, found := s.Plan(t.Context(), config, tfcore.Options{})
		if err := found.Err(); err != nil {
			t.Fatal(err)
		}
		details := map[string]string{}
		for _, d := range found {
			if d.Summary == summary {
				details[d.Address] = d.Detail
			}
		}
		if found := s.Apply(t.Context(), p); found.HasErrors() {
			t.Fatal(found)
		}
		return details
	}
	if found := warned(providers + hubHCL()); len(found) > 0 {
		t.Errorf("the first hub gets %v", found)
	}
	if found := warned(providers + hubHCL() + second); len(found) != 1 || !strings.Contains(found["xacct_hub.ireland"], "has a hub of this name in us-east-1 already. The one in eu-west-1 is a second hub") {
		t.Errorf("the second hub gets %v", found)
	}
	links := linkHCL(globex) + linkHCL(umbrella) + inIreland(linkHCL(initech)) // initech's link is in the other Region
	mark := w.Journal().Mark()
	found := warned(providers + hubHCL() + second + links)
	if calls, _ := w.Calls(mark); calls["s3:ListBuckets"] != 4 {
		t.Errorf("two provider configurations list buckets %d times, in plan and apply: %v", calls["s3:ListBuckets"], calls)
	}
	for address, words := range map[string]string{
		linkGlobex:                      "the link of customer globex in the hub of Region us-east-1, where its provider configuration looks. Account 111111111111 has a hub of the same name in eu-west-1",
		"xacct_onboarding_link.initech": "the link of customer initech in the hub of Region eu-west-1, where its provider configuration looks. Account 111111111111 has a hub of the same name in us-east-1",
	} {
		if !strings.Contains(found[address], words) {
			t.Errorf("%s gets %q", address, found[address])
		}
	}
	mark = w.Journal().Mark()
	if found := warned(providers + hubHCL() + second + links); len(found) > 0 {
		t.Errorf("nothing changes, but the plan warns %v", found)
	}
	if calls, _ := w.Calls(mark); calls["s3:ListBuckets"] != 0 {
		t.Error("a plan without new links lists buckets")
	}
	// Two hubs of one name can't have a Region in common.
	_, refused := s.Plan(t.Context(), providers+hubHCL(`regions = ["us-east-1", "eu-west-1"]`)+second+links, tfcore.Options{})
	if err := refused.Err(); err == nil || !strings.Contains(err.Error(), "Another hub acme is in Region eu-west-1") {
		t.Errorf("a hub that takes the other's Region gets %v", err)
	}
}

func TestACallerThatMayNotListBucketsIsWarnedOnlyAtTheHub(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	defer w.Faults().Before(func(c *kernel.Call) error {
		if c.Action == "ListBuckets" {
			return kernel.Errorf(403, "AccessDenied", "Access Denied")
		}
		return nil
	})()
	s := newState(t, w)
	if got := s.plan(theHub, hubHCL()); len(got) != 1 || got[0].Error || !strings.Contains(got[0].Detail, "to do s3:ListAllMyBuckets on arn:aws:s3:::*") {
		t.Errorf("the hub's plan warns:%s", got)
	}
	s.apply(hubHCL())
	if got := s.plan(linkGlobex, hubHCL(), linkHCL(globex)); len(got) > 0 {
		t.Errorf("a link's plan warns:%s", got)
	}
}
