// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
)

// before returns the plan checks of a step.
func before(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

func planned(address, attribute string, want knownvalue.Check) plancheck.PlanCheck {
	return plancheck.ExpectKnownValue(address, tfjsonpath.New(attribute), want)
}

func action(address string, a plancheck.ResourceActionType) plancheck.PlanCheck {
	return plancheck.ExpectResourceAction(address, a)
}

const (
	linkGlobex  = "xacct_onboarding_link.globex"
	roleGlobex  = "xacct_customer_role.globex"
	linkInitech = "xacct_onboarding_link.initech"
	roleInitech = "xacct_customer_role.initech"
	theHub      = "xacct_hub.this"
)

func TestALinkIsKnownInThePlanIfTheHubExists(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	url := like(`^http://127\.0\.0\.1:\d+/console/cloudformation/home\?region=us-east-1#/stacks/quickcreate\?templateURL=https%3A%2F%2Fxacct-acme-111111111111-us-east-1-an\.s3\.us-east-1\.amazonaws\.com%2Ftemplates%2F[0-9a-f]{64}\.json&stackName=acme-access&param_CustomerName=globex&param_ExpectedAccountId=222222222222&param_ExternalId=[0-9a-f]{40}&param_RoleName=acme-globex&param_Shard=0$`)
	run(t,
		resource.TestStep{Config: w.Provider() + hubHCL()},
		resource.TestStep{
			Config: w.Provider() + hubHCL() + linkHCL(globex) + roleHCL(globex),
			ConfigPlanChecks: before(
				action(linkGlobex, plancheck.ResourceActionCreate),
				planned(linkGlobex, "id", is("acme/globex")),
				planned(linkGlobex, "external_id", like(`^[0-9a-f]{40}$`)),
				planned(linkGlobex, "url", url),
				planned(linkGlobex, "template_version", like(`^[0-9a-f]{16}$`)),
				planned(roleGlobex, "role_arn", is("arn:aws:iam::222222222222:role/acme-globex")),
				planned(roleGlobex, "account_id", is("222222222222")),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				value(linkGlobex, "url", url),
				value(roleGlobex, "status", is("pending")),
				value(roleGlobex, "stack_id", knownvalue.Null()),
			},
		},
		resource.TestStep{Config: w.Provider() + hubHCL() + linkHCL(globex) + roleHCL(globex), ConfigPlanChecks: emptyPlan()},
		resource.TestStep{ResourceName: linkGlobex, ImportState: true, ImportStateId: "acme/globex", ImportStateVerify: true},
		resource.TestStep{ResourceName: roleGlobex, ImportState: true, ImportStateId: "acme/globex", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "link"},
	)
}

func TestAnImportedLinkWithEverythingNeedsNoChange(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	everything := globex.with(`role = {
    name                     = "AcmeAccess"
    path                     = "/vendors/"
    description              = "Read access for Acme"
    managed_policy_arns      = ["arn:aws:iam::aws:policy/SecurityAudit"]
    inline_policies          = { read = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:ListAllMyBuckets", Resource = "*" }] }) }
    permissions_boundary_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    max_session_duration     = 7200
    tags                     = { owner = "acme" }
  }
  stack_name  = "acme"
  expires_at  = "2099-01-31T18:00:00+01:00"`)
	config := w.Provider() + hubHCL() + linkHCL(everything)
	forget := w.Provider() + hubHCL() + `
removed {
  from = xacct_onboarding_link.globex
  lifecycle { destroy = false }
}`
	journey(t,
		resource.TestStep{Config: config},
		resource.TestStep{Config: forget},
		resource.TestStep{Config: config, ResourceName: linkGlobex, ImportState: true, ImportStateId: "acme/globex", ImportStatePersist: true},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
	)
}

func TestALinkChangesInPlaceAndItsTemplateOnlyWithItsRole(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := func(arguments ...string) string { return w.Provider() + hubHCL() + linkHCL(globex.with(arguments...)) }
	template := statecheck.CompareValue(sameAsBefore{})
	url := statecheck.CompareValue(sameAsBefore{})
	policy := func(text string) string {
		return `role = { managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"], inline_policies = { read = ` + text + ` } }`
	}
	run(t,
		resource.TestStep{
			Config: config(),
			ConfigStateChecks: []statecheck.StateCheck{
				template.AddStateValue(linkGlobex, tfjsonpath.New("template_url")), url.AddStateValue(linkGlobex, tfjsonpath.New("url")),
			},
		},
		resource.TestStep{ // an expiry is not part of the template
			Config:           config(`expires_at = "2099-01-01T00:00:00Z"`),
			ConfigPlanChecks: before(action(linkGlobex, plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{
				template.AddStateValue(linkGlobex, tfjsonpath.New("template_url")), url.AddStateValue(linkGlobex, tfjsonpath.New("url")),
			},
		},
		resource.TestStep{ // the same time in another time zone
			Config:           config(`expires_at = "2099-01-01T01:00:00+01:00"`),
			ConfigPlanChecks: emptyPlan(),
		},
		resource.TestStep{
			Config: config(`stack_name = "other"`),
			ConfigPlanChecks: before(
				action(linkGlobex, plancheck.ResourceActionUpdate),
				planned(linkGlobex, "url", like(`stackName=other`)),
			),
			ConfigStateChecks: []statecheck.StateCheck{template.AddStateValue(linkGlobex, tfjsonpath.New("template_url"))},
		},
		resource.TestStep{
			Config: config(policy(`"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"s3:ListAllMyBuckets\"],\"Resource\":\"*\"}]}"`)),
			ConfigPlanChecks: before(
				action(linkGlobex, plancheck.ResourceActionUpdate),
				plancheck.ExpectKnownValue(linkGlobex, tfjsonpath.New("template_url"), knownvalue.NotNull()),
			),
		},
		resource.TestStep{ // an equivalent policy is no change
			Config:           config(policy(`jsonencode({ Version = "2012-10-17", Statement = { Effect = "Allow", Action = "s3:ListAllMyBuckets", Resource = ["*"] } })`)),
			ConfigPlanChecks: emptyPlan(),
		},
		resource.TestStep{
			Config:           w.Provider() + hubHCL() + linkHCL(customer{id: "globex", account: acctest.Umbrella}),
			ConfigPlanChecks: before(action(linkGlobex, plancheck.ResourceActionUpdate)),
		},
	)
}

// sameAsBefore fails if a value is not the one that the first step had.
type sameAsBefore struct{}

func (sameAsBefore) CompareValues(values ...any) error {
	for i := 1; i < len(values); i++ {
		if values[i] != values[0] {
			return errChanged
		}
	}
	return nil
}

func TestANewLinkMayUseARegionThatItsHubGainsInTheSameApply(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	both := hubHCL(`regions = ["us-east-1", "eu-central-1"]`, `display_name = "Acme again"`)
	journey(t,
		resource.TestStep{Config: w.Provider() + hubHCL(`regions = ["us-east-1"]`) + linkHCL(globex)},
		resource.TestStep{
			PreConfig: func() { w.Launch("acme", "initech", initech.account, "CREATE_COMPLETE") },
			Config: w.Provider() + replaceOnce(both, `display_name = "Acme Monitoring"`, "") + linkHCL(globex) +
				linkHCL(initech.with(`region = "eu-central-1"`)) + roleHCL(initech, waits),
			ConfigPlanChecks: before(
				action(theHub, plancheck.ResourceActionUpdate),
				action(linkGlobex, plancheck.ResourceActionUpdate), // its template contains the hub's Regions
				planned(linkInitech, "url", like(`region=eu-central-1`)),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				value(roleInitech, "status", is("active")),
				value(roleInitech, "stack_region", is("eu-central-1")),
			},
		},
	)
}

func TestReplacingTheHubReplacesLinksAndRoles(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := w.Provider() + hubHCL() + linkHCL(globex) + roleHCL(globex)
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			Config: replaceOnce(config, `"acme"`, `"acme-two"`),
			ConfigPlanChecks: before(
				action(theHub, plancheck.ResourceActionDestroyBeforeCreate),
				action(linkGlobex, plancheck.ResourceActionDestroyBeforeCreate),
				action(roleGlobex, plancheck.ResourceActionDestroyBeforeCreate),
				plancheck.ExpectUnknownValue(linkGlobex, tfjsonpath.New("url")),
			),
			ConfigStateChecks: []statecheck.StateCheck{value(linkGlobex, "id", is("acme-two/globex"))},
		},
	)
}

func TestATaintedLinkKeepsItsExternalIDAndItsURL(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := w.Provider() + hubHCL() + linkHCL(globex) + roleHCL(globex)
	external, url := statecheck.CompareValue(sameAsBefore{}), statecheck.CompareValue(sameAsBefore{})
	incarnation := statecheck.CompareValue(differentFromBefore{})
	same := func() []statecheck.StateCheck {
		return []statecheck.StateCheck{
			external.AddStateValue(linkGlobex, tfjsonpath.New("external_id")), url.AddStateValue(linkGlobex, tfjsonpath.New("url")),
			incarnation.AddStateValue(linkGlobex, tfjsonpath.New("incarnation")),
		}
	}
	run(t,
		resource.TestStep{Config: config, ConfigStateChecks: same()},
		resource.TestStep{
			Config: config, Taint: []string{linkGlobex},
			ConfigPlanChecks: before(
				action(linkGlobex, plancheck.ResourceActionDestroyBeforeCreate),
				planned(linkGlobex, "external_id", knownvalue.NotNull()),
				planned(linkGlobex, "url", knownvalue.NotNull()),
			),
			ConfigStateChecks: same(),
		},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
	)
}

type differentFromBefore struct{}

func (differentFromBefore) CompareValues(values ...any) error {
	if len(values) == 2 && values[0] == values[1] {
		return errUnchanged
	}
	return nil
}

func TestARecreatedLinkHasTheSameExternalIDUnlessTheAccountDiffers(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	without := w.Provider() + hubHCL()
	with, elsewhere := without+linkHCL(globex), without+linkHCL(customer{id: "globex", account: acctest.Umbrella})
	same, other := statecheck.CompareValue(sameAsBefore{}), statecheck.CompareValue(differentFromBefore{})
	externalID := tfjsonpath.New("external_id")
	run(t,
		resource.TestStep{Config: with, ConfigStateChecks: []statecheck.StateCheck{same.AddStateValue(linkGlobex, externalID)}},
		resource.TestStep{Config: without},
		resource.TestStep{
			Config:           with,
			ConfigPlanChecks: before(planned(linkGlobex, "external_id", knownvalue.NotNull())),
			ConfigStateChecks: []statecheck.StateCheck{
				same.AddStateValue(linkGlobex, externalID), other.AddStateValue(linkGlobex, externalID),
			},
		},
		resource.TestStep{Config: without},
		resource.TestStep{
			Config:            elsewhere,
			ConfigPlanChecks:  before(planned(linkGlobex, "external_id", knownvalue.NotNull())),
			ConfigStateChecks: []statecheck.StateCheck{other.AddStateValue(linkGlobex, externalID)},
		},
	)
}

func TestAForgottenLinkIsTakenOverOnlyWithTheSameConfiguration(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := w.Provider() + hubHCL() + linkHCL(globex)
	forget := w.Provider() + hubHCL() + `
removed {
  from = xacct_onboarding_link.globex
  lifecycle { destroy = false }
}`
	external := statecheck.CompareValue(sameAsBefore{})
	run(t,
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{external.AddStateValue(linkGlobex, tfjsonpath.New("external_id"))}},
		resource.TestStep{Config: forget},
		resource.TestStep{ // a different configuration of the link is refused
			Config:      w.Provider() + hubHCL() + linkHCL(globex.with(`stack_name = "other"`)),
			ExpectError: loosely(`differs from this configuration in stack_name.*moved block.*terraform import ADDRESS acme/globex`),
		},
		resource.TestStep{ // the same configuration takes it over
			Config:            config,
			ConfigStateChecks: []statecheck.StateCheck{external.AddStateValue(linkGlobex, tfjsonpath.New("external_id"))},
		},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
	)
}

