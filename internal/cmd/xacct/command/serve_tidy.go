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

// What links leave behind goes by itself: tokens of the connect page expire in the
// table, and accounts that no link needs any more lose their place in the topics'
// policies, a grace period later. Terraform's refresh and the commands see to the
// second; for a vendor who uses neither, the API does, with no permission more.
// Templates are a permission set's, and tidied by whatever changes that.
const (
	tidyFirst = time.Hour // after the start, so that restarts don't each read the whole hub
	tidyEvery = 24 * time.Hour
)

// keepTidy tidies until ctx is done.
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

// tidyPublishers compares who may publish and read with what the customers need.
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
