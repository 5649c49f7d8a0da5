// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
)

// kmsKey returns the declared key; zero if none is declared or it isn't known yet.
func (m hubModel) kmsKey(diags *diag.Diagnostics) account.KMSKeyARN {
	text := m.KMSKeyARN.ValueString()
	if text == "" {
		return account.KMSKeyARN{}
	}
	key, err := account.ParseKMSKeyARN(text)
	if err != nil {
		diags.AddAttributeError(path.Root("kms_key_arn"), "Invalid KMS key ARN", sentence(err.Error()))
	}
	return key
}

// checkKMSKey refuses a key that the hub can't use, and prints what a new key's policy
// needs: if the key refuses SNS, SNS loses messages silently.
func (p *hubPlan) checkKMSKey(ctx context.Context) {
	key := p.plan.kmsKey(p.diags)
	clients := p.resource.session.clients
	if err := hub.CheckKMSKey(key, clients.Account, clients.Region); err != nil {
		p.diags.AddAttributeError(path.Root("kms_key_arn"), "Unusable KMS key", sentence(err.Error()))
		return
	}
	if key.IsZero() || p.sameHub() && p.state.KMSKeyARN.Equal(p.plan.KMSKeyARN) || !fullyKnown(p.plan.Regions) || p.plan.Name.IsUnknown() {
		return
	}
	statement := hub.KeyPolicyStatement(p.plan.Name.ValueString(), clients.Account, clients.Region, regionsOf(ctx, p.plan.Regions, path.Root("regions"), p.diags))
	p.diags.AddAttributeWarning(path.Root("kms_key_arn"), "The key policy must let SNS use the key", fmt.Sprintf(
		"SNS encrypts customers' requests for the queue, and a request is lost if the key refuses that. The policy of key %s needs this statement, beside one that leaves "+
			"the rest to the account's IAM policies; the apply tests it with a message:\n\n%s", key, statement))
}
