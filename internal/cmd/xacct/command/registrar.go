// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registrar/metrics"
)

// daemon has the settings of a registrar that runs as its own process.
type daemon struct {
	concurrency int
	listen      listenAddress
	verifyEvery time.Duration
	drain       time.Duration
	webhook     webhookFlags
}

func newRegistrarCommand(p process) *cobra.Command {
	var on hubFlags
	d := daemon{listen: listenAddress{address: defaultListen}}
	cmd := &cobra.Command{
		Use:   "registrar --hub NAME",
		Short: "Answer the customers of a hub until stopped",
		Long: `Consume the hub's queue: prove the roles of customers that created, changed or
deleted their stack, answer CloudFormation, and register what was proven.

Any number of registrars may run at once, beside applies that wait; if one is killed,
another takes over its messages within 30 seconds. SIGTERM or Ctrl-C completes the
messages that are being handled and stops. One JSON line per decision goes to
standard error.

http://` + defaultListen + `/metrics has metrics for Prometheus, and /healthz reports
the health: status 503 and the reasons if something is wrong. If that address is in
use, the registrar works without them, unless --listen is set.

If the usual variables of OpenTelemetry are set, such as OTEL_EXPORTER_OTLP_ENDPOINT,
each phone-home is sent to a collector as a trace, by OTLP over HTTP.

If the hub has a webhook, the registrar signs what it sends there with the secret of
--webhook-secret-file, or of the environment variable ` + webhookSecretVariable + `.

Once a day, or --verify-every, one of the hub's registrars proves all registered
roles again, slowly: see xacct verify.

As a Lambda function (runtime provided.al2023) the same program is the registrar of
the hub that the environment variable XACCT_HUB names.

It needs credentials of the hub's account, and the hub's Region, from the
environment or the flags; xacct policy registrar prints the policy that it needs.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := d.check(); err != nil {
				return err
			}
			in, err := on.open(cmd.Context(), p, 0)
			if err != nil {
				return err
			}
			return d.run(cmd.Context(), in, cmd.ErrOrStderr())
		},
	}
	on.addTo(cmd)
	flags := cmd.Flags()
	flags.IntVar(&d.concurrency, "concurrency", 16, "maximum number of messages handled at once")
	flags.Var(&d.listen, "listen", "address for /metrics and /healthz, or off")
	flags.DurationVar(&d.verifyEvery, "verify-every", 24*time.Hour, "how often every registered role is proven again: at least 1h, or 0 for never")
	d.webhook.addTo(flags)
	flags.DurationVar(&d.drain, "drain", 20*time.Second, "how long messages that are being handled may take after SIGTERM")
	return cmd
}

func (d daemon) check() error {
	switch {
	case d.concurrency < 1:
		return cli.Usage("--concurrency %d: must be at least 1", d.concurrency)
	case d.drain <= 0:
		return cli.Usage("--drain %s: must be positive", d.drain)
	case d.verifyEvery != 0 && d.verifyEvery < time.Hour:
		return cli.Usage("--verify-every %s: must be at least 1h, or 0 for never", d.verifyEvery)
	}
	return nil
}

// run runs the registrar until ctx is done.
func (d daemon) run(ctx context.Context, in *intake, logs io.Writer) error {
	logger := slog.New(slog.NewJSONHandler(cli.SafeJSON(logs), nil))
	ofHub := logger.With("hub", in.record.Name)
	monitor := newMonitor(in, true)
	server, err := d.listen.serve(monitor.Handler(), ofHub)
	if err != nil {
		return err
	}
	defer server.stop()
	if err := d.answer(ctx, in, logger, monitor, server.address); err != nil {
		return err
	}
	ofHub.Info("stopped")
	return nil
}

// answer runs a registrar until ctx is done: it answers customers, proves their roles
// again, and looks for roles that were created without a stack. It adds the hub's name
// to the logger's lines. watch is the address of the process's metrics, for the log.
func (d daemon) answer(ctx context.Context, in *intake, logger *slog.Logger, monitor *metrics.Monitor, watch string) error {
	if in.record.QueueURL == "" {
		return fmt.Errorf("hub %q was never finished: run terraform apply once more", in.record.Name)
	}
	if err := in.records.CheckTransactions(ctx, trialID); err != nil {
		return err
	}
	ofHub := logger.With("hub", in.record.Name) // registrar.Open adds it to its own
	webhook, err := d.webhook.open(in, ofHub, monitor.Webhook)
	if err != nil {
		return err
	}
	tracing, err := openTraces(ctx, in, logger)
	if err != nil {
		return err
	}
	defer tracing.stop(ctx)
	r, err := registrar.Open(in.clients, in.records, in.record, registrar.Config{
		Tracer: tracing.tracer(), Clock: in.clock, Logger: logger, Concurrency: d.concurrency, StopLimit: d.drain, Observer: monitor, Oldest: monitor.Oldest, GiveUp: permanentQueueError, Webhook: webhook,
	})
	if err != nil {
		return err
	}
	var rounds sync.WaitGroup
	defer rounds.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if d.verifyEvery > 0 {
		schedule := in.schedule(d.verifyEvery, ofHub)
		schedule.Round.OnFinding = monitor.Verified
		rounds.Go(func() { health.Run(ctx, schedule) })
		discovery := in.discovery(ofHub)
		discovery.Round.OnFinding = monitor.Verified
		rounds.Go(func() { health.Discover(ctx, discovery) })
	}
	ofHub.Info("listening", "queue", in.record.QueueURL, "concurrency", d.concurrency, "watch", watch, "verify_every", d.verifyEvery.String())
	if err := r.Run(ctx); err != nil {
		return in.explainQueue(err, hub.QueueName(in.record.Name))
	}
	return nil
}

// trialID is the registrar ID in the trial transaction that each registrar
// writes when it starts. Heartbeats have the registrar's own ID.
const trialID = "trial"

// permanentQueueError reports whether an error of the queue will not end by
// itself. A registrar waits until AWS is available again; for a queue that was
// deleted, or for a missing permission, it would wait forever.
func permanentQueueError(err error) bool {
	return awsclient.IsNotFound(err) || awsclient.IsAccessDenied(err)
}

// newMonitor returns the monitor of a process; registrar is whether a registrar
// runs in it.
func newMonitor(in *intake, registrar bool) *metrics.Monitor {
	return metrics.New(metrics.Config{
		NoRegistrar: !registrar, Hub: in.record.Name, Version: in.version, Clock: in.clock,
		Registry: func(ctx context.Context) error {
			_, err := in.records.Hub(ctx)
			return err
		},
	})
}

// schedule returns the schedule of the rounds that prove all roles again.
func (in *intake) schedule(every time.Duration, logger *slog.Logger) health.Schedule {
	return health.Schedule{
		Every: every, Claims: in.records, Log: logger,
		Round: health.Config{Registry: in.records, Prover: in.prover(), Clock: in.clock, Awaited: &in.record.Hub},
	}
}

// discovery returns the search for roles that customers created without a
// stack.
func (in *intake) discovery(logger *slog.Logger) health.Discovery {
	return health.Discovery{
		Passes: in.records, Log: logger,
		Round: health.Config{Registry: in.records, Prover: in.prover(), Clock: in.clock},
	}
}
