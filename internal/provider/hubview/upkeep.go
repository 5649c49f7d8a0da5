// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hubview

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Upkeep does what a hub needs once in an operation, when the first resource asks for
// it. What fails now is left to the next operation.
type Upkeep struct {
	view *View

	reconciled      sync.Once
	sweptPublishers sync.Once
	sweptTemplates  sync.Once
	proven          sync.Once
}

// Reconcile compares, in a refresh, the permissions to publish and to read with those
// that the customers need, and repairs them. The caller passes the lists if it has
// read them already; if nil, Reconcile reads them. Only the first call in an operation
// does this and returns its error.
func (u *Upkeep) Reconcile(ctx context.Context, lists map[registry.ListKey]registry.Shard) (err error) {
	u.reconciled.Do(func() { err = u.reconcile(ctx, lists) })
	return err
}

// SweepPublishers does the same as Reconcile when a link is closed, so that the link's
// grace period begins. Only the first call in an operation does this and returns its
// error.
func (u *Upkeep) SweepPublishers(ctx context.Context) (err error) {
	u.sweptPublishers.Do(func() { err = u.reconcile(ctx, nil) })
	return err
}

func (u *Upkeep) reconcile(ctx context.Context, lists map[registry.ListKey]registry.Shard) error {
	record, err := u.view.Record(ctx)
	if err != nil || record.State == registry.HubDeleting {
		return err
	}
	customers, err := u.view.Customers(ctx)
	if err != nil {
		return err
	}
	return u.view.Hub.Permissions().Reconcile(ctx, record, slices.Collect(maps.Values(customers)), lists)
}

// SweepTemplates deletes unused templates when a link changes or is closed: its
// template becomes unused then, and is deleted a grace period later. Only the first
// call in an operation does this and returns its error.
func (u *Upkeep) SweepTemplates(ctx context.Context) (err error) {
	u.sweptTemplates.Do(func() { err = u.view.Hub.SweepTemplates(ctx, u.view.Now()) })
	return err
}

// proveRoles proves the registered roles again and records the results, before they
// are read. A role that could not be proven stays as it was; the reason is in the
// registry, or in the error that the next read meets.
func (u *Upkeep) proveRoles(ctx context.Context) {
	u.proven.Do(func() {
		record, err := u.view.Record(ctx)
		if err == nil {
			_, err = health.Round(ctx, health.Config{
				Registry: u.view.Registry, Prover: registrar.NewProver(u.view.Clients(), record), Clock: u.view.Now,
			})
		}
		if err != nil {
			tflog.Warn(ctx, "The roles of a hub could not be proven again", map[string]any{"hub": u.view.Name, "error": err.Error()})
		}
	})
}
