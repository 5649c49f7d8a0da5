// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// seedCustomers writes customers with every status of link and role into the
// registry, with times and external IDs that are the same in every run.
func (w *world) seedCustomers(ts *testscript.TestScript, _ []string) { w.addCustomers(ts.Check) }

// addCustomers is seedCustomers for tests in Go; check ends the test if an
// error is not nil.
func (w *world) addCustomers(check func(error)) {
	ctx, day := context.Background(), time.Date(2026, 5, 1, 9, 30, 0, 0, time.UTC)
	records := registry.New(w.clients.DynamoDB(), "acme", func() time.Time { return day.Add(-30 * time.Minute) }, registry.WithPrincipal(w.clients.CallerARN))
	create := func(customer, accountID string, change func(*onboarding.Link)) onboarding.Link {
		link := w.link(customer, accountID)
		change(&link)
		link, err := records.CreateLink(ctx, link)
		check(err)
		return link
	}
	same := func(*onboarding.Link) {}
	newTemplate := func(l *onboarding.Link) {
		l.TemplateURL = "https://xacct-acme-0011223344556677.s3.us-east-1.amazonaws.com/templates/feed.json"
	}

	create("aviato", "999999999999", func(l *onboarding.Link) { l.ExpiresAt = day.AddDate(0, 0, 7) })
	create("endframe", "888888888888", func(l *onboarding.Link) { l.Closed, l.ClosedAt = true, day.AddDate(0, 0, 2) })
	create("pied-piper", "555555555555", same)

	globex := w.registration(create("globex", "222222222222", same), onboarding.Active, "us-east-1")
	initech := w.registration(create("initech", "333333333333", newTemplate), onboarding.Active, "eu-central-1")
	initech.TemplateVersion = "0123456789abcdef"
	umbrella := w.registration(create("umbrella", "444444444444", same), onboarding.Active, "us-east-1")
	hooli := w.registration(create("hooli", "666666666666", same), onboarding.Disconnected, "us-east-1")
	hooli.Reason, hooli.ChangedAt = "the customer deleted the stack acme-access, or removed its phone-home resource", day.AddDate(0, 0, 8)
	for _, r := range []onboarding.Registration{globex, initech, hooli} {
		_, err := records.PutHealth(ctx, r, quiet(r))
		check(err)
	}

	// Pied Piper's stack waits because the vendor's own principal lacks a
	// permission.
	piper := w.registration(w.link("pied-piper", "555555555555"), onboarding.Pending, "us-east-1")
	check(records.AddHistory(ctx, onboarding.HistoryEntry{
		At: day.Add(-5 * time.Second), CustomerID: "pied-piper", Account: piper.Account, Stack: piper.Stack, LogicalID: "PhoneHome", RequestID: "request-7",
		Request: phonehome.Create, Outcome: onboarding.OutcomeSettling, Before: onboarding.Pending, Status: onboarding.Pending, Waiting: true,
	}))
	check(records.AddHistory(ctx, onboarding.HistoryEntry{
		At: day, CustomerID: "pied-piper", Account: piper.Account, Stack: piper.Stack, LogicalID: "PhoneHome", RequestID: "request-7",
		Request: phonehome.Create, Outcome: onboarding.OutcomeNotPermitted, Before: onboarding.Pending, Status: onboarding.Pending, Waiting: true,
		Cause: "arn:aws:iam::111111111111:role/registrar may not do sts:AssumeRole on arn:aws:iam::111111111111:role/worker",
	}))

	// Umbrella's history has every kind of entry.
	history := func(at time.Time, request string, came phonehome.RequestType, outcome onboarding.Outcome, status onboarding.RegistrationStatus, detail string) onboarding.HistoryEntry {
		return onboarding.HistoryEntry{
			At: at, CustomerID: "umbrella", Account: umbrella.Account, Stack: umbrella.Stack, LogicalID: "PhoneHome",
			RequestID: request, Request: came, Outcome: outcome, Status: status, Detail: detail,
		}
	}
	var err error
	umbrella, err = records.PutHealth(ctx, umbrella, history(day, "request-1", phonehome.Create, onboarding.OutcomeRegistered, onboarding.Active, ""))
	check(err)
	umbrella, err = records.PutHealth(ctx, umbrella, history(day.Add(30*time.Hour), "request-2", phonehome.Update, onboarding.OutcomeUpdated, onboarding.Active, ""))
	check(err)
	degraded, entry := onboarding.Health(umbrella, onboarding.Proof{Outcome: onboarding.Refused}, day.AddDate(0, 0, 6))
	_, err = records.PutHealth(ctx, degraded, *entry)
	check(err)
}

// link returns a link as the vendor would declare it; it is not in the
// registry.
func (w *world) link(customer, accountID string) onboarding.Link {
	return onboarding.Link{
		Hub:             "acme",
		CustomerID:      customer,
		ExternalID:      onboarding.ExternalID([]byte("a key that is no secret"), "acme", customer, 0),
		Account:         must(account.ParseID(accountID)),
		RoleName:        "acme-" + customer,
		RolePath:        "/",
		Declared:        declaration.Declaration{StackName: "acme-access", Region: home}.Encode(),
		TemplateVersion: "feedfacecafebeef",
		TemplateURL:     "https://templates.example/templates/1.json",
		CreatedAt:       time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC),
	}
}

// registration returns the registration of a link; it is not in the registry.
func (w *world) registration(link onboarding.Link, status onboarding.RegistrationStatus, region string) onboarding.Registration {
	at := time.Date(2026, 5, 1, 9, 30, 0, 0, time.UTC)
	return onboarding.Registration{
		Hub: "acme", CustomerID: link.CustomerID, Account: link.Account,
		Role: link.Role(w.record.Region.Partition()), ExternalID: link.ExternalID,
		Stack: account.StackARN{
			Region: must(account.ParseRegion(region)), Account: link.Account, Name: "acme-access", GUID: "5f0e1a40-0000-11f1-8000-0123456789ab",
		},
		LogicalID: "PhoneHome", PhysicalID: "xacct-0", Status: status, TemplateVersion: link.TemplateVersion,
		RequestedAt: at, RegisteredAt: at, ProvenAt: at, ChangedAt: at,
	}
}

func writeFile(name, text string) error { return os.WriteFile(name, []byte(text), 0o600) }
