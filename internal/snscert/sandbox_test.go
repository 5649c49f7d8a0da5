// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package snscert_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/snscert"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// The sandbox takes SNS's part: a message is published, signed, delivered and received, and the
// certificate is fetched by its real name from the sandbox's address.
func TestMessagesOfTheSandboxAreVerified(t *testing.T) {
	box := trial.Sandbox(t)
	ca, err := box.SigningCA()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := snscert.New(snscert.Config{Endpoint: box.URL(), Bundle: ca, Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, region := range []string{"us-east-1", "eu-central-1", "af-south-1"} {
		for _, version := range []string{"1", "2"} {
			for _, subject := range []string{"", "AWS CloudFormation custom resource request"} {
				t.Run(region+" version "+version+" subject "+subject, func(t *testing.T) {
					body := delivered(t, box, region, version, subject)
					if err := verifier.Verify(t.Context(), []byte(body)); err != nil {
						t.Fatalf("%v\n%s", err, body)
					}
					forged := strings.Replace(body, "hello", "evils", 1)
					if err := verifier.Verify(t.Context(), []byte(forged)); !errors.Is(err, snscert.ErrForged) {
						t.Errorf("changed: %v", err)
					}
				})
			}
		}
	}

	t.Run("a verifier that does not trust the sandbox", func(t *testing.T) {
		t.Setenv("AWS_CA_BUNDLE", "")
		untrusting, err := snscert.New(snscert.Config{Endpoint: box.URL(), Clock: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		body := delivered(t, box, "us-east-1", "1", "")
		if err := untrusting.Verify(t.Context(), []byte(body)); !errors.Is(err, snscert.ErrUnavailable) {
			t.Errorf("%v", err)
		}
	})
}

// delivered returns a message as a queue receives it from a topic in the same Region.
func delivered(t *testing.T, box *sandbox.Sandbox, region, version, subject string) string {
	t.Helper()
	keys, err := box.Credentials(sandbox.VendorAccount)
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	as := credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, "")
	topics := sns.New(sns.Options{Region: region, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(box.URL()), Credentials: as})
	queues := sqs.New(sqs.Options{Region: region, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(box.URL()), Credentials: as})
	topic, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("xacct-acme-0")})
	must(err)
	_, err = topics.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{
		TopicArn: topic.TopicArn, AttributeName: aws.String("SignatureVersion"), AttributeValue: &version,
	})
	must(err)
	queue := "arn:aws:sqs:" + region + ":" + sandbox.VendorAccount + ":xacct-acme"
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage",` +
		`"Resource":"` + queue + `","Condition":{"ArnEquals":{"aws:SourceArn":"` + *topic.TopicArn + `"}}}]}`
	inbox, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("xacct-acme"), Attributes: map[string]string{"Policy": policy}})
	must(err)
	_, err = topics.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: &queue})
	must(err)
	in := &sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String("hello\nthere")}
	if subject != "" {
		in.Subject = &subject
	}
	_, err = topics.Publish(t.Context(), in)
	must(err)
	out, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: inbox.QueueUrl})
	must(err)
	if len(out.Messages) != 1 {
		t.Fatalf("%d messages were received", len(out.Messages))
	}
	_, err = queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: inbox.QueueUrl, ReceiptHandle: out.Messages[0].ReceiptHandle})
	must(err)
	return *out.Messages[0].Body
}
