// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"log/slog"
	"os"

	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registrar/traces"
)

// tracing sends the traces of a process, if its environment configures
// OpenTelemetry.
type tracing struct {
	to     *traces.Tracer // nil: no traces
	logger *slog.Logger
}

func openTraces(ctx context.Context, in *intake, logger *slog.Logger) (tracing, error) {
	to, err := traces.FromEnvironment(ctx, traces.Config{Hub: in.record.Name, Version: in.version, Getenv: os.Getenv, Logger: logger})
	return tracing{to, logger}, err
}

// tracer returns the tracer for the registrar: a nil interface if there are no
// traces.
func (t tracing) tracer() registrar.Tracer {
	if t.to == nil {
		return nil
	}
	return t.to
}

// flush sends the spans that have ended.
func (t tracing) flush(ctx context.Context) {
	if err := t.to.Flush(ctx); err != nil {
		t.logger.Warn("traces could not be sent", "error", err)
	}
}

// stop sends the remaining spans.
func (t tracing) stop(ctx context.Context) {
	if err := t.to.Stop(ctx); err != nil {
		t.logger.Warn("traces could not be sent", "error", err)
	}
}