func TestConflictsWithTheHubAndItsOtherCustomersAreErrorsAtPlan(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	own := globex.with(`external_id = "acme-2019-globex"`)
	run(t,
		resource.TestStep{Config: w.Provider() + hubHCL() + linkHCL(own)},
		resource.TestStep{
			Config:      w.Provider() + hubHCL() + linkHCL(own) + linkHCL(initech.with(`external_id = "acme-2019-globex"`)),
			ExpectError: loosely(`Two customers with one external ID.*belongs to customer globex already`),
		},
		resource.TestStep{
			Config: w.Provider() + hubHCL() + linkHCL(own) + linkHCL(initech.with(`external_id = "twin"`)) +
				linkHCL(umbrella.with(`external_id = "twin"`)),
			ExpectError: loosely(`Two customers with one external ID`),
		},
		resource.TestStep{
			Config:      w.Provider() + hubHCL() + linkHCL(own) + linkHCL(initech.with(`region = "eu-west-1"`)),
			ExpectError: loosely(`Region eu-west-1 is not a Region of hub acme`),
		},
		resource.TestStep{
			Config:      w.Provider() + hubHCL() + linkHCL(own) + linkHCL(initech.with(`trusted_principal_arns = ["arn:aws:iam::111111111111:role/missing"]`)),
			ExpectError: loosely(`The provider cannot assume any trusted principal.*runs as arn:aws:iam::111111111111:user/admin`),
		},
	)
}

