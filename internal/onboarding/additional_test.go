// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// scanning returns a Create whose link has an additional role, which the stack reports, and
// both roles.
func scanning() (Case, account.RoleARN, account.RoleARN) {
	c := creating(testLink(), customers)
	link := *c.Link
	scanner := roleIn(vendor, "Scanner")
	link.AdditionalRoles = []AdditionalRole{{Key: "scanner", TrustedPrincipals: []account.RoleARN{scanner}}}
	link.TemplateVersion = "two-roles"
	c.Link = &link
	role := must(account.ParseRoleARN(c.Request.Properties.RoleARN))
	additional := link.AdditionalRoles[0].In(role)
	c.Request.Properties.TemplateVersion = link.TemplateVersion
	c.Request.Properties.AdditionalRoleARNs = map[string]string{"scanner": additional.String()}
	return c, role, additional
}

func TestAllRolesOfAStackAreProvenAtOnceAndRegisteredTogether(t *testing.T) {
	c, role, additional := scanning()
	now := c.Request.SentAt.Add(time.Second)
	d := Decide(c, now)
	if d.Kind != DecideProve || d.Probe.Role != role || len(d.Concurrent) != 1 || d.Concurrent[0].Role != additional {
		t.Fatalf("got %+v", d)
	}
	if p := d.Concurrent[0].Principals; len(p) != 1 || p[0].Name != "Scanner" || d.Concurrent[0].ExternalID != c.Link.ExternalID {
		t.Errorf("the probe of the additional role is %v", d.Concurrent[0])
	}
	c.Proofs = map[account.RoleARN]Proof{role: {Outcome: Proven}, additional: {Outcome: Proven}}
	d = Decide(c, now)
	if d.Outcome != OutcomeRegistered {
		t.Fatalf("got %+v", d)
	}
	reg := Apply(c.Snapshot, d.Answer, now).Registration
	if reg == nil || reg.Role != role || !maps.Equal(reg.AdditionalRoles, map[string]account.RoleARN{"scanner": additional}) {
		t.Errorf("registered is %+v", reg)
	}
}

func TestTheReasonNamesTheAdditionalRoleThatFailed(t *testing.T) {
	for outcome, want := range map[ProofOutcome]Outcome{Refused: OutcomeRefused, Open: OutcomeOpen} {
		c, role, additional := scanning()
		c.Proofs = map[account.RoleARN]Proof{role: {Outcome: Proven}, additional: {Outcome: outcome}}
		early := Decide(c, c.Request.SentAt.Add(time.Second))
		if early.Kind != DecideLater || early.Probe.Role != additional {
			t.Errorf("%s: decided before IAM has had time to settle: %+v", outcome, early)
		}
		d := Decide(c, c.Request.SentAt.Add(5*time.Minute))
		if d.Outcome != want || d.Answer.Response.Status != phonehome.Failed || !strings.Contains(d.Answer.Response.Reason, additional.String()) {
			t.Errorf("%s: got %s, %q", outcome, d.Outcome, d.Answer.Response.Reason)
		}
	}
}

// An account can register only the roles that the template creates, under their own keys.
func TestAnAdditionalRoleThatTheTemplateDoesNotCreateIsRefused(t *testing.T) {
	for name, reported := range map[string]func(role, additional account.RoleARN) string{
		"the role itself": func(role, _ account.RoleARN) string { return role.String() },
		"another account": func(_, additional account.RoleARN) string {
			additional.Account = id(strangers)
			return additional.String()
		},
		"another name": func(_, additional account.RoleARN) string { additional.Name += "2"; return additional.String() },
		"another path": func(_, additional account.RoleARN) string { additional.Path = "/other/"; return additional.String() },
		"no ARN":       func(account.RoleARN, account.RoleARN) string { return "" },
	} {
		c, role, additional := scanning()
		c.Request.Properties.AdditionalRoleARNs["scanner"] = reported(role, additional)
		if d := Decide(c, c.Request.SentAt.Add(time.Second)); d.Outcome != OutcomeWrongRole || !strings.Contains(d.Answer.Response.Reason, "the role scanner") {
			t.Errorf("%s: got %+v", name, d)
		}
	}
}

func TestAStackOfTheCurrentTemplateMustReportAllItsRoles(t *testing.T) {
	c, role, _ := scanning()
	c.Request.Properties.AdditionalRoleARNs = nil
	if d := Decide(c, c.Request.SentAt.Add(time.Second)); d.Outcome != OutcomeWrongRole {
		t.Errorf("got %+v", d)
	}
	c.Request.Properties.TemplateVersion = "one-role"
	c.Proofs = map[account.RoleARN]Proof{role: {Outcome: Proven}}
	if d := Decide(c, c.Request.SentAt.Add(time.Second)); d.Outcome != OutcomeRegistered {
		t.Errorf("a stack of an older template: got %+v", d)
	}
}

func TestAnUndeclaredRoleIsNotRegistered(t *testing.T) {
	c, role, additional := scanning()
	c.Request.Properties.AdditionalRoleARNs["admin"] = strings.Replace(additional.String(), "-scanner", "-admin", 1)
	c.Proofs = map[account.RoleARN]Proof{role: {Outcome: Proven}, additional: {Outcome: Proven}}
	d := Decide(c, c.Request.SentAt.Add(time.Second))
	if roles := d.Answer.Change.AdditionalRoles; d.Outcome != OutcomeRegistered || len(roles) != 1 {
		t.Errorf("got %s with %v", d.Outcome, roles)
	}
}

// A refused additional role is no evidence that the stack was deleted. Only the role itself is.
func TestARefusedAdditionalRoleDegradesButNeverDisconnects(t *testing.T) {
	_, role, additional := scanning()
	reg := Registration{Status: Active, Role: role, AdditionalRoles: map[string]account.RoleARN{"scanner": additional}, DeleteDoubtedAt: noon}
	proofs := []Proof{{Outcome: Proven}, {Outcome: Refused}}
	if got := WorstIndex(proofs); got != 1 {
		t.Fatalf("the proof that decides is %d", got)
	}
	proof := proofs[1]
	proof.Additional, proof.Witnessed = additional, true
	next, entry := Health(reg, proof, noon)
	if next.Status != Degraded || !next.DeleteDoubtedAt.IsZero() || entry == nil || !strings.Contains(next.Reason, additional.String()) {
		t.Errorf("got %+v", next)
	}
	if got := WorstIndex([]Proof{{Outcome: Refused}, {Outcome: Open}}); got != 0 {
		t.Errorf("with a refused and an open role, the proof that decides is %d", got)
	}
}
