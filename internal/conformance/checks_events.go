// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// eventChecks test EventBridge.
var eventChecks = []Check{
	{
		ID: "11.1", Title: "PutEvents accepts or refuses each entry separately, in order",
		Place: "internal/events/send.go", run: eachEntry,
	},
	{
		ID: "11.2", Title: "PutEvents accepts events for a bus that does not exist, and only DescribeEventBus reports that",
		Place: "internal/hub (a hub's bus is verified with DescribeEventBus)", run: noSuchBus,
	},
}

func eachEntry(ctx context.Context, t *trial) error {
	entry := func(source string) ebtypes.PutEventsRequestEntry {
		return ebtypes.PutEventsRequestEntry{Source: &source, DetailType: aws.String("Conformance"), Detail: aws.String(`{"n":1}`)}
	}
	out, err := t.Vendor.EventBridge(t.home()).PutEvents(ctx, &eventbridge.PutEventsInput{
		Entries: []ebtypes.PutEventsRequestEntry{entry("xacct.conformance"), entry("aws.ours"), entry("xacct.conformance")},
	})
	if err := t.accepted("three entries, one of them in AWS's name", err); err != nil {
		return err
	}
	var codes []string
	for _, e := range out.Entries {
		codes = append(codes, aws.ToString(e.ErrorCode))
	}
	t.note("codes", asJSON(codes))
	if len(codes) != 3 || codes[0] != "" || codes[1] != "NotAuthorizedForSourceException" || codes[2] != "" || out.FailedEntryCount != 1 {
		return instead("the entries' codes are %q, and %d failed", codes, out.FailedEntryCount)
	}
	return nil
}

func noSuchBus(ctx context.Context, t *trial) error {
	bus := t.name("no-bus")
	out, err := t.Vendor.EventBridge(t.home()).PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{{
		EventBusName: &bus, Source: aws.String("xacct.conformance"), DetailType: aws.String("Conformance"), Detail: aws.String(`{"n":1}`),
	}}})
	if err := t.accepted("an event for a bus that does not exist", err); err != nil {
		return err
	}
	if out.FailedEntryCount != 0 {
		return instead("the event was refused: %s", aws.ToString(out.Entries[0].ErrorCode))
	}
	_, err = t.Vendor.EventBridge(t.home()).DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{Name: &bus})
	return t.refused("DescribeEventBus", err, "ResourceNotFoundException")
}
