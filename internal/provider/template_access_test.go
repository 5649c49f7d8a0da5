// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// reads reads a customer's template as an account's administrator.
func reads(t *testing.T, w *acctest.World, accountID, customer string) error {
	t.Helper()
	found, err := w.Registry("acme").Customer(t.Context(), customer)
	if err != nil {
		t.Fatal(err)
	}
	record, err := w.Registry("acme").Hub(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	template, err := url.Parse(found.Link.TemplateURL)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.ClientsOf(accountID, acctest.Region).S3().GetObject(t.Context(), &s3.GetObjectInput{
		Bucket: &record.Bucket, Key: aws.String(strings.TrimPrefix(template.Path, "/")),
	})
	return err
}

// onlyReaders returns a check that of the test's accounts exactly readers may read
// globex's template.
func onlyReaders(t *testing.T, w *acctest.World, readers ...string) after {
	return func() {
		t.Helper()
		for _, id := range []string{acctest.Globex, acctest.Initech, acctest.Umbrella} {
			err := reads(t, w, id, "globex")
			want := strings.Contains(strings.Join(readers, " "), id)
			if got := err == nil; got != want || !want && !awsclient.IsAccessDenied(err) {
				t.Errorf("account %s reads the template: %t (%v), want %t", id, got, err, want)
			}
		}
	}
}

func TestTemplateAccessChangesInPlaceAndCustomersCanAlwaysLaunch(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	access := func(value string) string { return hubHCL(`template_access = "` + value + `"`) }
	nothing := knownvalue.Null()
	one := w.Provider() + access("public") + linkHCL(globex)
	two := w.Provider() + access("accounts") + linkHCL(globex) + roleHCL(globex, waits)
	three := w.Provider() + access("presigned") + linkHCL(globex) + roleHCL(globex, waits) + linkHCL(initech) + roleHCL(initech, waits)
	four := strings.Replace(three, "presigned", "public", 1)
	run(t,
		resource.TestStep{Config: one, ConfigStateChecks: []statecheck.StateCheck{
			onlyReaders(t, w, acctest.Globex, acctest.Initech, acctest.Umbrella),
		}},
		resource.TestStep{
			PreConfig: func() { w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE") },
			Config:    two,
			ConfigPlanChecks: before(
				action(theHub, plancheck.ResourceActionUpdate),
				action(linkGlobex, plancheck.ResourceActionNoop),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				value(theHub, "template_access", is("accounts")),
				value(linkGlobex, "url", knownvalue.NotNull()),
				value(roleGlobex, "status", is("active")),
				onlyReaders(t, w, acctest.Globex),
			},
		},
		resource.TestStep{Config: two, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{
			PreConfig: func() { w.Launch("acme", "initech", initech.account, "CREATE_COMPLETE") },
			Config:    three,
			ConfigPlanChecks: before(
				action(theHub, plancheck.ResourceActionUpdate),
				action(linkGlobex, plancheck.ResourceActionUpdate),
				planned(linkGlobex, "url", nothing),
				planned(linkInitech, "url", nothing),
				planned(linkInitech, "template_url", nothing),
				planned(linkInitech, "external_id", knownvalue.NotNull()),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				value(linkGlobex, "url", nothing), value(linkGlobex, "template_url", nothing),
				value(linkInitech, "url", nothing), value(linkInitech, "template_version", knownvalue.NotNull()),
				value(roleInitech, "status", is("active")),
				onlyReaders(t, w),
			},
		},
		resource.TestStep{Config: three, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{ResourceName: linkGlobex, ImportState: true, ImportStateId: "acme/globex", ImportStateVerify: true},
		resource.TestStep{
			Config: four,
			ConfigPlanChecks: before(
				action(linkInitech, plancheck.ResourceActionUpdate), planned(linkInitech, "url", knownvalue.NotNull()),
			),
			ConfigStateChecks: []statecheck.StateCheck{onlyReaders(t, w, acctest.Globex, acctest.Initech, acctest.Umbrella)},
		},
		resource.TestStep{Config: four, ConfigPlanChecks: emptyPlan()},
	)
}

func TestAPrivateHubIsCreatedWithItsFirstLinkInOneApply(t *testing.T) {
	t.Parallel()
	for _, access := range []string{"accounts", "presigned"} {
		t.Run(access, func(t *testing.T) {
			t.Parallel()
			w := acctest.Start(t)
			config := w.Provider() + hubHCL(`template_access = "`+access+`"`) + linkHCL(globex) + roleHCL(globex, waits)
			run(t,
				resource.TestStep{
					PreConfig:         func() { w.Launch("acme", "globex", globex.account, "CREATE_COMPLETE") },
					Config:            config,
					ConfigPlanChecks:  before(plancheck.ExpectUnknownValue(linkGlobex, tfjsonpath.New("url"))),
					ConfigStateChecks: []statecheck.StateCheck{value(roleGlobex, "status", is("active"))},
				},
				resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
			)
		})
	}
}

func TestATimeoutOfAPresignedLinkSaysHowToSignIt(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	hub := hubHCL(`template_access = "presigned"`)
	run(t,
		resource.TestStep{Config: w.Provider() + hub + linkHCL(globex)},
		resource.TestStep{
			Config:      w.Provider() + hub + linkHCL(globex) + roleHCL(globex, waits, `timeouts = { create = "1s" }`),
			ExpectError: loosely(`No role registered yet for customer globex of hub acme.*signed when they are needed.*xacct link acme/globex`),
		},
	)
}

func TestACustomerWhoseAccountDoesNotExistIsRefusedAndNothingChanges(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	hub := w.Provider() + hubHCL(`template_access = "accounts"`)
	wrong := globex
	wrong.account = "999999999999"
	run(t,
		resource.TestStep{Config: hub + linkHCL(initech)},
		resource.TestStep{
			Config:      hub + linkHCL(wrong) + linkHCL(initech),
			ExpectError: loosely(`account of customer globex of hub acme can't be added.*Nothing was changed.*no AWS account 999999999999`),
		},
		resource.TestStep{Config: hub + linkHCL(globex) + linkHCL(initech), ConfigStateChecks: []statecheck.StateCheck{
			onlyReaders(t, w, acctest.Globex, acctest.Initech),
		}},
	)
}

// crowd creates open links until the bucket's policy has room for only free more
// readers. It returns the number of readers that the policy has room for.
func crowd(t *testing.T, w *acctest.World, free int) (room int) {
	t.Helper()
	room = iampolicy.MaxReaders(hub.BucketPattern("acme", w.Clients.Account, w.Clients.Region), w.Clients.Partition())
	records := w.Registry("acme")
	for n := range room - free {
		id, err := account.ParseID(fmt.Sprintf("5%011d", n))
		if err != nil {
			t.Fatal(err)
		}
		customer := fmt.Sprintf("c%d", n)
		_, err = records.CreateLink(t.Context(), onboarding.Link{
			Hub: "acme", CustomerID: customer, Account: id, CreatedAt: time.Now(),
			ExternalID: onboarding.ExternalID([]byte("key"), "acme", customer, 0),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return room
}

func TestMoreCustomersThanTheBucketPolicyHasRoomForAreAnErrorAtPlan(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := w.Provider() + hubHCL(`template_access = "accounts"`)
	room := 0
	run(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig:   func() { room = crowd(t, w, 1) },
			Config:      config + linkHCL(globex) + linkHCL(initech) + linkHCL(umbrella),
			PlanOnly:    true,
			ExpectError: loosely(`The bucket policy has no room for customer (globex|initech|umbrella) of hub acme.*leaves room for 605, and 605 are named`),
		},
		resource.TestStep{
			Config: w.Provider() + hubHCL(`template_access = "accounts"`, `capacity = 1500`), PlanOnly: true,
			ExpectError: loosely(`More customers than a bucket's policy can name.*at most 605`),
		},
	)
	if room != 605 {
		t.Errorf("there is room for %d", room)
	}
}

func TestAHubWithTooManyCustomersKeepsItsTemplateAccess(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	run(t,
		resource.TestStep{Config: w.Provider() + hubHCL()},
		resource.TestStep{
			PreConfig: func() { crowd(t, w, -1) },
			Config:    w.Provider() + hubHCL(`template_access = "accounts"`), PlanOnly: true,
			ExpectError: loosely(`Hub acme has too many customers to name.*Hub acme has 606, and S3's limit leaves room for 605`),
		},
	)
}
