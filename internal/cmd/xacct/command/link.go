// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

const linkHelp = `Print what the customer launches, as in Terraform's xacct_onboarding_link:

  --format url        the link into the CloudFormation console (default)
  --format cli        an AWS CLI command, safe to paste into a shell
  --format terraform  an aws_cloudformation_stack for the customer's own Terraform
  --format terraform-iam  the role and its policies as plain IAM resources, for customers
                      who do not want a stack: see register_without_stack of the permission set
  --format stackset   commands for the management account of a customer's organization:
                      the same stack in all accounts of the organization but that one;
                      with --call-as DELEGATED_ADMIN for a member account that
                      administers StackSets

With --region the stack is created in another of the hub's Regions than the one that
the link proposes. With --update the command prints how to update the customer's
existing stack to the current template: everything that was chosen in the stack
stays. On the command line, optional permissions that were added since are off. With
--format terraform it prints what the arguments of the customer's own resource have
to be.

If the link has another external ID than the customer's stack, an update gives the stack
the new one; its role accepts the previous one as well until the next update. In
the console both must be entered: standard error shows them.

If the hub's template_access is presigned, the address of the template is signed with
your own credentials: it is valid for --valid-for, at most seven days, and no longer
than the credentials. Standard error shows until when.

A closed link is refused. Everything else that would keep the customer from launching
is a warning on standard error; standard output has only what was asked for.

With --json standard output is an object: hub, customer_id, format, text (what is printed
otherwise) and, if the address of the template is signed, valid_until.`

