// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// All customers of the fleet get new external IDs at once. A connected customer's
// registration keeps its ID until they have updated the stack. A customer that is added
// later gets the same version as the others.
func TestTheExternalIDsOfAFleetRotateTogether(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := newState(t, w)
	base := hubHCL() + setHCL("readonly")
	config := func(customers []string, more ...string) string { return base + fleetHCL("main", customers, more...) }
	s.apply(config(twoCustomers))
	record, err := w.Registry("acme").HubAndKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	issued := func(customer string, version int) string {
		return onboarding.RotatedExternalID(record.Key.Bytes(), "acme", customer, 0, version).String()
	}
	have := func(when string, version int, customers ...string) {
		t.Helper()
		shown, _ := s.Attributes(fleetMain)["external_ids"].(map[string]any)
		for _, id := range customers {
			if want, link := issued(id, version), linkOf(t, w, id); link.ExternalID.String() != want || shown[id] != want {
				t.Errorf("%s, %s has the external ID %s, and the state says %v; want %s, version %d", when, id, link.ExternalID, shown[id], want, version)
			}
		}
	}
	registered := func() string {
		t.Helper()
		found, err := w.Registry("acme").Customer(t.Context(), "globex")
		if err != nil || len(found.Live()) != 1 {
			t.Fatalf("globex has %d live roles (%v)", len(found.Live()), err)
		}
		return found.Live()[0].ExternalID.String()
	}
	stop := w.Registrar("acme")
	stack := w.Launch("acme", "globex", acctest.Globex, "CREATE_COMPLETE")()
	stop()
	s.apply(config(twoCustomers, "external_id_version = 1"))
	have("at version 1", 0, "globex", "initech")

	second := config(twoCustomers, "external_id_version = 2")
	warnings := s.plan(fleetMain, second)
	if got := summaries(warnings); got != "Customers get a new external ID when they update their stacks" ||
		!strings.Contains(warnings[0].Detail, "xacct link acme/globex --update --format cli") || strings.Contains(warnings[0].Detail, "initech") {
		t.Errorf("the plan warns %q: %v", got, warnings)
	}
	s.apply(second)
	have("at version 2", 2, "globex", "initech")
	if got, want := registered(), issued("globex", 0); got != want {
		t.Errorf("before the update %s is registered, want %s", got, want)
	}
	s.wantEmptyPlan(second)
	refuses := func(text, config string) {
		t.Helper()
		if _, found := s.Plan(t.Context(), w.Provider()+config, tfcore.Options{}); found.Err() == nil || !loosely(text).MatchString(found.Err().Error()) {
			t.Errorf("got %v, want an error of %q", found.Err(), text)
		}
	}
	refuses(`An external ID can't be reused.*fleet main of hub acme.*version 2`, config(twoCustomers, "external_id_version = 1"))

	stop = w.Registrar("acme")
	w.Update(stack.ID, sandbox.UpdateOptions{Parameters: map[string]string{"ExternalId": issued("globex", 2), "PreviousExternalId": issued("globex", 0)}})
	stop()
	if got, want := registered(), issued("globex", 2); got != want {
		t.Errorf("after the update %s is registered, want %s", got, want)
	}
	s.apply(config(threeCustomers, "external_id_version = 2"))
	have("with a third customer", 2, "globex", "initech", "umbrella")
	s.apply(config(threeCustomers)) // without a version, each customer keeps theirs
	have("without a version", 2, "globex", "initech", "umbrella")
	s.wantEmptyPlan(config(threeCustomers))
}

// If a role still accepts its old ID after a month, the plan warns, once for the fleet.
func TestAFleetWarnsOfCustomersThatStillAcceptAnOldExternalID(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := state{tfcore.New(clocked(w)).Workspace(), t, w}
	config := func(version int) string {
		return hubHCL() + setHCL("readonly") + fleetHCL("main", twoCustomers, fmt.Sprintf("external_id_version = %d", version))
	}
	s.apply(config(1))
	stop := w.Registrar("acme")
	w.Launch("acme", "globex", acctest.Globex, "CREATE_COMPLETE")()
	stop()
	s.apply(config(2))
	if got := summaries(s.plan(fleetMain, config(2))); got != "" {
		t.Errorf("right after the rotation the plan warns %q", got)
	}
	w.Clock().Advance(31 * 24 * time.Hour)
	warnings := s.plan(fleetMain, config(2))
	if got := summaries(warnings); got != "The old external ID is still accepted" || !strings.Contains(warnings[0].Detail, "Customer globex of fleet main of hub acme") {
		t.Errorf("after a month the plan warns %q: %v", got, warnings)
	}
}
