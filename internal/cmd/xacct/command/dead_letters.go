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
		Short: "List, show, redrive or delete messages that no registrar could handle",
		Long: `The dead-letter queue of a hub holds messages that no registrar could handle:
forged or broken ones, moved there at once, and those that were received as often as
the queue allows. Reading leaves them there; if reading is interrupted, they are
invisible to others for up to two minutes.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDeadLettersListCommand(p), newDeadLettersShowCommand(p), newDeadLettersRedriveCommand(p), newDeadLettersDeleteCommand(p))
	return cmd
}

func newDeadLettersListCommand(p process) *cobra.Command {
	var on hubFlags
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list --hub NAME",
		Short: "List the dead letters, oldest first",
		Long: `List the dead letters, oldest first.

With --json it prints one object: more, whether there are more than --limit, and
letters, a list of objects: id, sent_at, kind (Create, Update, Delete or unreadable; a
question mark follows a kind that could not be verified), customer_id, account_id,
reason. Unknown values are omitted.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return cli.Usage("--limit %d: must be at least 1", limit)
			}
			in, err := on.open(cmd.Context(), p, interactiveAttempts)
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
			if asJSON {
				return cli.PrintJSON(cmd.OutOrStdout(), letterList{append([]letterView{}, views...), more})
			}
			return printLetters(cmd.OutOrStdout(), views, more)
		},
	}
	on.addTo(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON (described above)")
	cmd.Flags().IntVar(&limit, "limit", 200, "maximum number of letters to list")
	return cmd
}

func newDeadLettersShowCommand(p process) *cobra.Command {
	var on hubFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show ID --hub NAME",
		Short: "Show one dead letter with its text",
		Long: `Show one dead letter with its text. The signatures of URLs are omitted, because anyone
who has one could answer in your place.

With --json it prints one object: what ` + "`xacct dead-letters list --json`" + ` prints, and
topic, requested_at, stack_id, logical_id, request_id, role_arn, external_id, and text.`,
		Args: cli.Exactly(1, "ID: as `xacct dead-letters list` prints it"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := on.open(cmd.Context(), p, interactiveAttempts)
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
			if asJSON {
				return cli.PrintJSON(cmd.OutOrStdout(), views[0].detailed())
			}
			views[0].print(cmd.OutOrStdout())
			return nil
		},
	}
	on.addTo(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON (described above)")
	return cmd
}

func newDeadLettersRedriveCommand(p process) *cobra.Command {
	var on hubFlags
	var asJSON bool
	chosen := letterChoice{verb: "send back"}
	cmd := &cobra.Command{
		Use:   "redrive (ID... | --all) --hub NAME",
		Short: "Send dead letters back to the hub's queue",
		Long: `Send dead letters back to the hub's queue, and then delete them here. The same
request always gets the same answer, so a duplicate message does no harm. A message
that still cannot be handled comes back with its reason.

With --json it prints one object: sent, a list of IDs, and left, the number of letters
that stay because they have the same text as one that was sent.`,
		Args: chosen.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := on.open(cmd.Context(), p, interactiveAttempts)
			if err != nil {
				return err
			}
			return in.redrive(cmd.Context(), cmd.OutOrStdout(), args, asJSON)
		},
	}
	on.addTo(cmd)
	chosen.addTo(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON (described above)")
	return cmd
}

// redrive sends the letters with these IDs back to the hub's queue, or all
// letters if there are no IDs.
func (in *intake) redrive(ctx context.Context, out io.Writer, ids []string, asJSON bool) error {
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
		if !asJSON {
			cli.Say(out, "sent %s\n", letter.ID)
		}
		ids = slices.DeleteFunc(ids, func(id string) bool { return id == letter.ID })
	}
	if asJSON {
		result := struct {
			Sent []string `json:"sent"`
			Left int      `json:"left"`
		}{letterIDs(sent), left}
		if printed := cli.PrintJSON(out, result); printed != nil {
			return printed
		}
	} else if left > 0 {
		cli.Say(out, "%d stay: they have the same text as one that was sent\n", left)
	}
	if err != nil {
		return in.explainDeadLetters(err)
	}
	if len(ids) > 0 {
		return noLetters(ids)
	}
	if len(sent) == 0 && left == 0 && !asJSON {
		cli.Say(out, "No dead letters.\n")
	}
	return nil
}

func (in *intake) deadLetters() *deadletters.Queue {
	return deadletters.New(in.clients.SQS(in.record.Region), in.record.DeadLetterQueueURL, in.record.QueueURL)
}

func (in *intake) explainDeadLetters(err error) error {
	return in.explainQueue(err, hub.DeadLetterQueueName(in.record.Name))
}

// readLetters returns the dead letters up to a limit, oldest first, and whether
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
	return fmt.Errorf("there is no dead letter %s; one that another process has just read is visible again within two minutes", strings.Join(ids, ", "))
}

func printLetters(out io.Writer, letters []letterView, more bool) error {
	if len(letters) == 0 {
		cli.Say(out, "No dead letters.\n")
		return nil
	}
	t := cli.NewTable("ID", "TIME", "KIND", "CUSTOMER", "ACCOUNT", "REASON")
	t.Optional("ACCOUNT", "TIME")
	for _, l := range letters {
		t.Row(l.ID, cli.Moment(l.SentAt), l.kind, l.customer, l.account, l.Reason)
	}
	if more {
		defer cli.Say(out, "\nMore exist: raise --limit.\n")
	}
	return t.Print(out)
}
