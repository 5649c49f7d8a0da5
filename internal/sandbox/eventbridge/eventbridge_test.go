// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package eventbridge_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

const bus = "arn:aws:events:eu-west-1:111111111111:event-bus/"

func start(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func client(s *sandbox.Sandbox, c sandbox.Credentials) *eventbridge.Client {
	return eventbridge.New(eventbridge.Options{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String(s.URL()),
		HTTPClient:   awsclient.HTTPClient(),
		Credentials:  credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
		Retryer:      aws.NopRetryer{},
	})
}

func admin(t *testing.T, s *sandbox.Sandbox) *eventbridge.Client {
	t.Helper()
	c, err := s.Credentials(sandbox.VendorAccount)
	if err != nil {
		t.Fatal(err)
	}
	return client(s, c)
}

func user(t *testing.T, s *sandbox.Sandbox, policy string) *eventbridge.Client {
	t.Helper()
	c, err := s.NewUser(sandbox.VendorAccount, "sender", policy)
	if err != nil {
		t.Fatal(err)
	}
	return client(s, c)
}

func entry(on, source, detail string) types.PutEventsRequestEntry {
	e := types.PutEventsRequestEntry{Source: aws.String(source), DetailType: aws.String("Kind"), Detail: aws.String(detail)}
	if on != "" {
		e.EventBusName = aws.String(on)
	}
	return e
}

func put(t *testing.T, c *eventbridge.Client, entries ...types.PutEventsRequestEntry) (*eventbridge.PutEventsOutput, error) {
	t.Helper()
	return c.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: entries})
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func TestAnAcceptedEventIsInTheJournalAsARuleWouldReceiveIt(t *testing.T) {
	s := start(t)
	e := entry(bus+"default", "mine", `{"a":1}`)
	e.Resources = []string{"arn:x"}
	e.Time = aws.Time(time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC))
	out, err := put(t, admin(t, s), e)
	if err != nil || out.FailedEntryCount != 0 {
		t.Fatal(out, err)
	}
	events := s.Events()
	if len(events) != 1 || events[0].Bus != bus+"default" || events[0].Dropped || events[0].ID != *out.Entries[0].EventId {
		t.Fatalf("%+v", events)
	}
	seen, err := json.Marshal(events[0])
	want := `{"version":"0","id":"` + *out.Entries[0].EventId + `","detail-type":"Kind","source":"mine","account":"111111111111",` +
		`"time":"2026-05-04T03:02:01Z","region":"eu-west-1","resources":["arn:x"],"detail":{"a":1}}`
	if err != nil || string(seen) != want {
		t.Errorf("%s, %v\nwant %s", seen, err, want)
	}
}

func TestEveryEntryIsAcceptedOrRefusedByItself(t *testing.T) {
	s := start(t)
	s.RefuseEvents(func(e sandbox.Event) string {
		if e.Source == "unlucky" {
			return "ThrottlingException"
		}
		return ""
	})
	out, err := put(t, admin(t, s),
		entry("", "mine", "{}"), entry("", "aws.ec2", "{}"), entry("", "mine", "[]"), entry("", "unlucky", "{}"), entry("", "", "{}"), entry("", "mine", "{}"))
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, e := range out.Entries {
		codes = append(codes, aws.ToString(e.ErrorCode))
	}
	want := []string{"", "NotAuthorizedForSourceException", "MalformedDetail", "ThrottlingException", "InvalidArgument", ""}
	if !slices.Equal(codes, want) || out.FailedEntryCount != 4 || len(s.Events()) != 2 {
		t.Errorf("the codes are %q, want %q; %d entries failed, want 4; there are %d events, want 2", codes, want, out.FailedEntryCount, len(s.Events()))
	}
}