func newLinkCommand(p process) *cobra.Command {
	var on hubFlags
	var how linkFlags
	cmd := &cobra.Command{
		Use:   "link HUB/CUSTOMER",
		Short: "Print a customer's launch link, or another way to launch the same stack",
		Long:  linkHelp,
		Example: `  xacct link acme/globex
  xacct link acme/globex --region eu-central-1 --format cli
  xacct link acme/globex --update`,
		Args: cli.Exactly(1, "HUB/CUSTOMER: the id of a link"),
		RunE: func(cmd *cobra.Command, args []string) error {
			customer, ok := "", false
			if on.hub, customer, ok = strings.Cut(args[0], "/"); !ok {
				on.hub, customer = os.Getenv(hubVariable), args[0]
			}
			if on.hub == "" || customer == "" {
				return cli.Usage("%q is not HUB/CUSTOMER, such as acme/globex; with %s the customer alone suffices", args[0], hubVariable)
			}
			if err := how.check(); err != nil {
				return err
			}
			in, found, err := on.customer(cmd.Context(), p, customer)
			if err != nil {
				return err
			}
			validUntil, err := how.sign(cmd.Context(), in, &found.Link, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			text, err := in.write(found, how, p.clock())
			if err != nil {
				return err
			}
			how.warn(cmd.ErrOrStderr(), found, p.clock())
			text = strings.TrimSuffix(text, "\n")
			if how.json {
				return cli.PrintJSON(cmd.OutOrStdout(), launchView{on.hub, customer, how.format, text, known(validUntil)})
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&how.region, "region", "", "Region to launch in, one of the hub's (default: the link's)")
	flags.StringVar(&how.format, "format", "url", "what to print: "+strings.Join(linkFormats, ", "))
	flags.StringVar(&how.callAs, "call-as", "SELF", "who runs the commands of --format stackset: SELF (the management account) or DELEGATED_ADMIN")
	flags.BoolVar(&how.update, "update", false, "print how to update the customer's existing stack")
	flags.DurationVar(&how.life, "valid-for", awsclient.MaxPresigned, "how long a signed link is valid, at most seven days")
	flags.StringVar(&how.console, "console", "", "base URL of the console, for the sandbox (default: the AWS console's)")
	flags.BoolVar(&how.json, "json", false, "print JSON (described above)")
	flags.StringVar(&on.region, "hub-region", "", "the hub's own Region (default: as AWS tools find it)")
	flags.StringVar(&on.profile, "profile", "", "profile of the shared AWS configuration")
	completeValues(cmd, "format", linkFormats...)
	completeValues(cmd, "call-as", "SELF", "DELEGATED_ADMIN")
	completeFlag(cmd, "region", completeRegions)
	completeFlag(cmd, "hub-region", completeRegions)
	cmd.ValidArgsFunction = onlyFirst(on.completeLinks(p))
	return cmd
}

var linkFormats = []string{"url", "cli", "terraform", "terraform-iam", "stackset"}

// delegatedAdmin is the value of --call-as for a member account that
// administers StackSets (aws-facts 8.1).
const delegatedAdmin = "DELEGATED_ADMIN"

// linkFlags select a way to launch.
type linkFlags struct {
	region  string
	format  string
	console string
	callAs  string
	update  bool
	life    time.Duration
	json    bool
}

// launchView is the output of --json.
type launchView struct {
	Hub        string     `json:"hub"`
	CustomerID string     `json:"customer_id"`
	Format     string     `json:"format"`
	Text       string     `json:"text"`
	ValidUntil *time.Time `json:"valid_until,omitempty"`
}

func (f linkFlags) check() error {
	switch {
	case !slices.Contains(linkFormats, f.format):
		return cli.Usage("invalid --format %q: must be one of %s", f.format, strings.Join(linkFormats, ", "))
	case f.callAs != "SELF" && f.callAs != delegatedAdmin:
		return cli.Usage("invalid --call-as %q: must be one of SELF, %s", f.callAs, delegatedAdmin)
	case f.callAs == delegatedAdmin && f.format != "stackset":
		return cli.Usage("--call-as is for --format stackset")
	case f.update && f.format == "terraform-iam":
		return cli.Usage("--update is for stacks: `xacct link --format terraform-iam` prints what the plain IAM resources are today")
	case f.life < time.Minute || f.life > awsclient.MaxPresigned:
		return cli.Usage("--valid-for %s: must be between 1m and %s", f.life, awsclient.MaxPresigned)
	case f.update && f.region != "":
		return cli.Usage("--update cannot be used with --region: a stack stays in its Region")
	case f.update && f.format == "stackset":
		return cli.Usage("--update is for one stack: a StackSet is updated with `aws cloudformation update-stack-set`, in the organization's management account")
	}
	return nil
}

// customer returns one customer of a hub.
func (f *hubFlags) customer(ctx context.Context, p process, id string) (*intake, onboarding.Customer, error) {
	in, err := f.open(ctx, p, interactiveAttempts)
	if err != nil {
		return nil, onboarding.Customer{}, err
	}
	found, err := in.records.Customer(ctx, id)
	if errors.Is(err, registry.ErrNoLink) {
		return nil, found, noCustomer(id, f.hub)
	}
	return in, found, in.explain(err)
}

// sign replaces the link's template URL with a presigned one if customers
// cannot read the template otherwise. It prints and returns when the signature
// expires; zero if nothing was signed.
func (f linkFlags) sign(ctx context.Context, in *intake, link *onboarding.Link, notes io.Writer) (validUntil time.Time, err error) {
	if f.format == "terraform-iam" || !in.record.TemplateAccess.Presigned() || link.Status(in.clock()) == onboarding.LinkClosed {
		return validUntil, nil
	}
	if f.format == "terraform" {
		return validUntil, fmt.Errorf("the templates of hub %q are read with a signature, which would stay in the customer's state and soon expire: use --format cli or url", link.Hub)
	}
	opened, err := hub.New(in.clients, link.Hub, in.clock, rand.Reader)
	if err != nil {
		return validUntil, err
	}
	signed, err := opened.PresignTemplate(ctx, in.record, *link, f.life)
	if err != nil {
		return validUntil, err
	}
	link.TemplateURL = signed.URL
	cli.Say(notes, "It is valid until %s UTC, for everyone who has it.\n", cli.Moment(signed.ExpiresAt))
	if signed.SessionEndUnknown {
		cli.Say(notes, "It expires earlier if your credentials do: they are a session's, whose end is unknown.\n")
	}
	return signed.ExpiresAt, nil
}

// write returns the text of the requested way to launch or to update.
func (in *intake) write(c onboarding.Customer, how linkFlags, now time.Time) (string, error) {
	customer := fmt.Sprintf("customer %q of hub %q", c.Link.CustomerID, c.Link.Hub)
	if how.update {
		return in.writeUpdate(c, how, customer)
	}
	if c.Link.Status(now) == onboarding.LinkClosed {
		return "", fmt.Errorf("the link of %s was closed on %s, and launching it is refused: declare it again to onboard the customer again", customer, cli.Moment(c.Link.ClosedAt))
	}
	declared, err := declaredOf(c.Link, customer)
	if err != nil {
		return "", err
	}
	link, err := launch.Of(c.Link, declared)
	if err != nil {
		return "", fmt.Errorf("make the link of %s: %w", customer, err)
	}
	if how.region != "" {
		if link.Region, err = in.regionOf(how.region); err != nil {
			return "", err
		}
	}
	switch how.format {
	case "cli":
		return launch.CreateCommand(link)
	case "terraform":
		return launch.TerraformSnippet(link)
	case "terraform-iam":
		return in.writeIAM(c, declared, link)
	case "stackset":
		if c.Link.Scope != onboarding.ScopeOrganization {
			return "", fmt.Errorf("the link of %s is for one account: a StackSet needs a link with scope = \"organization\"", customer)
		}
		return launch.StackSetCommands(link, how.callAs == delegatedAdmin)
	}
	return link.URL(how.console)
}

// regionOf returns one of the hub's Regions by its name.
func (in *intake) regionOf(name string) (account.Region, error) {
	var names []string
	for _, region := range in.record.Regions {
		if region.String() == name {
			return region, nil
		}
		names = append(names, region.String())
	}
	return account.Region{}, cli.Usage("--region %q is not a Region of hub %q: it has topics in %s, and a stack elsewhere could not phone home", name, in.record.Name, strings.Join(names, ", "))
}

func (in *intake) writeUpdate(c onboarding.Customer, how linkFlags, customer string) (string, error) {
	registered, ok := withStack(c)
	if !ok {
		return "", fmt.Errorf("%s has no live stack to update: `xacct link %s` prints how to create one", customer, c.Link.ID())
	}
	if how.format == "url" {
		return quickcreate.UpdateURL(how.console, registered.Stack, c.Link.TemplateURL)
	}
	declared, err := declaredOf(c.Link, customer)
	if err != nil {
		return "", err
	}
	if how.format == "cli" {
		return launch.UpdateCommand(c.Link, declared, registered)
	}
	link, err := launch.UpdateOf(c.Link, declared, registered)
	if err != nil {
		return "", fmt.Errorf("make the update of %s: %w", customer, err)
	}
	return launch.TerraformSnippet(link)
}

// writeIAM returns the role as plain IAM resources, taken from the current
// template, which is rendered here: it makes no difference who may read the
// bucket. During a rotation of the external ID the role accepts both.
func (in *intake) writeIAM(c onboarding.Customer, declared declaration.Declaration, link quickcreate.Link) (string, error) {
	spec, wrong := declared.Specification(in.record.Hub)
	if len(wrong) > 0 {
		return "", fmt.Errorf("the declaration of customer %q: %w", c.Link.CustomerID, wrong[0])
	}
	template, err := stacktemplate.Render(spec)
	if err != nil {
		return "", err
	}
	for _, r := range c.Live() {
		if r.Stack.IsZero() && r.Rotating(c.Link) {
			link.Parameters[stacktemplate.ParameterPreviousExternalID] = r.ExternalID.String()
		}
	}
	return launch.IAMSnippet(template.JSON(), link)
}

func declaredOf(link onboarding.Link, customer string) (declaration.Declaration, error) {
	declared, err := declaration.Of(link)
	if err != nil {
		return declared, fmt.Errorf("the declaration of %s cannot be read: restore the table from a backup: %w", customer, err)
	}
	return declared, nil
}

// withStack returns the customer's registration that has a live stack.
func withStack(c onboarding.Customer) (onboarding.Registration, bool) {
	for _, r := range c.Registrations {
		if r.Live() && !r.Stack.IsZero() {
			return r, true
		}
	}
	return onboarding.Registration{}, false
}

// warn prints a warning if the customer would be refused, or has to enter
// something by hand.
func (f linkFlags) warn(out io.Writer, c onboarding.Customer, now time.Time) {
	registered, live := withStack(c)
	switch {
	case c.Link.Blocked:
		cli.Say(out, "Warning: the customer is blocked since %s, and will be refused: `xacct unblock %s --hub %s` ends it.\n", cli.Moment(c.Link.BlockedAt), c.Link.CustomerID, c.Link.Hub)
	case f.update && f.format == "url" && live && registered.Rotating(c.Link):
		cli.Say(out, "The external ID changes, and the console keeps the old one. The customer has to enter: ExternalId %s, PreviousExternalId %s.\n", c.Link.ExternalID, registered.ExternalID)
	case f.update:
	case f.format == "terraform-iam" && !c.Link.RegisterWithoutStack:
		cli.Say(out, "Warning: register_without_stack is not set, so registrars do not look for the role: `xacct adopt %s --hub %s` registers it.\n", c.Link.CustomerID, c.Link.Hub)
	case c.Link.Status(now) == onboarding.LinkExpired:
		cli.Say(out, "Warning: the link expired on %s, and launching it is refused: give it another expires_at.\n", cli.Moment(c.Link.ExpiresAt))
	case live:
		cli.Say(out, "Warning: the customer has a stack already, %s. `xacct link %s --update` prints how to update it to the current template.\n", registered.Stack, c.Link.ID())
	}
}
