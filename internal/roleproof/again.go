// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package roleproof

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// ProveAgain checks that a role that was proven before can still be assumed with its
// external ID. It makes one call, while Prove makes four, because all roles of a hub
// are checked every day. If a role refused other callers when it was registered, the
// one call detects the only way in which the role can break unnoticed. Prove is
// needed for a role that is to be registered.
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
		return withoutPrincipal(fmt.Errorf("prove role %s of customer %s again: %w", probe.Role, probe.CustomerID, err))
	}
	return onboarding.Proof{Outcome: onboarding.Proven}
}
