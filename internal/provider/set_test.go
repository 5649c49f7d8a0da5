// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
)

const setReadonly = "xacct_permission_set.readonly"

// setHCL returns a permission set whose resource is named after it.
func setHCL(name string, more ...string) string {
	if len(more) == 0 {
		more = []string{`managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]`}
	}
	return fmt.Sprintf(`
resource "xacct_permission_set" %q {
  hub  = xacct_hub.this.id
  name = %q
  %s
}
`, name, name, strings.Join(more, "\n  "))
}

// grants returns an argument with one inline policy that allows actions.
func grants(actions ...string) string {
	return fmt.Sprintf(`inline_policies = { data = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = split(" ", %q), Resource = "*" }] }) }`, strings.Join(actions, " "))
}

// everything has the attributes of a role, a trusted role and an optional permission.
const everything = `
  role_name            = "AcmeAccess"
  role_path            = "/vendors/"
  role_description     = "Access of Acme"
  role_tags            = { vendor = "acme" }
  max_session_duration = 7200
  managed_policy_arns  = ["arn:aws:iam::aws:policy/SecurityAudit"]
  inline_policies      = { logs = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "logs:GetLogEvents", Resource = "*" }] }) }
  permissions_boundary_arn = "arn:aws:iam::aws:policy/PowerUserAccess"
  trusted_principal_arns   = ["arn:aws:iam::111111111111:user/admin-role"]
  optional_permissions = {
    billing = { description = "Read invoices", managed_policy_arns = ["arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"] }
  }
`

