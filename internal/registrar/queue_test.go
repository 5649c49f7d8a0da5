// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

func TestAMessageIsReceivedRequeuedMovedToTheDeadLettersAndDeleted(t *testing.T) {
	box := trial.Sandbox(t)
	keys, err := box.Credentials(sandbox.VendorAccount)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("eu-central-1"), config.WithBaseEndpoint(box.URL()),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, "")))
	if err != nil {
		t.Fatal(err)
	}
	c.HTTPClient = awsclient.HTTPClient()
	client := sqs.NewFromConfig(c)
	urls := map[string]string{}
	for _, name := range []string{"xacct-acme", "xacct-acme-dead-letters"} {
		out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
		if err != nil {
			t.Fatal(err)
		}
		urls[name] = *out.QueueUrl
	}
	q := NewSQS(client, urls["xacct-acme"], urls["xacct-acme-dead-letters"])
	receive := func() Message {
		t.Helper()
		messages, err := q.Receive(t.Context(), 10)
		if err != nil || len(messages) != 1 {
			t.Fatalf("received %d messages: %v", len(messages), err)
		}
		return messages[0]
	}
	if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(urls["xacct-acme"]), MessageBody: aws.String("rubbish")}); err != nil {
		t.Fatal(err)
	}
	m := receive()
	if string(m.Body) != "rubbish" || m.ID == "" || m.Receipt == "" {
		t.Errorf("got %+v", m)
	}
	if err := q.ChangeVisibility(t.Context(), m, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	box.Clock().Advance(21 * time.Second)
	m = receive()
	if err := q.SendToDeadLetters(t.Context(), m, "not a phone-home:\x00 rubbish"); err != nil {
		t.Fatal(err)
	}
	if err := q.Delete(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(urls["xacct-acme-dead-letters"]), MessageAttributeNames: []string{"All"},
	})
	if err != nil || len(out.Messages) != 1 {
		t.Fatalf("%v, %d dead letters", err, len(out.Messages))
	}
	if got := out.Messages[0]; aws.ToString(got.Body) != "rubbish" || aws.ToString(got.MessageAttributes["Reason"].StringValue) != "not a phone-home:  rubbish" {
		t.Errorf("the dead letter is %s with %v", aws.ToString(got.Body), got.MessageAttributes)
	}
	box.Clock().Advance(time.Hour)
	left, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(urls["xacct-acme"])})
	if err != nil || len(left.Messages) != 0 {
		t.Errorf("%v, %d messages left in the queue", err, len(left.Messages))
	}
}
