// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns_test

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// hubSandbox is a running sandbox with a hub's topics and queue: a topic in
// each of two Regions, which both deliver to one queue.
type hubSandbox struct {
	*testing.T
	*sandbox.Sandbox
	topics map[string]string // ARN by Region
	inbox  string
}

func startHubSandbox(t *testing.T) *hubSandbox {
	t.Helper()
	s, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := &hubSandbox{T: t, Sandbox: s, topics: map[string]string{}}
	queue := "arn:aws:sqs:us-east-1:" + vendor + ":inbox"
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		c := w.snsOf(vendor, region)
		out, err := c.CreateTopic(t.Context(), &awssns.CreateTopicInput{Name: aws.String("news")})
		if err != nil {
			t.Fatal(err)
		}
		w.topics[region] = *out.TopicArn
		if _, err := c.Subscribe(t.Context(), &awssns.SubscribeInput{TopicArn: out.TopicArn, Protocol: aws.String("sqs"), Endpoint: &queue}); err != nil {
			t.Fatal(err)
		}
	}
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + queue + `",` +
		`"Condition":{"ArnEquals":{"aws:SourceArn":["` + w.topics["us-east-1"] + `","` + w.topics["eu-west-1"] + `"]}}}]}`
	out, err := w.sqsOf(vendor, "us-east-1").CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("inbox"), Attributes: map[string]string{"Policy": policy}})
	if err != nil {
		t.Fatal(err)
	}
	w.inbox = *out.QueueUrl
	return w
}

func (w *hubSandbox) keys(account string) aws.CredentialsProvider {
	c, err := w.Credentials(account)
	if err != nil {
		w.Fatal(err)
	}
	return credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, "")
}

func (w *hubSandbox) snsOf(account, region string) *awssns.Client {
	return awssns.New(awssns.Options{Region: region, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(w.URL()), Credentials: w.keys(account)})
}

func (w *hubSandbox) sqsOf(account, region string) *awssqs.Client {
	return awssqs.New(awssqs.Options{Region: region, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(w.URL()), Credentials: w.keys(account)})
}

// allowPublish sets a policy on a Region's topic that lets accounts publish to
// it.
func (w *hubSandbox) allowPublish(region string, accounts ...string) {
	w.Helper()
	list, err := json.Marshal(accounts)
	if err != nil {
		w.Fatal(err)
	}
	topic := w.topics[region]
	policy := `{"Version":"2012-10-17","Statement":[{"Sid":"publishers","Effect":"Allow","Principal":{"AWS":"*"},"Action":"SNS:Publish","Resource":"` + topic + `",` +
		`"Condition":{"StringEquals":{"aws:PrincipalAccount":` + string(list) + `}}}]}`
	if _, err := w.snsOf(vendor, region).SetTopicAttributes(w.Context(), &awssns.SetTopicAttributesInput{
		TopicArn: &topic, AttributeName: aws.String("Policy"), AttributeValue: &policy,
	}); err != nil {
		w.Fatal(err)
	}
}

// inboxTexts receives the visible notifications of the queue. It returns their
// messages, and a part of the first one.
func (w *hubSandbox) inboxTexts() (texts []string, first struct{ SigningCertURL string }) {
	w.Helper()
	out, err := w.sqsOf(vendor, "us-east-1").ReceiveMessage(w.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &w.inbox, MaxNumberOfMessages: 10})
	if err != nil {
		w.Fatal(err)
	}
	for i, m := range out.Messages {
		var e struct{ Message, SigningCertURL string }
		if err := json.Unmarshal([]byte(*m.Body), &e); err != nil {
			w.Fatal(err)
		}
		if i == 0 {
			first.SigningCertURL = e.SigningCertURL
		}
		texts = append(texts, e.Message)
	}
	return texts, first
}

