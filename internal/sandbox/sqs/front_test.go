// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sqs_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sqs"
)

const (
	vendor   = "111111111111"
	customer = "222222222222"
	home     = "eu-west-1"
)

// bench is an SQS behind a minimal HTTP server for the SDK: the access key ID
// is the account, and no signature is checked.
type bench struct {
	service    *sqs.Service
	clock      *kernel.Clock
	url        string
	ctx        context.Context
	authorizer *authorizer
}

// authorizer allows the owner of a resource everything, and others only what
// allowed returns true for.
type authorizer struct {
	allowed func(kernel.Authorization) bool
}

func (a *authorizer) Authorize(request kernel.Authorization) error {
	p := request.Principal
	if p != nil && p.Account == request.ResourceAccount && p.Service == "" {
		return nil
	}
	if a.allowed != nil && a.allowed(request) {
		return nil
	}
	return kernel.Errorf(http.StatusForbidden, "AccessDenied", "not authorized to perform: %s on resource: %s", request.Action, request.Resource)
}

type known map[string]bool

func (k known) Partition(account string) (string, bool) { return "aws", k[account] }

func start(t *testing.T) *bench {
	t.Helper()
	b := &bench{clock: kernel.NewClock(), authorizer: &authorizer{}, ctx: t.Context()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.front(w, r) }))
	t.Cleanup(server.Close)
	b.url = server.URL
	b.service = sqs.New(kernel.Env{
		Clock: b.clock, Authorizer: b.authorizer, Rand: rand.Reader, URL: server.URL,
		Accounts: known{vendor: true, customer: true},
	})
	return b
}

func (b *bench) front(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	parts := strings.Split(scope, "/")
	c := &kernel.Call{
		Context: r.Context(), Service: "sqs", Region: parts[2], Request: r, Body: body, RequestID: "test",
		Principal: &kernel.Principal{Account: parts[0], ARN: "arn:aws:iam::" + parts[0] + ":user/admin", UserID: "AIDATEST"},
		Action:    b.service.Action(r, body),
	}
	answer, err := b.service.Serve(c)
	var fault *kernel.Error
	if errors.As(err, &fault) {
		answer = b.service.EncodeError(c, fault)
	} else if err != nil {
		answer = &kernel.Response{Status: http.StatusInternalServerError, Body: []byte(err.Error())}
	}
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body)
}

func (b *bench) client(account, region string) *awssqs.Client {
	return awssqs.New(awssqs.Options{
		Region: region, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(b.url), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(account, "secret", ""),
	})
}

// create creates a queue and returns its URL.
func (b *bench) create(t *testing.T, c *awssqs.Client, name string, attributes map[string]string) string {
	t.Helper()
	out, err := c.CreateQueue(b.ctx, &awssqs.CreateQueueInput{QueueName: aws.String(name), Attributes: attributes})
	if err != nil {
		t.Fatalf("create queue %s: %v", name, err)
	}
	return *out.QueueUrl
}

func (b *bench) send(t *testing.T, c *awssqs.Client, url, body string) {
	t.Helper()
	if _, err := c.SendMessage(b.ctx, &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
		t.Fatalf("send %q: %v", body, err)
	}
}

// receive receives and returns up to ten visible messages.
func (b *bench) receive(t *testing.T, c *awssqs.Client, url string) []message {
	t.Helper()
	out, err := c.ReceiveMessage(b.ctx, &awssqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []systemName{"All"},
	})
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	return out.Messages
}

func bodies(messages []message) string {
	var all []string
	for _, m := range messages {
		all = append(all, *m.Body)
	}
	return strings.Join(all, " ")
}

// wantCode fails unless the error is an AWS error of that code.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Fatalf("the error is %v, want code %s", err, code)
	}
}

// within fails the test if done is not closed within 20 seconds.
func within(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s: still waiting after 20 s", what)
	}
}
