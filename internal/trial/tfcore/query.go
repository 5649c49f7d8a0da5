// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/zclconf/go-cty/cty"
)

// operatorBlock is a list block of a query, or an action block.
type operatorBlock struct {
	typ, name       string
	provider        string // key of its configuration
	block           *hcl.Block
	config          hcl.Body // nil: there is none
	limit           hcl.Expression
	includeResource bool
}

func (b *operatorBlock) String() string { return b.block.Type + "." + b.typ + "." + b.name }

// readOperator reads a list or an action block.
func (c *config) readOperator(b *hcl.Block) {
	o := &operatorBlock{typ: b.Labels[0], name: b.Labels[1], block: b}
	arguments := []string{"provider"}
	if b.Type == "list" {
		arguments = append(arguments, "limit", "include_resource")
	}
	content := c.all(b.Body, arguments, []string{"config"})
	o.provider, _, _ = strings.Cut(o.typ, "_")
	if e := expression(content, "provider"); e != nil {
		t, found := hcl.AbsTraversalForExpr(e)
		c.wrong(found)
		o.provider = traversalText(t)
	}
	o.limit, o.includeResource = expression(content, "limit"), c.flag(content, "include_resource")
	for _, inner := range content.Blocks {
		o.config = inner.Body
	}
	if c.operators[o.String()] != nil {
		c.wrongAt(b.DefRange, problem("Duplicate "+b.Type+" block", "%s was already declared.", o))
	}
	c.operators[o.String()] = o
}

// readTrigger reads an action_trigger block of a resource.
func (c *config) readTrigger(b *hcl.Block) {
	content := c.all(b.Body, []string{"events", "actions", "condition"}, nil)
	for _, required := range []string{"events", "actions"} {
		if expression(content, required) == nil {
			c.wrongAt(b.DefRange, problem("Missing required argument", "The argument %q is required, but no definition was found.", required))
			return
		}
	}
	events, found := hcl.ExprList(expression(content, "events"))
	c.wrong(found)
	for _, e := range events {
		if !slices.Contains(triggers, hcl.ExprAsKeyword(e)) {
			c.wrongAt(e.Range(), problem("Invalid \"event\" value", "An event is one of %s.", strings.Join(triggers, ", ")))
		}
	}
	c.triggered = append(c.triggered, c.traversals(expression(content, "actions"))...)
}

// triggers are the events of Terraform 1.16; before_destroy is new there.
var triggers = []string{"before_create", "after_create", "before_update", "after_update", "before_destroy", "after_destroy"}

// validateOperators checks list and action blocks, and that every triggered action exists.
func (w *walk) validateOperators(ctx context.Context) Diagnostics {
	var found Diagnostics
	for _, t := range w.config.triggered {
		if w.config.operators[traversalText(t)] == nil {
			found = append(found, w.wrongAt(t.SourceRange(), problem("action_trigger actions references non-existent action", "The lifecycle action_trigger actions list contains a reference to the action %q that does not exist in the configuration.", traversalText(t))))
		}
	}
	for _, address := range slices.Sorted(maps.Keys(w.config.operators)) {
		o := w.config.operators[address]
		_, wrong := w.decodeOperator(ctx, o, w.client(o.provider))
		found = append(found, wrong...)
	}
	return found
}

// decodeOperator decodes and validates the arguments of a list or action block.
func (w *walk) decodeOperator(ctx context.Context, o *operatorBlock, c *client) (cty.Value, Diagnostics) {
	s := c.provider.operators[o.block.Type][o.typ]
	if s == nil {
		return cty.NilVal, Diagnostics{w.wrongAt(o.block.DefRange, problem("Invalid "+o.block.Type+" type", "The provider %s does not support %s %q.", c.provider, o.block.Type, o.typ))}
	}
	body := o.config
	if body == nil {
		body = hcl.EmptyBody()
	}
	config, found := w.decode(body, s, repetition{})
	if found.HasErrors() {
		return config, found
	}
	return config, append(found, w.config.in(body, o.String(), c.validateOperator(ctx, o, encode(config, s.impliedTyp)))...)
}

// Listed is one result of a list block.
type Listed struct {
	DisplayName string
	Identity    map[string]any
	Attributes  map[string]any // nil: the block does not include them
}

// defaultLimit is Terraform's.
const defaultLimit = 100

// Query returns the results of a list block of a configuration, up to its limit, as
// terraform query does.
func (w *Workspace) Query(ctx context.Context, configuration, address string) ([]Listed, Diagnostics) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o, c, config, found := w.operator(ctx, configuration, address)
	if found.HasErrors() {
		return nil, found
	}
	limit := int64(defaultLimit)
	if o.limit != nil {
		value, wrong := o.limit.Value(nil)
		if wrong.HasErrors() || value.Type() != cty.Number {
			return nil, Diagnostics{refuse("a limit that is not a literal number")}
		}
		limit, _ = value.AsBigFloat().Int64()
	}
	all, wrong := c.list(ctx, o.typ, config, limit, o.includeResource)
	return all, append(found, wrong...)
}

// Invoke runs an action of a configuration, as terraform apply -invoke does, and
// returns its progress.
func (w *Workspace) Invoke(ctx context.Context, configuration, address string) (progress []string, found Diagnostics) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o, c, config, found := w.operator(ctx, configuration, address)
	if found.HasErrors() {
		return nil, found
	}
	progress, wrong := c.invoke(ctx, o.typ, config)
	return progress, append(found, wrong...)
}

