// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

func TestASubscriptionIsCreatedOnceListedChangedAndDeleted(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	topic, queue, inbox := topicAndQueue(b, c)
	sub := b.subscribe(c, topic, queue, nil)
	if again := b.subscribe(c, topic, queue, nil); again != sub {
		t.Errorf("the same endpoint has a second subscription %s", again)
	}
	_, err := c.Subscribe(b.ctx, &awssns.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &queue, Attributes: map[string]string{"RawMessageDelivery": "true"}})
	wantCode(t, err, "InvalidParameter", "Subscription already exists with different attributes")

	list, err := c.ListSubscriptionsByTopic(b.ctx, &awssns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	if err != nil || len(list.Subscriptions) != 1 || *list.Subscriptions[0].Endpoint != queue || *list.Subscriptions[0].Protocol != "sqs" || *list.Subscriptions[0].Owner != vendor {
		t.Errorf("the topic's subscriptions are %+v, %v", list, err)
	}
	all, err := c.ListSubscriptions(b.ctx, &awssns.ListSubscriptionsInput{})
	if err != nil || len(all.Subscriptions) != 1 {
		t.Errorf("the account's subscriptions are %+v, %v", all, err)
	}
	got, err := c.GetSubscriptionAttributes(b.ctx, &awssns.GetSubscriptionAttributesInput{SubscriptionArn: &sub})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"TopicArn": topic, "Endpoint": queue, "Protocol": "sqs", "Owner": vendor, "PendingConfirmation": "false",
		"ConfirmationWasAuthenticated": "true", "RawMessageDelivery": "false", "SubscriptionPrincipal": "arn:aws:iam::111111111111:user/admin",
	} {
		if got.Attributes[name] != want {
			t.Errorf("%s is %q, want %q", name, got.Attributes[name], want)
		}
	}
	if _, err := c.SetSubscriptionAttributes(b.ctx, &awssns.SetSubscriptionAttributesInput{SubscriptionArn: &sub, AttributeName: aws.String("RawMessageDelivery"), AttributeValue: aws.String("true")}); err != nil {
		t.Fatal(err)
	}
	b.publish(c, topic, "bare")
	if messages := b.drain(inbox, home); len(messages) != 1 || *messages[0].Body != "bare" {
		t.Errorf("after the change the queue has %+v", messages)
	}
	for range 2 { // the second one succeeds without a subscription
		if _, err := c.Unsubscribe(b.ctx, &awssns.UnsubscribeInput{SubscriptionArn: &sub}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = c.GetSubscriptionAttributes(b.ctx, &awssns.GetSubscriptionAttributesInput{SubscriptionArn: &sub})
	wantCode(t, err, "NotFound", "Subscription does not exist")
	if n := attributesOf(b, c, topic)["SubscriptionsDeleted"]; n != "1" {
		t.Errorf("SubscriptionsDeleted is %s", n)
	}
	b.publish(c, topic, "no subscriber")
	if messages := b.drain(inbox, home); len(messages) != 0 {
		t.Error("a deleted subscription delivers")
	}
}

func TestDeletingATopicDeletesItsSubscriptions(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	topic, queue, _ := topicAndQueue(b, c)
	b.subscribe(c, topic, queue, nil)
	if _, err := c.DeleteTopic(b.ctx, &awssns.DeleteTopicInput{TopicArn: &topic}); err != nil {
		t.Fatal(err)
	}
	all, err := c.ListSubscriptions(b.ctx, &awssns.ListSubscriptionsInput{})
	if err != nil || len(all.Subscriptions) != 0 {
		t.Errorf("subscriptions are %+v, %v", all, err)
	}
}

func TestOnlyPrincipalsInTheTopicPolicyMaySubscribe(t *testing.T) {
	b := start(t)
	own := b.client(vendor, home)
	topic := b.topic(own, "news")
	in := &awssns.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:us-east-1:222222222222:theirs")}
	_, err := b.client(customer, home).Subscribe(b.ctx, in)
	wantCode(t, err, "AuthorizationError", "SNS:Subscribe")
	_, err = own.Subscribe(b.ctx, in)
	wantCode(t, err, "InvalidParameter", "subscribe it as that account")
	allowed := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"SNS:Subscribe","Resource":"` + topic + `",` +
		`"Condition":{"StringEquals":{"sns:Protocol":"sqs"}}}]}`
	if err := setPolicy(b, own, topic, allowed); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client(customer, home).Subscribe(b.ctx, in); err != nil {
		t.Error(err)
	}
}

func TestFilterPoliciesSelectMessages(t *testing.T) {
	text := func(value string) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{"kind": {DataType: aws.String("String"), StringValue: &value}}
	}
	number := map[string]types.MessageAttributeValue{"kind": {DataType: aws.String("Number"), StringValue: aws.String("7")}}
	list := map[string]types.MessageAttributeValue{"kind": {DataType: aws.String("String.Array"), StringValue: aws.String(`["x","b"]`)}}
	for _, tt := range []struct {
		name, policy, scope, message string
		attributes                   map[string]types.MessageAttributeValue
		passes                       bool
	}{
		{"an exact value", `{"kind":["a","b"]}`, "", "x", text("b"), true},
		{"another value", `{"kind":["a","b"]}`, "", "x", text("c"), false},
		{"no such attribute", `{"kind":["a"]}`, "", "x", nil, false},
		{"a number", `{"kind":[7]}`, "", "x", number, true},
		{"one of a list", `{"kind":["b"]}`, "", "x", list, true},
		{"a prefix", `{"kind":[{"prefix":"ab"}]}`, "", "x", text("abc"), true},
		{"a suffix", `{"kind":[{"suffix":"ab"}]}`, "", "x", text("abc"), false},
		{"another case", `{"kind":[{"equals-ignore-case":"ABC"}]}`, "", "x", text("abc"), true},
		{"anything but", `{"kind":[{"anything-but":["a"]}]}`, "", "x", text("b"), true},
		{"an excluded prefix", `{"kind":[{"anything-but":{"prefix":"b"}}]}`, "", "x", text("b"), false},
		{"present", `{"kind":[{"exists":true}]}`, "", "x", text("b"), true},
		{"absent", `{"kind":[{"exists":false}]}`, "", "x", nil, true},
		{"not absent", `{"kind":[{"exists":false}]}`, "", "x", text("b"), false},
		{"in the body", `{"ResourceType":["Custom::X"]}`, "MessageBody", `{"ResourceType":"Custom::X"}`, nil, true},
		{"not in the body", `{"ResourceType":["Custom::X"]}`, "MessageBody", `{"ResourceType":"Custom::Y"}`, nil, false},
		{"deep in the body", `{"a":{"b":["c"]}}`, "MessageBody", `{"a":{"b":"c"}}`, nil, true},
		{"a number in a range", `{"kind":[{"numeric":[">=",7,"<",8]}]}`, "", "x", number, true},
		{"a number outside of it", `{"kind":[{"numeric":[">",7,"<=",8]}]}`, "", "x", number, false},
		{"a number that is equal", `{"kind":[{"numeric":["=",7.0]}]}`, "", "x", number, true},
		{"text is not a number", `{"kind":[{"numeric":["=",7]}]}`, "", "x", text("7"), false},
		{"one of two rules", `{"kind":["a",{"numeric":["<",8]}]}`, "", "x", number, true},
		{"a number in the body", `{"a":{"b":[{"numeric":[">",3]}]}}`, "MessageBody", `{"a":{"b":3.5}}`, nil, true},
		{"an object in an array", `{"a":{"b":["c"]}}`, "MessageBody", `{"a":[{"b":"x"},{"b":"c"}]}`, nil, true},
		{"no object in an array", `{"a":{"b":["c"]}}`, "MessageBody", `{"a":[{"b":"x"},{"d":"c"}]}`, nil, false},
		{"both keys of one object", `{"a":{"b":["c"],"d":["e"]}}`, "MessageBody", `{"a":[{"b":"c"},{"d":"e"}]}`, nil, false},
		{"an array in an array", `{"a":{"b":["c"]}}`, "MessageBody", `{"a":[[{"b":"c"}]]}`, nil, true},
		{"values of arrays in arrays", `{"a":["c"]}`, "MessageBody", `{"a":[["x",["c"]]]}`, nil, true},
		{"a key that is absent in one object", `{"a":{"b":[{"exists":false}]}}`, "MessageBody", `{"a":[{"b":1},{"c":1}]}`, nil, true},
		{"an empty array", `{"a":{"b":["c"]}}`, "MessageBody", `{"a":[]}`, nil, false},
		{"a body that is not an object", `{"a":["c"]}`, "MessageBody", `plain`, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := start(t)
			c := b.client(vendor, home)
			topic, queue, inbox := topicAndQueue(b, c)
			attributes := map[string]string{"FilterPolicy": tt.policy, "RawMessageDelivery": "true"}
			if tt.scope != "" {
				attributes["FilterPolicyScope"] = tt.scope
			}
			b.subscribe(c, topic, queue, attributes)
			if _, err := c.Publish(b.ctx, &awssns.PublishInput{TopicArn: &topic, Message: &tt.message, MessageAttributes: tt.attributes}); err != nil {
				t.Fatal(err)
			}
			if got := len(b.drain(inbox, home)) == 1; got != tt.passes {
				t.Errorf("passes: %v, want %v\n%s", got, tt.passes, b.notes())
			}
		})
	}
}

func TestInvalidSubscriptionAttributesAreRefused(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	topic, queue, _ := topicAndQueue(b, c)
	sub := b.subscribe(c, topic, queue, nil)
	for _, tt := range []struct{ name, value, text string }{
		{"RawMessageDelivery", "perhaps", "RawMessageDelivery"},
		{"FilterPolicy", "{", "failed to parse JSON"},
		{"FilterPolicy", `{"a":"b"}`, "must be an object or an array"},
		{"FilterPolicy", `{"a":[]}`, "empty arrays"},
		{"FilterPolicy", `{"a":{"b":["c"]}}`, "nested"},
		{"FilterPolicy", `{"a":[{"numeric":[">"]}]}`, "one or two comparisons"},
		{"FilterPolicy", `{"a":[{"numeric":["~",1]}]}`, "Unrecognized numeric"},
		{"FilterPolicy", `{"a":[{"numeric":["=","1"]}]}`, "must be numeric"},
		{"FilterPolicy", `{"a":[{"numeric":["=",1000000001]}]}`, "between"},
		{"FilterPolicy", `{"a":[{"numeric":["<",5,">",1]}]}`, "Bad numeric range"},
		{"FilterPolicy", `{"a":[{"anything-but":{"numeric":["=",1]}}]}`, "anything-but"},
		{"FilterPolicy", `{"a":[{"cidr":"10.0.0.0/8"}]}`, "does not implement"},
		{"FilterPolicy", `{"$or":[{"a":["b"]}]}`, "does not implement"},
		{"FilterPolicy", `{"a":[{"anything-but":[["x"]]}]}`, "anything-but"},
		{"FilterPolicyScope", "Subject", "FilterPolicyScope"},
		{"RedrivePolicy", `{"deadLetterTargetArn":"queue"}`, "deadLetterTargetArn"},
		{"DeliveryPolicy", `{}`, "does not implement"},
		{"Colour", "red", "AttributeName"},
	} {
		_, err := c.SetSubscriptionAttributes(b.ctx, &awssns.SetSubscriptionAttributesInput{SubscriptionArn: &sub, AttributeName: &tt.name, AttributeValue: &tt.value})
		if err == nil {
			t.Errorf("%s = %s was accepted", tt.name, tt.value)
			continue
		}
		wantCode(t, err, "InvalidParameter", tt.text)
	}
}

func TestAnEmptyFilterPolicyRemovesTheFilter(t *testing.T) {
	b := start(t)
	c := b.client(vendor, home)
	topic, queue, inbox := topicAndQueue(b, c)
	sub := b.subscribe(c, topic, queue, map[string]string{"FilterPolicy": `{"a":["b"]}`})
	got, err := c.GetSubscriptionAttributes(b.ctx, &awssns.GetSubscriptionAttributesInput{SubscriptionArn: &sub})
	if err != nil || got.Attributes["FilterPolicyScope"] != "MessageAttributes" {
		t.Errorf("attributes are %v, %v", got, err)
	}
	if _, err := c.SetSubscriptionAttributes(b.ctx, &awssns.SetSubscriptionAttributesInput{SubscriptionArn: &sub, AttributeName: aws.String("FilterPolicy"), AttributeValue: aws.String("{}")}); err != nil {
		t.Fatal(err)
	}
	b.publish(c, topic, "all")
	if got := b.texts(inbox); got != "all" {
		t.Errorf("the queue has %q", got)
	}
}
