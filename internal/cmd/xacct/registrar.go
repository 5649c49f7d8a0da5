// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func newRegistrarCommand() *cobra.Command {
	var options struct {
		hub         string
		region      string
		profile     string
		concurrency int
	}
	cmd := &cobra.Command{
		Use:   "registrar --hub NAME",
		Short: "Answer the customers of a hub until stopped",
		Long: `Consumes the hub's queue: proves the roles of customers who created, changed or
deleted their stack, answers CloudFormation, and registers what was proven.

Any number of registrars may run at once, beside applies that wait. SIGTERM or
Ctrl-C finishes what is in hand and stops. One JSON line per decision goes to
standard error.

It needs credentials of the hub's account, and the hub's Region, from the
environment or the flags.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if options.hub == "" {
				return usageError{errors.New("--hub is missing: the name of the hub, as in xacct_hub.name")}
			}
			clients, err := loadClients(cmd.Context(), options.region, options.profile)
			if err != nil {
				return err
			}
			return runRegistrar(cmd.Context(), clients, options.hub, options.concurrency, cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&options.hub, "hub", "", "name of the hub")
	flags.StringVar(&options.region, "region", "", "the hub's Region (default: as AWS tools find it)")
	flags.StringVar(&options.profile, "profile", "", "profile of the shared AWS configuration")
	flags.IntVar(&options.concurrency, "concurrency", 16, "messages worked on at once")
	return cmd
}

func runRegistrar(ctx context.Context, clients *awsclient.Clients, hub string, concurrency int, logs io.Writer) error {
	records := registry.New(clients.DynamoDB(), hub, time.Now)
	record, err := records.Hub(ctx)
	if err != nil {
		return fmt.Errorf("hub %q in %s of account %s: %w", hub, clients.Region, clients.Account, err)
	}
	logger := slog.New(slog.NewJSONHandler(logs, nil)).With("hub", hub)
	logger.Info("listening", "queue", record.QueueURL, "concurrency", concurrency)
	err = registrar.Open(clients, records, record, registrar.Config{Logger: logger, Concurrency: concurrency}).Run(ctx)
	if err != nil {
		return fmt.Errorf("registrar of hub %q: %w", hub, err)
	}
	logger.Info("stopped")
	return nil
}

// loadClients reads AWS configuration as the provider does, and turns its
// diagnostics into one error.
func loadClients(ctx context.Context, region, profile string) (*awsclient.Clients, error) {
	clients, diagnostics := awsclient.Load(ctx, awsclient.Config{
		Region: region, Profile: profile,
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
