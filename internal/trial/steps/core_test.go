// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package steps_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// These tests of tfcore need no Terraform: they test what Terraform does not do, or
// what its documentation defines.

func TestUnsupportedFeaturesAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ config, want string }{
		"modules":        {`module "x" { source = "./x" }`, "Unsupported block type"},
		"checks":         {`check "x" {}`, "Unsupported block type"},
		"provisioners":   {thingHCL("x", "name = \"x\"\nprovisioner \"local-exec\" {}"), "does not know provisioner blocks"},
		"preconditions":  {thingHCL("x", "name = \"x\"\nlifecycle {\n precondition {}\n}"), "does not know precondition blocks"},
		"parts ignored":  {thingHCL("x", "name = \"x\"\nlifecycle { ignore_changes = [settings.color] }"), "ignore_changes of a part"},
		"self":           {thingHCL("x", "name = self.name"), "references to self"},
		"other types":    {"moved {\n  from = sample_thing.x\n  to = sample_other.x\n}\n", "moves to another type"},
		"functions":      {thingHCL("x", "name = plantimestamp()"), "Call to unknown function"},
		"other provider": {`resource "random_pet" "x" {}`, `no provider "random"`},
		"other resource": {`resource "sample_other" "x" {}`, `does not support resource type "sample_other"`},
		"cycles":         {thingHCL("x", "name = sample_thing.y.id") + thingHCL("y", "name = local.a") + "locals {\n  a = sample_thing.x.id\n}\n", "Cycle"},
		"locals' cycles": {"locals {\n  a = local.b\n  b = local.a\n}\n", "Cycle"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := tfcore.New(newWorld().servers()).Workspace()
			if err := w.Run(t.Context(), c.config, tfcore.Options{}).Err(); err == nil && name == "parts ignored" {
				err = w.Run(t.Context(), c.config, tfcore.Options{}).Err() // there is something to ignore now
				expect(t, err, c.want)
			} else {
				expect(t, err, c.want)
			}
		})
	}
}

func expect(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(strings.Join(strings.Fields(err.Error()), " "), want) {
		t.Errorf("want an error that contains %q, got %v", want, err)
	}
}

func TestAProviderWithNestedBlocksIsRefused(t *testing.T) {
	t.Parallel()
	w := tfcore.New(map[string]tfcore.Factory{"sample": func() (tfprotov6.ProviderServer, error) { return blocky{}, nil }}).Workspace()
	_, found := w.Plan(t.Context(), "", tfcore.Options{})
	expect(t, found.Err(), "has nested blocks")
}

type blocky struct{ tfprotov6.ProviderServer }

func (blocky) GetProviderSchema(context.Context, *tfprotov6.GetProviderSchemaRequest) (*tfprotov6.GetProviderSchemaResponse, error) {
	return &tfprotov6.GetProviderSchemaResponse{ResourceSchemas: map[string]*tfprotov6.Schema{
		"sample_thing": {Block: &tfprotov6.SchemaBlock{BlockTypes: []*tfprotov6.SchemaNestedBlock{{TypeName: "timeouts"}}}},
	}}, nil
}

func TestASavedPlanIsForTheStateThatItWasMadeFor(t *testing.T) {
	t.Parallel()
	of := newWorld()
	w := tfcore.New(of.servers()).Workspace()
	first, found := w.Plan(t.Context(), thingHCL("x", `name = "x"`), tfcore.Options{})
	must(t, found.Err())
	second, found := w.Plan(t.Context(), thingHCL("x", `name = "other"`), tfcore.Options{})
	must(t, found.Err())
	must(t, w.Apply(t.Context(), first).Err())
	expect(t, w.Apply(t.Context(), second).Err(), "Saved plan is stale")
	if len(of.things) != 1 {
		t.Errorf("there are %v", of.things)
	}
}

