// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"maps"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Beside individual accounts, whole organizations may publish. They are in the same
// item as the accounts, under the same lease.

// publishersOf returns the principals that the policies of a shard's topics should
// contain.
func publishersOf(shard registry.Shard) iampolicy.Publishers {
	who := iampolicy.Publishers{Accounts: shard.AccountIDs(), Anyone: shard.Anyone}
	for id := range shard.Organizations {
		who.Organizations = append(who.Organizations, id)
	}
	return who
}

// AllowOrganization ensures that all accounts of an organization may publish
// to a shard's topics in every Region.
func (p *Permissions) AllowOrganization(ctx context.Context, shard int, id account.OrganizationID) error {
	ctx, cancel := context.WithTimeout(ctx, allowTimeout)
	defer cancel()
	return p.change(ctx, registry.ShardList(shard), func(now registry.Shard) registry.ShardChange {
		asked, there := now.Organizations[id]
		leaving := marksWithout(now, id)
		if there && p.hub.now().Sub(asked) <= renewAfter && leaving == nil {
			return registry.ShardChange{}
		}
		all := map[account.OrganizationID]time.Time{}
		maps.Copy(all, now.Organizations)
		all[id] = p.hub.now()
		return registry.ShardChange{Organizations: all, Leaving: leaving}
	})
}
