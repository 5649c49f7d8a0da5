// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package roleproof

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// ProveAgain asks whether a role that was proven before can still be assumed
// with its external ID. That is one call, where Prove makes four: a hub's
// roles are looked at every day, and of one that was closed to others when it
// was registered only this can break unnoticed. Whatever is to become proven
// anew needs Prove.
func (p *Prover) ProveAgain(ctx context.Context, probe onboarding.Probe) onboarding.Proof {
	if probe.Role.Account == p.config.VendorAccount {
		return inconclusive(fmt.Errorf("role %s of customer %s is in the vendor's own account, which is never probed", probe.Role, probe.CustomerID))
	}
	client, err := p.client(ctx, probe.Principals)
	if err == nil {
		err = try(ctx, client, probe.Role, aws.String(probe.ExternalID.String()))
		if IsRefusal(err) {
			return onboarding.Proof{Outcome: onboarding.Refused, Err: err}
		}
	}
	if err != nil {
		return inconclusive(fmt.Errorf("prove role %s of customer %s again: %w", probe.Role, probe.CustomerID, err))
	}
	return onboarding.Proof{Outcome: onboarding.Proven}
}
