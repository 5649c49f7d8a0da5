// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/provider/hubview"
)

// Two hubs of one name in two Regions differ only in the provider configuration that
// refers to them. Each alias of the provider is a process of its own, without
// information about the others: so the provider looks at the account's buckets.

// checkElsewhere warns of a new hub if another Region has a hub of that name.
func (p *hubPlan) checkElsewhere(ctx context.Context) {
	clients := p.view.Clients()
	others, err := p.view.OtherRegions(ctx)
	var missing *awsclient.PermissionError
	switch {
	case errors.As(err, &missing):
		p.diags.AddAttributeWarning(path.Root("name"), "Other Regions could not be searched for the hub", fmt.Sprintf(
			"If another Region has a hub %s, this is a second hub of the same name. For a warning in that case, allow %s to do %s on %s.",
			p.view.Name, missing.Caller, missing.Action, missing.Resource))
	case len(others) > 0:
		p.diags.AddAttributeWarning(path.Root("name"), fmt.Sprintf("Hub %s also exists in another Region", p.view.Name),
			hub.OtherRegionsWarning(p.view.Name, clients.Account, clients.Region, others))
	}
}

// checkShared refuses Regions in which another hub of the same name has its topics. It
// ignores all other errors of that check: the apply would meet and report them.
func (p *hubPlan) checkShared(ctx context.Context, added []account.Region) {
	var shared *hub.SharedTopicError
	if errors.As(p.view.Hub.CheckSharedTopics(ctx, added), &shared) {
		p.diags.Append(sharedTopic(p.view.Name, shared))
	}
}

// onShared returns the diagnostic for another hub's topic if err is about one, and
// otherwise the given one.
func onShared(name string, err error, otherwise diag.Diagnostic) diag.Diagnostic {
	var shared *hub.SharedTopicError
	if errors.As(err, &shared) {
		return sharedTopic(name, shared)
	}
	return otherwise
}

func sharedTopic(name string, e *hub.SharedTopicError) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("regions"), fmt.Sprintf("Another hub %s is in Region %s", name, e.Topic.Region), paragraphs(
		"Two hubs of one name can't share a Region: their topics have the same name. Give this hub another name, leave the Region out, or configure the provider for the other hub's Region. "+
			"If that hub no longer exists, delete the topic.", sentence(e.Error())))
}

// warnOfOthers warns that a resource that this plan creates in a hub may belong in a
// hub of the same name in another Region. The summary is the same for all resources,
// so Terraform shows it once. If the caller may not look for other hubs, it adds
// nothing: the plan that creates the hub has reported that.
func warnOfOthers(ctx context.Context, view *hubview.View, what string, diags *diag.Diagnostics) {
	others, err := view.OtherRegions(ctx)
	if err != nil || len(others) == 0 {
		return
	}
	names := make([]string, len(others))
	for i, region := range others {
		names[i] = region.String()
	}
	here := view.Clients()
	diags.AddAttributeWarning(path.Root("hub"), fmt.Sprintf("Hub %s also exists in another Region", view.Name), fmt.Sprintf(
		"This plan creates %s in the hub of Region %s, where its provider configuration looks. Account %s has a hub of the same name in %s, which is a different one. "+
			"If that one is meant, set provider to the alias of its Region. Hubs with different names can't be mistaken for each other.",
		what, here.Region, here.Account, strings.Join(names, ", ")))
}
