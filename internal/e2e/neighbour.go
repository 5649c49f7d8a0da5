// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Neighbour answers custom resources over a topic in a customer's own account:
// another vendor in the same stack, or a customer who wants to keep genuine
// response URLs.
type Neighbour struct {
	world *World
	Topic string

	sqs   *sqs.Client
	queue string
}

// Neighbour creates a neighbour in an account, for stacks in a Region.
func (w *World) Neighbour(accountID, in string) *Neighbour {
	w.T.Helper()
	ctx, r := w.T.Context(), region(in)
	clients := w.ClientsOf(accountID, w.URL())
	topic, err := clients.SNS(r).CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("neighbour")})
	w.Must(err)
	queue, err := clients.SQS(r).CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName: aws.String("neighbour"),
		Attributes: map[string]string{"Policy": fmt.Sprintf(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":%q}]}`,
			fmt.Sprintf("arn:aws:sqs:%s:%s:neighbour", in, accountID))},
	})
	w.Must(err)
	_, err = clients.SNS(r).Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: aws.String("sqs"),
		Endpoint: aws.String(fmt.Sprintf("arn:aws:sqs:%s:%s:neighbour", in, accountID)),
	})
	w.Must(err)
	return &Neighbour{world: w, Topic: *topic.TopicArn, sqs: clients.SQS(r), queue: *queue.QueueUrl}
}

// Resource returns a custom resource of the neighbour, for a template.
func (n *Neighbour) Resource(properties map[string]any, dependsOn ...string) map[string]any {
	all := map[string]any{"ServiceToken": n.Topic}
	for name, value := range properties {
		all[name] = value
	}
	resource := map[string]any{"Type": "Custom::Neighbour", "Properties": all}
	if len(dependsOn) > 0 {
		resource["DependsOn"] = dependsOn
	}
	return resource
}

// Request is a custom-resource request as it was sent.
type Request map[string]any

func (r Request) text(name string) string {
	s, _ := r[name].(string)
	return s
}

// Next waits for the next request.
func (n *Neighbour) Next() Request {
	n.world.T.Helper()
	ctx, cancel := n.world.untilStuck()
	defer cancel()
	for {
		out, err := n.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &n.queue, MaxNumberOfMessages: 1, WaitTimeSeconds: 20})
		n.world.Must(err)
		if len(out.Messages) == 0 {
			continue
		}
		_, err = n.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &n.queue, ReceiptHandle: out.Messages[0].ReceiptHandle})
		n.world.Must(err)
		var envelope struct{ Message string }
		n.world.Must(json.Unmarshal([]byte(*out.Messages[0].Body), &envelope))
		var request Request
		n.world.Must(json.Unmarshal([]byte(envelope.Message), &request))
		return request
	}
}

// Answer answers a request: with SUCCESS if reason is empty, otherwise with FAILED.
func (n *Neighbour) Answer(r Request, reason string) {
	n.world.T.Helper()
	status := "SUCCESS"
	if reason != "" {
		status = "FAILED"
	}
	id := r.text("PhysicalResourceId")
	if id == "" {
		id = "neighbour-1"
	}
	body, err := json.Marshal(map[string]any{
		"Status": status, "Reason": reason, "PhysicalResourceId": id, "StackId": r["StackId"],
		"RequestId": r["RequestId"], "LogicalResourceId": r["LogicalResourceId"],
	})
	n.world.Must(err)
	code, err := n.world.put(r.text("ResponseURL"), body)
	n.world.Must(err)
	if code != http.StatusOK {
		n.world.T.Fatalf("the neighbour's answer was refused: %d", code)
	}
}

// put sends a body to a response URL, and returns the status. All hosts resolve to
// the sandbox.
func (w *World) put(to string, body []byte) (status int, err error) {
	sandbox, err := url.Parse(w.URL())
	if err != nil {
		return 0, err
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, sandbox.Host)
	}}
	request, err := http.NewRequestWithContext(w.T.Context(), http.MethodPut, to, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.URL.Scheme = "http"
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}
