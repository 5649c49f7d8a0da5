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

// permitted returns SNS as a user of the vendor who may do these actions on
// every topic, or on the topic "news" only.
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

func makeNews(t *testing.T, s *Sandbox) (subscription string) {
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
	makeNews(t, s)
	nobody := permitted(t, s, "nobody", "*", "sqs:ListQueues")
	_, err := nobody.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String(news)})
	wantDenied(t, err)
}

func TestAPermissionOnASubscriptionIsOneOnItsTopic(t *testing.T) {
	s := start(t)
	subscription := makeNews(t, s)
	in := &sns.GetSubscriptionAttributesInput{SubscriptionArn: &subscription}
	if _, err := permitted(t, s, "right", news, "sns:GetSubscriptionAttributes").GetSubscriptionAttributes(t.Context(), in); err != nil {
		t.Error(err)
	}
	_, err := permitted(t, s, "wrong", news+":*", "sns:GetSubscriptionAttributes").GetSubscriptionAttributes(t.Context(), in)
	wantDenied(t, err)
	if err != nil && !strings.Contains(err.Error(), "SNS:GetSubscriptionAttributes on resource: "+news+" because no identity-based policy allows") {
		t.Errorf("the denial reads %v", err)
	}
}

func TestDecisionsNameEachPermissionThatACallNeeds(t *testing.T) {
	s := start(t)
	var (
		mu    sync.Mutex
		asked []string
	)
	stop := s.WatchDecisions(func(d Decision) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, d.Action+" "+d.Resource+" "+d.Denied)
	})
	tags := []snstypes.Tag{{Key: aws.String("team"), Value: aws.String("a")}}
	maker := permitted(t, s, "maker", news, "sns:CreateTopic")
	_, err := maker.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("news"), Tags: tags})
	wantDenied(t, err)
	stop()
	if _, err := maker.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("news")}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"sns:CreateTopic " + news + " ",
		"sns:TagResource " + news + " because no identity-based policy allows the sns:TagResource action",
	}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}
