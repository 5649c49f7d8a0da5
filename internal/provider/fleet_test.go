// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/launch"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

const fleetMain = "xacct_fleet.main"

// fleetHCL returns a fleet of the permission set readonly. Customers are "id=account".
func fleetHCL(name string, customers []string, more ...string) string {
	var b strings.Builder
	for _, pair := range customers {
		id, account, _ := strings.Cut(pair, "=")
		fmt.Fprintf(&b, "    %q = %q\n", id, account)
	}
	return fmt.Sprintf(`
resource "xacct_fleet" %q {
  hub            = xacct_hub.this.id
  name           = %q
  permission_set = xacct_permission_set.readonly.id
  customers = {
%s  }
  %s
}
`, name, name, b.String(), strings.Join(more, "\n  "))
}

var (
	threeCustomers = []string{"globex=" + acctest.Globex, "initech=" + acctest.Initech, "umbrella=" + acctest.Umbrella}
	twoCustomers   = threeCustomers[:2]
)

const urlOfGlobex = `
output "url" { value = provider::xacct::fleet_url(xacct_fleet.main, "globex") }
`

// manyCustomers returns n customers of a fleet, each in an account of its own.
func manyCustomers(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("c%04d=5%011d", i, i))
	}
	return all
}

// outputOf returns an output of the last configuration that was applied.
func outputOf(s state, name string) any {
	if out := s.State().Values.Outputs[name]; out != nil {
		return out.Value
	}
	return nil
}

// linkOf returns a customer's link from the registry.
func linkOf(t *testing.T, w *acctest.World, customer string) onboarding.Link {
	t.Helper()
	found, err := w.Registry("acme").Customer(t.Context(), customer)
	if err != nil {
		t.Fatal(err)
	}
	return found.Link
}

func TestAFleetIsCreatedChangedImportedAndDestroyed(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	base := w.Provider() + hubHCL() + setHCL("readonly")
	sameID := statecheck.CompareValue(sameAsBefore{})
	idOf := func(customer string) tfjsonpath.Path { return tfjsonpath.New("external_ids").AtMapKey(customer) }
	closed := func(customer string, want bool) statecheck.StateCheck {
		return after(func() {
			if link := linkOf(t, w, customer); link.Closed != want || link.Fleet != "main" {
				t.Errorf("the link of %s is closed: %t, in fleet %q", customer, link.Closed, link.Fleet)
			}
		})
	}
	run(t,
		resource.TestStep{Config: base},
		resource.TestStep{
			Config: base + fleetHCL("main", twoCustomers),
			ConfigPlanChecks: before(
				action(fleetMain, plancheck.ResourceActionCreate), planned(fleetMain, "url_template", like(`templateURL=https%3A%2F%2F.*param_ExternalId=\{external_id\}`)),
				plancheck.ExpectUnknownValue(fleetMain, tfjsonpath.New("external_ids")),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				value(fleetMain, "id", is("acme/main")), value(fleetMain, "region", is("us-east-1")), value(fleetMain, "topics", knownvalue.Null()),
				sameID.AddStateValue(fleetMain, idOf("initech")), closed("globex", false), closed("initech", false),
			},
		},
		resource.TestStep{Config: base + fleetHCL("main", twoCustomers), ConfigPlanChecks: emptyPlan()},
		resource.TestStep{ // one customer is added and one removed
			Config: base + fleetHCL("main", threeCustomers[1:]),
			ConfigPlanChecks: before(
				action(fleetMain, plancheck.ResourceActionUpdate),
				planned(fleetMain, "external_ids", knownvalue.MapSizeExact(2)), planned(fleetMain, "url_template", knownvalue.NotNull()), planned(fleetMain, "incarnation", knownvalue.NotNull()),
			),
			ConfigStateChecks: []statecheck.StateCheck{closed("globex", true), closed("umbrella", false), sameID.AddStateValue(fleetMain, idOf("initech"))},
		},
		resource.TestStep{Config: base + fleetHCL("main", threeCustomers[1:]), ConfigPlanChecks: emptyPlan()},
		resource.TestStep{ResourceName: fleetMain, ImportState: true, ImportStateId: "acme/main", ImportStateVerify: true},
		resource.TestStep{ // every link gets an expiry, and globex is added again
			Config: base + fleetHCL("main", threeCustomers, `expires_at = "2040-01-01T00:00:00Z"`),
			ConfigStateChecks: []statecheck.StateCheck{closed("globex", false), after(func() {
				if at := linkOf(t, w, "initech").ExpiresAt; at.Year() != 2040 {
					t.Errorf("the link of initech expires at %s", at)
				}
			})},
		},
		resource.TestStep{Config: base + fleetHCL("main", threeCustomers, `expires_at = "2040-01-01T01:00:00+01:00"`), ConfigPlanChecks: emptyPlan()},
		resource.TestStep{Config: base, ConfigStateChecks: []statecheck.StateCheck{closed("globex", true), closed("initech", true)}},
		resource.TestStep{ // created again, it has the same external IDs
			Config:            base + fleetHCL("main", twoCustomers),
			ConfigStateChecks: []statecheck.StateCheck{sameID.AddStateValue(fleetMain, idOf("initech"))},
		},
	)
}

