// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// fleetSizes are the numbers of customers that fleets are measured with. The limits
// in seconds apply to the largest, and proportionally to the others.
var fleetSizes = []int{1_000, 3_000, 10_000}

// fleetsHub is the hub that fleets are measured on: two Regions, and topics for
// 20,000 customers, with a permission set whose policy has some 6 KB.
const fleetsHub = `
resource "xacct_hub" "this" {
  name     = "figures"
  regions  = ["us-east-1", "eu-west-1"]
  capacity = 20000
}

resource "xacct_permission_set" "readonly" {
  hub  = xacct_hub.this.id
  name = "readonly"
  inline_policies = {
    data = jsonencode({
      Version = "2012-10-17"
      Statement = [for n in range(60) : {
        Effect = "Allow", Action = ["s3:GetObject", "s3:ListBucket"], Resource = "arn:aws:s3:::bucket-${n}/*"
      }]
    })
  }
}
`

// fleetAlone is a fleet in its own state, so that its calls are counted without the
// hub's.
const fleetAlone = `
resource "xacct_fleet" "main" {
  hub            = "figures"
  name           = "main"
  permission_set = "figures/readonly"
  customers      = jsondecode(file("${path.module}/customers.json"))
}
`

// fleetReference has the same two maps in a resource that does nothing.
const fleetReference = `
resource "terraform_data" "main" {
  input = {
    customers    = tomap(jsondecode(file("${path.module}/customers.json")))
    external_ids = { for id, account in jsondecode(file("${path.module}/customers.json")) : id => sha1(account) }
  }
}
`

// fleetTopics is the number of topics of fleetsHub: one for 1,500 customers, in each
// Region.
const fleetTopics = 14 * 2

const requires = `
terraform {
  required_providers {
    xacct = { source = "registry.terraform.io/xacct/xacct" }
  }
}
`

// spent is the time and the AWS calls of a command.
type spent struct {
	wall, cpu time.Duration
	calls     map[string]int
}

func (s spent) total() int {
	total := 0
	for _, n := range s.calls {
		total += n
	}
	return total
}

// writes returns the number of calls that write.
func (s spent) writes() int {
	return s.calls["dynamodb:TransactWriteItems"] + s.calls["dynamodb:PutItem"] + s.calls["dynamodb:UpdateItem"] + s.calls["sns:SetTopicAttributes"] + s.calls["s3:PutObject"] + s.calls["s3:PutBucketPolicy"]
}

// fleets measures a fleet of each size, and a terraform_data beside it.
func fleets(ctx context.Context, dir string) ([]figure, error) {
	if err := trial.Build(ctx, dir, "."); err != nil {
		return nil, err
	}
	var all []figure
	for _, size := range fleetSizes {
		figures, err := fleetOf(ctx, filepath.Join(dir, fmt.Sprintf("fleet-%d", size)), dir, size)
		if err != nil {
			return nil, fmt.Errorf("a fleet of %d: %w", size, err)
		}
		all = append(all, figures...)
	}
	return all, nil
}

func fleetOf(ctx context.Context, dir, programs string, size int) ([]figure, error) {
	box, err := sandbox.Start()
	if err != nil {
		return nil, err
	}
	defer box.Close()
	hub, err := openCounted(box, filepath.Join(dir, "hub"), programs, requires+fleetsHub)
	if err != nil {
		return nil, err
	}
	fleet, err := openCounted(box, filepath.Join(dir, "fleet"), programs, requires+fleetAlone)
	if err != nil {
		return nil, err
	}
	reference, err := openCounted(box, filepath.Join(dir, "reference"), programs, fleetReference)
	if err != nil {
		return nil, err
	}
	for _, t := range []*counted{fleet, reference} {
		if err := writeCustomers(t.Dir, size); err != nil {
			return nil, err
		}
	}
	if err := hub.Run(ctx, "apply", "-auto-approve", "-input=false"); err != nil {
		return nil, err
	}
	measured, err := measureFleet(ctx, size, hub, fleet, reference)
	if err != nil {
		return nil, err
	}
	return fleetFigures(size, measured), nil
}

