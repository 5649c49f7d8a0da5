// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package steps runs the steps of acceptance tests, which are those of
// terraform-plugin-testing, with the Terraform Core in the test's own process, or
// with Terraform or OpenTofu. A step does and checks the same as in resource.Test, in
// the same order. A step with an unsupported field fails.
package steps

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// supportedFields contains the names of the fields of a step that this package supports.
var supportedFields = []string{
	"PreConfig", "Config", "ConfigPlanChecks", "ConfigStateChecks", "ExpectError", "ExpectNonEmptyPlan", "PlanOnly", "Destroy", "Taint", "RefreshState",
	"ResourceName", "ImportState", "ImportStateId", "ImportStateVerify", "ImportStateVerifyIgnore", "ImportStateVerifyIdentifierAttribute", "ImportStatePersist",
}

// Run runs steps in their own workspace, and destroys what is left afterwards.
func Run(t *testing.T, with Runner, all ...resource.TestStep) {
	t.Helper()
	RunObserved(t, with, func(error) {}, all...)
}

// RunObserved is like Run, and calls expected with each error that a step expected.
func RunObserved(t *testing.T, with Runner, expected func(error), all ...resource.TestStep) {
	t.Helper()
	r := &run{with: with, workspace: with.workspace(t)}
	defer func() {
		t.Helper()
		if err := r.cleanUp(t); err != nil {
			t.Errorf("the remaining resources can't be destroyed:\n%s", err)
		}
	}()
	for n, step := range all {
		if unknown := unknownFields(step); len(unknown) > 0 {
			t.Fatalf("step %d/%d has %v, which this package does not support: run it with resource.Test", n+1, len(all), unknown)
		}
		if step.PreConfig != nil {
			step.PreConfig()
		}
		err := r.step(t, step)
		switch {
		case step.ExpectError == nil && err != nil:
			t.Fatalf("step %d/%d: %s", n+1, len(all), err)
		case step.ExpectError != nil && err == nil:
			t.Fatalf("step %d/%d: expected an error that matches %s, but got none", n+1, len(all), step.ExpectError)
		case step.ExpectError != nil && !step.ExpectError.MatchString(err.Error()):
			t.Fatalf("step %d/%d: expected an error that matches %s, and got:\n%s", n+1, len(all), step.ExpectError, err)
		case err != nil:
			expected(err)
		}
	}
}

