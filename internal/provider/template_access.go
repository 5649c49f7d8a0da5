// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// What template_access means for links: whether they have an address that may be
// written down, and for how many customers there is room.

// addresses are a link's url and template_url. Where templates have to be signed
// it has none: a signature belongs into no plan and no state, and would be dead
// before long.
func addresses(record registry.HubRecord, link onboarding.Link, d declaration.Declaration, console string) (url, template types.String, err error) {
	if record.TemplateAccess.Signed() {
		return types.StringNull(), types.StringNull(), nil
	}
	text, err := launch.URL(link, d, console)
	return types.StringValue(text), types.StringValue(link.TemplateURL), err
}

// unknownAddresses are those of a link of which too little is known yet.
func unknownAddresses(record registry.HubRecord) types.String {
	if record.TemplateAccess.Signed() {
		return types.StringNull()
	}
	return types.StringUnknown()
}

// howToSend is what to send to a customer: the link, or how to come by one.
func howToSend(record registry.HubRecord, link onboarding.Link, d declaration.Declaration, console string) string {
	if record.TemplateAccess.Signed() {
		return fmt.Sprintf("Links of this hub are signed when they are needed. Print a fresh one with:\n\n  xacct link %s", link.ID())
	}
	text, err := launch.URL(link, d, console)
	if err != nil {
		return ""
	}
	return text
}

// addressMoves reports whether the hub, as it is or will be in this operation,
// gives the link an address where its state has none, or the other way round.
func (p *linkPlan) addressMoves(ctx context.Context, in *intake) bool {
	record, ok, err := in.expected(ctx)
	if err != nil {
		p.diags.Append(cannot("plan the link of", onCustomer(in.name, p.plan.CustomerID.ValueString()), "", err))
	}
	return ok && record.TemplateAccess.Signed() != p.state.URL.IsNull()
}

// room plans the link, and refuses to, in the plan already, where its account
// doesn't fit into the bucket's policy any more.
func (p *linkPlan) room(ctx context.Context, in *intake, record registry.HubRecord, link onboarding.Link) {
	plan := plannedLink{link: link, known: true}
	if record.TemplateAccess != onboarding.TemplatesAccounts {
		in.planLink(link.CustomerID, plan)
		return
	}
	customers, err := in.all(ctx)
	if err != nil {
		p.diags.Append(cannot("read the customers of", onHub(in.name), "", err))
		return
	}
	readers := accountsOf(customers, in)
	room := roomForReaders(record.Name, record.Region.Partition())
	// Links are planned at the same time: each has to see those before it.
	fits := in.planLinkIf(link.CustomerID, plan, func(others []account.ID) bool {
		for _, id := range others {
			readers[id] = true
		}
		return readers[link.Account] || len(readers) < room
	})
	if !fits {
		p.diags.Append(noRoom(in.name, link.CustomerID, len(readers), room))
	}
}

// accountsOf are the accounts that may publish, and so may read.
func accountsOf(customers map[string]onboarding.Customer, in *intake) map[account.ID]bool {
	var list []onboarding.Customer
	for _, c := range customers {
		list = append(list, c)
	}
	accounts := map[account.ID]bool{}
	for _, id := range onboarding.AllowedAccounts(list, in.session.now()) {
		accounts[id] = true
	}
	return accounts
}

// roomForReaders is for how many accounts the policy of a hub's bucket has room.
// Buckets' names are as long before the hub is there as they are then.
func roomForReaders(name string, partition account.Partition) int {
	return iampolicy.MaxReaders(hub.BucketName(name, registry.Key{}), partition)
}

// planAccess refuses template_access = "accounts" where not all customers fit
// into the policy, or more are declared to come than ever will.
func (r *hubResource) planAccess(ctx context.Context, in *intake, plan *hubModel, declared types.Int64, diags *diag.Diagnostics) {
	if onboarding.TemplateAccess(plan.TemplateAccess.ValueString()) != onboarding.TemplatesAccounts {
		return
	}
	room := roomForReaders(in.name, r.session.clients.Partition())
	if capacity := declared.ValueInt64(); capacity > int64(room) {
		diags.AddAttributeError(path.Root("capacity"), "More customers than a bucket's policy can name", fmt.Sprintf(
			"With template_access = \"accounts\" the policy of the hub's bucket names every customer's account, and S3's limit leaves room for %d. "+
				"Set capacity to at most %d, or template_access to another value.", room, room))
	}
	customers, err := in.all(ctx)
	if err != nil {
		if !errors.Is(err, registry.ErrNoHub) {
			diags.Append(cannot("read the customers of", onHub(in.name), "", err))
		}
		return
	}
	if readers := accountsOf(customers, in); len(readers) > room {
		diags.AddAttributeError(path.Root("template_access"), fmt.Sprintf("Hub %s has too many customers to name", in.name), fmt.Sprintf(
			"With template_access = \"accounts\" the policy of the hub's bucket names every customer's account. Hub %s has %d, and S3's limit leaves room for %d. "+
				"Nothing was changed; template_access = \"presigned\" is private too, and has no such limit.", in.name, len(readers), room))
	}
}

// noRoom says which customer did not fit, and how many do.
func noRoom(hub, customer string, named, room int) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("account_id"), fmt.Sprintf("No room for %s", onCustomer(hub, customer)), fmt.Sprintf(
		"With template_access = \"accounts\" the policy of the hub's bucket names every customer's account. S3's limit leaves room for %d, and %d are named or to be named already; "+
			"those of former customers stay for a week. Declare this customer on another hub, or set the hub's template_access to \"presigned\" or \"public\".", room, named))
}

// cannotRead turns a refusal to name an account as reader into its diagnostic.
func cannotRead(hubName, customer string, err error) (diag.Diagnostic, bool) {
	var full *iampolicy.BucketFullError
	if errors.As(err, &full) {
		return noRoom(hubName, customer, full.Fit, full.Fit), true
	}
	var nobody *hub.NoSuchAccountError
	if errors.As(err, &nobody) {
		return diag.NewAttributeErrorDiagnostic(path.Root("account_id"),
			fmt.Sprintf("The account of %s can't be let in", onCustomer(hubName, customer)), "Nothing was changed. "+sentence(err.Error())), true
	}
	return nil, false
}
