// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/trial/steps"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// fleetCase is a change of a fleet's configuration. Every customer must keep their
// external ID, their open link and their registration.
type fleetCase struct {
	before, after string // configurations, without the hub and the permission set
	options       tfcore.Options
	between       func(s *fleetCourse)
	instead       func(s *fleetCourse)
}

// fleetCourse is a run of a case.
type fleetCourse struct {
	*acctest.World
	t    *testing.T
	ws   *steps.Workspace
	with steps.Runner
	c    fleetCase
}

func (s *fleetCourse) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *fleetCourse) config(rest string) string {
	return s.Provider() + hubHCL() + setHCL("readonly") + rest
}

// addressed returns the fleet main at another address.
func addressed(address string, customers []string, more ...string) string {
	return strings.Replace(fleetHCL("main", customers, more...), `"main"`, fmt.Sprintf("%q", address), 1)
}

// renamed returns a fleet of another name at the address xacct_fleet.main.
func renamed(name string, customers []string, more ...string) string {
	return strings.Replace(fleetHCL("main", customers, more...), `name           = "main"`, fmt.Sprintf("name = %q", name), 1)
}

// inWorkspace returns a configuration for another workspace: it refers to the hub and the
// permission set by literal names.
func inWorkspace(config string) string {
	return strings.NewReplacer("xacct_hub.this.id", `"acme"`, "xacct_permission_set.readonly.id", `"acme/readonly"`).Replace(config)
}

const createdFirst = "lifecycle {\n    create_before_destroy = true\n  }"

func ownLinks(customers []customer) string {
	var b strings.Builder
	for _, c := range customers {
		b.WriteString(referring(c))
	}
	return b.String()
}

var fleetCases = map[string]fleetCase{
	"rename without moved": {before: fleetHCL("main", threeCustomers), after: addressed("other", threeCustomers)},
	"rename, one thing at a time": {
		before: fleetHCL("main", threeCustomers), after: addressed("other", threeCustomers), options: tfcore.Options{Parallelism: 1},
	},
	"rename with moved": {before: fleetHCL("main", threeCustomers), after: addressed("other", threeCustomers) + move(fleetMain, "xacct_fleet.other")},
	"-replace":          {before: fleetHCL("main", threeCustomers), after: fleetHCL("main", threeCustomers), options: tfcore.Options{Replace: []string{fleetMain}}},
	"-replace, created first": {
		before: fleetHCL("main", threeCustomers, createdFirst), after: fleetHCL("main", threeCustomers, createdFirst), options: tfcore.Options{Replace: []string{fleetMain}},
	},
	"taint": {before: fleetHCL("main", threeCustomers), after: fleetHCL("main", threeCustomers), between: func(s *fleetCourse) { s.must(s.ws.Taint(s.t.Context(), fleetMain)) }},
	"taint, and an expiry": {
		before: fleetHCL("main", threeCustomers), after: fleetHCL("main", threeCustomers, `expires_at = "2040-01-01T00:00:00Z"`),
		between: func(s *fleetCourse) { s.must(s.ws.Taint(s.t.Context(), fleetMain)) },
	},
	"another name":                {before: fleetHCL("main", threeCustomers), after: renamed("europe", threeCustomers)},
	"another name, created first": {before: fleetHCL("main", threeCustomers, createdFirst), after: renamed("europe", threeCustomers, createdFirst)},
	"state rm":                    {before: fleetHCL("main", threeCustomers), after: fleetHCL("main", threeCustomers), between: func(s *fleetCourse) { s.must(s.ws.Remove(s.t.Context(), fleetMain)) }},
	"state rm and import": {before: fleetHCL("main", threeCustomers), after: fleetHCL("main", threeCustomers), between: func(s *fleetCourse) {
		s.must(s.ws.Remove(s.t.Context(), fleetMain))
		s.must(s.ws.Import(s.t.Context(), s.config(s.c.after), fleetMain, "acme/main"))
	}},
	"a second workspace": {before: fleetHCL("main", threeCustomers), after: fleetHCL("main", threeCustomers), instead: func(s *fleetCourse) {
		other := steps.Open(s.t, s.with)
		there := s.Provider() + inWorkspace(s.c.after)
		s.must(other.Apply(s.t.Context(), there, tfcore.Options{}))
		s.must(other.Rest(s.t.Context(), there, tfcore.Options{}))
		s.must(s.ws.Rest(s.t.Context(), s.config(s.c.after), tfcore.Options{})) // a warning only
		s.must(s.ws.Apply(s.t.Context(), s.config(""), tfcore.Options{}))
		s.ws = other
	}},
	"from links of their own": {before: ownLinks([]customer{globex, initech, umbrella}), after: fleetHCL("main", threeCustomers)},
	"into two fleets":         {before: fleetHCL("main", threeCustomers), after: fleetHCL("main", twoCustomers) + fleetHCL("other", threeCustomers[2:])},
	"one gets a link of its own": {
		before: fleetHCL("main", threeCustomers), after: fleetHCL("main", twoCustomers) + referring(umbrella),
	},
}

func TestNoRefactoringOfAFleetClosesALink(t *testing.T) {
	t.Parallel()
	with := steps.InProcess(inProcess)
	if withEngine() {
		with = steps.Engine(acctest.Engine(t), factories())
	}
	for name, c := range fleetCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &fleetCourse{World: acctest.Start(t), t: t, ws: steps.Open(t, with), with: with, c: c}
			s.must(s.ws.Apply(t.Context(), s.config(c.before), tfcore.Options{}))
			stop := s.Registrar("acme")
			s.Launch("acme", "globex", acctest.Globex, "CREATE_COMPLETE")()
			stop()
			were := s.customers()
			if c.between != nil {
				c.between(s)
			}
			config := s.config(c.after)
			if c.instead != nil {
				c.instead(s)
				config = s.Provider() + inWorkspace(c.after)
			} else {
				s.must(s.ws.Apply(t.Context(), config, c.options))
			}
			s.must(s.ws.Rest(t.Context(), config, tfcore.Options{}))
			for id, is := range s.customers() {
				was := were[id]
				if is.Link.Closed || is.Link.ExternalID != was.Link.ExternalID || registrations(is) != registrations(was) {
					t.Errorf("the link of %s is closed: %t; its external ID was %s and is %s; it registered %q, and now %q",
						id, is.Link.Closed, was.Link.ExternalID, is.Link.ExternalID, registrations(was), registrations(is))
				}
			}
		})
	}
}

func (s *fleetCourse) customers() map[string]onboarding.Customer {
	s.t.Helper()
	all, err := s.Registry("acme").Customers(s.t.Context())
	s.must(err)
	byID := map[string]onboarding.Customer{}
	for _, c := range all {
		byID[c.Link.CustomerID] = c
	}
	if len(byID) != 3 {
		s.t.Errorf("the hub has %d customers", len(byID))
	}
	return byID
}
