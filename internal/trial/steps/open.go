// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package steps

import (
	"context"
	"fmt"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// Workspace is a state and the commands on it, for tests that are not a sequence of
// steps: several states side by side, or a state that is edited.
type Workspace struct{ of workspace }

// Open returns an empty workspace of a runner.
func Open(t *testing.T, with Runner) *Workspace {
	t.Helper()
	return &Workspace{with.workspace(t)}
}

// Apply plans a configuration, and applies the plan in another command.
func (w *Workspace) Apply(ctx context.Context, config string, o tfcore.Options) error {
	p, err := w.of.plan(ctx, config, o)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if err := p.apply(ctx); err != nil {
		return fmt.Errorf("apply: %w\nwhat was planned:\n%s", err, p)
	}
	return nil
}

// Rest returns an error with the plan if the plan is not empty.
func (w *Workspace) Rest(ctx context.Context, config string, o tfcore.Options) error {
	p, err := w.of.plan(ctx, config, o)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if nothing, err := empty(ctx, p); err != nil || !nothing {
		return fmt.Errorf("the plan is not empty (%w):\n%s", err, p)
	}
	return nil
}

// Taint marks an instance for replacement.
func (w *Workspace) Taint(ctx context.Context, address string) error { return w.of.taint(ctx, address) }

// Remove removes a resource or an instance from the state.
func (w *Workspace) Remove(ctx context.Context, address string) error {
	return w.of.remove(ctx, address)
}

// Import imports an instance into the state.
func (w *Workspace) Import(ctx context.Context, config, address, id string) error {
	return w.of.imports(ctx, config, address, id)
}

// Attributes returns the attributes of an instance.
func (w *Workspace) Attributes(ctx context.Context, address string) (map[string]any, error) {
	return attributes(ctx, w.of, address)
}
