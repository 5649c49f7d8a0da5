// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package customers

import (
	"context"
	"fmt"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Snapshot is a hub with all its customers and permission sets, read once for many
// orders, so that their results are found without a call for each.
type Snapshot struct {
	service   Service
	record    registry.HubRecord
	customers map[string]onboarding.Customer
}

// Snapshot reads the hub. Errors are *Refusal if the hub is not ready, and those of the
// registry.
func (s *Service) Snapshot(ctx context.Context) (*Snapshot, error) {
	record, err := s.loadReadyHub(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.hub.Registry().Customers(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.hub.Registry().PermissionSets(ctx)
	if err != nil {
		return nil, err
	}
	sets := map[string]onboarding.PermissionSet{}
	for _, set := range list {
		sets[set.Name] = set
	}
	known := &Snapshot{*s, record, map[string]onboarding.Customer{}}
	for _, c := range all {
		known.customers[c.Link.CustomerID] = c
	}
	known.service.sets = func(_ context.Context, name string) (onboarding.PermissionSet, error) {
		if set, found := sets[name]; found {
			return set, nil
		}
		return onboarding.PermissionSet{}, fmt.Errorf("permission set %s: %w", name, registry.ErrNoPermissionSet)
	}
	return known, nil
}

// DryRun returns what Put would return, without a call and without a change. It ignores
// the accounts' permissions to publish, which an interrupted Put may not have granted
// and Reconcile repairs.
func (k *Snapshot) DryRun(ctx context.Context, order Order) (Result, error) {
	if err := order.check(); err != nil {
		return Result{}, err
	}
	order.DryRun = true
	var existing *onboarding.Customer
	if found, ok := k.customers[order.CustomerID]; ok {
		existing = &found
	}
	return k.service.apply(ctx, order, k.record, existing)
}
