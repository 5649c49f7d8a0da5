// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sqs_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

type (
	message    = types.Message
	systemName = types.MessageSystemAttributeName
)

func TestAQueueIsCreatedFoundDescribedAndListed(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	out, err := c.CreateQueue(b.ctx, &awssqs.CreateQueueInput{
		QueueName:  aws.String("jobs"),
		Attributes: map[string]string{"VisibilityTimeout": "60", "DelaySeconds": "0"},
		Tags:       map[string]string{"team": "a"},
	})
	if err != nil {
		t.Fatal(err)
	}
	url := *out.QueueUrl
	if url != b.url+"/"+vendor+"/jobs" {
		t.Errorf("queue URL is %s", url)
	}
	found, err := c.GetQueueUrl(b.ctx, &awssqs.GetQueueUrlInput{QueueName: aws.String("jobs")})
	if err != nil || *found.QueueUrl != url {
		t.Errorf("GetQueueUrl returns %v, %v", found, err)
	}
	got, err := c.GetQueueAttributes(b.ctx, &awssqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"QueueArn": "arn:aws:sqs:eu-west-1:111111111111:jobs", "VisibilityTimeout": "60",
		"MessageRetentionPeriod": "345600", "MaximumMessageSize": "1048576", "ApproximateNumberOfMessages": "0",
	} {
		if got.Attributes[name] != want {
			t.Errorf("%s is %q, want %q", name, got.Attributes[name], want)
		}
	}
	if _, found := got.Attributes["Policy"]; found {
		t.Error("a queue without a policy has a Policy attribute")
	}
	tags, err := c.ListQueueTags(b.ctx, &awssqs.ListQueueTagsInput{QueueUrl: &url})
	if err != nil || tags.Tags["team"] != "a" {
		t.Errorf("tags are %v, %v", tags, err)
	}
	b.create(t, c, "other", nil)
	list, err := c.ListQueues(b.ctx, &awssqs.ListQueuesInput{QueueNamePrefix: aws.String("jo")})
	if err != nil || len(list.QueueUrls) != 1 || list.QueueUrls[0] != url {
		t.Errorf("ListQueues returns %v, %v", list, err)
	}
}

func TestQueuesOfTheSameNameInTwoRegionsAreSeparate(t *testing.T) {
	b := start(t)
	west, east := b.client(vendor, "us-west-2"), b.client(vendor, "us-east-1")
	url := b.create(t, west, "jobs", nil)
	_, err := east.GetQueueUrl(b.ctx, &awssqs.GetQueueUrlInput{QueueName: aws.String("jobs")})
	wantCode(t, err, "AWS.SimpleQueueService.NonExistentQueue")
	if b.create(t, east, "jobs", nil) != url {
		t.Error("the URL contains the Region")
	}
	b.send(t, west, url, "west")
	if got := bodies(b.receive(t, east, url)); got != "" {
		t.Errorf("the queue in the east has %q", got)
	}
	if got := bodies(b.receive(t, west, url)); got != "west" {
		t.Errorf("the queue in the west has %q", got)
	}
}

func TestPartitionsHaveTheirOwnARNs(t *testing.T) {
	b := start(t)
	for region, partition := range map[string]string{"cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "eusc-de-east-1": "aws-eusc"} {
		c := b.client(vendor, region)
		url := b.create(t, c, "jobs", nil)
		got, err := c.GetQueueAttributes(b.ctx, &awssqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"QueueArn"}})
		if err != nil || got.Attributes["QueueArn"] != "arn:"+partition+":sqs:"+region+":111111111111:jobs" {
			t.Errorf("%s: %v, %v", region, got, err)
		}
	}
}

func TestCreatingAQueueAgainIsIdempotentIfItIsEqual(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", map[string]string{"VisibilityTimeout": "60"})
	if again := b.create(t, c, "jobs", map[string]string{"VisibilityTimeout": "60", "DelaySeconds": "0"}); again != url {
		t.Errorf("second URL is %s", again)
	}
	_, err := c.CreateQueue(b.ctx, &awssqs.CreateQueueInput{QueueName: aws.String("jobs"), Attributes: map[string]string{"VisibilityTimeout": "61"}})
	wantCode(t, err, "QueueAlreadyExists")
	var shape *types.QueueNameExists
	if !errors.As(err, &shape) {
		t.Errorf("%v is not a QueueNameExists", err)
	}
}

func TestADeletedQueuesNameIsReservedForAMinute(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", nil)
	if _, err := c.DeleteQueue(b.ctx, &awssqs.DeleteQueueInput{QueueUrl: &url}); err != nil {
		t.Fatal(err)
	}
	_, err := c.GetQueueAttributes(b.ctx, &awssqs.GetQueueAttributesInput{QueueUrl: &url})
	wantCode(t, err, "AWS.SimpleQueueService.NonExistentQueue")
	var shape *types.QueueDoesNotExist
	if !errors.As(err, &shape) {
		t.Errorf("%v is not a QueueDoesNotExist", err)
	}
	_, err = c.CreateQueue(b.ctx, &awssqs.CreateQueueInput{QueueName: aws.String("jobs")})
	wantCode(t, err, "AWS.SimpleQueueService.QueueDeletedRecently")
	b.clock.Advance(time.Minute)
	b.create(t, c, "jobs", nil)
}

