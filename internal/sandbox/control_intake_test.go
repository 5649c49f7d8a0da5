// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// intake is a minimal vendor: a topic, a queue, and a public bucket with a
// template, created with the SDK.
type intake struct {
	t     *testing.T
	box   *Sandbox
	topic string
	queue string
	sqs   *sqs.Client
	sns   *sns.Client
	s3    *s3.Client
	link  string

	signedBy string // the URL of the last message's signing certificate
}

const onboardingTemplate = `
Description: Acme may read your logs.
Metadata:
  AWS::CloudFormation::Interface:
    ParameterGroups: [{Label: {default: From Acme}, Parameters: [ExternalId]}]
    ParameterLabels: {ExternalId: {default: The external ID}}
Parameters:
  ExternalId: {Type: String}
  Version: {Type: String, Default: "1"}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: acme-access
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::111111111111:root"}
            Action: sts:AssumeRole
            Condition: {StringEquals: {"sts:ExternalId": !Ref ExternalId}}
      Policies:
        - PolicyName: read
          PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "logs:Get*", Resource: "*"}]}
  PhoneHome:
    Type: Custom::XacctPhoneHome
    Properties:
      ServiceToken: !Sub "arn:${AWS::Partition}:sns:${AWS::Region}:111111111111:xacct-acme-0"
      ServiceTimeout: 900
      RoleArn: !GetAtt Role.Arn
      Version: !Ref Version
`

func newIntake(t *testing.T) *intake {
	t.Helper()
	return newIntakeIn(t, "eu-west-1", "aws.amazon.com")
}

