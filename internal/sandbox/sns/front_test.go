// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sns"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sqs"
)

const (
	vendor   = "111111111111"
	customer = "222222222222"
	stranger = "333333333333"
	home     = "us-east-1"
)

// bench is SNS and SQS with the sandbox's policy evaluator, behind a minimal
// HTTP server for the SDK: the access key ID is the account, whose user "admin"
// has all permissions, and no signature is checked.
type bench struct {
	t        *testing.T
	accounts known
	ctx      context.Context
	url      string
	clock    *kernel.Clock
	faults   *kernel.Faults
	journal  *kernel.Journal
	sns      *sns.Service
	sqs      *sqs.Service
}

// known has the accounts and roles that exist.
type known map[string]bool

func (k known) Partition(account string) (string, bool) { return "aws", k[account] }
func (k known) PrincipalExists(arn string) bool         { return k[arn] }

func start(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, ctx: t.Context(), clock: kernel.NewClock(), faults: kernel.NewFaults(1), journal: &kernel.Journal{}}
	server := httptest.NewServer(http.HandlerFunc(b.front))
	t.Cleanup(server.Close)
	b.url = server.URL
	b.accounts = known{vendor: true, customer: true, stranger: true, "arn:aws:iam::222222222222:role/deployer": true}
	env := kernel.Env{
		Clock: b.clock, Authorizer: policy.NewEvaluator(b.clock.Now), Faults: b.faults, Journal: b.journal, Rand: rand.Reader, URL: b.url,
		Accounts: b.accounts,
	}
	b.sqs = sqs.New(env)
	b.sns = sns.New(env, b.sqs)
	return b
}

const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func admin(account string) *kernel.Principal {
	return &kernel.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":user/admin", UserID: "AIDATEST", Identity: []string{everything}}
}

func (b *bench) front(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	parts := strings.Split(scope, "/")
	var service kernel.Service = b.sns
	if parts[3] == "sqs" {
		service = b.sqs
	}
	c := &kernel.Call{
		Context: r.Context(), Service: parts[3], Region: parts[2], Request: r, Body: body, RequestID: "test",
		Principal: admin(parts[0]), Action: service.Action(r, body),
	}
	answer, err := service.Serve(c)
	var fault *kernel.Error
	if errors.As(err, &fault) {
		answer = service.EncodeError(c, fault)
	} else if err != nil {
		answer = &kernel.Response{Status: http.StatusInternalServerError, Body: []byte(err.Error())}
	}
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body)
}

func (b *bench) client(account, region string) *awssns.Client {
	return awssns.New(awssns.Options{
		Region: region, BaseEndpoint: aws.String(b.url), RetryMaxAttempts: 1, HTTPClient: awsclient.HTTPClient(),
		Credentials: credentials.NewStaticCredentialsProvider(account, "secret", ""),
	})
}

func (b *bench) queues(account, region string) *awssqs.Client {
	return awssqs.New(awssqs.Options{
		Region: region, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(b.url), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(account, "secret", ""),
	})
}

func (b *bench) topic(c *awssns.Client, name string) string {
	b.t.Helper()
	out, err := c.CreateTopic(b.ctx, &awssns.CreateTopicInput{Name: &name})
	if err != nil {
		b.t.Fatal(err)
	}
	return *out.TopicArn
}

// queue creates a queue of the vendor that SNS may send to on behalf of a
// topic, and returns its ARN and URL. Without a topic the queue has no policy.
func (b *bench) queue(name, region, service, topicARN string) (arn, url string) {
	b.t.Helper()
	arn = "arn:" + kernel.Partition(region) + ":sqs:" + region + ":" + vendor + ":" + name
	attributes := map[string]string{}
	if topicARN != "" {
		attributes["Policy"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sqs:SendMessage",` +
			`"Resource":"` + arn + `","Condition":{"ArnEquals":{"aws:SourceArn":"` + topicARN + `"}}}]}`
	}
	out, err := b.queues(vendor, region).CreateQueue(b.ctx, &awssqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		b.t.Fatal(err)
	}
	return arn, *out.QueueUrl
}

func (b *bench) subscribe(c *awssns.Client, topicARN, queueARN string, attributes map[string]string) string {
	b.t.Helper()
	out, err := c.Subscribe(b.ctx, &awssns.SubscribeInput{
		TopicArn: &topicARN, Protocol: aws.String("sqs"), Endpoint: &queueARN, Attributes: attributes, ReturnSubscriptionArn: true,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return *out.SubscriptionArn
}

func (b *bench) publish(c *awssns.Client, topicARN, message string) string {
	b.t.Helper()
	out, err := c.Publish(b.ctx, &awssns.PublishInput{TopicArn: &topicARN, Message: &message})
	if err != nil {
		b.t.Fatal(err)
	}
	return *out.MessageId
}

// drain receives and returns all messages that are visible in a queue.
func (b *bench) drain(url, region string) []types.Message {
	b.t.Helper()
	var all []types.Message
	for {
		out, err := b.queues(vendor, region).ReceiveMessage(b.ctx, &awssqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			b.t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return all
		}
		all = append(all, out.Messages...)
	}
}

// texts receives the notifications of a queue, and returns their messages,
// separated by spaces.
func (b *bench) texts(url string) string {
	b.t.Helper()
	var all []string
	for _, m := range b.drain(url, home) {
		var e struct{ Message string }
		if err := json.Unmarshal([]byte(*m.Body), &e); err != nil {
			b.t.Fatalf("the body is not an envelope: %v\n%s", err, *m.Body)
		}
		all = append(all, e.Message)
	}
	return strings.Join(all, " ")
}

// notes returns the journal's notes on deliveries.
func (b *bench) notes() string {
	var all []string
	for _, e := range b.journal.Since(0) {
		if e.Action == "Delivery" {
			all = append(all, e.Outcome+" "+e.Note)
		}
	}
	return strings.Join(all, "\n")
}

func wantCode(t *testing.T, err error, code, text string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), text) {
		t.Fatalf("the error is %v, want %s with %q", err, code, text)
	}
}
