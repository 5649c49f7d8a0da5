// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/provider"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// The queue has so many messages that the test message is not found.
func TestAnApplyThatCannotTestDeliveryWarnsAndTheNextOneTestsIt(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	s := state{tfcore.New(map[string]tfcore.Factory{
		"xacct": serverOf(provider.WithClock(w.Clock().Now), provider.WithSleep(func(ctx context.Context, d time.Duration) error {
			w.Clock().Advance(d)
			return ctx.Err()
		})),
	}).Workspace(), t, w}
	s.apply(hubHCL())
	queues := w.Clients.SQS(w.Clients.Region)
	url, err := queues.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("xacct-acme")})
	if err != nil {
		t.Fatal(err)
	}
	for range 21 {
		var some []types.SendMessageBatchRequestEntry
		for i := range 10 {
			some = append(some, types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: aws.String("a customer's request")})
		}
		if _, err := queues.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: url.QueueUrl, Entries: some}); err != nil {
			t.Fatal(err)
		}
	}

	more := w.Provider() + hubHCL(`regions = ["us-east-1", "eu-west-1"]`)
	found := s.Run(t.Context(), more, tfcore.Options{})
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	if told := summaries(found); told != "Delivery to hub acme was not tested" || !strings.Contains(found[0].Detail, "xacct registrar --hub acme") {
		t.Errorf("the apply warns of %q: %s", told, found)
	}

	if _, err := queues.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: url.QueueUrl}); err != nil {
		t.Fatal(err)
	}
	mark := w.Journal().Mark()
	if told := summaries(s.Run(t.Context(), more, tfcore.Options{})); told != "Hub acme has drifted" {
		t.Errorf("the next apply warns of %q", told)
	}
	tests := 0
	for action, calls := range w.Journal().Counts(mark) {
		if strings.HasSuffix(action, ":Publish") {
			tests += calls
		}
	}
	if tests != 2 {
		t.Errorf("the next apply sends %d test messages, want one through each of 2 topics", tests)
	}
	if found := s.Run(t.Context(), more, tfcore.Options{}); len(found) != 0 {
		t.Errorf("the apply after that warns of %s", found)
	}
}
