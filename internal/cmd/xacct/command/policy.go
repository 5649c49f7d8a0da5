// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/leastpolicy"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func newPolicyCommand(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Print the least IAM policy for registrars, the API, Terraform or operators",
		Long: `Print the smallest identity policy that a hub can be run with: JSON, or Terraform
with --terraform.

With --account and --region no AWS call is made. Otherwise account and Region are
those of the credentials, and the Regions of an existing hub are added.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRegistrarPolicyCommand(p), newProviderPolicyCommand(p), newAPIPolicyCommand(p), newOperatorPolicyCommand(p))
	return cmd
}

func newRegistrarPolicyCommand(p process) *cobra.Command {
	var flags policyFlags
	var lambda, webhook bool
	cmd := &cobra.Command{
		Use:   "registrar --hub NAME",
		Short: "Print what `xacct registrar` and `xacct verify` need",
		Long: `Print the least policy for the principal that runs the registrar. It can read the
queue, assume customers' roles, read links, and write registrations; it can't create,
change or delete any part of the hub, change a link, or read the key that external
IDs are derived from.

A registrar of an older release needs the policy that that release prints: upgrade
all registrars, apply the hub once, and then give them this policy.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			described, err := flags.describe(cmd.Context(), p.version)
			if err != nil {
				return err
			}
			write := leastpolicy.Registrar
			if lambda {
				write = leastpolicy.RegistrarFunction
			}
			described.Webhook = webhook
			return flags.print(cmd, "registrar", described.Parts, write)
		},
	}
	flags.addTo(cmd)
	cmd.Flags().BoolVar(&webhook, "webhook", false, "the hub has a webhook, as in xacct_hub.webhook_url")
	cmd.Flags().BoolVar(&lambda, "lambda", false, "for a Lambda function with the queue as its event source")
	return cmd
}

func newProviderPolicyCommand(p process) *cobra.Command {
	var flags policyFlags
	var regions []string
	var capacity int
	cmd := &cobra.Command{
		Use:   "provider --hub NAME",
		Short: "Print what Terraform needs to apply the hub, its links and roles",
		Long: `Print the least policy for the principal that runs Terraform, or the commands hub,
permission-set and customers add, remove and import: to create, change and delete the
hub, its links and roles, and to wait for customers.

Before a Region is added to a hub, name it with --regions; before one is removed,
it has to stay in the policy for the apply that removes it.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			described, err := flags.describe(cmd.Context(), p.version)
			if err != nil {
				return err
			}
			if err := described.addTopics(cmd, regions, capacity, p.clock); err != nil {
				return err
			}
			return flags.print(cmd, "provider", described.Parts, leastpolicy.Provider)
		},
	}
	flags.addTo(cmd)
	cmd.Flags().StringSliceVar(&regions, "regions", nil, "the hub's Regions, as in xacct_hub.regions (default: its own)")
	cmd.Flags().IntVar(&capacity, "capacity", 1, "customers expected, as in xacct_hub.capacity")
	completeFlag(cmd, "regions", completeRegions)
	return cmd
}

func newOperatorPolicyCommand(p process) *cobra.Command {
	var flags policyFlags
	cmd := &cobra.Command{
		Use:   "operator --hub NAME",
		Short: "Print what operators need to look after customers",
		Long: `Print the least policy for people who look after customers, with status, customers,
customers show, link, block, unblock, verify, adopt and dead-letters. It can write links and
registrations; it can't change the hub, issue an external ID, read the key that
external IDs are derived from, or change who may publish.

On a hub of an older release, apply the hub once before operators use it: the first
write migrates the registry's table, which this policy does not allow.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			described, err := flags.describe(cmd.Context(), p.version)
			if err != nil {
				return err
			}
			if err := described.addTopics(cmd, nil, 1, p.clock); err != nil {
				return err
			}
			return flags.print(cmd, "operator", described.Parts, leastpolicy.Operator)
		},
	}
	flags.addTo(cmd)
	return cmd
}