// A customer's launch link is the same as that of an xacct_onboarding_link.
func TestAFleetsCustomersLaunchTheirLinks(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	config := hubHCL() + setHCL("readonly") + fleetHCL("main", twoCustomers)
	s.apply(config, urlOfGlobex)
	link := linkOf(t, w, "globex")
	proposed, err := declaration.Proposed(link)
	if err != nil {
		t.Fatal(err)
	}
	want, err := launch.URL(link, proposed, w.URL()+"/console")
	if err != nil {
		t.Fatal(err)
	}
	if got := outputOf(s, "url"); got != want {
		t.Errorf("fleet_url gives\n%v\nwant\n%s", got, want)
	}
	stop := w.Registrar("acme")
	w.Launch("acme", "globex", acctest.Globex, "CREATE_COMPLETE")()
	stop()
	data := `
data "xacct_customer_role" "globex" {
  hub         = xacct_hub.this.id
  customer_id = "globex"
}
output "status" { value = data.xacct_customer_role.globex.status }
`
	s.apply(config, data)
	if got := outputOf(s, "status"); got != "active" {
		t.Errorf("the role is %v", got)
	}
	// A plan that removes a connected customer warns; one that moves it to another
	// account is refused.
	warnings := s.plan(fleetMain, hubHCL()+setHCL("readonly")+fleetHCL("main", twoCustomers[1:]))
	if got := summaries(warnings); got != "The links of connected customers close" || !strings.Contains(warnings[0].Detail, "customer globex") {
		t.Errorf("the plan warns %q", got)
	}
	_, found := s.Plan(t.Context(), w.Provider()+hubHCL()+setHCL("readonly")+fleetHCL("main", []string{"globex=" + acctest.Umbrella, twoCustomers[1]}), tfcore.Options{})
	if err := found.Err(); err == nil || !loosely(`Customer globex has a live stack in account 222222222222`).MatchString(err.Error()) {
		t.Errorf("moving a live customer: %v", err)
	}
}

func TestACustomerHasOneLinkInAFleetOrOutsideOfIt(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	base := w.Provider() + hubHCL() + setHCL("readonly")
	own := referring(globex)
	other := strings.Replace(strings.Replace(fleetHCL("main", twoCustomers), `"main"`, `"other"`, 1), `name           = "main"`, `name           = "other"`, 1)
	both := loosely(`Customer globex of hub acme has two links.*(fleet main.*xacct_onboarding_link|xacct_onboarding_link.*fleet main)`)
	run(t,
		resource.TestStep{Config: base + own + fleetHCL("main", twoCustomers), ExpectError: both}, // the hub is new, so only the apply finds it
		resource.TestStep{Config: base + own},
		resource.TestStep{Config: base + own + fleetHCL("main", twoCustomers), ExpectError: both},
		resource.TestStep{Config: base + fleetHCL("main", twoCustomers)}, // the fleet takes over the link
		resource.TestStep{Config: base + own + fleetHCL("main", twoCustomers), ExpectError: both},
		resource.TestStep{Config: base + other + fleetHCL("main", twoCustomers), ExpectError: loosely(`Customer globex of hub acme has two links.*fleet (main|other).*fleet (main|other)`)},
		resource.TestStep{Config: base + fleetHCL("main", twoCustomers), ConfigPlanChecks: emptyPlan()},
	)
}

