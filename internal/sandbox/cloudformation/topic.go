// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"strconv"
	"strings"
)

// topicResource is AWS::SNS::Topic. Its physical ID is the topic's ARN.
type topicResource struct{ s *Service }

const topicType = "AWS::SNS::Topic"

// topicAttributes are the properties that are attributes of the same name.
var topicAttributes = []string{"DisplayName", "KmsMasterKeyId", "SignatureVersion"}

type stackTopic struct {
	name       string
	attributes map[string]string
	tags       map[string]string
}

func readTopic(properties map[string]any, stackTags map[string]string) (stackTopic, error) {
	t := stackTopic{attributes: map[string]string{}}
	err := onlyProperties(topicType, properties, append([]string{"TopicName", "Tags"}, topicAttributes...)...)
	if err == nil {
		t.name, err = textOf(properties, "TopicName")
	}
	if err == nil {
		t.tags, err = tagsOf(properties, stackTags)
	}
	for _, name := range topicAttributes {
		if _, found := properties[name]; found && err == nil {
			t.attributes[name], err = textOf(properties, name)
		}
	}
	return t, err
}

func (h topicResource) create(_ context.Context, o *operation, r *resource) (outcome, error) {
	want, err := readTopic(r.properties, o.st.tags)
	if err != nil {
		return outcome{}, err
	}
	name := o.nameFor(r, want.name, 256)
	params := url.Values{"Name": {name}}
	addTags(params, want.tags)
	entries(params, want.attributes)
	var created struct{ TopicArn string }
	if want.name != "" {
		arn := strings.Replace(o.st.id, ":cloudformation:", ":sns:", 1)
		arn = arn[:strings.Index(arn, ":stack/")+1] + name
		if o.sns("GetTopicAttributes", url.Values{"TopicArn": {arn}}, nil) == nil {
			return outcome{}, alreadyExists(topicType, arn)
		}
	}
	if err := o.sns("CreateTopic", params, &created); err != nil {
		return outcome{}, err
	}
	return outcome{physicalID: created.TopicArn, attributes: map[string]any{"TopicArn": created.TopicArn, "TopicName": name}}, nil
}

// entries adds attributes to params in the form of the query protocol.
func entries(params url.Values, attributes map[string]string) {
	i := 0
	for name, value := range attributes {
		i++
		prefix := "Attributes.entry." + strconv.Itoa(i)
		params.Set(prefix+".key", name)
		params.Set(prefix+".value", value)
	}
}

func (h topicResource) update(_ context.Context, o *operation, r *resource, properties map[string]any) (outcome, error) {
	have, err := readTopic(r.properties, o.st.tags)
	if err != nil {
		return outcome{}, err
	}
	want, err := readTopic(properties, o.st.tags)
	if err != nil {
		return outcome{}, err
	}
	for _, name := range topicAttributes {
		if value := want.attributes[name]; value != have.attributes[name] {
			params := url.Values{"TopicArn": {r.physicalID}, "AttributeName": {name}, "AttributeValue": {value}}
			if err := o.sns("SetTopicAttributes", params, nil); err != nil {
				return outcome{}, err
			}
		}
	}
	if removed := removedKeys(have.tags, want.tags); len(removed) > 0 {
		params := url.Values{"ResourceArn": {r.physicalID}}
		members(params, "TagKeys", removed)
		if err := o.sns("UntagResource", params, nil); err != nil {
			return outcome{}, err
		}
	}
	if len(want.tags) > 0 && !maps.Equal(have.tags, want.tags) {
		params := url.Values{"ResourceArn": {r.physicalID}}
		addTags(params, want.tags)
		return outcome{}, o.sns("TagResource", params, nil)
	}
	return outcome{}, nil
}

func (topicResource) delete(_ context.Context, o *operation, r *resource) error {
	if err := o.sns("DeleteTopic", url.Values{"TopicArn": {r.physicalID}}, nil); !notFound(err) {
		return err
	}
	return nil
}

func (topicResource) replaces(r *resource, properties map[string]any) (bool, error) {
	if _, err := readTopic(properties, nil); err != nil {
		return false, err
	}
	return renamed(r, properties, "TopicName")
}

// topicPolicyResource is AWS::SNS::TopicPolicy: the policy of several topics.
type topicPolicyResource struct{ s *Service }

func readTopicPolicy(properties map[string]any) ([]string, string, error) {
	return readAttached("AWS::SNS::TopicPolicy", "Topics", properties)
}

