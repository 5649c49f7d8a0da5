// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package steps_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/trial/steps"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// These are also the tests of tfcore: each runs steps in this process and with
// Terraform, and all results must be the same: the plan of each instance with every
// value and its unknown parts, the state afterwards, the order of the provider's
// calls, and the texts of errors with the lines that they point to.

// recorded has the results of a run.
type recorded struct {
	Plans, States []string
	Calls         []string
}

// CheckPlan implements plancheck.PlanCheck.
func (r *recorded) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, _ *plancheck.CheckPlanResponse) {
	var lines []string
	for _, ch := range req.Plan.ResourceChanges {
		if ch.Type == "terraform_data" {
			continue // it has a random ID
		}
		lines = append(lines, fmt.Sprintf("%s %v %s -> %s unknown %s", ch.Address, ch.Change.Actions, asText(ch.Change.Before), asText(ch.Change.After), asText(trueOnly(ch.Change.AfterUnknown))))
	}
	for name, ch := range req.Plan.OutputChanges {
		lines = append(lines, fmt.Sprintf("output %s %v %s -> %s unknown %s", name, ch.Actions, asText(ch.Before), asText(ch.After), asText(trueOnly(ch.AfterUnknown))))
	}
	slices.Sort(lines)
	r.Plans = append(r.Plans, strings.Join(lines, "\n"))
}

// CheckState implements statecheck.StateCheck.
func (r *recorded) CheckState(_ context.Context, req statecheck.CheckStateRequest, _ *statecheck.CheckStateResponse) {
	var lines []string
	if req.State.Values != nil {
		for _, of := range req.State.Values.RootModule.Resources {
			if of.Type == "terraform_data" {
				continue
			}
			slices.Sort(of.DependsOn)
			lines = append(lines, fmt.Sprintf("%s %s needs %v tainted %t deposed %q", of.Address, asText(of.AttributeValues), of.DependsOn, of.Tainted, of.DeposedKey))
		}
		for name, out := range req.State.Values.Outputs {
			lines = append(lines, fmt.Sprintf("output %s %s", name, asText(out.Value)))
		}
	}
	slices.Sort(lines)
	r.States = append(r.States, strings.Join(lines, "\n"))
}

func asText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// trueOnly returns only the unknown parts, because Terraform writes known parts in
// several ways.
func trueOnly(v any) any {
	switch v := v.(type) {
	case map[string]any:
		some := map[string]any{}
		for name, element := range v {
			if kept := trueOnly(element); kept != nil {
				some[name] = kept
			}
		}
		if len(some) > 0 {
			return some
		}
	case []any:
		var all []any
		any := false
		for _, element := range v {
			all = append(all, trueOnly(element))
			any = any || trueOnly(element) != nil
		}
		if any {
			return all
		}
	case bool:
		if v {
			return v
		}
	}
	return nil
}

// same runs steps in this process and with Terraform, and compares the results. A
// step whose errors must be the same has fails as its ExpectError.
func same(t *testing.T, all func(w *world) []resource.TestStep) {
	t.Helper()
	here, there := &recorded{}, &recorded{}
	ours, errors := newWorld(), []string{}
	steps.RunObserved(t, steps.InProcess(tfcore.New(ours.servers())), func(err error) { errors = append(errors, err.Error()) }, here.watching(all(ours))...)
	here.Calls = inOrder(ours.journal)

	theirs := newWorld()
	compared := there.watching(all(theirs))
	for n := range compared {
		if isOpenTofu(t) { // what is refused has to be, in words of its own
			break
		}
		if compared[n].ExpectError == nil || len(errors) == 0 {
			continue
		}
		if expected := compared[n].ExpectError; expected == fails || expected == failsInside {
			compared[n].ExpectError = exactly(errors[0], expected == failsInside)
		}
		errors = errors[1:]
	}
	steps.Run(t, steps.Engine(engine(t), theirs.servers()), compared...)
	there.Calls = inOrder(theirs.journal)
	if diff := cmp.Diff(there, here); diff != "" {
		t.Errorf("Terraform (-) and the core in this process (+) differ:\n%s", diff)
	}
}

func (r *recorded) watching(all []resource.TestStep) []resource.TestStep {
	for n, step := range all {
		if !step.ImportState && !step.RefreshState && !step.PlanOnly {
			all[n].ConfigPlanChecks.PreApply = append(step.ConfigPlanChecks.PreApply, r)
			all[n].ConfigStateChecks = append(step.ConfigStateChecks, r)
		}
		if step.ExpectNonEmptyPlan && !step.RefreshState {
			all[n].ConfigPlanChecks.PostApplyPostRefresh = append(step.ConfigPlanChecks.PostApplyPostRefresh, r)
		}
	}
	return all
}

// fails marks a step that must fail with the same error on both sides.
var fails = regexp.MustCompile(`(?s).`)

// failsInside is fails for an error about a part of an attribute: Terraform
// before 1.15 and OpenTofu show the first line of its block instead of its own.
var failsInside = regexp.MustCompile(`(?s).+`)

// exactly returns a pattern for the same error from the first "Error:" on; line
// breaks and OpenTofu's registry may differ.
func exactly(text string, inside bool) *regexp.Regexp {
	if i := strings.Index(text, "Error:"); i >= 0 {
		text = text[i:]
	}
	text = regexp.QuoteMeta(strings.TrimSpace(text))
	text = strings.ReplaceAll(text, `registry\.terraform\.io`, `registry[a-z.]+`)
	if inside {
		text = regexp.MustCompile(`line \d+(, in .*?):\s+\d+: [^\n]*`).ReplaceAllString(text, `(?:$0|line \d+$1: \d+: [^\n]* \{)`)
	}
	return regexp.MustCompile(`(?s)` + regexp.MustCompile(`\s+`).ReplaceAllString(text, `[\s│]+`))
}

// isOpenTofu reports whether the engine to compare with is OpenTofu. The core follows
// Terraform; OpenTofu must do the same, but its messages may differ.
func isOpenTofu(t *testing.T) bool {
	t.Helper()
	return strings.Contains(versionOf(t), "OpenTofu v") // after warnings about its configuration
}

// versionOf returns what the engine prints about its version.
func versionOf(t *testing.T) string {
	t.Helper()
	told, err := exec.CommandContext(t.Context(), engine(t), "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(told)
}

// engine is the Terraform to compare with.
func engine(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("XACCT_ENGINE"), "terraform", "tofu"} {
		if name == "" {
			continue
		}
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	t.Fatal("there is neither terraform nor tofu; 'make test' finds or builds one")
	return ""
}

// inOrder returns the calls with those for instances of one resource sorted, because
// their order may differ.
func inOrder(calls []string) []string {
	stem := func(call string) string { return strings.TrimRight(call, "0123456789") }
	for i := range calls {
		for j := i; j > 0 && stem(calls[j]) == stem(calls[j-1]) && calls[j] < calls[j-1]; j-- {
			calls[j], calls[j-1] = calls[j-1], calls[j]
		}
	}
	return calls
}
