// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registrar/lambda"
)

// verifyEveryVariable is the environment variable for --verify-every: a Lambda
// function has no flags.
const verifyEveryVariable = "XACCT_VERIFY_EVERY"

// runFunction runs the registrar as a Lambda function. It does what the daemon
// does, but Lambda receives the messages. Everything is opened once, before the
// first event; if that fails, the error is in the function's log, and Lambda
// starts the function again.
func runFunction(ctx context.Context, p process) error {
	name := os.Getenv(hubVariable)
	if name == "" {
		return cli.Usage("the environment variable %s is missing: the name of the hub, as in xacct_hub.name", hubVariable)
	}
	every, err := verifyEvery(os.Getenv(verifyEveryVariable))
	if err != nil {
		return err
	}
	in, err := (&hubFlags{hub: name}).open(ctx, p, interactiveAttempts)
	if err != nil {
		return err
	}
	if in.record.QueueURL == "" {
		return fmt.Errorf("hub %q was never finished: run terraform apply once more", name)
	}
	if err := in.records.CheckTransactions(ctx, trialID); err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(cli.SafeJSON(os.Stderr), nil))
	webhook, err := webhookFromEnvironment().open(in, logger.With("hub", name), nil)
	if err != nil {
		return err
	}
	tracing, err := openTraces(ctx, in, logger)
	if err != nil {
		return err
	}
	r, err := registrar.Open(in.clients, in.records, in.record, registrar.Config{
		Tracer: tracing.tracer(), ID: os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), Clock: p.clock, Logger: logger, Webhook: webhook,
	})
	if err != nil {
		return err
	}
	logger = logger.With("hub", name)
	handler := &lambda.Handler{Registrar: r, Clock: p.clock, Flush: tracing.flush, Verify: func(ctx context.Context) {
		if every > 0 {
			health.Once(ctx, in.schedule(every, logger))
			in.discovery(logger).DiscoverOnce(ctx)
		}
	}}
	handler.Start(ctx)
	return errors.New("Lambda's runtime API has ended")
}

// verifyEvery parses the value of verifyEveryVariable; empty is 24h. It returns
// a usage error unless it is at least 1h, or 0.
func verifyEvery(text string) (time.Duration, error) {
	if text == "" {
		return 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d != 0 && d < time.Hour {
		return 0, cli.Usage("%s is %q: it takes a duration of at least 1h, such as 24h, or 0 for never", verifyEveryVariable, text)
	}
	return d, nil
}