func unknownFields(step resource.TestStep) []string {
	var unknown []string
	v := reflect.ValueOf(step)
	for n := range v.NumField() {
		if name := v.Type().Field(n).Name; !v.Field(n).IsZero() && !slices.Contains(supportedFields, name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// run is one test.
type run struct {
	with      Runner
	workspace workspace
	config    string // configuration of the last step with one
	accepted  string // last configuration that was not refused
}

func (r *run) step(t *testing.T, step resource.TestStep) error {
	switch {
	case step.ImportState:
		return r.importState(t, step)
	case step.RefreshState:
		return r.refresh(t.Context(), step)
	default:
		return r.apply(t.Context(), step)
	}
}

// apply plans and applies, and then verifies twice that a plan is empty: without and
// with a refresh.
func (r *run) apply(ctx context.Context, step resource.TestStep) error {
	for _, address := range step.Taint {
		if err := r.workspace.taint(ctx, address); err != nil {
			return err
		}
	}
	r.config = step.Config
	if step.ExpectError == nil || r.accepted == "" {
		r.accepted = step.Config
	}
	if !step.PlanOnly {
		p, err := r.workspace.plan(ctx, step.Config, tfcore.Options{Destroy: step.Destroy})
		if err != nil {
			return fmt.Errorf("pre-apply plan: %w", err)
		}
		if err := checkPlan(ctx, p, step.ConfigPlanChecks.PreApply); err != nil {
			return err
		}
		if err := p.apply(ctx); err != nil {
			return fmt.Errorf("apply: %w", err)
		}
		if err := r.checkState(ctx, step.ConfigStateChecks); err != nil {
			return err
		}
	}
	if err := r.rest(ctx, step, tfcore.Options{Destroy: step.Destroy, NoRefresh: true}, step.ConfigPlanChecks.PostApplyPreRefresh); err != nil {
		return err
	}
	return r.rest(ctx, step, tfcore.Options{Destroy: step.Destroy}, step.ConfigPlanChecks.PostApplyPostRefresh)
}

// rest plans once more, runs the checks of that plan, and returns an error if the plan
// is not empty. If the step expects changes, an empty plan is the error.
func (r *run) rest(ctx context.Context, step resource.TestStep, o tfcore.Options, checks []plancheck.PlanCheck) error {
	p, err := r.workspace.plan(ctx, r.config, o)
	if err != nil {
		return fmt.Errorf("plan after the step: %w", err)
	}
	nothing, err := empty(ctx, p)
	switch {
	case err != nil:
		return err
	case !nothing && !step.ExpectNonEmptyPlan:
		return fmt.Errorf("the plan after the step (refreshed: %t) is not empty:\n%s", !o.NoRefresh, p)
	case nothing && step.ExpectNonEmptyPlan && !o.NoRefresh:
		return errors.New("expected a non-empty plan, but got an empty refresh plan")
	}
	return checkPlan(ctx, p, checks)
}

// empty reports whether a plan changes nothing; data sources that are read do
// not count.
func empty(ctx context.Context, p plan) (bool, error) {
	if !p.changes() {
		return true, nil
	}
	shown, err := p.show(ctx)
	if err != nil {
		return false, err
	}
	for _, ch := range shown.ResourceChanges {
		if ch.Mode != tfjson.DataResourceMode && !ch.Change.Actions.NoOp() {
			return false, nil
		}
	}
	for _, ch := range shown.OutputChanges {
		if !ch.Actions.NoOp() {
			return false, nil
		}
	}
	return true, nil
}

func (r *run) refresh(ctx context.Context, step resource.TestStep) error {
	if err := r.workspace.refresh(ctx, r.config); err != nil {
		return fmt.Errorf("refresh: %w", err)
	}
	return r.rest(ctx, step, tfcore.Options{}, step.RefreshPlanChecks.PostRefresh)
}

// cleanUp destroys everything that is in the state.
func (r *run) cleanUp(t *testing.T) error {
	ctx := context.WithoutCancel(t.Context())
	left, err := r.workspace.state(ctx)
	if err != nil || left.Values == nil || left.Values.RootModule == nil || len(left.Values.RootModule.Resources) == 0 {
		return err
	}
	p, err := r.workspace.plan(ctx, r.accepted, tfcore.Options{Destroy: true, NoRefresh: true})
	if err != nil {
		return err
	}
	return p.apply(ctx)
}

func checkPlan(ctx context.Context, p plan, checks []plancheck.PlanCheck) error {
	if len(checks) == 0 {
		return nil
	}
	shown, err := p.show(ctx)
	if err != nil {
		return err
	}
	var all []error
	for _, check := range checks {
		resp := plancheck.CheckPlanResponse{}
		check.CheckPlan(ctx, plancheck.CheckPlanRequest{Plan: shown}, &resp)
		all = append(all, resp.Error)
	}
	if err := errors.Join(all...); err != nil {
		return fmt.Errorf("%w\nthe plan is:\n%s", err, p)
	}
	return nil
}

func (r *run) checkState(ctx context.Context, checks []statecheck.StateCheck) error {
	if len(checks) == 0 {
		return nil
	}
	shown, err := r.workspace.state(ctx)
	if err != nil {
		return err
	}
	var all []error
	for _, check := range checks {
		resp := statecheck.CheckStateResponse{}
		check.CheckState(ctx, statecheck.CheckStateRequest{State: shown}, &resp)
		all = append(all, resp.Error)
	}
	return errors.Join(all...)
}

// importState imports a resource, into its own workspace unless the step persists it,
// and compares it with the existing one.
func (r *run) importState(t *testing.T, step resource.TestStep) error {
	ctx, config := t.Context(), step.Config
	if config == "" {
		config = r.config
	}
	if step.ImportStateId == "" {
		t.Fatal("a step that imports must have ImportStateId")
	}
	into := r.workspace
	if !step.ImportStatePersist {
		into = r.with.workspace(t)
	}
	if err := into.imports(ctx, config, step.ResourceName, step.ImportStateId); err != nil {
		return err
	}
	if !step.ImportStateVerify {
		return nil
	}
	imported, err := attributes(ctx, into, step.ResourceName)
	if err != nil {
		return err
	}
	there, err := attributes(ctx, r.workspace, step.ResourceName)
	if err != nil {
		return err
	}
	by := step.ImportStateVerifyIdentifierAttribute
	if by == "" {
		by = "id"
	}
	if imported[by] == nil || imported[by] != there[by] {
		return fmt.Errorf("%s was imported with %s = %v, but it is %v in the state", step.ResourceName, by, imported[by], there[by])
	}
	for _, ignored := range append([]string{"timeouts"}, step.ImportStateVerifyIgnore...) {
		delete(imported, ignored)
		delete(there, ignored)
	}
	if diff := cmp.Diff(withoutEmpty(there), withoutEmpty(imported)); diff != "" {
		return fmt.Errorf("what was imported differs (-state +imported):\n%s", diff)
	}
	return nil
}

// attributes returns the attributes of an instance in a state.
func attributes(ctx context.Context, in workspace, address string) (map[string]any, error) {
	shown, err := in.state(ctx)
	if err != nil {
		return nil, err
	}
	if shown.Values != nil {
		for _, of := range shown.Values.RootModule.Resources {
			if of.Address == address {
				return of.AttributeValues, nil
			}
		}
	}
	return nil, fmt.Errorf("there is no %s in the state", address)
}

// withoutEmpty returns a value without null and empty parts at every level, because
// the library does not compare those.
func withoutEmpty(v any) any {
	switch v := v.(type) {
	case map[string]any:
		some := map[string]any{}
		for name, element := range v {
			if kept := withoutEmpty(element); kept != nil {
				some[name] = kept
			}
		}
		if len(some) == 0 {
			return nil
		}
		return some
	case []any:
		if len(v) == 0 {
			return nil
		}
		var all []any
		for _, element := range v {
			all = append(all, withoutEmpty(element))
		}
		return all
	default:
		return v
	}
}
