// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package steps_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// config returns a step with only a configuration.
func config(text string) resource.TestStep { return resource.TestStep{Config: text} }

// failing returns a step that must fail.
func failing(text string) resource.TestStep {
	return resource.TestStep{Config: text, ExpectError: fails}
}

// saying returns a step that must fail with this summary.
func saying(summary, text string) resource.TestStep {
	return resource.TestStep{Config: text, ExpectError: regexp.MustCompile("Error: " + summary)}
}

// failingInside returns a step that must fail because of a part of an attribute.
func failingInside(text string) resource.TestStep {
	return resource.TestStep{Config: text, ExpectError: failsInside}
}

func thingHCL(label, more string) string {
	return "\nresource \"sample_thing\" \"" + label + "\" {\n" + more + "\n}\n"
}

func chain(first, note string) string {
	return `provider "sample" { prefix = "x-" }
` + thingHCL("a", `name = "`+first+`"`+"\n"+`note = `+note) + `
locals { of_a = "${sample_thing.a.id}/${sample_thing.a.serial}" }
` + thingHCL("b", `name = "b"
note = local.of_a
tags = [sample_thing.a.name, "fixed"]`) + thingHCL("c", `count = 2
name  = "c${count.index}"
size  = count.index + sample_thing.b.size`) + `
output "serial" { value = sample_thing.a.serial }
output "sizes" { value = { for c in sample_thing.c : c.name => c.size } }
`
}

// These two are compared with Terraform in every run of the tests. All others below
// are compared only if an engine runs all steps (XACCT_STEPS=engine, make
// test-terraform), because each takes some seconds.

func TestAChainIsCreatedChangedReplacedAndDestroyed(t *testing.T) {
	same(t, func(*world) []resource.TestStep {
		return []resource.TestStep{config(chain("a", "null")), config(chain("a2", `"new"`)), {Config: chain("a2", `"new"`), Destroy: true}}
	})
}

func TestAProviderThatBreaksItsPlanIsDetected(t *testing.T) {
	same(t, func(*world) []resource.TestStep {
		return []resource.TestStep{
			failingInside(thingHCL("x", `name = "x"
broken = "plan"
settings = {
  color = "red"
}`)),
			failing(thingHCL("x", `name = "x"
broken = "inconsistent"`)),
		}
	})
}

// endsLookedAt is the case in which the engines differ in more than their messages.
const endsLookedAt = "when it is looked at what is to be destroyed"

