// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package events

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// guide is the guide on events. It has an example of each event, and is their golden file.
const guide = "../../templates/guides/events.md.tmpl"

var update = flag.Bool("update", false, "rewrite the guide's examples")

// examples returns one event of each type, of the same customer and in a plausible order.
func examples(t *testing.T) map[onboarding.EventKind]onboarding.Event {
	t.Helper()
	stack := must(account.ParseStackARN("arn:aws:cloudformation:us-east-1:222222222222:stack/acme-access/6f1c5a30-4567-11f1-8d2a-0affd1e2b3c4"))
	reg := onboarding.Registration{
		Hub: "acme", CustomerID: "globex", Account: stack.Account,
		Role:       must(account.ParseRoleARN("arn:aws:iam::222222222222:role/acme-globex")),
		ExternalID: must(account.ParseExternalID("8a4f2f0f6c0e4f3b9d3c1b7a5e6d7c8b9a0f1e2d")),
		Stack:      stack, LogicalID: "PhoneHome",
		Status: onboarding.Active, TemplateVersion: "5d1f0c9b8a7e6f5d",
		RegisteredAt: noon, ProvenAt: noon, ChangedAt: noon,
	}
	events := map[onboarding.EventKind]onboarding.Event{}
	tell := func(entry onboarding.HistoryEntry) {
		e := onboarding.EventOf(reg, entry)
		if e == nil {
			t.Fatalf("%s is not an event", entry.Outcome)
		}
		events[e.Kind] = *e
		reg = e.After
	}
	tell(onboarding.HistoryEntry{At: noon, RequestID: "1d0e7a53-6f0e-4d0a-9a30-2a1f0e4b9c11",
		Outcome: onboarding.OutcomeRegistered, Before: onboarding.Pending})

	at := noon.Add(30 * 24 * time.Hour)
	reg.TemplateVersion, reg.GrantedPermissions, reg.ProvenAt = "0b6c2ad1e94f7788", []string{"billing"}, at
	tell(onboarding.HistoryEntry{At: at, RequestID: "c5b3d0a2-8f64-4d1c-b1be-90a4ad6c1f22",
		Outcome: onboarding.OutcomeUpdated, Before: onboarding.Active})

	at = at.Add(12*24*time.Hour + 250*time.Millisecond)
	degraded, entry := onboarding.Health(reg, onboarding.Proof{Outcome: onboarding.Refused}, at)
	reg = degraded
	tell(*entry)

	at = at.Add(24 * time.Hour)
	opened, entry := onboarding.Health(reg, onboarding.Proof{Outcome: onboarding.Open, Weakness: "without an external ID"}, at)
	reg = opened
	tell(*entry)

	at = at.Add(9 * 24 * time.Hour)
	reg.Status, reg.Reason = onboarding.Disconnected, "the customer deleted the stack acme-access, or removed its phone-home resource"
	tell(onboarding.HistoryEntry{At: at, RequestID: "77e3f6c4-52a9-43c1-8a5e-6f4a7d9b0d33",
		Outcome: onboarding.OutcomeDisconnected, Before: onboarding.Degraded})
	return events
}

// seen returns an event as a rule on the bus receives it (aws-facts 11.1).
func seen(t *testing.T, e onboarding.Event) string {
	t.Helper()
	entry := must(entryOf(busARN("customers"), e))
	rule := struct {
		Version    string          `json:"version"`
		ID         string          `json:"id"`
		DetailType string          `json:"detail-type"`
		Source     string          `json:"source"`
		Account    string          `json:"account"`
		Time       string          `json:"time"`
		Region     string          `json:"region"`
		Resources  []string        `json:"resources"`
		Detail     json.RawMessage `json:"detail"`
	}{
		"0", "b7d1f0aa-0000-4000-8000-000000000000", aws.ToString(entry.DetailType), aws.ToString(entry.Source),
		"111111111111", entry.Time.Format("2006-01-02T15:04:05Z"), "eu-central-1", entry.Resources, json.RawMessage(*entry.Detail),
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(rule); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

var example = regexp.MustCompile("(?s)<!-- example: ([a-z]+) -->\n```json\n(.*?)```\n")

func TestTheGuideShowsEveryEventAsItIsSent(t *testing.T) {
	text := string(must(os.ReadFile(guide)))
	events := examples(t)
	if *update {
		text = example.ReplaceAllStringFunc(text, func(block string) string {
			kind := example.FindStringSubmatch(block)[1]
			return "<!-- example: " + kind + " -->\n```json\n" + seen(t, events[onboarding.EventKind(kind)]) + "```\n"
		})
		if err := os.WriteFile(guide, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	shown := map[string]string{}
	for _, block := range example.FindAllStringSubmatch(text, -1) {
		shown[block[1]] = block[2]
	}
	for kind, e := range events {
		if diff := cmp.Diff(seen(t, e), shown[string(kind)]); diff != "" {
			t.Errorf("the guide's example of %s is not what is sent (-sent +guide); if the change is intended, run with -update:\n%s", kind, diff)
		}
		if !strings.Contains(text, "### "+DetailType(kind)+"\n") {
			t.Errorf("the guide has no section %q", DetailType(kind))
		}
	}
	if len(events) != 5 || len(shown) != 5 {
		t.Errorf("%d types of event, %d shown, want 5", len(events), len(shown))
	}
}

func TestTheGuideNamesEveryField(t *testing.T) {
	text := string(must(os.ReadFile(guide)))
	_, table, _ := strings.Cut(text, "## The fields of `detail`")
	table, _, _ = strings.Cut(table, "## The five types")
	for field := range reflect.TypeFor[Detail]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !strings.Contains(table, "`"+name+"`") {
			t.Errorf("the guide does not explain %s", name)
		}
	}
}

// The values of `change` are the outcomes with which a registration is written.
func TestTheGuideNamesEveryChange(t *testing.T) {
	text := string(must(os.ReadFile(guide)))
	_, row, _ := strings.Cut(text, "\n| `change` |")
	row, _, _ = strings.Cut(row, "\n")
	for _, outcome := range []onboarding.Outcome{
		onboarding.OutcomeRegistered, onboarding.OutcomeAdopted, onboarding.OutcomeRecovered,
		onboarding.OutcomeUpdated, onboarding.OutcomeUpdatedUnproven, onboarding.OutcomeRolledBack, onboarding.OutcomeFellBack,
		onboarding.OutcomeDegraded, onboarding.OutcomeFoundOpen, onboarding.OutcomeDeleteUnconfirmed, onboarding.OutcomeRestored,
		onboarding.OutcomeDisconnected, onboarding.OutcomeReleased,
	} {
		if !strings.Contains(row, "`"+string(outcome)+"`") {
			t.Errorf("the guide does not name the change %s", outcome)
		}
	}
}