// topicPolicy sets the policy of the topics in want. The topics that are only
// in have get the default policy of a new topic (aws-facts 5.2, 5.4).
func (o *operation) topicPolicy(have, want []string, policy string) error {
	set := func(topic, policy string) error {
		return o.sns("SetTopicAttributes", url.Values{"TopicArn": {topic}, "AttributeName": {"Policy"}, "AttributeValue": {policy}}, nil)
	}
	return attach(have, want, func(topic string) error { return set(topic, policy) }, func(topic string) error {
		return set(topic, encodeJSON(map[string]any{
			"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": []any{map[string]any{
				"Sid": "__default_statement_ID", "Effect": "Allow", "Principal": map[string]any{"AWS": "*"}, "Resource": topic,
				"Action": []any{
					"SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission", "SNS:DeleteTopic",
					"SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish",
				},
				"Condition": map[string]any{"StringEquals": map[string]any{"AWS:SourceOwner": o.st.account}},
			}},
		}))
	})
}

func (h topicPolicyResource) create(_ context.Context, o *operation, r *resource) (outcome, error) {
	topics, policy, err := readTopicPolicy(r.properties)
	if err != nil {
		return outcome{}, err
	}
	id := h.s.newPhysicalID(o.st, r.logicalID)
	return outcome{physicalID: id, attributes: map[string]any{"Id": id}}, o.topicPolicy(nil, topics, policy)
}

func (topicPolicyResource) update(_ context.Context, o *operation, r *resource, properties map[string]any) (outcome, error) {
	have, _, err := readTopicPolicy(r.properties)
	if err != nil {
		return outcome{}, err
	}
	want, policy, err := readTopicPolicy(properties)
	if err != nil {
		return outcome{}, err
	}
	return outcome{}, o.topicPolicy(have, want, policy)
}

func (topicPolicyResource) delete(_ context.Context, o *operation, r *resource) error {
	have, _, err := readTopicPolicy(r.properties)
	if err != nil {
		return err
	}
	return o.topicPolicy(have, nil, "")
}

func (topicPolicyResource) replaces(_ *resource, properties map[string]any) (bool, error) {
	_, _, err := readTopicPolicy(properties)
	return false, err
}

// subscriptionResource is AWS::SNS::Subscription. Its physical ID is its ARN.
type subscriptionResource struct{ s *Service }

var subscriptionAttributes = []string{"RawMessageDelivery", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy"}

func readSubscription(properties map[string]any) (params url.Values, attributes map[string]string, err error) {
	if err := onlyProperties("AWS::SNS::Subscription", properties, append([]string{"TopicArn", "Protocol", "Endpoint"}, subscriptionAttributes...)...); err != nil {
		return nil, nil, err
	}
	params, attributes = url.Values{}, map[string]string{}
	for _, name := range []string{"TopicArn", "Protocol", "Endpoint"} {
		text, err := textOf(properties, name)
		if err != nil {
			return nil, nil, err
		}
		setIf(params, name, text)
	}
	if params.Get("TopicArn") == "" || params.Get("Protocol") == "" {
		return nil, nil, errors.New("Properties validation failed: #: required keys [TopicArn, Protocol] not found")
	}
	for _, name := range subscriptionAttributes {
		if v, found := properties[name]; found {
			if _, isObject := v.(map[string]any); isObject {
				attributes[name] = document(v)
			} else if attributes[name], err = textOf(properties, name); err != nil {
				return nil, nil, err
			}
		}
	}
	return params, attributes, nil
}

func (h subscriptionResource) create(_ context.Context, o *operation, r *resource) (outcome, error) {
	params, attributes, err := readSubscription(r.properties)
	if err != nil {
		return outcome{}, err
	}
	entries(params, attributes)
	params.Set("ReturnSubscriptionArn", "true")
	var created struct{ SubscriptionArn string }
	if err := o.sns("Subscribe", params, &created); err != nil {
		return outcome{}, err
	}
	return outcome{physicalID: created.SubscriptionArn, attributes: map[string]any{"Arn": created.SubscriptionArn}}, nil
}

func (subscriptionResource) update(_ context.Context, o *operation, r *resource, properties map[string]any) (outcome, error) {
	_, have, err := readSubscription(r.properties)
	if err != nil {
		return outcome{}, err
	}
	_, want, err := readSubscription(properties)
	if err != nil {
		return outcome{}, err
	}
	for _, name := range subscriptionAttributes {
		if want[name] != have[name] {
			params := url.Values{"SubscriptionArn": {r.physicalID}, "AttributeName": {name}, "AttributeValue": {want[name]}}
			if err := o.sns("SetSubscriptionAttributes", params, nil); err != nil {
				return outcome{}, err
			}
		}
	}
	return outcome{}, nil
}

func (subscriptionResource) delete(_ context.Context, o *operation, r *resource) error {
	if err := o.sns("Unsubscribe", url.Values{"SubscriptionArn": {r.physicalID}}, nil); !notFound(err) {
		return err
	}
	return nil
}

func (subscriptionResource) replaces(r *resource, properties map[string]any) (bool, error) {
	if _, _, err := readSubscription(properties); err != nil {
		return false, err
	}
	return renamed(r, properties, "TopicArn", "Protocol", "Endpoint")
}
