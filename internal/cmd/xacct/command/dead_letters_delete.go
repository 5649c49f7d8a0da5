// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/deadletters"
)

func newDeadLettersDeleteCommand(p process) *cobra.Command {
	var on hubFlags
	var asJSON bool
	chosen := letterChoice{verb: "delete"}
	cmd := &cobra.Command{
		Use:   "delete (ID... | --all) --hub NAME",
		Short: "Delete dead letters for good",
		Long: `Delete dead letters for good, such as forged and broken ones. Read them first: the
request of a customer's stack that is deleted is never answered, and the stack waits
until it fails. --all deletes those that exist when the command begins to read.

With --json it prints one object: deleted, a list of IDs.`,
		Args: chosen.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := on.open(cmd.Context(), p, interactiveAttempts)
			if err != nil {
				return err
			}
			return in.deleteLetters(cmd.Context(), cmd.OutOrStdout(), args, asJSON)
		},
	}
	on.addTo(cmd)
	chosen.addTo(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON (described above)")
	return cmd
}

// letterChoice selects dead letters: some by their IDs, or all.
type letterChoice struct {
	verb string
	all  bool
}

func (c *letterChoice) addTo(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.all, "all", false, c.verb+" all dead letters")
}

func (c *letterChoice) args(_ *cobra.Command, args []string) error {
	if c.all == (len(args) > 0) {
		return cli.Usage("give the IDs that `xacct dead-letters list` prints, or --all")
	}
	return nil
}

// deleteLetters deletes the letters with these IDs, or all letters if there are
// no IDs.
func (in *intake) deleteLetters(ctx context.Context, out io.Writer, ids []string, asJSON bool) error {
	deleted, err := in.deadLetters().Delete(ctx, ids)
	result := struct {
		Deleted []string `json:"deleted"`
	}{letterIDs(deleted)}
	if asJSON {
		if printed := cli.PrintJSON(out, result); printed != nil {
			return printed
		}
	} else {
		for _, id := range result.Deleted {
			cli.Say(out, "deleted %s\n", id)
		}
	}
	if err != nil {
		return in.explainDeadLetters(err)
	}
	if missing := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(result.Deleted, id) }); len(missing) > 0 {
		return noLetters(missing)
	}
	if len(deleted) == 0 && !asJSON {
		cli.Say(out, "No dead letters.\n")
	}
	return nil
}

func letterIDs(letters []deadletters.Letter) []string {
	ids := []string{} // never null in JSON
	for _, l := range letters {
		ids = append(ids, l.ID)
	}
	return ids
}