// operator returns a validated list or action block, its started provider and its
// arguments.
func (w *Workspace) operator(ctx context.Context, configuration, address string) (*operatorBlock, *client, cty.Value, Diagnostics) {
	c, found := parse(configuration)
	if found.HasErrors() {
		return nil, nil, cty.NilVal, found
	}
	o := c.operators[address]
	if o == nil {
		return nil, nil, cty.NilVal, Diagnostics{problem("No such block", "%s is not in the configuration.", address)}
	}
	walk, found := w.core.newWalk(ctx, c, w.state, Options{})
	if found.HasErrors() {
		return nil, nil, cty.NilVal, found
	}
	if found = append(found, walk.load(ctx)...); found.HasErrors() {
		return nil, nil, cty.NilVal, found
	}
	walk.expandFromState()
	if found = append(found, walk.start(ctx, o.provider)...); found.HasErrors() {
		return nil, nil, cty.NilVal, found
	}
	client := walk.client(o.provider)
	config, wrong := walk.decodeOperator(ctx, o, client)
	return o, client, config, append(found, wrong...)
}

// errNoOperators indicates that a server is of a provider without lists or actions.
var errNoOperators = refuse("list resources or actions of this provider")

func (c *client) validateOperator(ctx context.Context, o *operatorBlock, config *tfprotov6.DynamicValue) Diagnostics {
	switch o.block.Type {
	case "list":
		server, ok := c.server.(tfprotov6.ListResourceServer)
		if !ok {
			return Diagnostics{errNoOperators}
		}
		resp, err := server.ValidateListResourceConfig(ctx, &tfprotov6.ValidateListResourceConfigRequest{TypeName: o.typ, Config: config})
		if err != nil {
			return failed(err)
		}
		return received(resp.Diagnostics)
	default:
		server, ok := c.server.(tfprotov6.ActionServer)
		if !ok {
			return Diagnostics{errNoOperators}
		}
		resp, err := server.ValidateActionConfig(ctx, &tfprotov6.ValidateActionConfigRequest{ActionType: o.typ, Config: config})
		if err != nil {
			return failed(err)
		}
		found := received(resp.Diagnostics)
		if found.HasErrors() {
			return found
		}
		planned, err := server.PlanAction(ctx, &tfprotov6.PlanActionRequest{ActionType: o.typ, Config: config})
		if err != nil {
			return append(found, failed(err)...)
		}
		return append(found, received(planned.Diagnostics)...)
	}
}

// list returns results up to the limit. If there is an error, it returns none.
func (c *client) list(ctx context.Context, typ string, config cty.Value, limit int64, include bool) ([]Listed, Diagnostics) {
	server, ok := c.server.(tfprotov6.ListResourceServer)
	if !ok {
		return nil, Diagnostics{errNoOperators}
	}
	stream, err := server.ListResource(ctx, &tfprotov6.ListResourceRequest{
		TypeName: typ, Config: encode(config, c.provider.operators["list"][typ].impliedTyp), IncludeResource: include, Limit: limit,
	})
	if err != nil {
		return nil, failed(err)
	}
	var all []Listed
	var found Diagnostics
	of := address{managed, typ, ""}
	for event := range stream.Results {
		if found = append(found, received(event.Diagnostics)...); found.HasErrors() {
			return nil, found
		}
		if event.Identity == nil || event.Identity.IdentityData == nil {
			if len(event.Diagnostics) == 0 {
				return nil, append(found, problem("Missing identity", "A result of %s has no identity.%s", typ, aBug))
			}
			continue
		}
		id, wrong := c.decodeIdentity(of, event.Identity, nil)
		if found = append(found, wrong...); found.HasErrors() {
			return nil, found
		}
		one := Listed{DisplayName: event.DisplayName, Identity: goValue(id).(map[string]any)}
		if include && event.Resource != nil {
			value, wrong := decodeInto(cty.NilVal, event.Resource, c.provider.schemaOf(of).impliedTyp, nil)
			if found = append(found, wrong...); found.HasErrors() {
				return nil, found
			}
			one.Attributes, _ = goValue(value).(map[string]any)
		}
		if all = append(all, one); int64(len(all)) >= limit {
			break // Terraform does not mention further results
		}
	}
	return all, found
}

func (c *client) invoke(ctx context.Context, typ string, config cty.Value) (progress []string, found Diagnostics) {
	server, ok := c.server.(tfprotov6.ActionServer)
	if !ok {
		return nil, Diagnostics{errNoOperators}
	}
	stream, err := server.InvokeAction(ctx, &tfprotov6.InvokeActionRequest{ActionType: typ, Config: encode(config, c.provider.operators["action"][typ].impliedTyp)})
	if err != nil {
		return nil, failed(err)
	}
	completed := false
	for event := range stream.Events {
		switch e := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			progress = append(progress, e.Message)
		case tfprotov6.CompletedInvokeActionEventType:
			completed, found = true, append(found, received(e.Diagnostics)...)
		}
	}
	if !completed {
		found = append(found, problem("Action did not complete", "Provider %q ended the action %s without a result.%s", c.provider, typ, aBug))
	}
	return progress, found
}
