// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/provider"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// engine speaks to the provider as Terraform does, by its protocol. It is for
// what the test library can't see: warnings, and a person who presses Ctrl-C.
type engine struct {
	t       *testing.T
	server  tfprotov6.ProviderServer
	schemas *tfprotov6.GetProviderSchemaResponse
}

func startEngine(t *testing.T, w *acctest.World) *engine {
	t.Helper()
	server, err := providerserver.NewProtocol6WithError(provider.New("test", provider.WithPollInterval(100*time.Millisecond))())()
	if err != nil {
		t.Fatal(err)
	}
	schemas, err := server.GetProviderSchema(context.Background(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{t: t, server: server, schemas: schemas}
	keys, err := w.Credentials(sandbox.VendorAccount)
	if err != nil {
		t.Fatal(err)
	}
	endpoints := map[string]any{}
	for _, service := range []string{"sns", "sqs", "s3", "sts", "dynamodb"} {
		endpoints[service] = w.URL()
	}
	config := e.encode(schemas.Provider.ValueType(), map[string]any{
		"region": acctest.Region, "access_key": keys.AccessKeyID, "secret_key": keys.SecretAccessKey, "endpoints": endpoints,
	})
	resp, err := server.ConfigureProvider(context.Background(), &tfprotov6.ConfigureProviderRequest{Config: config})
	if err != nil {
		t.Fatal(err)
	}
	e.noErrors(resp.Diagnostics)
	return e
}

// encode makes a value of a schema's type out of Go's maps, strings and bools;
// what is left out is null.
func (e *engine) encode(as tftypes.Type, value any) *tfprotov6.DynamicValue {
	e.t.Helper()
	encoded, err := tfprotov6.NewDynamicValue(as, build(as, value))
	if err != nil {
		e.t.Fatal(err)
	}
	return &encoded
}

func build(as tftypes.Type, value any) tftypes.Value {
	if value == nil {
		return tftypes.NewValue(as, nil)
	}
	switch as := as.(type) {
	case tftypes.Object:
		members := map[string]tftypes.Value{}
		for name, of := range as.AttributeTypes {
			members[name] = build(of, value.(map[string]any)[name])
		}
		return tftypes.NewValue(as, members)
	case tftypes.Set:
		var elements []tftypes.Value
		for _, element := range value.([]string) {
			elements = append(elements, tftypes.NewValue(as.ElementType, element))
		}
		return tftypes.NewValue(as, elements)
	case tftypes.Map:
		elements := map[string]tftypes.Value{}
		for key, element := range value.(map[string]any) {
			elements[key] = build(as.ElementType, element)
		}
		return tftypes.NewValue(as, elements)
	}
	return tftypes.NewValue(as, value)
}

func (e *engine) typeOf(resource string) tftypes.Type {
	return e.schemas.ResourceSchemas[resource].ValueType()
}

// plan plans to create a resource: computed attributes are what the provider
// makes of null.
func (e *engine) plan(resource string, arguments map[string]any) *tfprotov6.PlanResourceChangeResponse {
	e.t.Helper()
	as := e.typeOf(resource)
	config := e.encode(as, arguments)
	resp, err := e.server.PlanResourceChange(context.Background(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: resource, Config: config, ProposedNewState: config, PriorState: e.encode(as, nil),
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return resp
}

// apply plans and creates a resource.
func (e *engine) apply(resource string, arguments map[string]any) *tfprotov6.ApplyResourceChangeResponse {
	e.t.Helper()
	planned := e.plan(resource, arguments)
	e.noErrors(planned.Diagnostics)
	resp, err := e.server.ApplyResourceChange(context.Background(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: resource, Config: e.encode(e.typeOf(resource), arguments), PriorState: e.encode(e.typeOf(resource), nil),
		PlannedState: planned.PlannedState, PlannedPrivate: planned.PlannedPrivate,
	})
	if err != nil {
		e.t.Error(err)
	}
	return resp
}

// replan plans a resource that was applied, with its arguments or with others.
func (e *engine) replan(resource string, state *tfprotov6.DynamicValue, arguments map[string]any) *tfprotov6.PlanResourceChangeResponse {
	e.t.Helper()
	as := e.typeOf(resource)
	prior, err := state.Unmarshal(as)
	if err != nil {
		e.t.Fatal(err)
	}
	proposed, err := tfprotov6.NewDynamicValue(as, propose(e.schemas.ResourceSchemas[resource].Block.Attributes, prior, build(as, arguments)))
	if err != nil {
		e.t.Fatal(err)
	}
	resp, err := e.server.PlanResourceChange(context.Background(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: resource, Config: e.encode(as, arguments), ProposedNewState: &proposed, PriorState: state,
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return resp
}

// update plans and applies other arguments of a resource that was applied.
func (e *engine) update(resource string, state *tfprotov6.DynamicValue, arguments map[string]any) *tfprotov6.ApplyResourceChangeResponse {
	e.t.Helper()
	planned := e.replan(resource, state, arguments)
	e.noErrors(planned.Diagnostics)
	resp, err := e.server.ApplyResourceChange(context.Background(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: resource, Config: e.encode(e.typeOf(resource), arguments), PriorState: state,
		PlannedState: planned.PlannedState, PlannedPrivate: planned.PlannedPrivate,
	})
	if err != nil {
		e.t.Error(err)
	}
	return resp
}

// propose is what Terraform proposes to the provider: the configuration, with
// what is computed and not configured as it is in the state.
func propose(attributes []*tfprotov6.SchemaAttribute, state, config tftypes.Value) tftypes.Value {
	var before, after map[string]tftypes.Value
	if state.IsNull() || config.IsNull() || state.As(&before) != nil || config.As(&after) != nil {
		return config
	}
	for _, a := range attributes {
		switch {
		case after[a.Name].IsNull() && a.Computed:
			after[a.Name] = before[a.Name]
		case a.NestedType != nil:
			after[a.Name] = propose(a.NestedType.Attributes, before[a.Name], after[a.Name])
		}
	}
	return tftypes.NewValue(config.Type(), after)
}

func (e *engine) noErrors(diagnostics []*tfprotov6.Diagnostic) {
	e.t.Helper()
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			e.t.Fatalf("%s: %s", d.Summary, d.Detail)
		}
	}
}

// where is a diagnostic's attribute as Terraform shows it.
func where(d *tfprotov6.Diagnostic) string {
	var b strings.Builder
	for i, step := range d.Attribute.Steps() {
		switch step := step.(type) {
		case tftypes.AttributeName:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(string(step))
		case tftypes.ElementKeyString:
			fmt.Fprintf(&b, "[%q]", string(step))
		}
	}
	return b.String()
}

func warnings(diagnostics []*tfprotov6.Diagnostic) string {
	var all []string
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityWarning {
			all = append(all, d.Summary)
		}
	}
	return strings.Join(all, "; ")
}

// texts are all that diagnostics say.
func texts(diagnostics []*tfprotov6.Diagnostic) string {
	var all []string
	for _, d := range diagnostics {
		all = append(all, d.Summary+": "+d.Detail)
	}
	return strings.Join(all, "\n")
}

var (
	aHub  = map[string]any{"name": "acme"}
	aLink = map[string]any{"hub": "acme", "customer_id": "globex", "account_id": acctest.Globex, "role": map[string]any{}}
)

func TestAPlanSaysWhenNobodyWillBeListening(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	e := startEngine(t, w)
	e.noErrors(e.apply("xacct_hub", aHub).Diagnostics)
	e.noErrors(e.apply("xacct_onboarding_link", aLink).Diagnostics)

	const warning = "Nobody will be listening after this apply"
	quiet := map[string]any{"link": "acme/globex"}
	if got := warnings(e.plan("xacct_customer_role", quiet).Diagnostics); got != warning {
		t.Errorf("without a registrar the plan warns %q", got)
	}
	if got := warnings(e.plan("xacct_customer_role", map[string]any{"link": "acme/globex", "wait": true}).Diagnostics); got != "" {
		t.Errorf("where the apply listens itself the plan warns %q", got)
	}

	beaten := w.Called("dynamodb", "PutItem")
	w.Registrar("acme")
	<-beaten
	if got := warnings(startEngine(t, w).plan("xacct_customer_role", quiet).Diagnostics); got != "" {
		t.Errorf("with a registrar the plan warns %q", got)
	}
}

func TestAnInterruptedWaitStopsCleanlyAndLeavesNoState(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	e := startEngine(t, w)
	e.noErrors(e.apply("xacct_hub", aHub).Diagnostics)
	e.noErrors(e.apply("xacct_onboarding_link", aLink).Diagnostics)

	done := make(chan *tfprotov6.ApplyResourceChangeResponse, 1)
	listening := w.Called("sqs", "ReceiveMessage")
	ctx, interrupt := context.WithCancel(context.Background())
	go func() {
		planned := e.plan("xacct_customer_role", map[string]any{"link": "acme/globex", "wait": true})
		resp, err := e.server.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{
			TypeName: "xacct_customer_role", Config: e.encode(e.typeOf("xacct_customer_role"), map[string]any{"link": "acme/globex", "wait": true}),
			PriorState: e.encode(e.typeOf("xacct_customer_role"), nil), PlannedState: planned.PlannedState, PlannedPrivate: planned.PlannedPrivate,
		})
		if err != nil {
			t.Error(err)
		}
		done <- resp
	}()
	<-listening
	interrupt()
	resp := <-done
	if len(resp.Diagnostics) != 1 || resp.Diagnostics[0].Summary != "Stopped waiting for customer globex of hub acme" {
		t.Errorf("the person is told %+v", resp.Diagnostics)
	}
	if state, err := resp.NewState.Unmarshal(e.typeOf("xacct_customer_role")); err != nil || !state.IsNull() {
		t.Errorf("the state is %v, %v", state, err)
	}
}

func TestAWaitThatRanOutNamesTheTimeoutThatEndedIt(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	e := startEngine(t, w)
	e.noErrors(e.apply("xacct_hub", aHub).Diagnostics)
	e.noErrors(e.apply("xacct_onboarding_link", aLink).Diagnostics)
	waiting := map[string]any{"link": "acme/globex", "wait": true, "timeouts": map[string]any{"create": "1s", "update": "2s"}}

	created := e.apply("xacct_customer_role", waiting)
	if got := texts(created.Diagnostics); !strings.Contains(got, "within 1s") || !strings.Contains(got, "set timeouts.create") {
		t.Errorf("a create that waited says %q", got)
	}
	quiet := e.apply("xacct_customer_role", map[string]any{"link": "acme/globex"})
	e.noErrors(quiet.Diagnostics)
	updated := e.update("xacct_customer_role", quiet.NewState, waiting)
	if got := texts(updated.Diagnostics); !strings.Contains(got, "within 2s") || !strings.Contains(got, "set timeouts.update") {
		t.Errorf("an update that waited says %q", got)
	}
}
