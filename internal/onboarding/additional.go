// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"cmp"
	"slices"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// AdditionalRole is one more role that the customer's stack creates: it is called
// <role>-<key>, has the role's path, and asks for the same external ID.
type AdditionalRole struct {
	Key string
	// TrustedPrincipals has the same meaning as in Link.
	TrustedPrincipals []account.RoleARN `json:",omitempty"`
}

func (a AdditionalRole) equal(o AdditionalRole) bool {
	return a.Key == o.Key && slices.Equal(a.TrustedPrincipals, o.TrustedPrincipals)
}

// In returns the ARN of the additional role in the stack that creates the given role.
// No other ARN is accepted for it: an account can only register the roles that the
// template creates.
func (a AdditionalRole) In(role account.RoleARN) account.RoleARN {
	role.Name += "-" + a.Key
	return role
}

// AdditionalProbe returns the probe of the additional role with a key. Its principals
// are those that the vendor declares now, or those of the first role if the vendor no
// longer declares an additional role with this key.
func (l Link) AdditionalProbe(key string, role account.RoleARN, externalID account.ExternalID) Probe {
	probe := Probe{CustomerID: l.CustomerID, Role: role, ExternalID: externalID, Principals: l.TrustedPrincipals}
	for _, additional := range l.AdditionalRoles {
		if additional.Key == key {
			probe.Principals = additional.TrustedPrincipals
		}
	}
	return probe
}

// Probes returns the probes of all roles of a registration, the first role's first.
func (r Registration) Probes(l Link) []Probe {
	probes := []Probe{{CustomerID: r.CustomerID, Role: r.Role, ExternalID: r.ExternalID, Principals: l.TrustedPrincipals}}
	for _, key := range sortedKeys(r.AdditionalRoles) {
		probe := l.AdditionalProbe(key, r.AdditionalRoles[key], r.ExternalID)
		probe.CustomerID = r.CustomerID
		probes = append(probes, probe)
	}
	return probes
}

// AdditionalRoleARNs returns the ARNs of the additional roles by their keys; nil if
// there are none.
func (r Registration) AdditionalRoleARNs() map[string]string {
	if len(r.AdditionalRoles) == 0 {
		return nil
	}
	arns := make(map[string]string, len(r.AdditionalRoles))
	for key, role := range r.AdditionalRoles {
		arns[key] = role.String()
	}
	return arns
}

// ProveEach tries all roles at the same time, and returns their proofs in the same
// order.
func ProveEach(probes []Probe, try func(Probe) Proof) []Proof {
	proofs := make([]Proof, len(probes))
	var all sync.WaitGroup
	for i, probe := range probes[1:] {
		all.Go(func() { proofs[i+1] = try(probe) })
	}
	proofs[0] = try(probes[0])
	all.Wait()
	return proofs
}

// WorstIndex returns the index of the proof that decides about a registration: that of
// the first role if it is not proven, otherwise that of the worst.
func WorstIndex(proofs []Proof) int {
	worst := 0
	if proofs[0].Outcome != Proven {
		return worst
	}
	for i, proof := range proofs {
		if severity(proof) > severity(proofs[worst]) {
			worst = i
		}
	}
	return worst
}

// severity returns a number that is higher for worse proofs.
func severity(p Proof) int {
	return slices.Index([]ProofOutcome{Proven, Inconclusive, Refused, Open}, p.Outcome)
}

// additional returns, by their keys, the additional roles that the stack reports and
// the vendor declares. Roles with other keys come from an earlier template; they are
// neither registered nor proven.
func (d decider) additional(role account.RoleARN) map[string]account.RoleARN {
	if d.Link == nil {
		return nil
	}
	return additionalRoles(d.Link.AdditionalRoles, role, d.Request.Properties)
}

func additionalRoles(declared []AdditionalRole, role account.RoleARN, p phonehome.Properties) map[string]account.RoleARN {
	var roles map[string]account.RoleARN
	for _, a := range declared {
		if arn := a.In(role); p.AdditionalRoleARNs[a.Key] == arn.String() {
			if roles == nil {
				roles = map[string]account.RoleARN{}
			}
			roles[a.Key] = arn
		}
	}
	return roles
}

// wrongAdditional returns the message about an additional role that is not the one
// that the template creates, or that a stack of the current template does not report;
// empty: there is none.
func (d decider) wrongAdditional(role account.RoleARN) string {
	if d.Link == nil {
		return ""
	}
	p := d.Request.Properties
	for _, a := range d.Link.AdditionalRoles {
		reported, there := p.AdditionalRoleARNs[a.Key]
		switch {
		case there && reported != a.In(role).String():
			return d.messages.wrongAdditional(a.Key, reported, a.In(role))
		case !there && p.TemplateVersion == d.Link.TemplateVersion:
			return d.messages.noAdditional(a.In(role))
		}
	}
	return ""
}

// proofOf is a proof with the role of the request that it is about.
type proofOf struct {
	Proof
	role account.RoleARN
}

// proveAll returns the proof that decides about the first role and its additional
// roles, or the decision that is needed first: see prove. All roles that were not
// tried yet are tried at the same time. A final result for one role does not wait for
// the others.
func (d decider) proveAll(role account.RoleARN, externalID account.ExternalID) (proofOf, *Decision) {
	additional := d.additional(role)
	keys := sortedKeys(additional)
	proof, first := d.prove(role, externalID)
	worst := proofOf{proof, role}
	if first != nil {
		worst.Proof = Proof{Outcome: Proven} // not decided yet
	}
	for _, key := range keys {
		of := additional[key]
		proof, decision := d.proveProbe(d.Link.AdditionalProbe(key, of, externalID))
		switch {
		case decision == nil:
			if severity(proof) > severity(worst.Proof) {
				worst = proofOf{proof, of}
			}
		case first == nil:
			first = decision
		case first.Kind == DecideProve && decision.Kind == DecideProve:
			first.Concurrent = append(first.Concurrent, decision.Probe)
		case decision.Kind == DecideProve:
			first = decision
		}
	}
	if first != nil && first.Kind == DecideLater && (worst.Outcome == Refused || worst.Outcome == Open) {
		return worst, nil
	}
	return worst, first
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, cmp.Compare[string])
	return keys
}