// measureFleet returns the cost of each step in a fleet's life, by its name.
func measureFleet(ctx context.Context, size int, hub, fleet, reference *counted) (map[string]spent, error) {
	measured := map[string]spent{}
	var err error
	for _, m := range []struct {
		what string
		of   *counted
		args []string
	}{
		{"apply", fleet, []string{"apply", "-auto-approve"}},
		{"plan", fleet, []string{"plan", "-detailed-exitcode"}},
		{"reference apply", reference, []string{"apply", "-auto-approve"}},
		{"reference plan", reference, []string{"plan", "-detailed-exitcode"}},
		{"change", hub, []string{"apply", "-auto-approve"}},
		{"follow", fleet, []string{"apply", "-auto-approve"}},
	} {
		if m.what == "change" { // another policy in the set
			if err := hub.Configure(requires + replaceOnce(fleetsHub, "s3:ListBucket", "s3:GetBucketLocation")); err != nil {
				return nil, err
			}
		}
		if measured[m.what], err = m.of.spend(ctx, m.args...); err != nil {
			return nil, err
		}
		fmt.Printf("fleet of %d, %s: %.1f s, %.1f s of CPU, %d calls %v\n", size, m.what,
			measured[m.what].wall.Seconds(), measured[m.what].cpu.Seconds(), measured[m.what].total(), measured[m.what].calls)
	}
	return measured, nil
}

// fleetFigures returns the figures of one size, beside those of the reference.
func fleetFigures(size int, measured map[string]spent) []figure {
	apply, plan := measured["apply"], measured["plan"]
	of, share := "terraform_data, the same two maps", float64(size)/float64(fleetSizes[len(fleetSizes)-1])
	named := func(what string) string { return fmt.Sprintf("fleet of %d, %s", size, what) }
	return []figure{
		{what: named("apply, wall"), value: apply.wall.Seconds(), unit: "s", reference: measured["reference apply"].wall.Seconds(), of: of, limit: 60 * share},
		{what: named("apply, CPU"), value: apply.cpu.Seconds(), unit: "s", reference: measured["reference apply"].cpu.Seconds(), of: of, wanted: "ratio ≤ 3"},
		{what: named("no-op plan, wall"), value: plan.wall.Seconds(), unit: "s", reference: measured["reference plan"].wall.Seconds(), of: of, limit: 40 * share},
		{what: named("no-op plan, CPU"), value: plan.cpu.Seconds(), unit: "s", reference: measured["reference plan"].cpu.Seconds(), of: of, wanted: "ratio ≤ 3"},
		{what: named("refresh"), value: float64(plan.total()), unit: "AWS calls", limit: 50, count: true},
		{what: named("apply, writes of each topic's policy"), value: float64(apply.calls["sns:SetTopicAttributes"]) / fleetTopics, unit: "AWS calls", limit: 1, count: true},
		{what: named("apply, per customer"), value: float64(apply.total()) / float64(size), unit: "AWS calls", limit: 0.5, count: true},
		{what: named("change of its permission set, writes"), value: float64(measured["change"].writes() + measured["follow"].writes()), unit: "AWS calls", limit: 20, count: true},
	}
}

// writeCustomers writes the file of customers that the configurations read.
func writeCustomers(folder string, size int) error {
	customers := make(map[string]string, size)
	for n := range size {
		customers[fmt.Sprintf("customer-%05d", n)] = fmt.Sprintf("2%011d", n)
	}
	text, err := json.Marshal(customers)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "customers.json"), text, 0o600)
}

// spend runs the engine and returns the time that it and its plugins took, and the
// AWS calls that they made.
func (t *counted) spend(ctx context.Context, args ...string) (spent, error) {
	mark, started := t.box.Journal().Mark(), time.Now()
	cmd := t.Command(ctx, append(args, "-input=false")...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return spent{}, fmt.Errorf("%s: %w\n%s", t.Name(args...), err, out)
	}
	s := spent{wall: time.Since(started), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), calls: map[string]int{}}
	for _, entry := range t.box.Journal().Since(mark) {
		if !entry.Inside {
			s.calls[entry.Service+":"+entry.Action]++
		}
	}
	return s, nil
}

func replaceOnce(text, old, replacement string) string {
	return strings.Replace(text, old, replacement, 1)
}
