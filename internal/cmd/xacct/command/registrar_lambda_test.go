// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// service simulates Lambda for one function: the runtime API from which the program
// gets its events, and the event source that delivers the queue's messages.
type service struct {
	t      *testing.T
	w      *world
	server *httptest.Server

	events  chan []byte
	answers chan answer
}

type answer struct {
	failed bool
	body   string
}

// deploy starts the real program as Lambda would.
func deploy(t *testing.T, w *world, more ...string) *service {
	t.Helper()
	folder := t.TempDir()
	if err := trial.Build(t.Context(), folder, "./internal/cmd/xacct"); err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, w: w, events: make(chan []byte), answers: make(chan answer)}
	s.server = httptest.NewServer(s)
	function := exec.Command(filepath.Join(folder, "xacct")) // without the test's context: the cleanup kills it
	function.Env = append(os.Environ(), append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(s.server.URL, "http://"),
		"AWS_LAMBDA_FUNCTION_NAME=acme-registrar", "XACCT_HUB=acme",
	}, more...)...)
	running, err := trial.Start(function, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		running.Kill()
		s.server.CloseClientConnections()
		s.server.Close()
		if t.Failed() {
			t.Logf("the function's output:\n%s", running.Output())
		}
	})
	return s
}

// ServeHTTP serves the runtime API
// (docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const invocation = "/2018-06-01/runtime/invocation/"
	switch {
	case r.URL.Path == invocation+"next":
		select {
		case event := <-s.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(30*time.Second).UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:111111111111:function:acme-registrar")
			_, _ = w.Write(event)
		case <-r.Context().Done():
		}
	case strings.HasPrefix(r.URL.Path, invocation):
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		s.answers <- answer{strings.HasSuffix(r.URL.Path, "/error"), string(body)}
	default:
		http.NotFound(w, r)
	}
}

// invoke sends the function an event, and returns its answer.
func (s *service) invoke(event any) answer {
	s.t.Helper()
	text, err := json.Marshal(event)
	if err != nil {
		s.t.Fatal(err)
	}
	limit := time.After(30 * time.Second)
	select {
	case s.events <- text:
	case <-limit:
		s.t.Fatal("the function never asked for an event")
	}
	select {
	case a := <-s.answers:
		return a
	case <-limit:
		s.t.Fatal("the function never answered")
	}
	return answer{}
}

