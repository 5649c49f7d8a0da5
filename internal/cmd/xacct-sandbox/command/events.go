// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

func newEventsCommand() *cobra.Command {
	var which stackFlags
	cmd := &cobra.Command{
		Use:   "events STACK",
		Short: "Show a stack's events until no operation is under way in it",
		Args:  cli.Exactly(1, "STACK: its name or ARN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client := sandboxClient(cmd)
			stack, err := which.find(cmd, client, args[0])
			if err != nil {
				return err
			}
			return client.Follow(cmd.Context(), stack.ID, func(e sandbox.StackEvent) { printEvent(cmd.OutOrStdout(), e) })
		},
	}
	which.addTo(cmd)
	return cmd
}

func printEvent(out io.Writer, e sandbox.StackEvent) {
	screen, at := cli.ScreenOf(out), e.Timestamp.Format("15:04:05")+"  "
	what := fmt.Sprintf("%-20s %-32s %s", e.ResourceStatus, e.ResourceType, e.LogicalResourceID)
	fmt.Fprintln(out, screen.Hang(at, what))
	if e.ResourceStatusReason != "" {
		fmt.Fprintln(out, screen.Hang(strings.Repeat(" ", len(at)), cli.Printable(e.ResourceStatusReason)))
	}
}

// operation is a create, update or delete of a stack that has started.
type operation struct {
	client sandbox.Client
	stack  sandbox.Stack
	verb   string // "CREATE", "UPDATE" or "DELETE"
}

// follow prints the operation's events, and returns an error unless it
// completes. The error contains the reasons of the resources that failed;
// CloudFormation's own status reason has at most their IDs.
func (o operation) follow(cmd *cobra.Command) error {
	earlier, err := o.earlier(cmd.Context())
	if err != nil {
		return err
	}
	var seen int
	var failures []string
	err = o.client.Follow(cmd.Context(), o.stack.ID, func(e sandbox.StackEvent) {
		if seen++; seen <= earlier {
			return
		}
		printEvent(cmd.OutOrStdout(), e)
		if reason, failed := o.failure(e); failed {
			failures = append(failures, reason)
		}
	})
	if err != nil {
		return err
	}
	ended, err := o.client.WaitStack(cmd.Context(), o.stack.ID)
	if err != nil {
		return err
	}
	wanted := o.verb + "_COMPLETE"
	if ended.Status == wanted {
		return nil
	}
	reason := cmp.Or(strings.Join(failures, "; "), ended.StatusReason, "no reason was given")
	return fmt.Errorf("stack %s of account %s ended in %s, not %s: %s", ended.Name, ended.Account, ended.Status, wanted, reason)
}

// earlier returns the number of events that the stack had before the operation.
func (o operation) earlier(ctx context.Context) (int, error) {
	events, err := o.client.Events(ctx, o.stack.ID)
	for n, e := range slices.Backward(events) {
		if e.PhysicalResourceID == o.stack.ID && e.ResourceStatus == o.verb+"_IN_PROGRESS" {
			return n, err
		}
	}
	return 0, err
}

// failure returns the reason why a resource failed, unless it was only
// cancelled because another one failed.
func (o operation) failure(e sandbox.StackEvent) (reason string, failed bool) {
	failed = strings.HasSuffix(e.ResourceStatus, "_FAILED") && e.PhysicalResourceID != o.stack.ID &&
		!strings.HasSuffix(e.ResourceStatusReason, "cancelled")
	return e.LogicalResourceID + ": " + e.ResourceStatusReason, failed
}
