// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
)

// permitted returns an SNS client of a new user of the vendor, which may do some
// actions on a resource.
func permitted(t *testing.T, s *Sandbox, name, resource string, actions ...string) *sns.Client {
	t.Helper()
	keys, err := s.NewUser(vendor, name, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["`+
		strings.Join(actions, `","`)+`"],"Resource":"`+resource+`"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	return sns.NewFromConfig(config(s, keys))
}

const news = "arn:aws:sns:eu-west-1:" + vendor + ":news"

// createNews creates the topic "news" with a subscription, and returns the
// subscription's ARN.
func createNews(t *testing.T, s *Sandbox) (subscription string) {
	t.Helper()
	admin := sns.NewFromConfig(as(t, s, vendor))
	if _, err := admin.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("news")}); err != nil {
		t.Fatal(err)
	}
	out, err := admin.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: aws.String(news), Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:eu-west-1:" + vendor + ":inbox"), ReturnSubscriptionArn: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.SubscriptionArn
}

func wantDenied(t *testing.T, err error) {
	t.Helper()
	var denied smithy.APIError
	if !errors.As(err, &denied) || denied.ErrorCode() != "AuthorizationError" {
		t.Errorf("got %v, want AuthorizationError", err)
	}
}

func TestTheDefaultTopicPolicyGrantsTheOwnersUsersNothing(t *testing.T) {
	s := start(t)
	createNews(t, s)
	unrelated := permitted(t, s, "unrelated", "*", "sqs:ListQueues")
	_, err := unrelated.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String(news)})
	wantDenied(t, err)
}

func TestPermissionsOnASubscriptionAreThoseOnItsTopic(t *testing.T) {
	s := start(t)
	subscription := createNews(t, s)
	in := &sns.GetSubscriptionAttributesInput{SubscriptionArn: &subscription}
	if _, err := permitted(t, s, "right", news, "sns:GetSubscriptionAttributes").GetSubscriptionAttributes(t.Context(), in); err != nil {
		t.Error(err)
	}
	_, err := permitted(t, s, "wrong", news+":*", "sns:GetSubscriptionAttributes").GetSubscriptionAttributes(t.Context(), in)
	wantDenied(t, err)
	if err != nil && !strings.Contains(err.Error(), "SNS:GetSubscriptionAttributes on resource: "+news+" because no identity-based policy allows") {
		t.Errorf("the denial is %v", err)
	}
}

func TestDecisionsNameEachPermissionThatACallNeeds(t *testing.T) {
	s := start(t)
	var (
		mu        sync.Mutex
		decisions []string
	)
	stop := s.WatchDecisions(func(d Decision) {
		mu.Lock()
		defer mu.Unlock()
		decisions = append(decisions, d.Action+" "+d.Resource+" "+d.Denied)
	})
	tags := []snstypes.Tag{{Key: aws.String("team"), Value: aws.String("a")}}
	creator := permitted(t, s, "creator", news, "sns:CreateTopic")
	_, err := creator.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("news"), Tags: tags})
	wantDenied(t, err)
	stop()
	if _, err := creator.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("news")}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"sns:CreateTopic " + news + " ",
		"sns:TagResource " + news + " because no identity-based policy allows the sns:TagResource action",
	}
	if !slices.Equal(decisions, want) {
		t.Errorf("the decisions are %q, want %q", decisions, want)
	}
}
