// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// noon is the time at which every test begins.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const (
	vendor    = "111111111111"
	customers = "222222222222" // the link's account
	strangers = "333333333333"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func id(s string) account.ID { return must(account.ParseID(s)) }

func external(s string) account.ExternalID { return must(account.ParseExternalID(s)) }

func roleIn(accountID, name string) account.RoleARN {
	return must(account.ParseRoleARN("arn:aws:iam::" + accountID + ":role/" + name))
}

func stackIn(accountID, guid string) account.StackARN {
	return must(account.ParseStackARN("arn:aws:cloudformation:eu-central-1:" + accountID + ":stack/acme-access/" + guid))
}

func testHub() Hub {
	region := must(account.ParseRegion("eu-central-1"))
	return Hub{
		Name: "acme", DisplayName: "Acme", SupportURL: "https://acme.example/help",
		Account: id(vendor), Region: region, Regions: []account.Region{region}, ResponseTimeout: 15 * time.Minute,
	}
}

func testLink() *Link {
	return &Link{
		Hub: "acme", CustomerID: "c1", ExternalID: external("external-of-c1"), Account: id(customers),
		RoleName: "acme-c1", RolePath: "/", TemplateVersion: "v1", CreatedAt: noon.Add(-time.Hour), Revision: 1,
	}
}

// testRequest returns the request that the template of testLink sends.
func testRequest(kind phonehome.RequestType, stack account.StackARN) phonehome.Request {
	r := phonehome.Request{
		Type: kind, SentAt: noon, Stack: stack, LogicalID: "PhoneHome", RequestID: "request-" + string(kind),
		Topic:   must(account.ParseTopicARN("arn:aws:sns:eu-central-1:" + vendor + ":xacct-acme-0")),
		Timeout: 15 * time.Minute,
		Properties: phonehome.Properties{
			Hub: "acme", ExternalID: "external-of-c1", TemplateVersion: "v1",
			RoleARN: roleIn(stack.Account.String(), "acme-c1").String(),
		},
	}
	if kind != phonehome.Create {
		r.PhysicalID = PhysicalID("acme", "c1", stack, "PhoneHome")
	}
	if kind == phonehome.Update {
		r.OldProperties = r.Properties
		r.Properties.TemplateVersion = "v2"
	}
	return r
}

// proving decides as the registrar does: it proves each role that Decide asks for.
func proving(c Case, now time.Time, prove func(Probe) Proof) Decision {
	c.Proofs = map[account.RoleARN]Proof{}
	for {
		d := Decide(c, now)
		if d.Kind != DecideProve {
			return d
		}
		if _, again := c.Proofs[d.Probe.Role]; again {
			panic("Decide asks for a second proof of the same role")
		}
		c.Proofs[d.Probe.Role] = prove(d.Probe)
	}
}

func always(outcome ProofOutcome) func(Probe) Proof {
	return func(Probe) Proof { return Proof{Outcome: outcome, Weakness: "without an external ID"} }
}

// registered returns the snapshot after the stack's Create was accepted.
func registered(stack account.StackARN) Snapshot {
	return after(Snapshot{Hub: testHub(), Stack: Stack{ID: stack}, Link: testLink()}, createOf(stack))
}

func createOf(stack account.StackARN) phonehome.Request {
	r := testRequest(phonehome.Create, stack)
	r.SentAt = noon.Add(-30 * time.Minute)
	return r
}

// after returns the snapshot after a request was answered at once and accepted.
func after(s Snapshot, r phonehome.Request) Snapshot {
	now := r.SentAt.Add(3 * time.Second)
	d := proving(Case{Snapshot: s, Request: r}, now, always(Proven))
	return with(s, Apply(s, d.Answer, now))
}

// with returns the snapshot after the commit of a transition.
func with(s Snapshot, t Transition) Snapshot {
	if t.Stack != nil {
		s.Stack = *t.Stack
		s.Stack.Revision++
	}
	if t.Registration != nil {
		reg := *t.Registration
		reg.Revision++
		s.Registration = &reg
	}
	if t.Link != nil {
		link := *t.Link
		link.Revision++
		s.Link = &link
	}
	return s
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it with: go test ./internal/onboarding -update)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s has changed (-want +got); if that is intended, run with -update:\n%s", path, diff)
	}
}

func describe(d Decision) string {
	if d.Kind != DecideAnswer {
		return fmt.Sprintf("%s %s %s", d.Kind, d.Outcome, d.RetryAfter)
	}
	return fmt.Sprintf("%s %s", d.Answer.Response.Status, d.Outcome)
}
