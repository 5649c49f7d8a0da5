// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package permissionset

import "testing"

// A role is proven by principals of the hub's account: by its trusted roles, or by any principal that the
// account allows if none is named.
func TestOnlyRolesOfTheHubsAccountAreProvers(t *testing.T) {
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
