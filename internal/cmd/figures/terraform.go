// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// growth has the numbers of customers to measure with.
var growth = []int{100, 300, 1000}

// grown returns the numbers of growth, limited to mostCustomers.
func grown() []int {
	var all []int
	for _, n := range growth {
		all = append(all, min(n, mostCustomers))
	}
	return slices.Compact(all)
}

// customersWithASet is a hub with a permission set, and links with their roles.
const customersWithASet = requires + hubWithASet + customersOfTheSet

const hubWithASet = `
resource "xacct_hub" "this" {
  name     = "figures"
  regions  = ["us-east-1", "eu-central-1"]
  capacity = 20000
}

resource "xacct_permission_set" "this" {
  hub                 = xacct_hub.this.id
  name                = "audit"
  managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]
  inline_policies = {
    large = jsonencode({
      Version   = "2012-10-17"
      Statement = [for n in range(60) : { Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::a-bucket-with-a-long-name-number-${n}/*" }]
    })
  }
}
`

const customersOfTheSet = `
variable "customers" {
  type = number
}

resource "xacct_onboarding_link" "customer" {
  for_each       = toset([for n in range(var.customers) : tostring(n)])
  hub            = xacct_hub.this.id
  customer_id    = "customer-${each.key}"
  account_id     = format("2%011d", each.key)
  permission_set = xacct_permission_set.this.id
}

resource "xacct_customer_role" "customer" {
  for_each = xacct_onboarding_link.customer
  link     = each.value.id
}
`

// dataOfCustomers has two resources for each customer, of a type that is built into
// the engine.
const dataOfCustomers = `
variable "customers" {
  type = number
}

resource "terraform_data" "link" {
  for_each = toset([for n in range(var.customers) : tostring(n)])
  input    = "customer-${each.key}"
}

resource "terraform_data" "role" {
  for_each = terraform_data.link
  input    = each.value.id
}
`

// effort is the CPU time of an engine with its provider, and the AWS calls of each
// step.
type effort struct {
	apply, plan, destroy  time.Duration
	applyCalls, planCalls int
}

// terraformFigures measures links and roles of a permission set, beside a hollow
// provider of the same schemas, and terraform_data.
func terraformFigures(ctx context.Context, dir string) ([]figure, error) {
	hollow := filepath.Join(dir, "hollow-provider")
	if err := trial.Build(ctx, dir, ".", "./internal/cmd/figures/hollow"); err != nil {
		return nil, err
	}
	if err := os.Mkdir(hollow, 0o700); err != nil {
		return nil, err
	}
	if err := os.Rename(filepath.Join(dir, "hollow"), filepath.Join(hollow, "terraform-provider-xacct")); err != nil {
		return nil, err
	}
	var rows []figure
	for _, n := range grown() {
		var measured [3]effort
		for i, what := range []struct{ provider, configuration string }{{dir, customersWithASet}, {hollow, customersWithASet}, {hollow, dataOfCustomers}} {
			e, err := effortOf(ctx, filepath.Join(dir, fmt.Sprintf("effort-%d-%d", n, i)), what.provider, what.configuration, n)
			if err != nil {
				return nil, err
			}
			measured[i] = e
		}
		ours, bare, data := measured[0], measured[1], measured[2]
		rows = append(rows,
			figure{what: fmt.Sprintf("%d links and roles with a permission set, per link created", n), value: float64(ours.applyCalls) / float64(n), unit: "AWS calls", wanted: "≤ 3"},
			figure{what: fmt.Sprintf("%d links and roles with a permission set, refresh with their hub", n), value: float64(ours.planCalls), unit: "AWS calls", wanted: fmt.Sprintf("≤ 20, and %d of the hub's topics", 3*topicsOfHub)})
		for _, act := range []struct {
			name string
			of   func(effort) time.Duration
		}{
			{"apply", func(e effort) time.Duration { return e.apply }},
			{"no-op plan", func(e effort) time.Duration { return e.plan }},
			{"destroy", func(e effort) time.Duration { return e.destroy }},
		} {
			what := fmt.Sprintf("%d links and roles with a permission set, %s", n, act.name)
			rows = append(rows,
				figure{what: what, value: act.of(ours).Seconds(), unit: "s of CPU", reference: act.of(bare).Seconds(), of: "hollow provider", wanted: "≤ 1.25 of it"},
				figure{what: what, value: act.of(ours).Seconds(), unit: "s of CPU", reference: act.of(data).Seconds(), of: "terraform_data", wanted: "≤ 3.3 of it"})
		}
	}
	return rows, nil
}

// effortOf applies a configuration without customers, and then measures an apply with
// n customers, a plan without changes, and an apply without customers.
func effortOf(ctx context.Context, dir, provider, configuration string, n int) (effort, error) {
	box, err := sandbox.Start()
	if err != nil {
		return effort{}, err
	}
	defer func() { _ = box.Close() }()
	for i := range n {
		if err := box.OpenAccount(fmt.Sprintf("2%011d", i), "aws"); err != nil {
			return effort{}, err
		}
	}
	environment, err := trial.Environment(box, "us-east-1")
	if err != nil {
		return effort{}, err
	}
	engine, err := trial.NewTerraform(dir, trial.Override(provider), environment)
	if err != nil {
		return effort{}, err
	}
	if err := engine.Configure(configuration); err != nil {
		return effort{}, err
	}
	var e effort
	for _, step := range []struct {
		took      *time.Duration
		calls     *int
		customers int
		args      []string
	}{
		{nil, nil, 0, []string{"apply", "-auto-approve"}},
		{&e.apply, &e.applyCalls, n, []string{"apply", "-auto-approve"}},
		{&e.plan, &e.planCalls, n, []string{"plan"}},
		{&e.destroy, nil, 0, []string{"apply", "-auto-approve"}},
	} {
		mark := box.Journal().Mark()
		cmd := engine.Command(ctx, append(step.args, "-input=false", fmt.Sprintf("-var=customers=%d", step.customers))...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return effort{}, fmt.Errorf("%v with %s: %w\n%s", step.args, provider, err, out)
		}
		if made := box.Journal().Since(mark); step.calls != nil && len(made) > 0 { // the references make no AWS calls
			*step.calls = printCalls(fmt.Sprintf("%v", step.args), made, n)
		}
		if step.took != nil { // with the provider, which the engine has waited for
			*step.took = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		}
	}
	return e, nil
}
