// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package traces exports a trace of each phone-home to a collector, with
// OpenTelemetry's OTLP over HTTP. It is off unless OpenTelemetry's standard
// environment variables turn it on, and the provider does not include it.
package traces

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/xacct/terraform-provider-xacct/internal/registrar"
)

// Config is the configuration of a Tracer.
type Config struct {
	Hub     string
	Version string
	Getenv  func(string) string
	Logger  *slog.Logger // receives errors of the export
}

// Tracer implements registrar.Tracer. Flush and Stop of a nil Tracer do nothing.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// FromEnvironment returns the tracer that the environment variables of OpenTelemetry
// configure, such as OTEL_EXPORTER_OTLP_ENDPOINT; nil if they ask for none. They also
// define where spans go, how many are kept and the name of the service. It returns an
// error for values that are not supported.
func FromEnvironment(ctx context.Context, config Config) (*Tracer, error) {
	wanted, err := enabled(config.Getenv)
	if !wanted || err != nil {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces can't be sent as OTEL_EXPORTER_OTLP_… configures: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		config.Logger.Warn("traces could not be sent", "error", err)
	}))
	return New(ctx, config, sdktrace.WithBatcher(exporter))
}

// New returns a tracer whose spans go to the processor of an option. It returns an
// error if OTEL_RESOURCE_ATTRIBUTES is invalid.
func New(ctx context.Context, config Config, to sdktrace.TracerProviderOption) (*Tracer, error) {
	about, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "xacct-registrar"), attribute.String("service.version", config.Version), attribute.String("xacct.hub", config.Hub)),
		resource.WithFromEnv(), // OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
	)
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(about), to)
	return &Tracer{provider: provider, tracer: provider.Tracer("github.com/xacct/terraform-provider-xacct")}, nil
}

// enabled reports whether the environment variables turn traces on. It returns an error
// if they ask for an exporter or a protocol that is not supported.
func enabled(getenv func(string) string) (bool, error) {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return false, nil
	}
	switch exporter := getenv("OTEL_TRACES_EXPORTER"); exporter {
	case "none":
		return false, nil
	case "":
		if getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
			return false, nil
		}
	case "otlp":
	default:
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER is %q: only otlp and none are known", exporter)
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		switch protocol := getenv(name); protocol {
		case "":
			continue
		case "http/protobuf":
			return true, nil
		default:
			return false, fmt.Errorf("%s is %q: only http/protobuf is known, which collectors take at port 4318", name, protocol)
		}
	}
	return true, nil
}

// Start implements registrar.Tracer.
func (t *Tracer) Start(ctx context.Context, name string) (context.Context, registrar.Span) {
	kind := trace.SpanKindInternal
	if !trace.SpanContextFromContext(ctx).IsValid() {
		kind = trace.SpanKindConsumer
	}
	ctx, s := t.tracer.Start(ctx, name, trace.WithSpanKind(kind))
	return ctx, span{s}
}

// Flush sends the spans that have ended, as before a Lambda function is frozen.
func (t *Tracer) Flush(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.ForceFlush(ctx)
}

// stopLimit is the timeout for sending the last spans.
const stopLimit = 5 * time.Second

// Stop sends the remaining spans, and ends the tracer.
func (t *Tracer) Stop(ctx context.Context) error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	return errors.Join(t.provider.ForceFlush(ctx), t.provider.Shutdown(ctx))
}

type span struct{ trace.Span }

func (s span) Set(attributes ...slog.Attr) {
	for _, a := range attributes {
		s.SetAttributes(keyValue(a))
	}
}

func (s span) End() { s.Span.End() }

func keyValue(a slog.Attr) attribute.KeyValue {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindInt64:
		return attribute.Int64(a.Key, v.Int64())
	case slog.KindFloat64:
		return attribute.Float64(a.Key, v.Float64())
	case slog.KindBool:
		return attribute.Bool(a.Key, v.Bool())
	default:
		return attribute.String(a.Key, v.String())
	}
}
