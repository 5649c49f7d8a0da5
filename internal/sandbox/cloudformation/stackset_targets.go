// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/organizations"
)

// targets are the accounts and Regions of an operation: the accounts under the
// organization's root, filtered by a list of accounts.
type targets struct {
	units    []string
	filter   string // NONE, INTERSECTION, DIFFERENCE or UNION
	accounts []string
	regions  []string
}

// nested returns the parameters that are members of a structure, such as
// "DeploymentTargets.AccountFilterType", by the names of the members.
func nested(q kernel.Query, name string) kernel.Query {
	fields := kernel.Query{}
	for key, values := range q {
		if rest, found := strings.CutPrefix(key, name+"."); found {
			fields[rest] = values
		}
	}
	return fields
}

// queryTargets reads DeploymentTargets and Regions.
func queryTargets(q kernel.Query, root string) (targets, error) {
	fields := nested(q, "DeploymentTargets")
	t := targets{
		units: fields.List("OrganizationalUnitIds"), accounts: fields.List("Accounts"),
		filter: fields.Get("AccountFilterType"), regions: q.List("Regions"),
	}
	if err := onlyKnown("DeploymentTargets", fields, []string{"OrganizationalUnitIds", "Accounts", "AccountFilterType"}); err != nil {
		return t, err
	}
	switch {
	case len(t.units) == 0:
		return t, validation("OrganizationalUnitIds are required in DeploymentTargets for a StackSet with the SERVICE_MANAGED permission model")
	case !slices.Equal(t.units, []string{root}):
		return t, validation("Following OUs do not exist: %v. (The sandbox's organization has its root %s and no units below it.)", t.units, root)
	case len(t.regions) == 0:
		return t, validation("1 validation error detected: Value null at 'regions' failed to satisfy constraint: Member must not be null")
	}
	if t.filter == "" {
		t.filter = "NONE"
	}
	switch {
	case !slices.Contains([]string{"NONE", "INTERSECTION", "DIFFERENCE", "UNION"}, t.filter):
		return t, validation("1 validation error detected: Value '%s' at 'deploymentTargets.accountFilterType' failed to satisfy constraint: Member must satisfy enum value set: [NONE, INTERSECTION, DIFFERENCE, UNION]", t.filter)
	case t.filter == "NONE" && len(t.accounts) > 0:
		return t, validation("AccountFilterType should be specified when both OrganizationalUnitIds and Accounts are provided")
	case t.filter != "NONE" && len(t.accounts) == 0:
		return t, validation("Accounts should be specified with the AccountFilterType %s", t.filter)
	}
	for _, region := range t.regions {
		if kernel.Partition(region) != kernel.Partition(t.regions[0]) {
			return t, validation("Region %s is not supported", region)
		}
	}
	return t, nil
}

// of returns the accounts that are targets, of some that are under the root.
// All accounts are under the root, so a union with others is the same as the
// root.
func (t targets) of(all []string) []string {
	var picked []string
	for _, account := range all {
		named := slices.Contains(t.accounts, account)
		if t.filter == "NONE" || t.filter == "UNION" || named == (t.filter == "INTERSECTION") {
			picked = append(picked, account)
		}
	}
	return picked
}

// whole reports whether the target is the root, except for excluded accounts,
// so that accounts that join later are targets too.
func (t targets) whole() bool { return t.filter != "INTERSECTION" }

// leftOut returns the excluded accounts.
func (t targets) leftOut() []string {
	if t.filter == "DIFFERENCE" {
		return t.accounts
	}
	return nil
}

// managed returns the organization that an account manages, or an error if
// there is none.
func (s *Service) managed(account string) (organizations.Organization, error) {
	o, found := s.organizations.Of(account)
	if !found || o.Management != account {
		return o, validation("You must be the management account or delegated admin account of an organization before operating a SERVICE_MANAGED stack set")
	}
	return o, nil
}

// follow starts the operations of StackSets with automatic deployment for an
// account that joins the organization or leaves it.
//
// An account that has left no longer belongs to the organization when its
// stacks are deleted. A topic that allows publishing by aws:PrincipalOrgID
// alone therefore refuses the Delete requests. Whether AWS is as strict is not
// confirmed (aws-facts 8).
func (s *Service) follow(c organizations.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, set := range s.setsInOrder() {
		if set.deleted || set.account != c.Organization.Management || !set.automatic.enabled {
			continue
		}
		if c.Joined {
			s.joined(set, c)
		} else {
			s.left(set, c)
		}
	}
}

func (s *Service) joined(set *stackSet, c organizations.Change) {
	t := targets{units: []string{c.Organization.Root}, filter: "INTERSECTION", accounts: []string{c.Account}}
	for region, except := range set.automatic.follows {
		if !slices.Contains(except, c.Account) {
			t.regions = append(t.regions, region)
		}
	}
	if len(t.regions) == 0 {
		return
	}
	slices.Sort(t.regions)
	o := &setOperation{id: s.newIDLocked(), action: "CREATE", targets: t}
	o.do = s.deploy(set, o.id)
	o.results = set.addInstances(t, []string{c.Account}, c.Organization.Root)
	s.startSet(set, o)
}

func (s *Service) left(set *stackSet, c organizations.Change) {
	t := targets{units: []string{c.Organization.Root}, filter: "INTERSECTION", accounts: []string{c.Account}}
	o := &setOperation{id: s.newIDLocked(), action: "DELETE", targets: t, retain: set.automatic.retain}
	for _, in := range set.sorted() {
		if in.account == c.Account {
			o.results = append(o.results, &setResult{in: in})
			o.targets.regions = append(o.targets.regions, in.region)
		}
	}
	if len(o.results) == 0 {
		return
	}
	o.do = s.remover(set, o)
	s.startSet(set, o)
}