func TestAPermissionSetIsCreatedAndTheNextPlanIsEmpty(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	trusted := w.Role("acme-worker", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"}]}`,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`)
	config := w.Provider() + hubHCL() + setHCL("readonly", strings.Replace(everything, "arn:aws:iam::111111111111:user/admin-role", trusted, 1)) + `
data "xacct_permission_set" "readonly" {
  hub  = xacct_permission_set.readonly.hub
  name = "readonly"
}
data "xacct_stack_template" "same" {
  hub  = xacct_permission_set.readonly.hub
  role = {
    path = "/vendors/", description = "Access of Acme", tags = { vendor = "acme" }, max_session_duration = 7200
    managed_policy_arns = ["arn:aws:iam::aws:policy/SecurityAudit"]
    inline_policies     = xacct_permission_set.readonly.inline_policies
    permissions_boundary_arn = "arn:aws:iam::aws:policy/PowerUserAccess"
  }
  trusted_principal_arns = xacct_permission_set.readonly.trusted_principal_arns
  optional_permissions   = xacct_permission_set.readonly.optional_permissions
}
`
	pair := func(attribute, other, of string) statecheck.StateCheck {
		return statecheck.CompareValuePairs(setReadonly, tfjsonpath.New(attribute), other, tfjsonpath.New(of), alike{})
	}
	const data, template = "data.xacct_permission_set.readonly", "data.xacct_stack_template.same"
	checks := []statecheck.StateCheck{
		value(setReadonly, "id", is("acme/readonly")),
		value(setReadonly, "incarnation", knownvalue.NotNull()),
		value(setReadonly, "template_url", like(`^https://xacct-acme-[0-9a-z-]+\.s3\.us-east-1\.amazonaws\.com/templates/[0-9a-f]{64}\.json$`)),
		pair("template_version", template, "template_version"),
	}
	for _, attribute := range []string{
		"role_name", "role_path", "role_description", "role_tags", "max_session_duration", "managed_policy_arns", "inline_policies",
		"permissions_boundary_arn", "trusted_principal_arns", "optional_permissions", "template_version", "template_url", "incarnation", "id",
	} {
		checks = append(checks, pair(attribute, data, attribute), value(setReadonly, attribute, knownvalue.NotNull()))
	}
	run(t,
		resource.TestStep{Config: config, ConfigStateChecks: checks},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{ResourceName: setReadonly, ImportState: true, ImportStateId: "acme/readonly", ImportStateVerify: true},
	)
}

func TestASetsVersionIsKnownBeforeItsHubExistsAndItsTemplateAfterwards(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	run(t,
		resource.TestStep{
			Config: w.Provider() + hubHCL() + strings.Replace(setHCL("readonly"), "xacct_hub.this.id", "xacct_hub.this.name", 1),
			ConfigPlanChecks: before(
				planned(setReadonly, "id", is("acme/readonly")), planned(setReadonly, "template_version", like(`^[0-9a-f]{16}$`)),
				plancheck.ExpectUnknownValue(setReadonly, tfjsonpath.New("template_url")),
			),
		},
		resource.TestStep{
			Config: w.Provider() + hubHCL() + setHCL("readonly", grants("s3:GetObject")),
			ConfigPlanChecks: before(
				action(setReadonly, plancheck.ResourceActionUpdate),
				planned(setReadonly, "template_url", like(`^https://.*\.json$`)),
				planned(setReadonly, "incarnation", knownvalue.NotNull()),
			),
		},
		resource.TestStep{
			Config:           w.Provider() + hubHCL(`regions = ["us-east-1", "eu-west-1"]`) + setHCL("readonly", grants("s3:GetObject")),
			ConfigPlanChecks: before(action(setReadonly, plancheck.ResourceActionUpdate), planned(setReadonly, "template_url", like(`^https://.*\.json$`))),
		},
		resource.TestStep{
			Config:           w.Provider() + hubHCL(`regions = ["us-east-1", "eu-west-1"]`) + setHCL("readonly", grants("s3:GetObject")),
			ConfigPlanChecks: emptyPlan(),
		},
	)
}

func TestMistakesInASetAreErrorsAtPlan(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	hub := w.Provider() + hubHCL()
	big := `inline_policies = { for n in range(12) : "p${n}" => jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = [for m in range(40) : "arn:aws:s3:::bucket-${n}-${m}/*"] }] }) }`
	run(t,
		resource.TestStep{Config: hub},
		resource.TestStep{Config: hub + setHCL("readonly", `role_nam = "x"`), ExpectError: loosely(`Unsupported argument`)},
		resource.TestStep{Config: hub + replaceOnce(setHCL("spaced"), `name = "spaced"`, `name = "no spaces"`), ExpectError: loosely(`Invalid permission set name`)},
		resource.TestStep{Config: hub + setHCL("readonly", `role_path = "nowhere"`), ExpectError: loosely(`Invalid role path`)},
		resource.TestStep{Config: hub + setHCL("readonly", big), ExpectError: loosely(`Inline policies too long`)},
		resource.TestStep{Config: hub + setHCL("readonly", `inline_policies = { a = "{}" }`), ExpectError: loosely(`Invalid IAM policy`)},
		resource.TestStep{Config: hub + setHCL("readonly", `role_tags = { "aws:owner" = "me" }`), ExpectError: loosely(`reserved by AWS`)},
		resource.TestStep{
			Config:      hub + setHCL("readonly", `trusted_principal_arns = ["arn:aws:iam::111111111111:role/missing"]`),
			ExpectError: loosely(`The provider cannot assume any trusted principal`),
		},
		resource.TestStep{
			Config:      hub + setHCL("readonly", `trusted_principal_arns = ["arn:aws:iam::999999999999:role/other"]`),
			ExpectError: loosely(`account 999999999999`),
		},
	)
}

func TestAPlanWarnsOfBroadPermissionsOfASetOnTheirAttributes(t *testing.T) {
	t.Parallel()
	s := newState(t, acctest.Start(t))
	s.apply(hubHCL())
	mighty := hubHCL() + setHCL("readonly", `managed_policy_arns = ["arn:aws:iam::aws:policy/AdministratorAccess"]`, grants("*"))
	warned(t, s.plan(setReadonly, mighty),
		`managed_policy_arns: The managed policy AdministratorAccess allows every action`,
		`inline_policies["data"]: Statement[0] allows every action on every resource`,
	)
	s.apply(mighty)
	warned(t, s.plan(setReadonly, mighty)) // no warning, because nothing changes
}

func TestASetAtAnotherAddressIsTheSameSet(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	hub := w.Provider() + hubHCL()
	renamed := func(name, more string) string {
		return strings.Replace(setHCL("readonly", more), `"xacct_permission_set" "readonly"`, fmt.Sprintf("%q %q", "xacct_permission_set", name), 1)
	}
	one, other := renamed("one", grants("s3:GetObject")), renamed("other", grants("s3:GetObject"))
	run(t,
		resource.TestStep{Config: hub + one},
		resource.TestStep{Config: hub + other, ConfigStateChecks: []statecheck.StateCheck{value("xacct_permission_set.other", "id", is("acme/readonly"))}},
		resource.TestStep{Config: hub + other, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{Config: hub},
		resource.TestStep{Config: hub + one, ConfigStateChecks: []statecheck.StateCheck{
			value("xacct_permission_set.one", "id", is("acme/readonly")),
			after(func() {
				set, err := w.Registry("acme").PermissionSet(t.Context(), "readonly")
				if err != nil || set.Retired() {
					t.Errorf("the set is %+v (%v)", set, err)
				}
			}),
		}},
	)
}

func TestOnlyTheStateThatHoldsASetMayRetireIt(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	first, second := newState(t, w), newState(t, w)
	hub := hubHCL()
	first.apply(hub, setHCL("readonly"))
	other := strings.Replace(setHCL("readonly"), "xacct_hub.this.id", `"acme"`, 1)
	second.apply(other) // takes the set over

	if got := summaries(first.plan(setReadonly, hub, setHCL("readonly"))); got != "Another configuration manages this permission set" {
		t.Errorf("the first state's plan warns %q", got)
	}
	first.apply(hub)
	set, err := w.Registry("acme").PermissionSet(t.Context(), "readonly")
	if err != nil || set.Retired() {
		t.Errorf("the state that lost the set has retired it (%v)", err)
	}
	second.apply("")
	if set, err = w.Registry("acme").PermissionSet(t.Context(), "readonly"); err != nil || !set.Retired() {
		t.Errorf("the state that holds the set has not retired it (%v)", err)
	}
}

func TestASetWithADifferentConfigurationIsNotTakenOver(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	newState(t, w).apply(hubHCL(), setHCL("readonly"))
	other := strings.Replace(setHCL("readonly", grants("s3:GetObject")), "xacct_hub.this.id", `"acme"`, 1)
	run(t, resource.TestStep{Config: w.Provider() + other, ExpectError: loosely(`Hub acme has another permission set readonly already.*differs from this configuration in (managed_policy_arns|inline_policies)`)})
}

func TestASetsUnusedTemplatesAreDeletedAfterAWeek(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	hub := w.Provider() + hubHCL()
	templates := func(want int) func() {
		return func() {
			t.Helper()
			if got := len(bucket(t, w)); got != want {
				t.Errorf("the bucket has %d templates, want %d", got, want)
			}
		}
	}
	pass := func(days int, then func()) func() {
		return func() { then(); w.Clock().Advance(time.Duration(days) * 24 * time.Hour) }
	}
	runWith(t, clocked(w), []resource.TestStep{
		{Config: hub + setHCL("readonly", grants("s3:GetObject"))},
		{PreConfig: pass(6, templates(1)), Config: hub + setHCL("readonly", grants("s3:PutObject"))},
		{PreConfig: pass(8, templates(2)), Config: hub + setHCL("readonly", grants("s3:ListBucket"))},
		{PreConfig: pass(8, templates(2)), Config: hub},
		{PreConfig: templates(1), Config: hub},
	}...)
}

// alike fails if two values are not deeply equal.
type alike struct{}

// CompareValues implements compare.ValueComparer.
func (alike) CompareValues(values ...any) error {
	if !reflect.DeepEqual(values[0], values[1]) {
		return fmt.Errorf("%v is not %v", values[0], values[1])
	}
	return nil
}

// bucket returns the keys of the objects in the hub's bucket.
func bucket(t *testing.T, w *acctest.World) []string {
	t.Helper()
	record, err := w.Registry("acme").Hub(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.Clients.S3().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &record.Bucket})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, object := range out.Contents {
		keys = append(keys, *object.Key)
	}
	return keys
}