// A link with a different configuration is not taken over, whatever owns it.
func TestAFleetTakesOverOnlyLinksOfTheSameConfiguration(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	one, other := newState(t, w), newState(t, w)
	base := hubHCL() + setHCL("readonly")
	one.apply(base, referring(globex), referring(initech, `expires_at = "2040-01-01T00:00:00Z"`))
	there := strings.NewReplacer("xacct_hub.this.id", `"acme"`, "xacct_permission_set.readonly.id", `"acme/readonly"`).Replace(fleetHCL("main", twoCustomers))
	_, found := other.Plan(t.Context(), w.Provider()+there, tfcore.Options{})
	if err := found.Err(); err == nil || !loosely(`Customer initech of hub acme has two links.*xacct_onboarding_link.*fleet main.*differs from this configuration in expires_at`).MatchString(err.Error()) {
		t.Fatalf("a fleet over another link: %v", err)
	}
	one.apply(base, referring(globex), referring(initech))
	was := linkOf(t, w, "globex").ExternalID
	other.apply(there)
	if link := linkOf(t, w, "globex"); link.Fleet != "main" || link.ExternalID != was {
		t.Errorf("the link is %+v, its external ID was %s", link, was)
	}
	if got := summaries(one.plan(linkGlobex, base, referring(globex), referring(initech))); got != "Another configuration manages this link" {
		t.Errorf("the plan of the link warns %q", got)
	}
	one.apply(base) // the fleet's links stay open
	if linkOf(t, w, "globex").Closed || linkOf(t, w, "initech").Closed {
		t.Error("a link of the fleet was closed by the state that owned it before")
	}
}

func TestMistakesInAFleetNameTheCustomer(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	base := w.Provider() + hubHCL() + setHCL("readonly")
	wrong := func(customers ...string) string { return base + fleetHCL("main", customers) }
	var many []string
	for n := range 30 {
		many = append(many, fmt.Sprintf("c%02d=12", n))
	}
	run(t,
		resource.TestStep{Config: base},
		resource.TestStep{Config: wrong("globex=22222222222"), ExpectError: loosely(`The account of customer globex.*this one has 11 characters`)},
		resource.TestStep{Config: wrong("=222222222222"), ExpectError: loosely(`Invalid customer ID`)},
		resource.TestStep{Config: wrong("globex=o-a1b2c3d4e5"), ExpectError: loosely(`organization o-a1b2c3d4e5.*StackSet.*scope = "organization"`)},
		resource.TestStep{Config: wrong("globex="), ExpectError: loosely(`Customer globex has none here.*publishers = "anyone"`)},
		resource.TestStep{Config: wrong(many...), ExpectError: loosely(`20 more customers of the fleet have errors`)},
		resource.TestStep{
			Config:      w.Provider() + hubHCL(`publishers = "anyone"`) + setHCL("readonly") + fleetHCL("main", twoCustomers, `expires_at = "2040-01-01T00:00:00Z"`),
			ExpectError: loosely(`Fleets require known accounts`),
		},
		resource.TestStep{Config: base},
	)
}

func TestAChangeOfASetChangesItsFleetInOneWrite(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	config := func(actions ...string) string {
		return w.Provider() + hubHCL() + setHCL("readonly", grants(actions...)) + fleetHCL("main", manyCustomers(50))
	}
	mark := 0
	run(t,
		resource.TestStep{Config: config("s3:GetObject")},
		resource.TestStep{
			PreConfig: func() { mark = w.Journal().Mark() },
			Config:    config("s3:GetObject", "s3:PutObject"),
			ConfigPlanChecks: before(
				action(fleetMain, plancheck.ResourceActionUpdate),
				planned(fleetMain, "url_template", knownvalue.NotNull()), planned(fleetMain, "external_ids", knownvalue.MapSizeExact(50)),
			),
			ConfigStateChecks: []statecheck.StateCheck{after(func() {
				if writes := tableWrites(w, mark); writes > 2 { // the set's record, and the fleet's
					t.Errorf("the change took %d writes of the registry", writes)
				}
			})},
		},
		resource.TestStep{Config: config("s3:GetObject", "s3:PutObject"), ConfigPlanChecks: emptyPlan()},
	)
}