func TestAMissingBusAcceptsEventsAndLosesThem(t *testing.T) {
	s := start(t)
	c := admin(t, s)
	if _, err := c.DescribeEventBus(t.Context(), &eventbridge.DescribeEventBusInput{Name: aws.String("own")}); code(err) != "ResourceNotFoundException" {
		t.Errorf("describe: %v", err)
	}
	if out, err := put(t, c, entry("own", "mine", "{}")); err != nil || out.FailedEntryCount != 0 {
		t.Errorf("%+v, %v", out, err)
	}
	if _, err := c.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("own")}); err != nil {
		t.Fatal(err)
	}
	if _, err := put(t, c, entry("own", "mine", "{}")); err != nil {
		t.Error(err)
	}
	if out, err := c.DescribeEventBus(t.Context(), &eventbridge.DescribeEventBusInput{Name: aws.String(bus + "own")}); err != nil || *out.Arn != bus+"own" {
		t.Errorf("describe: %+v, %v", out, err)
	}
	events := s.Events()
	if len(events) != 2 || !events[0].Dropped || events[1].Dropped {
		t.Errorf("%+v", events)
	}
	if _, err := c.DeleteEventBus(t.Context(), &eventbridge.DeleteEventBusInput{Name: aws.String("own")}); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteEventBus(t.Context(), &eventbridge.DeleteEventBusInput{Name: aws.String("default")}); err == nil {
		t.Error("the default bus was deleted")
	}
}

func TestACallerWithoutPermissionSendsNothing(t *testing.T) {
	s := start(t)
	c := user(t, s, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"events:PutEvents","Resource":"`+bus+`default",
		"Condition":{"StringEquals":{"events:source":"mine"}}}}`)
	if _, err := put(t, c, entry("", "mine", "{}")); err != nil {
		t.Error(err)
	}
	for name, e := range map[string]types.PutEventsRequestEntry{"another bus": entry("own", "mine", "{}"), "another source": entry("", "yours", "{}")} {
		if _, err := put(t, c, entry("", "mine", "{}"), e); code(err) != "AccessDeniedException" || !strings.Contains(err.Error(), "events:PutEvents") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.DescribeEventBus(t.Context(), &eventbridge.DescribeEventBusInput{}); code(err) != "AccessDeniedException" {
		t.Errorf("describe: %v", err)
	}
	if n := len(s.Events()); n != 1 {
		t.Errorf("%d events", n)
	}
}

func TestUnimplementedParametersAreRefused(t *testing.T) {
	s := start(t)
	c := admin(t, s)
	if _, err := put(t, c); err == nil {
		t.Error("a request without entries was accepted")
	}
	if _, err := put(t, c, slices.Repeat([]types.PutEventsRequestEntry{entry("", "mine", "{}")}, 11)...); err == nil {
		t.Error("eleven entries were accepted")
	}
	for _, on := range []string{
		"arn:aws:events:eu-west-1:222222222222:event-bus/default", "arn:aws:events:us-east-1:111111111111:event-bus/default", "arn:nonsense",
	} {
		if _, err := put(t, c, entry(on, "mine", "{}")); code(err) != "ValidationException" {
			t.Errorf("%s: %v", on, err)
		}
	}
	if _, err := put(t, c, entry("", "mine", `{"a":"`+strings.Repeat("x", 1<<20)+`"}`)); code(err) != "ValidationException" {
		t.Errorf("entries that are too large: %v", err)
	}
	if _, err := c.ListArchives(t.Context(), &eventbridge.ListArchivesInput{}); code(err) != "UnknownOperationException" {
		t.Errorf("archives: %v", err)
	}
	for name, rule := range map[string]*eventbridge.PutRuleInput{
		"a schedule":         {Name: aws.String("a"), ScheduleExpression: aws.String("rate(1 day)")},
		"another comparison": {Name: aws.String("a"), EventPattern: aws.String(`{"source":[{"suffix":"x"}]}`)},
	} {
		if _, err := c.PutRule(t.Context(), rule); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if n := len(s.Events()); n != 0 {
		t.Errorf("%d events", n)
	}
}
