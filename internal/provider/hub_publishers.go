// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// checkPublishers refuses publishers that contradict the hub's other attributes or its
// links.
func (p *hubPlan) checkPublishers(ctx context.Context, before registry.HubRecord, spec hub.Spec) {
	if spec.PublisherScope == onboarding.AnyAccount {
		if spec.TemplateAccess == onboarding.TemplatesAccounts {
			p.diags.AddAttributeError(path.Root("template_access"), "Templates must be readable by unknown accounts",
				`With publishers = "anyone" the customers' accounts are not known before they launch, so the bucket can't name them as readers. `+
					`Set template_access to "public" or "presigned".`)
		}
		return
	}
	if !before.OpenToAnyone() {
		return
	}
	customers, err := p.view.Customers(ctx)
	if err != nil {
		p.diags.Append(cannot("read the customers of", hubNamed(p.view.Name), "", err))
		return
	}
	if ids := hub.Unconfirmed(slices.Collect(maps.Values(customers))); len(ids) > 0 {
		p.diags.Append(stillUnconfirmed(&hub.UnconfirmedError{Hub: p.view.Name, Customers: ids}))
	}
}

func stillUnconfirmed(err *hub.UnconfirmedError) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("publishers"), fmt.Sprintf("Open links of hub %s name no account", err.Hub), paragraphs(
		"With publishers = \"known_accounts\", only accounts that links name may phone home. Set account_id in these links, or destroy them, and apply; then change publishers.",
		sentence(err.Error())))
}

// onPublishers returns the diagnostic for err on the attribute publishers if err is
// about open links, and otherwise the given diagnostic.
func onPublishers(err error, otherwise diag.Diagnostic) diag.Diagnostic {
	var unconfirmed *hub.UnconfirmedError
	if errors.As(err, &unconfirmed) {
		return stillUnconfirmed(unconfirmed)
	}
	return otherwise
}
