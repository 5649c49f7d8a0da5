// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
)

func newRegistrarCommand(clock func() time.Time) *cobra.Command {
	var on hubFlags
	var concurrency int
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
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := on.open(cmd.Context(), clock, 0)
			if err != nil {
				return err
			}
			return runRegistrar(cmd.Context(), in, clock, concurrency, cmd.ErrOrStderr())
		},
	}
	on.addTo(cmd)
	cmd.Flags().IntVar(&concurrency, "concurrency", 16, "messages worked on at once")
	return cmd
}

func runRegistrar(ctx context.Context, in *intake, clock func() time.Time, concurrency int, logs io.Writer) error {
	queue := in.record.QueueURL
	if queue == "" {
		return fmt.Errorf("hub %q was never finished: run terraform apply once more", in.record.Name)
	}
	// A registrar waits for AWS to come back. For a queue that was deleted, or
	// for a permission, it would wait for ever.
	_, err := in.clients.SQS(in.record.Region).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &queue})
	if awsclient.IsNotFound(err) || awsclient.IsAccessDenied(err) {
		return in.explainQueue(err, hub.QueueName(in.record.Name))
	}
	logger := slog.New(slog.NewJSONHandler(logs, nil)).With("hub", in.record.Name)
	logger.Info("listening", "queue", queue, "concurrency", concurrency)
	r, err := registrar.Open(in.clients, in.records, in.record, registrar.Config{Clock: clock, Logger: logger, Concurrency: concurrency})
	if err != nil {
		return err
	}
	if err := r.Run(ctx); err != nil {
		return fmt.Errorf("registrar of hub %q: %w", in.record.Name, err)
	}
	logger.Info("stopped")
	return nil
}
