// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/events"
)

// tell sends the waiting events, including those that the command itself has
// caused: no registrar may be running.
func (in *intake) tell(ctx context.Context) error {
	if in.record.EventBus.IsZero() {
		return nil
	}
	return events.New(events.Config{
		Outbox: in.records,
		Bus:    func(region account.Region) events.Client { return in.clients.EventBridge(region) },
		Clock:  in.clock,
	}).Sweep(ctx, 0)
}
