// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"log/slog"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Closed links are cleaned up automatically: tokens of the connect page expire in the
// table, and accounts that no link needs any more are removed from the topics'
// policies after a grace period. Terraform's refresh and the commands do the second;
// for a vendor without either, the API does it, with no additional permission.
// Templates belong to permission sets, and are cleaned up when those change.
const (
	tidyFirst = time.Hour // after the start, so that restarts don't each read the whole hub
	tidyEvery = 24 * time.Hour
)

// keepTidy calls tidyPublishers at these intervals until ctx is done.
func (in *intake) keepTidy(ctx context.Context, manager *hub.Manager, logger *slog.Logger) {
	for wait := tidyFirst; ; wait = tidyEvery {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if err := in.tidyPublishers(ctx, manager); err != nil && ctx.Err() == nil {
			logger.Warn("the list of publishers could not be compared with the links; trying again tomorrow", "error", in.explain(err))
		}
	}
}

// tidyPublishers repairs the lists of accounts that may publish and read
// templates, by the links and stacks of the customers.
func (in *intake) tidyPublishers(ctx context.Context, manager *hub.Manager) error {
	record, err := in.records.Hub(ctx)
	if err != nil || record.State != registry.HubReady {
		return err
	}
	customers, err := in.records.Customers(ctx)
	if err != nil {
		return err
	}
	return manager.Permissions().Reconcile(ctx, record, customers, nil)
}
