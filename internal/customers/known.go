// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package customers

import (
	"context"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Known is a hub with all its customers, read at once for many orders. What is there
// already then costs no call for each.
type Known struct {
	service   *Service
	record    registry.HubRecord
	customers map[string]onboarding.Customer
}

// Known reads the hub and its customers. Errors are *Refusal if the hub is not ready,
// and those of the registry.
func (s *Service) Known(ctx context.Context) (*Known, error) {
	record, err := s.ready(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.hub.Registry().Customers(ctx)
	if err != nil {
		return nil, err
	}
	known := &Known{s, record, map[string]onboarding.Customer{}}
	for _, c := range all {
		known.customers[c.Link.CustomerID] = c
	}
	return known, nil
}

// Unchanged returns the result of an order whose link is open with the same settings,
// and whether there is such a link; Put serves all others. It makes no call. The
// account's permission to publish, which an interrupted Put may have left out, is
// not among what it looks at: Reconcile is.
func (k *Known) Unchanged(ctx context.Context, order Order) (Served, bool) {
	existing, found := k.customers[order.CustomerID]
	if !found || existing.Link.Closed || existing.Link.Owner != k.service.owner || existing.Link.Set == nil || existing.Link.PermissionSet != order.PermissionSet {
		return Served{}, false
	}
	if order.check() != nil {
		return Served{}, false
	}
	order.DryRun = true
	served, err := k.service.serve(ctx, order, k.record, &existing)
	return served, err == nil && !served.Changed
}