func newAPIPolicyCommand(p process) *cobra.Command {
	var flags policyFlags
	cmd := &cobra.Command{
		Use:   "api --hub NAME",
		Short: "Print what `xacct serve` needs",
		Long: `Print the least policy for the principal that runs the onboarding API: to issue,
change and close links, to let their accounts publish and read templates, and to prove
customers' roles on request. It can't create or delete any part of the hub, change
a permission set, or read the queue: give the registrar an identity of its own.

The hub must exist, and must have been applied by this release.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			described, err := flags.describe(cmd.Context(), p.version)
			if err != nil {
				return err
			}
			if err := described.addTopics(cmd, nil, 1, p.clock); err != nil {
				return err
			}
			return flags.print(cmd, "api", described.Parts, leastpolicy.API)
		},
	}
	flags.addTo(cmd)
	return cmd
}

// policyFlags are the flags of all policy commands.
type policyFlags struct {
	hubFlags
	account    string
	principals []string
	bus        string
	key        string
	terraform  bool
}

func (f *policyFlags) addTo(cmd *cobra.Command) {
	f.hubFlags.addTo(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.account, "account", "", "the hub's account (default: that of the credentials)")
	flags.StringSliceVar(&f.principals, "trusted-principal", nil,
		"ARN of a role that all links trust instead of the caller (trusted_principal_arns): customers' roles are tried from that one")
	flags.StringVar(&f.bus, "event-bus", "", "ARN of the event bus that receives the hub's events, as in xacct_hub.event_bus_arn")
	flags.StringVar(&f.key, "kms-key", "", "ARN of the KMS key of the hub's table and queues, as in xacct_hub.kms_key_arn")
	flags.BoolVar(&f.terraform, "terraform", false, "print a resource aws_iam_policy")
	completeFlag(cmd, "account", cobra.NoFileCompletions)
}

// described has the parts of a hub that policies name. intake reads more of
// them from AWS; it is nil if no AWS call may be made.
type described struct {
	leastpolicy.Parts
	name   string
	intake *intake
}

// describe returns the parts of the hub. Account and Region are those of the
// flags or else of the credentials, which needs an AWS call.
func (f *policyFlags) describe(ctx context.Context, version string) (*described, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	d := &described{name: f.hub, Parts: leastpolicy.Parts{
		Queue:           hub.QueueName(f.hub),
		DeadLetterQueue: hub.DeadLetterQueueName(f.hub),
		Table:           registry.TableName(f.hub),
		Partitions:      registry.Partitions(),
	}}
	for _, arn := range f.principals {
		role, err := account.ParseRoleARN(arn)
		if err != nil {
			return nil, cli.Usage("--trusted-principal: %w", err)
		}
		d.Principals = append(d.Principals, role)
	}
	var err error
	if f.bus != "" {
		if d.EventBus, err = account.ParseEventBusARN(f.bus); err != nil {
			return nil, cli.Usage("--event-bus: %w", err)
		}
	}
	if f.key != "" {
		if d.KMSKey, err = account.ParseKMSKeyARN(f.key); err != nil {
			return nil, cli.Usage("--kms-key: %w", err)
		}
	}
	if f.account != "" {
		if d.Account, err = account.ParseID(f.account); err != nil {
			return nil, cli.Usage("--account: %w", err)
		}
	}
	if f.region != "" {
		if d.Region, err = account.ParseRegion(f.region); err != nil {
			return nil, cli.Usage("--region: %w", err)
		}
	}
	if !d.Account.IsZero() && !d.Region.IsZero() {
		return d, nil
	}
	clients, err := f.load(ctx, version, interactiveAttempts)
	if err != nil {
		return nil, fmt.Errorf("%w (with --account and --region no AWS call is made)", err)
	}
	if !d.Account.IsZero() && d.Account != clients.Account {
		return nil, fmt.Errorf("the credentials belong to account %s, not %s: set --region too, and no AWS call is made", clients.Account, d.Account)
	}
	d.Account, d.Region, d.intake = clients.Account, clients.Region, &intake{clients: clients}
	return d, nil
}

// addTopics adds the topics of the Regions in asked, and of those that the hub
// has or is retiring. It also adds the bucket, whose name in a hub of the first
// release differs from that in a new one.
func (d *described) addTopics(cmd *cobra.Command, asked []string, capacity int, clock func() time.Time) error {
	var regions []account.Region
	for _, name := range asked {
		region, err := account.ParseRegion(name)
		if err != nil {
			return cli.Usage("--regions: %w", err)
		}
		regions = append(regions, region)
	}
	shards := hub.Shards(capacity)
	d.Bucket = hub.BucketPattern(d.name, d.Account, d.Region)
	if d.intake != nil {
		d.intake.records = registry.New(d.intake.clients.DynamoDB(), d.name, clock)
		record, err := d.intake.records.Hub(cmd.Context())
		switch {
		case errors.Is(err, registry.ErrNoHub):
			cli.Say(cmd.ErrOrStderr(), "There is no hub %q yet in %s of account %s: this is the policy to create it.\n", d.name, d.Region, d.Account)
		case err != nil:
			return d.intake.explain(err)
		}
		regions = slices.Concat(regions, record.Regions, record.Retiring)
		shards = max(shards, record.Shards)
		d.Bucket = cmp.Or(record.Bucket, d.Bucket)
		if d.EventBus.IsZero() {
			d.EventBus = record.EventBus
		}
		if d.KMSKey.IsZero() {
			d.KMSKey = record.KMSKey
		}
	}
	if len(regions) == 0 {
		regions = []account.Region{d.Region}
	}
	for _, region := range regions {
		for shard := range shards {
			d.Topics = append(d.Topics, account.TopicARN{Region: region, Account: d.Account, Name: hub.TopicName(d.name, shard)})
		}
	}
	return nil
}

func (f *policyFlags) print(cmd *cobra.Command, who string, of leastpolicy.Parts, write func(leastpolicy.Parts) (iampolicy.Document, error)) error {
	document, err := write(of)
	if err != nil {
		return err
	}
	if size, err := iampolicy.Size(document.String()); err == nil && size > iampolicy.MaxManagedSize {
		cli.Say(cmd.ErrOrStderr(), "This policy has %d characters: it fits into a role as an inline policy, but not into a managed policy, which takes %d.\n",
			size, iampolicy.MaxManagedSize)
	}
	if f.terraform {
		return printAsTerraform(cmd.OutOrStdout(), f.hub, who, document)
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), indented(document, ""))
	return err
}

// printAsTerraform prints an aws_iam_policy resource. JSON is valid HCL once
// its template sequences are escaped.
func printAsTerraform(out io.Writer, hub, who string, document iampolicy.Document) error {
	escaped := strings.NewReplacer("${", "$${", "%{", "%%{").Replace(indented(document, "  "))
	_, err := fmt.Fprintf(out, `resource "aws_iam_policy" "xacct_%s_%s" {
  name        = "xacct-%s-%s"
  description = "What the %s of hub %s needs, and no more"
  policy = jsonencode(%s)
}
`, strings.ReplaceAll(hub, "-", "_"), who, hub, who, who, hub, escaped)
	return err
}

func indented(document iampolicy.Document, prefix string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(document.String()), prefix, "  "); err != nil {
		panic(err) // Document encodes to valid JSON
	}
	return b.String()
}
