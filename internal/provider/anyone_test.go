// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
)

const expires = `expires_at = "2099-01-01T00:00:00Z"`

// signUp returns a link that names no account.
func signUp(more ...string) string {
	return replaceOnce(linkHCL(globex.with(more...)), `account_id  = "222222222222"`, "")
}

func TestTheFirstAccountClaimsALinkForAnyoneAndOthersAreRefused(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	hub := w.Provider() + hubHCL(`publishers = "anyone"`)
	config := hub + signUp(expires) + roleHCL(globex, waits)
	run(t,
		resource.TestStep{
			PreConfig: func() { w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE") },
			Config:    config,
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleGlobex, "account_id", is(globex.account)),
				value(roleGlobex, "role_arn", is("arn:aws:iam::222222222222:role/acme-globex")),
				value(roleGlobex, "account_confirmed", knownvalue.Bool(false)),
				value(linkGlobex, "account_id", knownvalue.Null()),
				after(func() {
					defer w.Registrar("acme")()
					stack := w.Launch("acme", "globex", acctest.Umbrella, "ROLLBACK_COMPLETE")()
					if story := w.Story(stack.ID); !strings.Contains(story, "another account has used this link before") || strings.Contains(story, globex.account) {
						t.Errorf("the other account's stack says:\n%s", story)
					}
				}),
			},
		},
		resource.TestStep{
			Config: config, ConfigPlanChecks: emptyPlan(),
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleGlobex, "status", is("active")), value(roleGlobex, "account_id", is(globex.account)),
				value(roleGlobex, "accounts", knownvalue.MapSizeExact(1)),
			},
		},
		resource.TestStep{ // known_accounts requires an account in every link
			Config:      w.Provider() + hubHCL() + signUp(expires) + roleHCL(globex, waits),
			ExpectError: loosely(`Open links of hub acme name no account`),
		},
		resource.TestStep{ // the configuration confirms a different account than the one that registered
			Config:      hub + linkHCL(customer{id: "globex", account: initech.account}.with(expires)) + roleHCL(globex, waits),
			ExpectError: loosely(`Customer globex has a live stack in account 222222222222`),
		},
		resource.TestStep{
			Config:            hub + linkHCL(globex.with(expires)) + roleHCL(globex, waits),
			ConfigStateChecks: []statecheck.StateCheck{value(roleGlobex, "account_confirmed", knownvalue.Bool(true))},
		},
		resource.TestStep{ // with the account confirmed, the hub may return to known_accounts
			Config: w.Provider() + hubHCL() + linkHCL(globex.with(expires)) + roleHCL(globex, waits),
			ConfigStateChecks: []statecheck.StateCheck{
				value(theHub, "publishers", is("known_accounts")), value(roleGlobex, "status", is("active")),
			},
		},
		resource.TestStep{Config: w.Provider() + hubHCL() + linkHCL(globex.with(expires)) + roleHCL(globex, waits), ConfigPlanChecks: emptyPlan()},
	)
}

func TestALinkForAnyoneRequiresAnExpiryAndAnIssuedExternalID(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	open := w.Provider() + hubHCL(`publishers = "anyone"`)
	run(t,
		resource.TestStep{Config: open},
		resource.TestStep{Config: open + signUp(), ExpectError: loosely(`expires_at is required`)},
		resource.TestStep{Config: open + signUp(expires, `external_id = "guessable"`), ExpectError: loosely(`external_id can't be chosen`)},
		resource.TestStep{
			Config:      w.Provider() + hubHCL(`publishers = "anyone"`, `template_access = "accounts"`, `capacity = 100`),
			ExpectError: loosely(`Templates must be readable by unknown accounts`),
		},
	)
}
