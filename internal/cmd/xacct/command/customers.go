// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func newCustomersCommand(p process) *cobra.Command {
	cmd := newCustomerListCommand(p, "customers --hub NAME")
	cmd.AddCommand(newCustomerListCommand(p, "list --hub NAME"), newCustomerShowCommand(p),
		newCustomersAddCommand(p), newCustomersRemoveCommand(p), newCustomersImportCommand(p))
	return cmd
}

const customersHelp = `List the customers of a hub: those whose link is open or expired, and those that have
a live stack. Offboarding closes a link; --all shows closed ones too.

TEMPLATE is "current" if the customer's stack was created with today's role and trust
specification, and "outdated" if it was created with another. With --outdated the
column UPDATE has the link that opens the update of the stack in the customer's
console. Times are UTC; CHANGED is when the status last changed. BLOCKED shows when
the customer was blocked (` + "`xacct block`" + `); it is omitted if no customer is.

Customers are sorted by ID. --limit prints only the first ones, and reads few more; if
more customers exist, standard error says how to continue: with --after and the last
customer's ID. --customer reads only the named customers.

With --json the command prints a list of objects:

  customer_id       the vendor's name for the customer
  account_id        the customer's AWS account
  link_status       open, expired or closed
  fleet             the xacct_fleet that declares the customer; omitted if they have a link of their own
  status            pending, active, degraded or disconnected
  reason            why it is degraded or disconnected
  outdated          the live stack was created with another template_version than the link's
  template_version  as the stack reported it
  update_url        while outdated: opens the update of the stack in the customer's console
  role_arn          the registered role; while pending, the one that is expected
  external_id       the one that the role requires
  granted_permissions  optional permissions that the customer switched on
  stack_id, stack_region
  registered_at, proven_at, changed_at   RFC 3339
  blocked_at, blocked_reason   if ` + "`xacct block`" + ` has blocked the customer

Unknown values are omitted.`

// newCustomerListCommand returns the command that lists customers. It is used
// twice: as "customers" and, written out, as "customers list".
func newCustomerListCommand(p process, use string) *cobra.Command {
	var on hubFlags
	var only customerFilter
	var asJSON bool
	cmd := &cobra.Command{
		Use:   use,
		Short: "List a hub's customers and the status of their roles",
		Long:  customersHelp,
		Example: `  xacct customers --hub acme --status degraded
  xacct customers --hub acme --limit 100 --after globex
  xacct customers --hub acme --json |
    jq -r '.[] | select(.outdated) | .customer_id'`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := only.check(); err != nil {
				return err
			}
			in, err := on.open(cmd.Context(), p, interactiveAttempts)
			if err != nil {
				return err
			}
			roles, more, err := only.roles(cmd.Context(), in, p.clock())
			if err != nil {
				return in.explain(err)
			}
			if asJSON {
				err = cli.PrintJSON(cmd.OutOrStdout(), roles)
			} else {
				err = printCustomers(cmd.OutOrStdout(), roles, only.outdated, p.clock())
			}
			if err == nil && more {
				err = cli.Say(cmd.ErrOrStderr(), "More customers exist: continue with --after %s\n", roles[len(roles)-1].CustomerID)
			}
			return err
		},
	}
	on.addTo(cmd)
	flags := cmd.Flags()
	flags.StringVar(&only.status, "status", "", "list only roles with this status: "+strings.Join(statuses, ", "))
	flags.BoolVar(&only.outdated, "outdated", false, "list only stacks of another template version than the link's, with links to update them")
	flags.BoolVar(&only.all, "all", false, "also list customers that were offboarded")
	flags.StringSliceVar(&only.ids, "customer", nil, "list only these customers: IDs, separated by commas; may be repeated")
	flags.IntVar(&only.limit, "limit", 0, "maximum number of customers (default: all)")
	flags.StringVar(&only.after, "after", "", "list only customers whose ID sorts after this one")
	flags.BoolVar(&asJSON, "json", false, "print JSON (described above)")
	completeValues(cmd, "status", statuses...)
	completeFlag(cmd, "customer", on.completeCustomers(p))
	completeFlag(cmd, "after", on.completeCustomers(p))
	return cmd
}

var statuses = []string{
	string(onboarding.Pending), string(onboarding.Active), string(onboarding.Degraded), string(onboarding.Disconnected),
}

// customerFilter selects the customers to print.
type customerFilter struct {
	status   string
	outdated bool
	all      bool
	ids      []string
	limit    int // 0: no limit
	after    string
}

