// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package traces

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// The test's server is the collector that the environment names.
func TestSpansReachACollector(t *testing.T) {
	got := make(chan *collector.ExportTraceServiceRequest, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		request := &collector.ExportTraceServiceRequest{}
		if err != nil || proto.Unmarshal(body, request) != nil || r.URL.Path != "/v1/traces" || r.Header.Get("X-Token") != "of-a-test" {
			t.Errorf("%s %s: %v, %q", r.Method, r.URL, err, body)
		}
		got <- request
	}))
	defer server.Close()
	variables := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL, "OTEL_EXPORTER_OTLP_HEADERS": "x-token=of-a-test", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=trial"}
	for name, value := range variables {
		t.Setenv(name, value)
	}
	config := Config{Hub: "acme", Version: "1.2.3", Getenv: func(name string) string { return variables[name] }, Logger: slog.New(slog.DiscardHandler)}
	tracer, err := FromEnvironment(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, whole := tracer.Start(context.Background(), "phone-home")
	_, part := tracer.Start(ctx, "commit")
	part.End()
	whole.Set(slog.String("xacct.customer", "globex"), slog.Int("n", 3), slog.Bool("b", true), slog.Float64("f", 0.5))
	whole.End()
	if err := tracer.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	resource := (<-got).ResourceSpans[0]
	if text := resource.Resource.String(); !strings.Contains(text, "xacct-registrar") || !strings.Contains(text, "acme") || !strings.Contains(text, "trial") || !strings.Contains(text, "1.2.3") {
		t.Errorf("the resource is %s", text)
	}
	spans := resource.ScopeSpans[0].Spans
	if len(spans) != 2 || spans[0].Name != "commit" || spans[1].Name != "phone-home" || string(spans[0].ParentSpanId) != string(spans[1].SpanId) || len(spans[1].Attributes) != 4 {
		t.Errorf("the spans are %v", spans)
	}
}

func TestTracesAreOffUnlessTheEnvironmentAsksForThem(t *testing.T) {
	for _, test := range []struct {
		environment map[string]string
		on          bool
		refused     string
	}{
		{nil, false, ""},
		{map[string]string{"OTEL_SERVICE_NAME": "x"}, false, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, true, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4318/v1/traces"}, true, ""},
		{map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, true, ""},
		{map[string]string{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, false, ""},
		{map[string]string{"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, false, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, true, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, `OTEL_EXPORTER_OTLP_PROTOCOL is "grpc"`},
		{map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, false, `OTEL_TRACES_EXPORTER is "zipkin"`},
	} {
		on, err := enabled(func(name string) string { return test.environment[name] })
		if on != test.on || (err == nil) != (test.refused == "") || err != nil && !strings.HasPrefix(err.Error(), test.refused) {
			t.Errorf("%v: %t, %v", test.environment, on, err)
		}
	}
}

func TestNoTracerSendsNothing(t *testing.T) {
	var none *Tracer
	if err := none.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if err := none.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
