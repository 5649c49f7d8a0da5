// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// hubFlags are the flags of every command that works on a hub.
type hubFlags struct {
	hub     string
	region  string
	profile string
}

func (f *hubFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.hub, "hub", "", "name of the hub (default: $"+hubVariable+")")
	flags.StringVar(&f.region, "region", "", "the hub's Region (default: as AWS tools find it)")
	flags.StringVar(&f.profile, "profile", "", "profile of the shared AWS configuration")
	completeFlag(cmd, "hub", cobra.NoFileCompletions)
	completeFlag(cmd, "region", completeRegions)
}

// hubVariable is the environment variable that names the hub if --hub is not
// set.
const hubVariable = "XACCT_HUB"

// intake is a hub with the clients and the registry to work on it.
type intake struct {
	process

	clients *awsclient.Clients
	records *registry.Registry
	record  registry.HubRecord
}

var hubNamePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}$`)

// interactiveAttempts is how many times an interactive command tries an AWS
// call before it reports an error.
const interactiveAttempts = 4

// open returns the hub. maxRetries is how many times each AWS call is tried; 0
// is the default, for unattended commands.
func (f *hubFlags) open(ctx context.Context, p process, maxRetries int) (*intake, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	clients, err := f.load(ctx, p.version, maxRetries)
	if err != nil {
		return nil, err
	}
	in := &intake{process: p, clients: clients, records: registry.New(clients.DynamoDB(), f.hub, p.clock, registry.WithPrincipal(clients.CallerARN))}
	in.record, err = in.records.Hub(ctx)
	if errors.Is(err, registry.ErrNoHub) {
		return nil, fmt.Errorf("there is no hub %q in %s of account %s: check --hub, --region and the credentials", f.hub, clients.Region, clients.Account)
	}
	return in, in.explain(err)
}

// check sets the hub's name from hubVariable if the flag is not set. It returns
// a usage error if the name is invalid or missing.
func (f *hubFlags) check() error {
	from := "--hub"
	if f.hub == "" {
		f.hub, from = os.Getenv(hubVariable), hubVariable
	}
	if f.hub == "" {
		return cli.Usage("--hub is missing: the name of the hub, as in xacct_hub.name; %s may name it, too", hubVariable)
	}
	if !hubNamePattern.MatchString(f.hub) {
		return cli.Usage("%s %q is not the name of a hub: it has 2 to 31 lowercase letters, digits and hyphens, a letter first", from, f.hub)
	}
	return nil
}

// load reads the AWS configuration as the provider does, and returns its
// diagnostics as one error.
func (f *hubFlags) load(ctx context.Context, version string, maxRetries int) (*awsclient.Clients, error) {
	clients, diagnostics := awsclient.Load(ctx, awsclient.Config{
		Region: f.region, Profile: f.profile, MaxRetries: maxRetries,
		UserAgent: []awsclient.Product{{Name: "xacct", Version: version}},
	})
	var problems []error
	for _, d := range diagnostics {
		if !d.Warning {
			problems = append(problems, fmt.Errorf("%s: %s", d.Summary, d.Detail))
		}
	}
	if clients == nil && len(problems) == 0 {
		problems = append(problems, errors.New("AWS could not be configured"))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return clients, nil
}

// explain returns an error of the registry. If access was denied, it names the
// missing permission; other errors stay as they are.
func (in *intake) explain(err error) error {
	if !awsclient.IsAccessDenied(err) {
		return err
	}
	return in.clients.Explain(err, fmt.Sprintf("arn:%s:dynamodb:%s:%s:table/%s",
		in.clients.Partition(), in.clients.Region, in.clients.Account, in.records.Table()))
}

// explainQueue is explain for one of the hub's queues. If the queue is missing,
// the error says how to create it again.
func (in *intake) explainQueue(err error, name string) error {
	switch {
	case awsclient.IsNotFound(err):
		return fmt.Errorf("hub %q has lost its queue %s in %s of account %s: terraform apply creates it again", in.record.Name, name, in.clients.Region, in.clients.Account)
	case awsclient.IsAccessDenied(err):
		return in.clients.Explain(err, fmt.Sprintf("arn:%s:sqs:%s:%s:%s", in.clients.Partition(), in.clients.Region, in.clients.Account, name))
	}
	return err
}