func TestCustomersOfTwoRegionsReachOneQueueOverHTTP(t *testing.T) {
	w := startHubSandbox(t)
	for region, topic := range w.topics {
		c := w.snsOf(customer, region)
		in := &awssns.PublishInput{TopicArn: &topic, Message: aws.String("from " + region)}
		_, err := c.Publish(t.Context(), in)
		wantCode(t, err, "AuthorizationError", "SNS:Publish")
		w.allowPublish(region, customer)
		if _, err := c.Publish(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		_, err = w.snsOf(stranger, region).Publish(t.Context(), in)
		wantCode(t, err, "AuthorizationError", "")
	}
	texts, first := w.inboxTexts()
	if all := strings.Join(texts, ", "); len(texts) != 2 || !strings.Contains(all, "from us-east-1") || !strings.Contains(all, "from eu-west-1") {
		t.Errorf("the queue has %q", all)
	}

	// The certificate's URL has AWS's host; the client connects to the sandbox
	// instead.
	u, err := url.Parse(first.SigningCertURL)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL()+u.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = u.Host
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if block, _ := pem.Decode(text); err != nil || block == nil {
		t.Errorf("%s returns %s %q, %v", first.SigningCertURL, response.Status, text, err)
	}
}

func TestAMissingAccountCannotBeAPrincipal(t *testing.T) {
	w := startHubSandbox(t)
	topic := w.topics["us-east-1"]
	add := func() error {
		_, err := w.snsOf(vendor, "us-east-1").AddPermission(t.Context(), &awssns.AddPermissionInput{
			TopicArn: &topic, Label: aws.String("x"), AWSAccountId: []string{"444444444444"}, ActionName: []string{"Publish"},
		})
		return err
	}
	wantCode(t, add(), "InvalidParameter", "Policy Error: PrincipalNotFound")
	if err := w.OpenAccount("444444444444", "aws"); err != nil {
		t.Fatal(err)
	}
	if err := add(); err != nil {
		t.Error(err)
	}
}

func TestAPublishIsRepeatedAfterALostResponse(t *testing.T) {
	w := startHubSandbox(t)
	w.allowPublish("us-east-1", customer)
	w.Faults().Add(kernel.FaultRule{Service: "sns", Action: "Publish", Kind: kernel.FaultLostAnswer, Next: 1})
	topic := w.topics["us-east-1"]
	if _, err := w.snsOf(customer, "us-east-1").Publish(t.Context(), &awssns.PublishInput{TopicArn: &topic, Message: aws.String("hello")}); err != nil {
		t.Fatal(err)
	}
	if texts, _ := w.inboxTexts(); strings.Join(texts, " ") != "hello hello" {
		t.Errorf("the queue has %q", texts)
	}
}

func TestDelaysUseTheSandboxsClockAndDroppedMessagesAreInItsJournal(t *testing.T) {
	w := startHubSandbox(t)
	w.allowPublish("eu-west-1", customer)
	w.Faults().SetDelivery(kernel.DeliveryFaults{MinDelay: time.Hour, MaxDelay: time.Hour})
	topic := w.topics["eu-west-1"]
	if _, err := w.snsOf(customer, "eu-west-1").Publish(t.Context(), &awssns.PublishInput{TopicArn: &topic, Message: aws.String("late")}); err != nil {
		t.Fatal(err)
	}
	if texts, _ := w.inboxTexts(); len(texts) != 0 {
		t.Errorf("%q arrived at once", texts)
	}
	w.Clock().Advance(time.Hour)
	if texts, _ := w.inboxTexts(); len(texts) != 1 {
		t.Errorf("after the delay the queue has %q", texts)
	}

	mark := w.Journal().Mark()
	if _, err := w.sqsOf(vendor, "us-east-1").DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: &w.inbox}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.snsOf(customer, "eu-west-1").Publish(t.Context(), &awssns.PublishInput{TopicArn: &topic, Message: aws.String("to no queue")}); err != nil {
		t.Fatal(err)
	}
	var note string
	for _, e := range w.Journal().Since(mark) {
		if e.Action == "Delivery" && e.Inside && e.Outcome == "QueueDoesNotExist" {
			note = e.Note
		}
	}
	if !strings.Contains(note, "dropped") {
		t.Errorf("the journal has %+v", w.Journal().Since(mark))
	}
}
