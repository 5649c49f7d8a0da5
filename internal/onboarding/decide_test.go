// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// variant is one value of a dimension of the table: a change of a case.
type variant struct {
	name  string
	apply func(*Case)
}

var (
	linkVariants = []variant{
		{"open link", func(*Case) {}},
		{"unknown ID", func(c *Case) { c.Link = nil; c.Request.Properties.ExternalID = "nobodys" }},
		{"retired ID", func(c *Case) { c.Request.Properties.ExternalID = "the-one-before" }},
		{"expired link", func(c *Case) { l := *c.Link; l.ExpiresAt = noon.Add(-time.Hour); c.Link = &l }},
		{"closed link", func(c *Case) { l := *c.Link; l.Closed, l.ClosedAt = true, noon.Add(-time.Hour); c.Link = &l }},
		{"blocked", func(c *Case) { l := *c.Link; l.Blocked, l.BlockedAt = true, noon.Add(-time.Minute); c.Link = &l }},
	}
	registrationVariants = []variant{
		{"none", func(*Case) {}},
		{"being created", func(c *Case) { c.PromisedBefore = c.Request.Type == phonehome.Update }},
		{"active", func(c *Case) { own(c, Active) }},
		{"degraded", func(c *Case) { own(c, Degraded) }},
		{"disconnected", func(c *Case) { own(c, Disconnected) }},
		{"other stack", func(c *Case) { rival(c, "acme-c1") }},
		{"other stack and role", func(c *Case) { rival(c, "acme-old") }},
	}
	ownershipVariants = []variant{
		{"all right", func(*Case) {}},
		{"wrong account", func(c *Case) { move(c, strangers) }},
		{"vendor's account", func(c *Case) { move(c, vendor) }},
		{"role elsewhere", func(c *Case) { c.Request.Properties.RoleARN = roleIn(strangers, "acme-c1").String() }},
		{"role's name", func(c *Case) { c.Request.Properties.RoleARN = roleIn(customers, "other").String() }},
		{"no role", func(c *Case) { c.Request.Properties.RoleARN = "" }},
	}
	times = []struct {
		name string
		at   time.Duration
	}{
		{"at once", 3 * time.Second},
		{"settled", 3 * time.Minute},
		{"last minute", 14*time.Minute + 30*time.Second},
		{"too late", 20 * time.Minute},
	}
)

// own makes the request's stack the owner of the registration.
func own(c *Case, status RegistrationStatus) {
	s := registered(c.Request.Stack)
	s.Link = c.Link
	reg := *s.Registration
	reg.Status = status
	s.Registration = &reg
	if status == Disconnected {
		s = after(registered(c.Request.Stack), deletion(c.Request.Stack))
		s.Link = c.Link
	}
	c.Snapshot = s
}

func deletion(stack account.StackARN) phonehome.Request {
	r := testRequest(phonehome.Delete, stack)
	r.SentAt = noon.Add(-10 * time.Minute)
	return r
}

// rival makes another stack of the account the owner of the registration.
func rival(c *Case, role string) {
	reg := *registered(stackIn(c.Request.Stack.Account.String(), "other")).Registration
	reg.Role = roleIn(c.Request.Stack.Account.String(), role)
	c.Registration = &reg
}

func move(c *Case, to string) {
	stack := stackIn(to, c.Request.Stack.GUID)
	c.Request.Stack, c.Stack.ID = stack, stack
	c.Request.Properties.RoleARN = roleIn(to, "acme-c1").String()
}

// The table has every combination of request, link, registration, ownership and time. The
// rules must hold for each of them with each outcome of a proof, and the golden file has the
// decisions with a proven role.
func TestEveryDecisionFollowsTheRules(t *testing.T) {
	var table strings.Builder
	for _, kind := range []phonehome.RequestType{phonehome.Create, phonehome.Update, phonehome.Delete} {
		for _, link := range linkVariants {
			for _, registration := range registrationVariants {
				for _, ownership := range ownershipVariants {
					c := Case{Snapshot: Snapshot{Hub: testHub(), Link: testLink()}, Request: testRequest(kind, stackIn(customers, "own"))}
					c.Stack.ID = c.Request.Stack
					registration.apply(&c)
					link.apply(&c)
					ownership.apply(&c)
					line := fmt.Sprintf("%-6s | %-12s | %-20s | %-16s |", kind, link.name, registration.name, ownership.name)
					for _, moment := range times {
						now := noon.Add(moment.at)
						for _, outcome := range []ProofOutcome{Proven, Refused, Open, Inconclusive} {
							d := proving(c, now, always(outcome))
							holdRules(t, line+" "+moment.name, c, now, outcome, d)
							if outcome == Proven {
								line += " " + describe(d) + " |"
							}
						}
					}
					table.WriteString(line + "\n")
				}
			}
		}
	}
	golden(t, "decide.golden", table.String())
}

// holdRules checks the rules that every decision must follow.
func holdRules(t *testing.T, name string, c Case, now time.Time, outcome ProofOutcome, d Decision) {
	t.Helper()
	broken := func(format string, args ...any) {
		t.Errorf("%s, role %s: %s: %s", name, outcome, describe(d), fmt.Sprintf(format, args...))
	}
	if d.Kind == DecideLater {
		if c.Request.Type == phonehome.Delete {
			broken("a Delete never waits")
		}
		if c.Closing(now) {
			broken("no stack waits in the last minute")
		}
		longest := 20 * time.Second
		if d.Outcome == OutcomeOvertaking {
			longest = time.Minute
		}
		if d.RetryAfter < 5*time.Second || d.RetryAfter > longest {
			broken("a message is requeued for 5 to %.0f seconds", longest.Seconds())
		}
		return
	}
	a := d.Answer
	if _, err := a.Response.Encode(); err != nil {
		broken("the answer cannot be sent: %v", err)
	}
	failed := a.Response.Status == phonehome.Failed
	if failed && a.Change.Kind != ChangeNothing {
		broken("a FAILED answer changes something")
	}
	if failed && !strings.HasSuffix(a.Response.Reason, "Help: https://acme.example/help") {
		broken("the reason does not end with the support address: %s", a.Response.Reason)
	}
	if blocked := c.Link != nil && c.Link.Blocked; blocked && Decide(c, now).Kind != DecideAnswer {
		broken("a blocked customer is answered at once, without a proof")
	}
	if strings.Contains(a.Response.Reason, "external-of-c1") {
		broken("the reason contains the external ID: %s", a.Response.Reason)
	}
	switch c.Request.Type {
	case phonehome.Delete:
		if failed {
			broken("a Delete is answered SUCCESS, always")
		}
	case phonehome.Update:
		if failed && a.Response.PhysicalResourceID != c.Request.PhysicalID {
			broken("an Update echoes the physical ID")
		}
	case phonehome.Create:
		r := c.Request
		role, err := account.ParseRoleARN(r.Properties.RoleARN)
		may := err == nil && outcome == Proven && !c.Closing(now) && c.Link != nil &&
			c.Link.Status(now) == LinkOpen && !c.Link.Blocked && r.Properties.ExternalID == c.Link.ExternalID.String() &&
			r.Stack.Account == c.Link.Account && role.Account == c.Link.Account && role.Name == c.Link.RoleName
		if !failed && !may {
			broken("a Create that must not succeed does")
		}
	}
}
