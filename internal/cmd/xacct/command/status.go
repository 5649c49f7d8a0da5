// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

func newStatusCommand(p process) *cobra.Command {
	var on hubFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status --hub NAME",
		Short: "Show a hub's health, and the customers with problems",
		Long: `Show a hub's health on one screen: which registrars are alive, what waits in the
queue, dead letters, Regions that are being removed, the last round of proofs,
customers by status, and the customers with problems and why. Nothing is changed;
reading a hub of 10,000 customers takes some seconds.

The exit code is what monitors expect of a check:

  0  all is well
  1  warning: look at it today
  2  critical: customers wait or fail now
  3  unknown: it could not be determined

The age of the oldest message is the one that live registrars have reported in the last
minute. If no registrar is alive, it is unknown: messages may have waited since the last
heartbeat.

Customers with problems are those whose role is degraded, those who disconnected in the
last seven days while their link is open, and those who are not connected yet and whose
last request was refused or waits. Of customers who are not connected yet, the newest
` + fmt.Sprint(maxHistories) + ` links are looked at.

With --json it prints one object:

  hub, region, account_id, state (of the hub), level (ok, warning, critical)
  problems          level and text of each
  registrars        id, last_heard_at, alive, oldest_message_at
  queue             waiting, in_progress, oldest_message_at, oldest_message_age_seconds
  dead_letters      how many
  retiring_regions  region, since, muted_at (customers can't publish any more)
  last_round        ended_at, works, broken, unknown, withheld, moved: numbers of roles
  next_round_at     when the next round is due
  customers         total, pending, active, degraded, disconnected (numbers of roles),
                    blocked, outdated, open_links, expired_links, closed_links
  trouble           customer_id, account_id, status, since, reason
  trouble_not_read  links of customers who are not connected that were not looked at`,
		Example: `  xacct status --hub acme
  XACCT_HUB=acme xacct status --json | jq -r '.trouble[].customer_id'`,
		Args: func(cmd *cobra.Command, args []string) error { return unknownStatus(cli.NoArgs(cmd, args)) },
		RunE: func(cmd *cobra.Command, _ []string) error {
			seen, err := on.status(cmd.Context(), p)
			if err != nil {
				return unknownStatus(err)
			}
			report := newStatusReport(*seen)
			if asJSON {
				err = cli.PrintJSON(cmd.OutOrStdout(), report)
			} else {
				err = report.print(cmd.OutOrStdout(), seen.now)
			}
			if err != nil {
				return unknownStatus(err)
			}
			return report.verdict(!asJSON && cli.ScreenOf(cmd.OutOrStdout()).Terminal())
		},
	}
	on.addTo(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON (described above)")
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return unknownStatus(fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath()))
	})
	return cmd
}

func (f *hubFlags) status(ctx context.Context, p process) (*snapshot, error) {
	in, err := f.open(ctx, p, interactiveAttempts)
	if err != nil {
		return nil, err
	}
	return in.takeSnapshot(ctx)
}

// unknownStatus returns err with exit code 3; nil for nil. A monitor must not
// mistake a wrong flag or a missing permission for a critical hub.
func unknownStatus(err error) error {
	if err == nil {
		return nil
	}
	return cli.ExitError{Code: 3, Err: err}
}

// verdict returns an error with the exit code of the report; nil if all is
// well. The error lists the problems, for logs, unless the reader has just seen
// them on a terminal.
func (r statusReport) verdict(read bool) error {
	if r.Level == levelOK {
		return nil
	}
	var texts []string
	for _, p := range r.Problems {
		if p.Level == r.Level {
			texts = append(texts, p.Text)
		}
	}
	if read {
		texts = []string{onboarding.Counted(len(texts), "problem") + ", above"}
	}
	code := map[level]int{levelWarning: 1, levelCritical: 2}[r.Level]
	return cli.ExitError{Code: code, Err: fmt.Errorf("hub %s: %s: %w", r.Hub, r.Level, errors.New(strings.Join(texts, "; ")))}
}

var levelColour = map[level]cli.Colour{levelOK: cli.Green, levelWarning: cli.Yellow, levelCritical: cli.Red}

var statusColour = map[string]cli.Colour{"active": cli.Green, "degraded": cli.Red, "disconnected": cli.Yellow, "pending": ""}