func TestALinkClosedElsewhereIsReopenedInPlace(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := w.Provider() + hubHCL() + linkHCL(globex) + roleHCL(globex)
	external := statecheck.CompareValue(sameAsBefore{})
	run(t,
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{external.AddStateValue(linkGlobex, tfjsonpath.New("external_id"))}},
		resource.TestStep{
			PreConfig: func() {
				records := w.Registry("acme")
				found, err := records.Customer(t.Context(), "globex")
				if err != nil {
					t.Fatal(err)
				}
				found.Link.Closed = true
				if _, err := records.UpdateLink(t.Context(), found.Link); err != nil {
					t.Fatal(err)
				}
			},
			Config: config,
			ConfigPlanChecks: before(
				action(linkGlobex, plancheck.ResourceActionUpdate),
				action(roleGlobex, plancheck.ResourceActionNoop),
				planned(linkGlobex, "external_id", knownvalue.NotNull()),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				value(linkGlobex, "status", is("open")),
				external.AddStateValue(linkGlobex, tfjsonpath.New("external_id")),
				statecheck.CompareValuePairs(linkGlobex, tfjsonpath.New("external_id"), roleGlobex, tfjsonpath.New("external_id"), sameAsBefore{}),
			},
		},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
	)
}

func TestAnUnknownExternalIDMakesTheURLUnknown(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	later := `
resource "terraform_data" "later" { input = "acme-2019-globex" }
`
	run(t,
		resource.TestStep{Config: w.Provider() + hubHCL()},
		resource.TestStep{
			Config:           w.Provider() + hubHCL() + later + linkHCL(globex.with(`external_id = terraform_data.later.output`)),
			ConfigPlanChecks: before(plancheck.ExpectUnknownValue(linkGlobex, tfjsonpath.New("url"))),
			ConfigStateChecks: []statecheck.StateCheck{
				value(linkGlobex, "external_id", is("acme-2019-globex")), value(linkGlobex, "url", like("param_ExternalId=acme-2019-globex")),
			},
		},
	)
}