func TestStepsHaveTheSameResultsWithTerraform(t *testing.T) {
	if os.Getenv("XACCT_STEPS") != "engine" {
		t.Skip("XACCT_STEPS=engine compares the core with Terraform in all of these")
	}
	plain := thingHCL("x", `name = "x"`)
	for name, all := range map[string]func(w *world) []resource.TestStep{
		"what is unknown until the apply": func(*world) []resource.TestStep {
			return []resource.TestStep{config(`
resource "terraform_data" "later" { input = { name = "x", color = "red", list = ["p", "q"] } }
` + thingHCL("x", `name = terraform_data.later.output.name
settings = { color = terraform_data.later.output.color }
parts = [{ key = terraform_data.later.output.name }, { key = "q", weight = 3 }]
labelled = { first = { key = terraform_data.later.output.color } }
tags = terraform_data.later.output.list`) + thingHCL("y", `name = "y"
note = jsonencode({ of = sample_thing.x.parts, is = sample_thing.x.settings })`))}
		},
		"nested attributes change": func(*world) []resource.TestStep {
			of := func(more string) resource.TestStep { return config(thingHCL("x", "name = \"x\"\n"+more)) }
			return []resource.TestStep{
				of(`settings = { color = "red" }
parts = [{ key = "p", weight = 2 }, { key = "q" }]
labelled = { a = { key = "1", weight = 9 }, b = { key = "2" } }`),
				of(`settings = { shade = "light" }
parts = [{ key = "q" }]
labelled = { b = { key = "2" }, c = { key = "3" } }`),
				of(`size = 5`),
				of(`settings = {}
tags = ["b", "a"]`),
			}
		},
		"a count comes, changes and goes": func(*world) []resource.TestStep {
			return []resource.TestStep{
				config(plain),
				config(thingHCL("x", "name = \"x${count.index == 0 ? \"\" : count.index}\"\ncount = 2")),
				config(plain),
			}
		},
		"for_each, by moves": func(*world) []resource.TestStep {
			each := thingHCL("each", `for_each = { one = 1, two = 2 }
name = each.key
size = each.value`)
			return []resource.TestStep{
				config(thingHCL("x", "name = \"one\"\nsize = 1")),
				config(each + `
moved {
  from = sample_thing.x
  to   = sample_thing.each["one"]
}
output "two" { value = sample_thing.each["two"].id }
`),
				config(thingHCL("each", `for_each = toset(["two"])
name = each.value
size = 2`)),
			}
		},
		"forgotten, and imported": func(w *world) []resource.TestStep {
			return []resource.TestStep{
				config(plain),
				config("removed {\n  from = sample_thing.x\n  lifecycle {\n    destroy = false\n  }\n}\n"),
				config(plain + "import {\n  to = sample_thing.x\n  id = \"x\"\n}\n"),
				{ResourceName: "sample_thing.x", ImportState: true, ImportStateId: "x", ImportStateVerify: true},
				failing(plain + thingHCL("none", `name = "none"`) + "import {\n  to = sample_thing.none\n  id = \"none\"\n}\n"),
			}
		},
		"created before its predecessor is destroyed": func(*world) []resource.TestStep {
			of := func(first string) resource.TestStep {
				return config(thingHCL("a", `name = "`+first+`"`) + thingHCL("b", `name = "b-${sample_thing.a.name}"
lifecycle { create_before_destroy = true }`))
			}
			return []resource.TestStep{of("a"), of("a2"), config("")}
		},
		"replaced because of another": func(*world) []resource.TestStep {
			of := func(note string) resource.TestStep {
				return config(thingHCL("a", "count = 2\nname = \"a${count.index}\"\nnote = count.index == 0 ? \""+note+"\" : \"same\"") + thingHCL("b", `count = 2
name = "b${count.index}"
lifecycle { replace_triggered_by = [sample_thing.a[count.index].note] }`) + thingHCL("c", `name = "c"
lifecycle { replace_triggered_by = [sample_thing.b] }`))
			}
			return []resource.TestStep{of("one"), of("two")}
		},
		"tainted": func(*world) []resource.TestStep {
			both := plain + thingHCL("y", `name = "y"
note = sample_thing.x.id`)
			return []resource.TestStep{config(both), {Config: both, Taint: []string{"sample_thing.x"}}}
		},
		"gone, and changed by others": func(w *world) []resource.TestStep {
			both := plain + thingHCL("y", `name = "y"
note = sample_thing.x.id`)
			return []resource.TestStep{
				config(both),
				{PreConfig: func() { w.lose("x") }, Config: both},
				{PreConfig: func() { w.lose("y") }, RefreshState: true, ExpectNonEmptyPlan: true},
				{PreConfig: func() { w.lose("x") }, Config: plain},
				{PreConfig: func() { w.lose("x") }, Config: plain, PlanOnly: true, ExpectNonEmptyPlan: true},
			}
		},
		"data sources wait for what they refer to": func(*world) []resource.TestStep {
			of := func(note string) resource.TestStep {
				return config(thingHCL("x", "name = \"x\"\nnote = "+note) + `
data "sample_things" "plain" {}
data "sample_things" "after" { depends_on = [sample_thing.x] }
data "sample_things" "of" { beginning = sample_thing.x.name }
data "sample_things" "indirect" { beginning = join("", data.sample_things.of.names) }
output "names" { value = data.sample_things.after.names }
output "indirect" { value = data.sample_things.indirect.names }
`)
			}
			return []resource.TestStep{of(`"one"`), of(`"two"`), of(`"two"`), failing(`data "sample_things" "none" { beginning = "none" }` + "\n")}
		},
		"changes that are ignored": func(*world) []resource.TestStep {
			of := func(note, size, more string) resource.TestStep {
				return config(thingHCL("x", "name = \"x\"\nnote = \""+note+"\"\nsize = "+size+"\nlifecycle { "+more+" }"))
			}
			return []resource.TestStep{of("one", "1", ""), of("two", "2", "ignore_changes = [note]"), of("three", "3", "ignore_changes = all")}
		},
		"what must not be destroyed": func(*world) []resource.TestStep {
			of := func(name string) string {
				return thingHCL("x", "name = \""+name+"\"\nlifecycle { prevent_destroy = true }")
			}
			return []resource.TestStep{config(of("x")), failing(of("y")), {Config: of("x"), Destroy: true, ExpectError: fails}, config(plain)}
		},
		"an apply that fails, whole or half": func(*world) []resource.TestStep {
			of := func(broken string) string {
				return thingHCL("x", "name = \"x\"\nbroken = "+broken) + thingHCL("y", "name = \"y\"\nnote = sample_thing.x.id")
			}
			return []resource.TestStep{failing(of(`"apply"`)), failing(of(`"half"`)), config(of("null")), failing(of(`"half"`)), config(of("null"))}
		},
		"a deletion that fails": func(w *world) []resource.TestStep {
			stuck := thingHCL("x", "name = \"x\"\nbroken = \"delete\"")
			return []resource.TestStep{
				config(stuck + thingHCL("y", "name = \"y\"\nnote = sample_thing.x.id")),
				{Config: "", ExpectError: fails},
				{PreConfig: w.repair, Config: plain},
			}
		},
		"a replacement after which a deletion fails": func(w *world) []resource.TestStep {
			of := func(name, broken string) string {
				return thingHCL("x", "name = \""+name+"\"\nbroken = "+broken+"\nlifecycle { create_before_destroy = true }")
			}
			return []resource.TestStep{config(of("x", `"delete"`)), failing(of("y", "null")), failing(of("y", "null")), {PreConfig: w.repair, Config: of("y", "null")}}
		},
		"a predecessor whose deletion fails, and that is forgotten": func(w *world) []resource.TestStep {
			of := func(name, broken string) string {
				return thingHCL("x", "name = \""+name+"\"\nbroken = "+broken+"\nlifecycle { create_before_destroy = true }")
			}
			return []resource.TestStep{
				config(of("x", `"delete"`)), failing(of("y", "null")),
				config("removed {\n  from = sample_thing.x\n  lifecycle {\n    destroy = false\n  }\n}\n"),
				{PreConfig: w.repair, Config: ""},
			}
		},
		"an invalid plan": func(*world) []resource.TestStep {
			return []resource.TestStep{failing(thingHCL("x", "name = \"x\"\nbroken = \"invalid plan\"\nnote = \"mine\""))}
		},
		"a result that is not known": func(*world) []resource.TestStep {
			return []resource.TestStep{failing(thingHCL("x", "name = \"x\"\nbroken = \"unknown\"")), config(plain)}
		},
		"a provider that changes its plan": func(*world) []resource.TestStep {
			return []resource.TestStep{failing(thingHCL("x", "name = \"x\"\nbroken = \"other mind\""))}
		},
		"mistakes in a configuration": func(*world) []resource.TestStep {
			return []resource.TestStep{
				failing(thingHCL("x", "name = \"a-name-that-is-too-long\"")),
				failing(thingHCL("x", "nam = \"x\"\nname = \"x\"")),
				failing(thingHCL("x", "note = \"x\"")),
				failing(thingHCL("x", "name = \"x\"\nsize = \"many\"")),
				failing(thingHCL("x", "name = \"x\"\nserial = 1")),
				failingInside(thingHCL("x", "name = \"x\"\nsettings = {\n  color = \"green\"\n}")),
				failing(thingHCL("x", "name = \"x\"\nnote = sample_thing.y.note")),
				failing(thingHCL("x", "name = \"x\"\nnote = local.none")),
				failing(thingHCL("x", "name = \"x\"\nnote = sample_thing.y.unheard_of") + thingHCL("y", "name = \"y\"")),
				failing(thingHCL("x", "name = \"x\"\nnote = [1")),
				failing("provider \"sample\" {\n  prefix = \"wrong\"\n}\n" + plain),
				failing("provider \"sample\" {\n  prefix = \"much-too-long\"\n}\n" + plain),
				failing(thingHCL("x", "name = \"x\"\ncount = terraform_data.later.output") + "resource \"terraform_data\" \"later\" {\n  input = 1\n}\n"),
				// Terraform also shows the values in an expression here.
				saying(`Invalid for_each argument`, thingHCL("x", "name = each.key\nfor_each = toset(terraform_data.later.output)")+"resource \"terraform_data\" \"later\" {\n  input = [\"1\"]\n}\n"),
			}
		},
		endsLookedAt: func(*world) []resource.TestStep {
			watched := func(name, more string) string {
				return thingHCL("x", "name = \""+name+"\"\nbroken = \"watched\"\n"+more)
			}
			first := "lifecycle { create_before_destroy = true }"
			return []resource.TestStep{
				config(watched("a", "")), config(""), config(watched("b", "")), {Config: watched("b", ""), Destroy: true},
				config(watched("c", first)), config(watched("d", first)), config(""),
			}
		},
		"what is gone from the configuration": func(*world) []resource.TestStep {
			return []resource.TestStep{config(chain("a", "null")), config(chain("a", `"new"`)), config(thingHCL("b", `name = "b"`)), config("")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name == endsLookedAt && (isOpenTofu(t) || strings.Contains(versionOf(t), "Terraform v1.16.")) {
				t.Skip("OpenTofu and Terraform 1.16 read what their configuration has no longer before they plan the end of that, Terraform 1.11 after it")
			}
			same(t, all)
		})
	}
}