func TestTwoStatesOfTheSameResourcesAreIndependent(t *testing.T) {
	t.Parallel()
	of := newWorld()
	core := tfcore.New(of.servers())
	one := core.Workspace()
	must(t, one.Run(t.Context(), thingHCL("x", `name = "x"`), tfcore.Options{}).Err())
	two := one.Copy()
	must(t, two.Run(t.Context(), "", tfcore.Options{}).Err())
	if len(two.Resources()) != 0 || len(one.Resources()) != 1 {
		t.Errorf("the states hold %v and %v", one.Resources(), two.Resources())
	}
	p, found := one.Plan(t.Context(), thingHCL("x", `name = "x"`), tfcore.Options{})
	must(t, found.Err())
	if p.Actions["sample_thing.x"] != tfcore.Create {
		t.Errorf("the plan is %v", p.Actions)
	}
	p, found = one.Plan(t.Context(), thingHCL("x", `name = "x"`), tfcore.Options{NoRefresh: true})
	must(t, found.Err())
	if !p.Empty() {
		t.Errorf("without a refresh the plan is %v", p.Actions)
	}
}

func TestAPlanFollowsItsOptions(t *testing.T) {
	t.Parallel()
	of := newWorld()
	w := tfcore.New(of.servers()).Workspace()
	all := thingHCL("a", "count = 2\nname = \"a${count.index}\"") + thingHCL("b", "name = \"b\"\nnote = sample_thing.a[0].id") + thingHCL("c", `name = "c"`) + "output \"c\" { value = sample_thing.c.id }\n"
	must(t, w.Run(t.Context(), all, tfcore.Options{Target: []string{"sample_thing.b"}}).Err())
	if got := w.Resources(); !slices.Equal(got, []string{"sample_thing.a[0]", "sample_thing.a[1]", "sample_thing.b"}) {
		t.Errorf("the target and its dependencies are %v", got)
	}
	must(t, w.Run(t.Context(), all, tfcore.Options{Parallelism: 1}).Err())
	p, found := w.Plan(t.Context(), all, tfcore.Options{Replace: []string{"sample_thing.a[1]"}})
	must(t, found.Err())
	if p.Actions["sample_thing.a[1]"] != tfcore.DeleteThenCreate || p.Actions["sample_thing.a[0]"] != "" {
		t.Errorf("the plan is %v", p.Actions)
	}
	must(t, w.Remove("sample_thing.a"))
	p, found = w.Plan(t.Context(), all, tfcore.Options{})
	must(t, found.Err())
	if p.Actions["sample_thing.a[1]"] != tfcore.Create {
		t.Errorf("what the state has forgotten is planned as %v", p.Actions)
	}
}

func TestWarningsHaveTheirPositions(t *testing.T) {
	t.Parallel()
	w := tfcore.New(newWorld().servers()).Workspace()
	_, found := w.Plan(t.Context(), thingHCL("x", "name = \"x\"\nbroken = \"warning\"\nnote = \"here\""), tfcore.Options{})
	must(t, found.Err())
	if len(found) != 1 || found[0].Path() != "note" || found[0].Address != "sample_thing.x" || found[0].Subject.Start.Line != 5 {
		t.Errorf("warned of %s", found)
	}
}

func TestManyInstancesAreCreatedAndDestroyedInOrder(t *testing.T) {
	t.Parallel()
	of := newWorld()
	w := tfcore.New(of.servers()).Workspace()
	all := thingHCL("a", "for_each = toset([for n in range(50) : tostring(n)])\nname = each.key") +
		thingHCL("b", "for_each = sample_thing.a\nname = \"b${each.key}\"\nnote = sample_thing.a[each.key].id")
	must(t, w.Run(t.Context(), all, tfcore.Options{}).Err())
	p, found := w.Plan(t.Context(), all, tfcore.Options{})
	must(t, found.Err())
	if !p.Empty() || len(of.things) != 100 {
		t.Errorf("%d things, and then\n%s", len(of.things), p)
	}
	must(t, w.Run(t.Context(), all, tfcore.Options{Destroy: true}).Err())
	if len(of.things) != 0 {
		t.Errorf("%d things are left", len(of.things))
	}
	if last := of.journal[len(of.journal)-50:]; slices.ContainsFunc(last, func(call string) bool { return strings.HasPrefix(call, "delete b") }) {
		t.Errorf("something was destroyed before its dependants: %v", fmt.Sprint(last))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