func TestARoleThatTrustsAVendorsRoleIsProvenAsThatRole(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	trusted := w.Role("acme-worker", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"}]}`,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`)
	run(t, resource.TestStep{
		PreConfig:         func() { w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE") },
		Config:            w.Provider() + hubHCL() + linkHCL(globex.with(`trusted_principal_arns = ["`+trusted+`"]`)) + roleHCL(globex, waits),
		ConfigStateChecks: []statecheck.StateCheck{value(roleGlobex, "status", is("active"))},
	})
}

func TestEquivalentValuesAreNoChange(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := func(timeout, expiry string) string {
		return w.Provider() + hubHCL(`response_timeout = "`+timeout+`"`) + linkHCL(globex.with(`expires_at = "`+expiry+`"`))
	}
	run(t,
		resource.TestStep{Config: config("15m", "2099-01-31T18:00:00Z")},
		resource.TestStep{Config: config("900s", "2099-01-31T19:00:00+01:00"), ConfigPlanChecks: emptyPlan()},
		resource.TestStep{
			Config: config("901s", "2099-01-31T18:00:01Z"),
			ConfigPlanChecks: before(
				action(theHub, plancheck.ResourceActionUpdate),
				action(linkGlobex, plancheck.ResourceActionUpdate),
			),
		},
	)
}
