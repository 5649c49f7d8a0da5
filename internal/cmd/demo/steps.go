// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// customers are the customers of examples/quickstart. Umbrella's administrator
// chooses another Region than the link's.
var customers = []customer{
	{id: "globex", account: "222222222222"},
	{id: "initech", account: "333333333333"},
	{id: "umbrella", account: "444444444444", elsewhere: "eu-central-1"},
}

type customer struct {
	id, account string
	elsewhere   string // a Region; empty: the link's own
}

// openSandbox starts the sandbox and sets the vendor's environment.
func openSandbox(ctx context.Context, s *stage) error {
	title("An in-memory AWS, with the vendor's account and three customers'")
	printCommand("xacct-sandbox serve")
	serving := make(chan struct{})
	box, err := s.begin(s.command(ctx, s.sandbox, "serve", "--listen", "127.0.0.1:0"), func(line string) {
		setting, found := strings.CutPrefix(line, "export ")
		if !found {
			return
		}
		s.Env = append(s.Env, setting)
		if strings.HasPrefix(setting, "TF_VAR_console=") { // the last line
			close(serving)
		}
	})
	if err != nil {
		return err
	}
	if err := until(ctx, box, serving); err != nil {
		return err
	}
	say("It listens on this machine only. The vendor is account 111111111111.")
	return nil
}

// declareCustomers applies the quickstart: the hub, links, and roles that are not
// waited for.
func declareCustomers(ctx context.Context, s *stage) error {
	title("The vendor declares a hub and three customers, and applies")
	if err := s.terraform(ctx, "init", "-input=false"); err != nil {
		return err
	}
	if err := s.terraform(ctx, "apply", "-auto-approve", "-input=false"); err != nil {
		return err
	}
	links, err := s.links(ctx)
	if err != nil {
		return err
	}
	say("One launch link per customer:")
	for _, c := range customers {
		fmt.Printf("\n  %s\n  %s\n", bold(c.id), elide(links[c.id]))
	}
	fmt.Println()
	return s.expect(ctx, "a second plan is empty", func() error { return s.emptyPlan(ctx) })
}

// launchWhileApplyWaits creates the stacks of three customers while a second apply
// waits for them and answers their phone-homes itself.
func launchWhileApplyWaits(ctx context.Context, s *stage) error {
	title("A second apply waits; the customers open their links and press Create stack")
	links, err := s.links(ctx)
	if err != nil {
		return err
	}
	waiting := make(chan struct{})
	apply, err := s.beginApplyThatWaits(ctx, len(customers), waiting)
	if err != nil {
		return err
	}
	if err := until(ctx, apply, waiting); err != nil {
		return err
	}
	say("Apply waits for all three. Now they launch, each in their own account:")
	launches, ctx := errgroup.WithContext(ctx)
	for _, c := range customers {
		launches.Go(func() error {
			args := []string{"launch", links[c.id], "--account", c.account}
			if c.elsewhere != "" {
				args = append(args, "--region", c.elsewhere)
			}
			printed, err := s.output(s.command(ctx, s.sandbox, args...))
			if err != nil {
				return fmt.Errorf("%s launches: %w", c.id, err)
			}
			showTogether("xacct-sandbox launch <link of "+c.id+"> --account "+c.account+regionFlag(c), printed)
			return nil
		})
	}
	if err := launches.Wait(); err != nil {
		return err
	}
	if err := apply.Wait(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	say("Apply saw all three register, and is done.")
	return nil
}

func regionFlag(c customer) string {
	if c.elsewhere == "" {
		return ""
	}
	return " --region " + c.elsewhere
}

// listRoles shows what the data source lists, and checks it.
func listRoles(ctx context.Context, s *stage) error {
	title("The outputs list the registered roles")
	roles, err := s.showRoles(ctx)
	if err != nil {
		return err
	}
	for _, c := range customers {
		want := "arn:aws:iam::" + c.account + ":role/acme-" + c.id
		if roles[c.id].RoleARN != want || roles[c.id].Status != "active" {
			return fmt.Errorf("customer %s must be active with %s, but is %+v", c.id, want, roles[c.id])
		}
	}
	return s.expect(ctx, "a plan is empty again", func() error { return s.emptyPlan(ctx) })
}

// oneCustomerLeaves deletes a stack while Terraform is not running; the separate
// registrar answers.
func oneCustomerLeaves(ctx context.Context, s *stage) error {
	title("A customer deletes their stack at three in the morning; the registrar answers")
	if _, err := s.beginRegistrar(ctx); err != nil {
		return err
	}
	gone := customers[1]
	if err := s.deleteStack(ctx, gone); err != nil {
		return err
	}
	say("In the morning the vendor refreshes. Nothing is destroyed; the status shows what happened:")
	if err := s.terraform(ctx, "apply", "-refresh-only", "-auto-approve", "-input=false", "-var", "wait=true"); err != nil {
		return err
	}
	roles, err := s.showRoles(ctx)
	if err != nil {
		return err
	}
	if got := roles[gone.id].Status; got != "disconnected" {
		return fmt.Errorf("customer %s deleted the stack and must be disconnected, but is %q", gone.id, got)
	}
	if got := roles[customers[0].id].Status; got != "active" {
		return fmt.Errorf("customer %s did nothing and must be active, but is %q", customers[0].id, got)
	}
	return nil
}

// othersLeave deletes the stacks of the other customers, destroys the hub, and
// returns an error if anything is left.
func othersLeave(ctx context.Context, s *stage) error {
	title("The others leave too, and the vendor destroys everything")
	for _, c := range []customer{customers[0], customers[2]} {
		if err := s.deleteStack(ctx, c); err != nil {
			return err
		}
	}
	if err := s.processes[len(s.processes)-1].Stop(); err != nil {
		return fmt.Errorf("the registrar did not stop cleanly: %w", err)
	}
	if err := s.terraform(ctx, "destroy", "-auto-approve", "-input=false", "-var", "wait=true"); err != nil {
		return err
	}
	state, err := s.output(s.Command(ctx, "state", "list"))
	if err != nil {
		return err
	}
	if left := strings.TrimSpace(string(state)); left != "" {
		return errors.New("still in the state after destroy:\n" + left)
	}
	stacks, err := s.output(s.command(ctx, s.sandbox, "stacks"))
	if err != nil {
		return err
	}
	fmt.Print(indent(string(stacks)))
	if strings.Count(string(stacks), "DELETE_COMPLETE") != len(customers) {
		return errors.New("not every customer's stack ended in DELETE_COMPLETE")
	}
	return nil
}

// elide returns a link with line breaks and with long values of its parameters
// shortened, so that it fits a terminal.
func elide(link string) string {
	before, fragment, found := strings.Cut(link, "#")
	if !found {
		return link
	}
	path, query, _ := strings.Cut(fragment, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return link
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values.Get(name)
		if len(value) > 24 {
			value = value[:12] + "…" + value[len(value)-8:]
		}
		parts = append(parts, name+"="+value)
	}
	return before + "\n    #" + path + "?" + strings.Join(parts, "\n    &")
}