func (r statusReport) print(out io.Writer, now time.Time) error {
	screen := cli.ScreenOf(out)
	cli.Say(out, "Hub %s in %s of account %s: %s\n\n", r.Hub, r.Region, r.AccountID, screen.Paint(string(r.Level), levelColour[r.Level]))
	cli.Facts(out,
		"Registrars", r.describeRegistrars(now),
		"Queue", r.describeQueue(now),
		"Dead letters", r.describeDeadLetters(),
		"Retiring Regions", r.describeRetiring(),
		"Last round of proofs", r.describeRound(now),
		"Customers", r.describeCustomers(),
		"Links", r.describeLinks(),
	)
	if len(r.Problems) > 0 {
		fmt.Fprintln(out)
		t := cli.NewTable("LEVEL", "PROBLEM")
		t.Colours("LEVEL", map[string]cli.Colour{string(levelWarning): cli.Yellow, string(levelCritical): cli.Red})
		for _, p := range r.Problems {
			t.Row(string(p.Level), p.Text)
		}
		if err := t.Print(out); err != nil {
			return err
		}
	}
	if len(r.Trouble) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	t := cli.NewTable("CUSTOMER", "ACCOUNT", "STATUS", "SINCE", "REASON")
	t.Colours("STATUS", statusColour)
	t.Optional("ACCOUNT", "SINCE")
	for _, c := range r.Trouble[:min(len(r.Trouble), maxTroubleRows)] {
		t.Row(c.CustomerID, c.AccountID, c.Status, cli.Ago(c.Since, now), c.Reason)
	}
	if err := t.Print(out); err != nil {
		return err
	}
	if more := len(r.Trouble) - maxTroubleRows; more > 0 {
		cli.Say(out, "and %d more: --json lists them all\n", more)
	}
	return nil
}

// maxTroubleRows is the maximum number of customers with problems in the table.
const maxTroubleRows = 20

func (r statusReport) describeRegistrars(now time.Time) string {
	alive := 0
	for _, one := range r.Registrars {
		if one.Alive {
			alive++
		}
	}
	if len(r.Registrars) == 0 {
		return "none has sent a heartbeat in the last day"
	}
	return fmt.Sprintf("%d alive, last heard %s", alive, cli.Ago(&r.Registrars[0].LastHeardAt, now))
}

func (r statusReport) describeQueue(now time.Time) string {
	if r.Queue == nil {
		return ""
	}
	text := fmt.Sprintf("%d waiting, %d in progress", r.Queue.Waiting, r.Queue.InProgress)
	if r.Queue.OldestAt != nil {
		text += fmt.Sprintf("; the oldest was sent %s", cli.Ago(r.Queue.OldestAt, now))
	}
	return text
}

func (r statusReport) describeDeadLetters() string {
	if r.DeadLetters == nil {
		return ""
	}
	return fmt.Sprint(*r.DeadLetters)
}

func (r statusReport) describeRetiring() string {
	var texts []string
	for _, region := range r.Retiring {
		text := region.Region
		switch {
		case region.MutedAt != nil:
			text += " (no customer may publish since " + cli.Day(region.MutedAt) + ")"
		case region.Since != nil:
			text += " (since " + cli.Day(region.Since) + ")"
		default:
			text += " (never offered)"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

func (r statusReport) describeRound(now time.Time) string {
	if r.LastRound == nil {
		return "none was finished yet"
	}
	text := fmt.Sprintf("%s: %s", cli.Ago(&r.LastRound.EndedAt, now), onboarding.Counted(r.LastRound.Roles(), "role"))
	for _, part := range []struct {
		n    int
		what string
	}{
		{r.LastRound.Broken, "broken"}, {r.LastRound.Unknown, "unknown"}, {r.LastRound.Withheld, "withheld"}, {r.LastRound.Moved, "changed meanwhile"},
	} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	return text
}

func (r statusReport) describeCustomers() string {
	c := r.Customers
	return tally(onboarding.Counted(c.Total, "customer")+":", "no roles", []count{
		{c.Active, "active"}, {c.Pending, "pending"}, {c.Degraded, "degraded"}, {c.Disconnected, "disconnected"}, {c.Outdated, "outdated"}, {c.Blocked, "blocked"},
	})
}

func (r statusReport) describeLinks() string {
	c := r.Customers
	return tally("", "none", []count{{c.OpenLinks, "open"}, {c.ExpiredLinks, "expired"}, {c.ClosedLinks, "closed"}})
}

type count struct {
	n    int
	what string
}

func tally(prefix, none string, counts []count) string {
	var parts []string
	for _, c := range counts {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return strings.TrimSpace(prefix + " " + cmp.Or(strings.Join(parts, ", "), none))
}

// sortedTrouble returns the customers with problems, sorted by severity and
// then newest first.
func sortedTrouble(all []troubledCustomer) []troubledCustomer {
	worst := map[string]int{"degraded": 0, "pending": 1, "disconnected": 2}
	slices.SortStableFunc(all, func(a, b troubledCustomer) int {
		if c := cmp.Compare(worst[a.Status], worst[b.Status]); c != 0 {
			return c
		}
		if a.Since != nil && b.Since != nil && !a.Since.Equal(*b.Since) {
			return b.Since.Compare(*a.Since)
		}
		return strings.Compare(a.CustomerID, b.CustomerID)
	})
	return all
}
