// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/deadletters"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
)

func newDeadLettersCommand(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dead-letters",
		Short: "See what no registrar could handle, and send it back",
		Long: `The dead-letter queue of a hub holds messages that no registrar could handle:
forged or broken ones, put there at once, and those that were received again and
again. Looking at them leaves them there; for up to two minutes after a look that
was cut short, nobody else sees them.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDeadLettersListCommand(p), newDeadLettersShowCommand(p), newDeadLettersRedriveCommand(p))
	return cmd
}

func newDeadLettersListCommand(p process) *cobra.Command {
	var on hubFlags
	var limit int
	cmd := &cobra.Command{
		Use:   "list --hub NAME",
		Short: "List the dead letters, oldest first",
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return cli.Usage("--limit %d: it is 1 or more", limit)
			}
			in, err := on.open(cmd.Context(), p, patience)
			if err != nil {
				return err
			}
			letters, more, err := in.readLetters(cmd.Context(), limit)
			if err != nil {
				return err
			}
			views, err := in.viewLetters(cmd.Context(), letters)
			if err != nil {
				return err
			}
			return printLetters(cmd.OutOrStdout(), views, more)
		},
	}
	on.addTo(cmd)
	cmd.Flags().IntVar(&limit, "limit", 200, "how many to list at most")
	return cmd
}

func newDeadLettersShowCommand(p process) *cobra.Command {
	var on hubFlags
	cmd := &cobra.Command{
		Use:   "show ID --hub NAME",
		Short: "Show one dead letter with its text",
		Long:  "Shows one dead letter with its text. The signatures of URLs are left out: whoever\nhas one can answer in our place.",
		Args:  cli.Exactly(1, "ID: as `xacct dead-letters list` prints it"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := on.open(cmd.Context(), p, patience)
			if err != nil {
				return err
			}
			var found []deadletters.Letter
			err = in.deadLetters().Read(cmd.Context(), func(l deadletters.Letter) (enough bool) {
				if l.ID == args[0] {
					found = append(found, l)
				}
				return len(found) > 0
			})
			if err != nil {
				return in.explainDeadLetters(err)
			}
			if len(found) == 0 {
				return noLetters(args)
			}
			views, err := in.viewLetters(cmd.Context(), found)
			if err != nil {
				return err
			}
			views[0].print(cmd.OutOrStdout())
			return nil
		},
	}
	on.addTo(cmd)
	return cmd
}

func newDeadLettersRedriveCommand(p process) *cobra.Command {
	var on hubFlags
	var all bool
	cmd := &cobra.Command{
		Use:   "redrive (ID... | --all) --hub NAME",
		Short: "Send dead letters back to be handled once more",
		Long: `Sends dead letters back to the hub's queue, and then deletes them here. The same
request always gets the same answer, so a message that comes twice harms nobody.
What nobody can handle comes back with its reason.`,
		Args: func(_ *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return cli.Usage("say which: IDs as `xacct dead-letters list` prints them, or --all")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := on.open(cmd.Context(), p, patience)
			if err != nil {
				return err
			}
			return in.redrive(cmd.Context(), cmd.OutOrStdout(), args)
		},
	}
	on.addTo(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "all that are there")
	return cmd
}

// redrive sends the letters of these IDs back, or all where there are none.
func (in *intake) redrive(ctx context.Context, out io.Writer, ids []string) error {
	var sent []deadletters.Letter
	var left int
	var err error
	if slices.Sort(ids); len(ids) > 0 {
		ids = slices.Compact(ids)
		sent, err = in.deadLetters().Redrive(ctx, ids)
	} else {
		sent, left, err = in.deadLetters().RedriveAll(ctx)
	}
	for _, letter := range sent {
		fmt.Fprintf(out, "sent %s\n", letter.ID)
		ids = slices.DeleteFunc(ids, func(id string) bool { return id == letter.ID })
	}
	if left > 0 {
		fmt.Fprintf(out, "%d stay: they have the same text as one that was sent\n", left)
	}
	if err != nil {
		return in.explainDeadLetters(err)
	}
	if len(ids) > 0 {
		return noLetters(ids)
	}
	if len(sent) == 0 && left == 0 {
		fmt.Fprintln(out, "No dead letters.")
	}
	return nil
}

func (in *intake) deadLetters() *deadletters.Queue {
	return deadletters.New(in.clients.SQS(in.record.Region), in.record.DeadLetterQueueURL, in.record.QueueURL)
}

func (in *intake) explainDeadLetters(err error) error {
	return in.explainQueue(err, hub.DeadLetterQueueName(in.record.Name))
}

// readLetters are the dead letters up to a limit, oldest first, and whether
// there are more.
func (in *intake) readLetters(ctx context.Context, limit int) (letters []deadletters.Letter, more bool, err error) {
	err = in.deadLetters().Read(ctx, func(l deadletters.Letter) (enough bool) {
		if more = len(letters) == limit; !more {
			letters = append(letters, l)
		}
		return more
	})
	slices.SortFunc(letters, func(a, b deadletters.Letter) int {
		if c := a.SentAt.Compare(b.SentAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return letters, more, in.explainDeadLetters(err)
}

func noLetters(ids []string) error {
	return fmt.Errorf("there is no dead letter %s; one that somebody else has just looked at is back within two minutes", strings.Join(ids, ", "))
}

func printLetters(out io.Writer, letters []letterView, more bool) error {
	if len(letters) == 0 {
		fmt.Fprintln(out, "No dead letters.")
		return nil
	}
	t := cli.NewTable("ID", "TIME", "KIND", "CUSTOMER", "ACCOUNT", "REASON")
	for _, l := range letters {
		t.Row(l.ID, cli.Moment(l.SentAt), l.kind, l.customer, l.account, l.Reason)
	}
	if more {
		defer fmt.Fprintf(out, "\nThere are more; --limit shows them.\n")
	}
	return t.Print(out)
}
