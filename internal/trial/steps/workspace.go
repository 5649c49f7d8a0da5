// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package steps

import (
	"context"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// Runner runs steps: with the core in this process, or with an engine.
type Runner interface {
	workspace(t *testing.T) workspace
}

// workspace is a state, and the commands on it.
type workspace interface {
	plan(ctx context.Context, config string, o tfcore.Options) (plan, error)
	refresh(ctx context.Context, config string) error
	imports(ctx context.Context, config, address, id string) error
	taint(ctx context.Context, address string) error
	remove(ctx context.Context, address string) error
	state(ctx context.Context) (*tfjson.State, error)
}

// plan is a plan that may be applied.
type plan interface {
	apply(ctx context.Context) error
	changes() bool // reports whether it changes anything, including reads of data sources
	show(ctx context.Context) (*tfjson.Plan, error)
	String() string
}

// InProcess returns a runner of steps with the core in this process.
func InProcess(core *tfcore.Core) Runner { return inProcess{core} }

type inProcess struct{ core *tfcore.Core }

func (p inProcess) workspace(*testing.T) workspace { return coreWorkspace{p.core.Workspace()} }

type coreWorkspace struct{ w *tfcore.Workspace }

type corePlan struct {
	*tfcore.Plan
	in *tfcore.Workspace
}

func (c coreWorkspace) plan(ctx context.Context, config string, o tfcore.Options) (plan, error) {
	p, found := c.w.Plan(ctx, config, o)
	return corePlan{p, c.w}, found.Err()
}

func (p corePlan) apply(ctx context.Context) error                   { return p.in.Apply(ctx, p.Plan).Err() }
func (p corePlan) changes() bool                                     { return !p.Empty() }
func (p corePlan) show(context.Context) (*tfjson.Plan, error)        { return p.Show(), nil }
func (c coreWorkspace) taint(_ context.Context, a string) error      { return c.w.Taint(a) }
func (c coreWorkspace) remove(_ context.Context, a string) error     { return c.w.Remove(a) }
func (c coreWorkspace) state(context.Context) (*tfjson.State, error) { return c.w.State(), nil }

func (c coreWorkspace) refresh(ctx context.Context, config string) error {
	return c.w.Run(ctx, config, tfcore.Options{RefreshOnly: true}).Err()
}

func (c coreWorkspace) imports(ctx context.Context, config, address, id string) error {
	return c.w.Import(ctx, config, address, id).Err()
}
