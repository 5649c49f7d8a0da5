// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// readersOf returns the accounts that the bucket's policy names as readers: those that
// may publish.
func readersOf(customers map[string]onboarding.Customer, now time.Time) map[account.ID]bool {
	readers := map[account.ID]bool{}
	for _, id := range onboarding.AllowedAccounts(slices.Collect(maps.Values(customers)), now) {
		readers[id] = true
	}
	return readers
}

// roomForReaders returns how many accounts the policy of a hub's bucket can name. The
// bucket is empty for a hub that doesn't exist yet.
func roomForReaders(name, bucket string, owner account.ID, region account.Region) int {
	return iampolicy.MaxReaders(cmp.Or(bucket, hub.BucketPattern(name, owner, region)), region.Partition())
}

// checkTemplateAccess refuses template_access = "accounts" if the policy can't name
// all current customers, or capacity is more than it can name.
func (p *hubPlan) checkTemplateAccess(ctx context.Context) {
	if onboarding.TemplateAccess(p.plan.TemplateAccess.ValueString()) != onboarding.TemplatesAccounts {
		return
	}
	clients, bucket := p.resource.session.clients, ""
	if p.sameHub() {
		bucket = p.state.TemplateBucket.ValueString()
	}
	room := roomForReaders(p.view.Name, bucket, clients.Account, clients.Region)
	if capacity := p.declared.capacity.ValueInt64(); capacity > int64(room) {
		p.diags.AddAttributeError(path.Root("capacity"), "More customers than a bucket's policy can name", fmt.Sprintf(
			"With template_access = \"accounts\" the policy of the hub's bucket names every customer's account, and S3's limit leaves room for %d. "+
				"Set capacity to at most %d, or template_access to another value.", room, room))
	}
	customers, err := p.view.Customers(ctx)
	if err != nil {
		if !errors.Is(err, registry.ErrNoHub) {
			p.diags.Append(cannot("read the customers of", hubNamed(p.view.Name), "", err))
		}
		return
	}
	if readers := readersOf(customers, p.view.Now()); len(readers) > room {
		p.diags.AddAttributeError(path.Root("template_access"), fmt.Sprintf("Hub %s has too many customers to name", p.view.Name), fmt.Sprintf(
			"With template_access = \"accounts\" the policy of the hub's bucket names every customer's account. Hub %s has %d, and S3's limit leaves room for %d. "+
				"Nothing was changed; template_access = \"presigned\" is private too, and has no such limit.", p.view.Name, len(readers), room))
	}
}
