// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"

	"github.com/xacct/terraform-provider-xacct/internal/registrar"
)

// publishEvents publishes the waiting events on the hub's event bus, including
// those that the command itself has caused, because no registrar may be
// running.
func (in *intake) publishEvents(ctx context.Context) error {
	if in.record.EventBus.IsZero() {
		return nil
	}
	return registrar.NewPublisher(in.clients, in.records, in.clock, nil).Sweep(ctx, 0)
}
