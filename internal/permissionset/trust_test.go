// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import "testing"

// A role is proven by the hub's account: as one of its roles if some are named,
// else as any principal that it allows.
func TestOnlyRolesOfTheHubsAccountProve(t *testing.T) {
	trust := Trust{
		TrustedAccountIDs: []string{"222222222222"},
		TrustedPrincipals: []string{"arn:aws:iam::222222222222:role/Scanner", "arn:aws:iam::111111111111:role/Prover"},
	}
	if got := trust.Provers(vendor); len(got) != 1 || got[0].Name != "Prover" {
		t.Errorf("%v", got)
	}
	trust.TrustedPrincipals = trust.TrustedPrincipals[:1]
	if got := trust.Provers(vendor); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
