// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// role is one entry of the quickstart's output "roles".
type role struct {
	CustomerID string `json:"customer_id"`
	AccountID  string `json:"account_id"`
	RoleARN    string `json:"role_arn"`
	Status     string `json:"status"`
	Region     string `json:"stack_region"`
}

// terraform runs the engine in the quickstart's folder and prints the important
// lines; all lines are in the log.
func (s *stage) terraform(ctx context.Context, args ...string) error {
	printCommand(s.Name(withoutFlags(args)...))
	printed, err := s.output(s.Command(ctx, args...))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(printed)) {
		if important(line) {
			fmt.Print("  " + withoutID(line))
		}
	}
	return nil
}

// withoutID returns a line of an apply without the resource's ID at its end.
func withoutID(line string) string {
	before, _, found := strings.Cut(line, " [id=")
	if !found {
		return line
	}
	return before + "\n"
}

// important reports whether a line of an apply is shown.
func important(line string) bool {
	for _, part := range []string{": Creation complete", ": Modifications complete", ": Destruction complete", "complete!", "Warning:", "has been successfully initialized"} {
		if strings.Contains(line, part) && !strings.Contains(line, "Incomplete lock file") {
			return true
		}
	}
	return false
}

func withoutFlags(args []string) []string {
	var kept []string
	for _, arg := range args {
		switch arg {
		case "-auto-approve", "-input=false":
		default:
			kept = append(kept, arg)
		}
	}
	return kept
}

// beginApplyThatWaits starts an apply, and closes waiting when it waits for n roles.
func (s *stage) beginApplyThatWaits(ctx context.Context, n int, waiting chan struct{}) (*trial.Process, error) {
	printCommand(s.Name("apply -var wait=true") + "   (in the background)")
	var once sync.Once
	begun := map[string]bool{}
	return s.begin(s.Command(ctx, "apply", "-auto-approve", "-input=false", "-var", "wait=true"), func(line string) {
		if strings.HasPrefix(line, "xacct_customer_role.") && strings.Contains(line, ": Modifying...") {
			begun[line] = true
			if len(begun) == n {
				once.Do(func() { close(waiting) })
			}
		}
		if important(line) {
			showTogether("", []byte(line))
		}
	})
}

// emptyPlan returns an error if a plan would change anything.
func (s *stage) emptyPlan(ctx context.Context) error {
	state, err := s.output(s.Command(ctx, "show", "-json"))
	if err != nil {
		return err
	}
	return s.EmptyPlan(ctx, "-var", fmt.Sprintf("wait=%t", strings.Contains(string(state), `"wait":true`)))
}

func (s *stage) expect(_ context.Context, what string, check func() error) error {
	if err := check(); err != nil {
		return fmt.Errorf("expected that %s: %w", what, err)
	}
	say("And " + what + ".")
	return nil
}

func (s *stage) links(ctx context.Context) (map[string]string, error) {
	var links map[string]string
	if err := s.outputs(ctx, "links", &links); err != nil {
		return nil, err
	}
	for _, c := range customers {
		if !strings.HasPrefix(links[c.id], "http") {
			return nil, fmt.Errorf("customer %s has no link", c.id)
		}
	}
	return links, nil
}

func (s *stage) outputs(ctx context.Context, name string, into any) error {
	printed, err := s.output(s.Command(ctx, "output", "-json", name))
	if err != nil {
		return err
	}
	return json.Unmarshal(printed, into)
}

// showRoles prints the output "roles" as a table, and returns the roles by customer.
func (s *stage) showRoles(ctx context.Context) (map[string]role, error) {
	var listed []role
	if err := s.outputs(ctx, "roles", &listed); err != nil {
		return nil, err
	}
	roles := map[string]role{}
	for _, r := range listed {
		roles[r.CustomerID] = r
	}
	printCommand(s.Name("output", "roles"))
	table := cli.NewTable("CUSTOMER", "STATUS", "ROLE")
	for _, id := range slices.Sorted(maps.Keys(roles)) {
		table.Row(id, roles[id].Status, roles[id].RoleARN)
	}
	return roles, table.Print(os.Stdout)
}

// beginRegistrar starts the separate registrar and prints its decisions.
func (s *stage) beginRegistrar(ctx context.Context) (*trial.Process, error) {
	printCommand("xacct registrar --hub acme   (in the background)")
	ready := make(chan struct{})
	var once sync.Once
	p, err := s.begin(s.command(ctx, s.xacct, "registrar", "--hub", "acme"), func(line string) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) != nil {
			return
		}
		if entry["msg"] == "listening" {
			once.Do(func() { close(ready) })
		}
		if entry["outcome"] != nil {
			showTogether("", fmt.Appendf(nil, "registrar: customer %v: %v", entry["customer"], entry["outcome"]))
		}
	})
	if err != nil {
		return nil, err
	}
	return p, until(ctx, p, ready)
}

func (s *stage) deleteStack(ctx context.Context, c customer) error {
	printCommand("xacct-sandbox delete acme-access --account " + c.account)
	if err := s.follow(s.command(ctx, s.sandbox, "delete", "acme-access", "--account", c.account)); err != nil {
		return fmt.Errorf("%s deletes their stack: %w", c.id, err)
	}
	return nil
}