// newIntakeIn returns an intake in a Region. console is the host name of the
// console in the Region's partition, without the Region.
func newIntakeIn(t *testing.T, region, console string) *intake {
	t.Helper()
	box := start(t, WithRegion(region))
	vendorConfig := as(t, box, vendor)
	vendorConfig.Region = region
	partition := kernel.Partition(region)
	in := &intake{t: t, box: box, sqs: sqs.NewFromConfig(vendorConfig), sns: sns.NewFromConfig(vendorConfig)}
	ctx := t.Context()
	topic, err := in.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("xacct-acme-0")})
	in.check(err)
	in.topic = *topic.TopicArn
	in.check(box.OpenAccount(customer, partition))
	in.allow(customer)
	queueARN := "arn:" + partition + ":sqs:" + region + ":" + vendor + ":xacct-acme"
	queue, err := in.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("xacct-acme"), Attributes: map[string]string{
		"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` +
			queueARN + `","Condition":{"ArnEquals":{"aws:SourceArn":"` + in.topic + `"}}}]}`,
	}})
	in.check(err)
	in.queue = *queue.QueueUrl
	_, err = in.sns.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: &queueARN})
	in.check(err)

	bucket := s3.NewFromConfig(vendorConfig, func(o *s3.Options) { o.UsePathStyle = true })
	name := aws.String("acme-templates")
	_, err = bucket.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(region)}})
	in.check(err)
	_, err = bucket.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: name, PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{}})
	in.check(err)
	_, err = bucket.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: name, Policy: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:` + partition + `:s3:::acme-templates/templates/*"}]}`)})
	in.check(err)
	in.s3 = bucket
	for _, key := range []string{"templates/a.yaml", "private.yaml"} {
		in.publish(key, onboardingTemplate)
	}
	in.link = "https://" + region + ".console." + console + "/cloudformation/home?region=" + region + "#/stacks/create/review?templateURL=" +
		url.QueryEscape("https://acme-templates.s3."+region+"."+kernel.URLSuffix(region)+"/templates/a.yaml") + "&stackName=acme-access&param_ExternalId=abc123&param_Unknown=ignored"
	return in
}

// publish writes a template to the bucket.
func (in *intake) publish(key, template string) {
	in.t.Helper()
	_, err := in.s3.PutObject(in.t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-templates"), Key: &key, Body: strings.NewReader(template)})
	in.check(err)
}

// allow sets the topic's policy, which lets only these accounts and the vendor
// publish.
func (in *intake) allow(accounts ...string) {
	in.t.Helper()
	list, err := json.Marshal(accounts)
	in.check(err)
	_, err = in.sns.SetTopicAttributes(in.t.Context(), &sns.SetTopicAttributesInput{
		TopicArn: &in.topic, AttributeName: aws.String("Policy"),
		AttributeValue: aws.String(`{"Version":"2012-10-17","Statement":[{"Sid":"publishers","Effect":"Allow","Principal":{"AWS":"*"},"Action":"sns:Publish","Resource":"` +
			in.topic + `","Condition":{"StringEquals":{"aws:PrincipalAccount":` + string(list) + `}}}]}`),
	})
	in.check(err)
}

func (in *intake) check(err error) {
	in.t.Helper()
	if err != nil {
		in.t.Fatal(err)
	}
}

// next receives a message from the queue, and returns the custom resource request
// in it.
func (in *intake) next() map[string]any {
	in.t.Helper()
	ctx, cancel := context.WithTimeout(in.t.Context(), 20*time.Second)
	defer cancel()
	for {
		got, err := in.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &in.queue, WaitTimeSeconds: 20, MaxNumberOfMessages: 1})
		in.check(err)
		if len(got.Messages) == 0 {
			continue
		}
		_, err = in.sqs.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &in.queue, Entries: []sqstypes.DeleteMessageBatchRequestEntry{
			{Id: aws.String("1"), ReceiptHandle: got.Messages[0].ReceiptHandle},
		}})
		in.check(err)
		var envelope struct{ Type, Subject, Message, TopicArn, SigningCertURL string }
		in.check(json.Unmarshal([]byte(*got.Messages[0].Body), &envelope))
		if envelope.Type != "Notification" || envelope.Subject != "AWS CloudFormation custom resource request" {
			in.t.Errorf("the envelope is %+v", envelope)
		}
		in.signedBy = envelope.SigningCertURL
		if envelope.TopicArn != in.topic {
			in.t.Errorf("the envelope is of the topic %s, not %s", envelope.TopicArn, in.topic)
		}
		var request map[string]any
		in.check(json.Unmarshal([]byte(envelope.Message), &request))
		return request
	}
}

// put sends body as JSON to a URL with PUT, and returns the status. It connects to
// the sandbox, with AWS's own host name in the request.
func (in *intake) put(address string, body any) int {
	in.t.Helper()
	u, err := url.Parse(address)
	in.check(err)
	host := u.Host
	box, err := url.Parse(in.box.URL())
	in.check(err)
	u.Scheme, u.Host = box.Scheme, box.Host
	text, err := json.Marshal(body)
	in.check(err)
	r, err := http.NewRequestWithContext(in.t.Context(), http.MethodPut, u.String(), bytes.NewReader(text))
	in.check(err)
	r.Host = host
	response, err := http.DefaultClient.Do(r)
	in.check(err)
	defer response.Body.Close()
	return response.StatusCode
}

// succeed answers a request with SUCCESS.
func (in *intake) succeed(r map[string]any, physicalID string) {
	in.t.Helper()
	status := in.put(r["ResponseURL"].(string), answerTo(r, physicalID))
	if status != http.StatusOK {
		in.t.Errorf("the answer got status %d", status)
	}
}

func answerTo(r map[string]any, physicalID string) map[string]any {
	return map[string]any{
		"Status": "SUCCESS", "PhysicalResourceId": physicalID, "StackId": r["StackId"],
		"RequestId": r["RequestId"], "LogicalResourceId": r["LogicalResourceId"],
	}
}

func (in *intake) launch(o LaunchOptions) string {
	in.t.Helper()
	id, err := in.box.LaunchURL(in.t.Context(), in.link, customer, o)
	in.check(err)
	return id
}

// settled waits until no operation is under way in a stack, and checks its status.
func (in *intake) settled(id, status string) {
	in.t.Helper()
	ctx, cancel := context.WithTimeout(in.t.Context(), 20*time.Second)
	defer cancel()
	st, err := in.box.WaitStack(ctx, id)
	if err != nil || st.Status != status {
		in.t.Fatalf("the stack is %s, not %s (%v): %s", st.Status, status, err, in.events(id))
	}
}

// events returns a stack's events, one per line.
func (in *intake) events(id string) string {
	var b strings.Builder
	for _, e := range in.box.StackEvents(id) {
		fmt.Fprintf(&b, "%s %s %s\n", e.LogicalResourceID, e.ResourceStatus, e.ResourceStatusReason)
	}
	return b.String()
}

func (in *intake) get(address string) string {
	in.t.Helper()
	r, err := http.NewRequestWithContext(in.t.Context(), http.MethodGet, address, http.NoBody)
	in.check(err)
	return in.page(r)
}

func (in *intake) post(address string, form url.Values) string {
	in.t.Helper()
	r, err := http.NewRequestWithContext(in.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	in.check(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return in.page(r)
}

func (in *intake) page(r *http.Request) string {
	in.t.Helper()
	response, err := http.DefaultClient.Do(r)
	in.check(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	in.check(err)
	return string(text)
}