// poll does what an event source mapping does once: it receives a batch, has
// the function handle it, and deletes what was not reported as failed. It
// returns how many messages there were, and how many were left.
func (s *service) poll() (received, left int) {
	s.t.Helper()
	client, url := s.w.clients.SQS(s.w.clients.Region), &s.w.record.QueueURL
	out, err := client.ReceiveMessage(s.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 5,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(out.Messages) == 0 {
		return 0, 0
	}
	var records []map[string]any
	for _, m := range out.Messages {
		records = append(records, map[string]any{
			"messageId": m.MessageId, "receiptHandle": m.ReceiptHandle, "body": m.Body, "attributes": m.Attributes,
			"messageAttributes": map[string]any{}, "md5OfBody": m.MD5OfBody, "eventSource": "aws:sqs",
			"eventSourceARN": "arn:aws:sqs:us-east-1:111111111111:xacct-acme", "awsRegion": home,
		})
	}
	a := s.invoke(map[string]any{"Records": records})
	var response struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal([]byte(a.body), &response); err != nil || a.failed {
		s.t.Fatalf("the function answered %s (%v)", a.body, err)
	}
	failed := map[string]bool{}
	for _, f := range response.BatchItemFailures {
		failed[f.ItemIdentifier] = true
	}
	for _, m := range out.Messages {
		if failed[aws.ToString(m.MessageId)] {
			continue
		}
		if _, err := client.DeleteMessage(s.t.Context(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			s.t.Fatal(err)
		}
	}
	return len(out.Messages), len(failed)
}

func TestTheSameProgramIsALambdaFunction(t *testing.T) {
	w := testWorld(t)
	w.box.IAM().Settle(10 * time.Second) // the first proof is refused
	s := deploy(t, w)

	link, err := w.inviteOne(t.Context(), "globex", "222222222222")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.box.OpenAccount("222222222222", "aws"); err != nil {
		t.Fatal(err)
	}
	stackID, err := w.box.LaunchURL(t.Context(), link, "222222222222", sandbox.LaunchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if received, left := s.poll(); received != 1 || left != 1 {
		t.Fatalf("while IAM settles %d of %d messages were left", left, received)
	}
	if got := w.visible(t); got != 0 {
		t.Error("the message that waits for IAM is visible again at once")
	}
	w.box.Clock().Advance(15 * time.Second)
	if received, left := s.poll(); received != 1 || left != 0 {
		t.Fatalf("afterwards %d of %d messages were left", left, received)
	}
	stack, err := w.box.WaitStack(t.Context(), stackID)
	if err != nil || stack.Status != "CREATE_COMPLETE" {
		t.Fatalf("the stack is %s: %s (%v)", stack.Status, stack.StatusReason, err)
	}
	customer, err := w.hub.Registry().Customer(t.Context(), "globex")
	if err != nil || len(customer.Registrations) != 1 || customer.Registrations[0].Status != onboarding.Active {
		t.Errorf("registered: %+v (%v)", customer.Registrations, err)
	}
	if beat, err := w.hub.Registry().LastBeat(t.Context()); err != nil || beat.IsZero() {
		t.Errorf("no registrar has been seen: %v (%v)", beat, err)
	}

	// Unreadable messages go to the dead-letter queue, and do not stop the others.
	for i, body := range []string{"nonsense", "{}"} {
		if _, err := w.clients.SQS(w.clients.Region).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &w.record.QueueURL, MessageBody: &body}); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := w.box.DeleteStack(t.Context(), stackID); err != nil {
		t.Fatal(err)
	}
	for handled := 0; handled < 3; {
		received, left := s.poll()
		if received == 0 || left != 0 {
			t.Fatalf("%d of %d messages were left", left, received)
		}
		handled += received
	}
	if stack, err = w.box.WaitStack(t.Context(), stackID); err != nil || stack.Status != "DELETE_COMPLETE" {
		t.Errorf("the stack is %s: %s (%v)", stack.Status, stack.StatusReason, err)
	}
	if got := w.deadLetters(t); got != 2 {
		t.Errorf("%d dead letters", got)
	}
	for _, task := range []string{"beat", "verify"} {
		if a := s.invoke(map[string]string{"task": task}); a.failed {
			t.Errorf("task %s: %s", task, a.body)
		}
	}
	if a := s.invoke(map[string]string{"task": "dance"}); !a.failed {
		t.Errorf("an unknown task: %s", a.body)
	}
}

func (w *world) visible(t *testing.T) int {
	t.Helper()
	return w.count(t, w.record.QueueURL)
}

func (w *world) deadLetters(t *testing.T) int {
	t.Helper()
	return w.count(t, w.record.DeadLetterQueueURL)
}

func (w *world) count(t *testing.T, url string) int {
	t.Helper()
	out, err := w.clients.SQS(w.clients.Region).GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"ApproximateNumberOfMessages"},
	})
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(out.Attributes["ApproximateNumberOfMessages"])
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", url, err))
	}
	return n
}

func TestAFunctionsEnvironmentIsChecked(t *testing.T) {
	t.Setenv(hubVariable, "")
	if err := runFunction(t.Context(), thisTest); err == nil || !strings.Contains(err.Error(), hubVariable) {
		t.Errorf("without a hub: %v", err)
	}
	for text, want := range map[string]time.Duration{"": 24 * time.Hour, "0": 0, "12h": 12 * time.Hour} {
		if got, err := verifyEvery(text); err != nil || got != want {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"never", "5m", "-24h"} {
		if got, err := verifyEvery(text); err == nil {
			t.Errorf("%q is accepted, as %s", text, got)
		}
	}
}