func TestInvalidAttributesAreRefused(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", nil)
	b.create(t, c, "dead", nil)
	b.create(t, c, "closed", map[string]string{"RedriveAllowPolicy": `{"redrivePermission":"denyAll"}`})
	arn := "arn:aws:sqs:eu-west-1:111111111111:"
	policy := func(principal string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sqs:SendMessage","Resource":"*"}]}`
	}
	for _, tt := range []struct{ name, value, code string }{
		{"VisibilityTimeout", "43201", "InvalidAttributeValue"},
		{"VisibilityTimeout", "soon", "InvalidAttributeValue"},
		{"MessageRetentionPeriod", "59", "InvalidAttributeValue"},
		{"ReceiveMessageWaitTimeSeconds", "21", "InvalidAttributeValue"},
		{"Colour", "red", "InvalidAttributeName"},
		{"QueueArn", "x", "InvalidAttributeName"},
		{"FifoQueue", "true", "AWS.SimpleQueueService.UnsupportedOperation"},
		{"KmsMasterKeyId", "alias/mine", ""},
		{"KmsDataKeyReusePeriodSeconds", "59", "InvalidAttributeValue"},
		{"KmsDataKeyReusePeriodSeconds", "86400", ""},
		{"Policy", "{", "InvalidAttributeValue"},
		{"Policy", `{"Version":"2012-10-17","Statement":[]}`, "InvalidAttributeValue"},
		{"Policy", policy(`{"AWS":"999999999999"}`), "InvalidAttributeValue"},
		{"Policy", policy(`{"AWS":["arn:aws:iam::222222222222:root","arn:aws:iam::999999999999:root"]}`), "InvalidAttributeValue"},
		{"Policy", policy(`{"AWS":"arn:aws:iam::222222222222:root"}`), ""},
		{"Policy", policy(`{"Service":"sns.amazonaws.com"}`), ""},
		{"Policy", "", ""},
		{"RedrivePolicy", `{"deadLetterTargetArn":"` + arn + `dead","maxReceiveCount":3}`, ""},
		{"RedrivePolicy", `{"deadLetterTargetArn":"` + arn + `dead","maxReceiveCount":"3"}`, ""},
		{"RedrivePolicy", `{"deadLetterTargetArn":"` + arn + `dead","maxReceiveCount":0}`, "InvalidParameterValue"},
		{"RedrivePolicy", `{"deadLetterTargetArn":"` + arn + `nowhere","maxReceiveCount":3}`, "InvalidParameterValue"},
		{"RedrivePolicy", `{"deadLetterTargetArn":"` + arn + `closed","maxReceiveCount":3}`, "InvalidParameterValue"},
		{"RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111111111111:dead","maxReceiveCount":3}`, "InvalidParameterValue"},
		{"RedrivePolicy", `dead`, "InvalidParameterValue"},
		{"RedriveAllowPolicy", `{"redrivePermission":"sometimes"}`, "InvalidAttributeValue"},
	} {
		_, err := c.SetQueueAttributes(b.ctx, &awssqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{tt.name: tt.value}})
		if tt.code == "" {
			if err != nil {
				t.Errorf("%s = %s: %v", tt.name, tt.value, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s = %s was accepted", tt.name, tt.value)
			continue
		}
		wantCode(t, err, tt.code)
	}
}

func TestAnInvalidAttributeLeavesTheOthersUnchanged(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", nil)
	_, err := c.SetQueueAttributes(b.ctx, &awssqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{"DelaySeconds": "5", "VisibilityTimeout": "x"}})
	wantCode(t, err, "InvalidAttributeValue")
	got, err := c.GetQueueAttributes(b.ctx, &awssqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"DelaySeconds"}})
	if err != nil || got.Attributes["DelaySeconds"] != "0" {
		t.Errorf("DelaySeconds is %v, %v", got, err)
	}
}

func TestTagsAreAddedAndRemoved(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", nil)
	if _, err := c.TagQueue(b.ctx, &awssqs.TagQueueInput{QueueUrl: &url, Tags: map[string]string{"a": "1", "b": "2"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UntagQueue(b.ctx, &awssqs.UntagQueueInput{QueueUrl: &url, TagKeys: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	got, err := c.ListQueueTags(b.ctx, &awssqs.ListQueueTagsInput{QueueUrl: &url})
	if err != nil || len(got.Tags) != 1 || got.Tags["b"] != "2" {
		t.Errorf("tags are %v, %v", got, err)
	}
}

func TestQueuesAreListedInPages(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	for _, name := range []string{"a", "b", "c"} {
		b.create(t, c, name, nil)
	}
	var names []string
	pages := awssqs.NewListQueuesPaginator(c, &awssqs.ListQueuesInput{MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(b.ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.QueueUrls {
			names = append(names, u[strings.LastIndex(u, "/")+1:])
		}
	}
	if got := strings.Join(names, ""); got != "abc" {
		t.Errorf("the pages have %q", got)
	}
}

func TestTheQueuePolicyIsEvaluatedForOtherAccounts(t *testing.T) {
	b := start(t)
	own, stranger := b.client(vendor, home), b.client(customer, home)
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sqs:SendMessage","Resource":"*"}]}`
	url := b.create(t, own, "jobs", map[string]string{"Policy": policy})
	b.authorizer.allowed = func(a kernel.Authorization) bool {
		return a.Action == "sqs:SendMessage" && a.ResourcePolicy == policy && a.ResourceAccount == vendor &&
			a.Resource == "arn:aws:sqs:eu-west-1:111111111111:jobs" && a.Principal.Account == customer
	}
	b.send(t, stranger, url, "hello")
	_, err := stranger.ReceiveMessage(b.ctx, &awssqs.ReceiveMessageInput{QueueUrl: &url})
	wantCode(t, err, "AccessDenied")
}

func TestUnimplementedFeaturesAreRefused(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	url := b.create(t, c, "jobs", nil)
	_, err := c.AddPermission(b.ctx, &awssqs.AddPermissionInput{QueueUrl: &url, Label: aws.String("x"), AWSAccountIds: []string{customer}, Actions: []string{"SendMessage"}})
	wantCode(t, err, "UnknownOperationException")
}
