// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// maxConcurrentShards is the number of shards whose policies are written concurrently,
// each in all of the hub's Regions. SNS accepts some tens of writes per second.
const maxConcurrentShards = 4

// AllowMany is Allow for many accounts, grouped by their shard. Every topic's policy is
// written once, however many accounts are added.
func (p *Permissions) AllowMany(ctx context.Context, accounts map[int][]account.ID) error {
	group := errgroup.Group{} // without a context: an error of one shard must not cancel the others
	group.SetLimit(maxConcurrentShards)
	for _, shard := range slices.Sorted(maps.Keys(accounts)) {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, allowTimeout)
			defer cancel()
			if err := p.allow(ctx, registry.ShardList(shard), accounts[shard]); err != nil {
				return fmt.Errorf("allow %s to publish to topic %d: %w", onboarding.Counted(len(accounts[shard]), "account"), shard, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// AllowReadMany is AllowRead for many accounts. The bucket's policy is written once.
func (p *Permissions) AllowReadMany(ctx context.Context, record registry.HubRecord, accounts []account.ID) error {
	if record.TemplateAccess != onboarding.TemplatesAccounts || len(accounts) == 0 {
		return nil
	}
	return p.allow(ctx, registry.Readers, accounts)
}