func (f customerFilter) check() error {
	if f.status != "" && !slices.Contains(statuses, f.status) {
		return cli.Usage("invalid --status %q: must be one of %s", f.status, strings.Join(statuses, ", "))
	}
	if f.limit < 0 {
		return cli.Usage("invalid --limit %d: must not be negative", f.limit)
	}
	return nil
}

// roles returns the roles of the customers that are selected, in the order of
// their IDs, and whether there are more customers than the limit.
func (f customerFilter) roles(ctx context.Context, in *intake, now time.Time) (roles []customerRole, more bool, err error) {
	roles = []customerRole{} // never null in JSON
	customers := 0
	for c, err := range f.customers(ctx, in.records) {
		if err != nil {
			return nil, false, err
		}
		some := f.rolesOf(in, c, now)
		if len(some) == 0 {
			continue
		}
		if customers++; f.limit > 0 && customers > f.limit {
			return roles, true, nil
		}
		roles = append(roles, some...)
	}
	return roles, false, nil
}

// rolesOf returns the roles of a customer that are selected.
func (f customerFilter) rolesOf(in *intake, c onboarding.Customer, now time.Time) (roles []customerRole) {
	live := slices.ContainsFunc(c.Registrations, onboarding.Registration.Live)
	if c.Link.Closed && !live && !f.all {
		return nil
	}
	for _, role := range rolesOf(in.record, c, now) {
		if (f.status == "" || role.Status == f.status) && (!f.outdated || role.Outdated) {
			roles = append(roles, role)
		}
	}
	return roles
}

// minFilteredPage is the least number of customers that are read at once if a
// filter selects only some of them.
const minFilteredPage = 1000

// customers returns an iterator that reads the customers that may be selected.
func (f customerFilter) customers(ctx context.Context, records *registry.Registry) iter.Seq2[onboarding.Customer, error] {
	part := registry.Part{After: f.after}
	if f.limit > 0 {
		part.Limit = f.limit + 1 // one more, to know whether more exist
		if f.status != "" || f.outdated {
			part.Limit = max(part.Limit, minFilteredPage)
		}
	}
	if len(f.ids) == 0 {
		return records.Walk(ctx, part)
	}
	return func(yield func(onboarding.Customer, error) bool) {
		some, err := records.Select(ctx, f.ids...)
		if err != nil {
			yield(onboarding.Customer{}, err)
			return
		}
		for _, c := range some {
			if c.Link.CustomerID > f.after && !yield(c, nil) {
				return
			}
		}
	}
}

// printCustomers prints the table. Update links are long, so they are printed
// only with --outdated.
func printCustomers(out io.Writer, roles []customerRole, updates bool, now time.Time) error {
	t := cli.NewTable("CUSTOMER", "FLEET", "ACCOUNT", "LINK", "BLOCKED", "STATUS", "TEMPLATE", "REGION", "REGISTERED", "CHANGED", "REASON", "UPDATE")
	t.Colours("STATUS", statusColour)
	t.Optional("REGISTERED", "REGION", "FLEET", "LINK", "TEMPLATE", "CHANGED")
	counts := map[string]int{}
	for _, r := range roles {
		counts[r.Status]++
		update := ""
		if updates {
			update = r.UpdateURL
		}
		t.Row(r.CustomerID, r.Fleet, r.AccountID, r.LinkStatus, cli.Ago(r.BlockedAt, now), r.Status, r.template(), r.StackRegion, cli.Day(r.RegisteredAt), cli.Ago(r.ChangedAt, now), r.Reason, update)
	}
	if len(roles) == 0 {
		err := cli.Say(out, "No customers.\n")
		return err
	}
	if err := t.Print(out); err != nil {
		return err
	}
	var parts []string
	for _, status := range statuses {
		if n := counts[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	err := cli.Say(out, "\n%s.\n", strings.Join(parts, ", "))
	return err
}

// template returns whether the role's template is "current" or "outdated",
// compared with the link's; empty if it has none.
func (r customerRole) template() string {
	switch {
	case r.TemplateVersion == "" || r.Status == string(onboarding.Disconnected):
		return ""
	case r.Outdated:
		return "outdated"
	}
	return "current"
}

// noCustomer returns an error that names the command that lists customers.
func noCustomer(id, hub string) error {
	return fmt.Errorf("hub %q has no link for customer %q: `xacct customers --hub %s --all` lists those that it has", hub, id, hub)
}