func TestTheStateHasTheLinksThatAFleetCreatedBeforeAFailure(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	base := hubHCL() + setHCL("readonly")
	s.apply(base, fleetHCL("main", manyCustomers(10)))
	var writes atomic.Int32
	broken := atomic.Bool{}
	broken.Store(true)
	w.Faults().Before(func(c *kernel.Call) error {
		if c.Action == "TransactWriteItems" && broken.Load() && writes.Add(1) > 3 { // it fails after the fleet's record and two batches
			return kernel.Errorf(400, "AccessDeniedException", "User is not authorized")
		}
		return nil
	})
	err := s.Run(t.Context(), w.Provider()+base+fleetHCL("main", manyCustomers(150)), tfcore.Options{}).Err()
	if err == nil {
		t.Fatal("the apply succeeded")
	}
	customers, _ := s.Attributes(fleetMain)["customers"].(map[string]any)
	if n := len(customers); n <= 10 || n >= 150 {
		t.Errorf("after a failure part-way the state has %d of 150 customers", n)
	}
	for _, id := range slices.Sorted(maps.Keys(customers)) {
		if linkOf(t, w, id).Fleet != "main" {
			t.Errorf("%s is in the state, but its link is not in the fleet", id)
		}
	}
	broken.Store(false)
	s.apply(base, fleetHCL("main", manyCustomers(150)))
	if customers, _ := s.Attributes(fleetMain)["customers"].(map[string]any); len(customers) != 150 {
		t.Errorf("then the state has %d customers", len(customers))
	}
}

// Customers of the time before the hub grew keep their topic and their launch link.
func TestAFleetOutgrowsItsTopic(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	config := func(capacity int, customers []string) string {
		return hubHCL(fmt.Sprintf("capacity = %d", capacity)) + setHCL("readonly") + fleetHCL("main", customers) + urlOfGlobex
	}
	s.apply(config(1500, twoCustomers))
	was := outputOf(s, "url")
	s.apply(config(4500, threeCustomers))
	if link := linkOf(t, w, "umbrella"); link.Shard == 0 {
		t.Error("umbrella was added after the hub had grown, but has its first topic")
	}
	if is := outputOf(s, "url"); is != was {
		t.Errorf("the launch link of globex was\n%v\nand is\n%v", was, is)
	}
	if topics, _ := s.Attributes(fleetMain)["topics"].(map[string]any); topics["globex"] != "0" || topics["umbrella"] != nil {
		t.Errorf("topics are %v", topics)
	}
	plan, found := s.Plan(t.Context(), w.Provider()+config(4500, threeCustomers), tfcore.Options{})
	if err := found.Err(); err != nil || !plan.Empty() {
		t.Errorf("the next plan is not empty: %v", err)
	}
}

func TestAFleetStaysWithinItsCallBudget(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	base := hubHCL(`regions = ["us-east-1", "eu-west-1"]`) + setHCL("readonly")
	s.apply(base)
	mark := w.Journal().Mark()
	budget := func(what string, most int, action string, mostOfIt int) {
		t.Helper()
		counts, total := w.Calls(mark)
		t.Logf("%s: %d calls %v", what, total, counts)
		if total > most || counts[action] > mostOfIt {
			t.Errorf("%s took %d calls, and %d are allowed: %v", what, total, most, counts)
		}
		mark = w.Journal().Mark()
	}
	const n = 600
	s.apply(base, fleetHCL("main", manyCustomers(n)))
	budget("creating a fleet of 600", 90, "sns:SetTopicAttributes", 2)
	plan, found := s.Plan(t.Context(), w.Provider()+base+fleetHCL("main", manyCustomers(n)), tfcore.Options{})
	if err := found.Err(); err != nil || !plan.Empty() {
		t.Fatalf("the plan is not empty: %v", err)
	}
	budget("refreshing it with its hub", 50, "sns:SetTopicAttributes", 0)
	s.apply(base, fleetHCL("main", manyCustomers(n+1)))
	budget("one customer more", 100, "dynamodb:TransactWriteItems", 2)
}
