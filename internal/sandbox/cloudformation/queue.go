// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
)

// queueResource is AWS::SQS::Queue. Its physical ID is the queue's URL.
type queueResource struct{ s *Service }

const queueType = "AWS::SQS::Queue"

// queueAttributes has the properties that are queue attributes of the same
// name, with their default values.
var queueAttributes = map[string]string{
	"DelaySeconds": "0", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0",
	"VisibilityTimeout": "30", "SqsManagedSseEnabled": "true", "KmsMasterKeyId": "", "KmsDataKeyReusePeriodSeconds": "300", "RedrivePolicy": "", "RedriveAllowPolicy": "",
}

type queue struct {
	name       string
	attributes map[string]string
	tags       map[string]string
}

func readQueue(properties map[string]any, stackTags map[string]string) (queue, error) {
	q := queue{attributes: map[string]string{}}
	known := append(slices.Collect(maps.Keys(queueAttributes)), "QueueName", "Tags")
	err := onlyProperties(queueType, properties, known...)
	if err == nil {
		q.name, err = textOf(properties, "QueueName")
	}
	if err == nil {
		q.tags, err = tagsOf(properties, stackTags)
	}
	for name := range queueAttributes {
		v, found := properties[name]
		if err != nil || !found {
			continue
		}
		if strings.HasPrefix(name, "Redrive") {
			q.attributes[name] = document(v)
			continue
		}
		q.attributes[name], err = textOf(properties, name)
	}
	return q, err
}

func (h queueResource) create(_ context.Context, o *operation, r *resource) (outcome, error) {
	want, err := readQueue(r.properties, o.st.tags)
	if err != nil {
		return outcome{}, err
	}
	if want.name != "" && o.sqs("GetQueueUrl", map[string]string{"QueueName": want.name}, nil) == nil {
		return outcome{}, alreadyExists(queueType, want.name)
	}
	name := o.nameFor(r, want.name, 80)
	var created struct{ QueueUrl string }
	params := map[string]any{"QueueName": name, "Attributes": want.attributes}
	if len(want.tags) > 0 {
		params["tags"] = want.tags
	}
	if err := o.sqs("CreateQueue", params, &created); err != nil {
		return outcome{}, err
	}
	result := outcome{physicalID: created.QueueUrl}
	var found struct{ Attributes map[string]string }
	err = o.sqs("GetQueueAttributes", map[string]any{"QueueUrl": created.QueueUrl, "AttributeNames": []string{"QueueArn"}}, &found)
	result.attributes = map[string]any{"Arn": found.Attributes["QueueArn"], "QueueName": name, "QueueUrl": created.QueueUrl}
	return result, err
}

func (h queueResource) update(_ context.Context, o *operation, r *resource, properties map[string]any) (outcome, error) {
	have, err := readQueue(r.properties, o.st.tags)
	if err != nil {
		return outcome{}, err
	}
	want, err := readQueue(properties, o.st.tags)
	if err != nil {
		return outcome{}, err
	}
	changed := map[string]string{}
	for name, initial := range queueAttributes {
		value, set := want.attributes[name]
		before, wasSet := have.attributes[name]
		if !set && wasSet {
			value = initial
		}
		if (set || wasSet) && value != before {
			changed[name] = value
		}
	}
	if len(changed) > 0 {
		if err := o.sqs("SetQueueAttributes", map[string]any{"QueueUrl": r.physicalID, "Attributes": changed}, nil); err != nil {
			return outcome{}, err
		}
	}
	if removed := removedKeys(have.tags, want.tags); len(removed) > 0 {
		if err := o.sqs("UntagQueue", map[string]any{"QueueUrl": r.physicalID, "TagKeys": removed}, nil); err != nil {
			return outcome{}, err
		}
	}
	if len(want.tags) > 0 && !maps.Equal(have.tags, want.tags) {
		return outcome{}, o.sqs("TagQueue", map[string]any{"QueueUrl": r.physicalID, "Tags": want.tags}, nil)
	}
	return outcome{}, nil
}

func (queueResource) delete(_ context.Context, o *operation, r *resource) error {
	if err := o.sqs("DeleteQueue", map[string]string{"QueueUrl": r.physicalID}, nil); !notFound(err) {
		return err
	}
	return nil
}

func (queueResource) replaces(r *resource, properties map[string]any) (bool, error) {
	if _, err := readQueue(properties, nil); err != nil {
		return false, err
	}
	return renamed(r, properties, "QueueName")
}

// queuePolicyResource is AWS::SQS::QueuePolicy: the policy of several queues.
type queuePolicyResource struct{ s *Service }

func readAttached(kind, of string, properties map[string]any) (to []string, policy string, err error) {
	if err := onlyProperties(kind, properties, of, "PolicyDocument"); err != nil {
		return nil, "", err
	}
	if to, err = texts(properties[of], of); err == nil && (len(to) == 0 || properties["PolicyDocument"] == nil) {
		err = errors.New("Properties validation failed: #: required keys [" + of + ", PolicyDocument] not found")
	}
	return to, document(properties["PolicyDocument"]), err
}

func readQueuePolicy(properties map[string]any) ([]string, string, error) {
	return readAttached("AWS::SQS::QueuePolicy", "Queues", properties)
}

// attach calls set for each queue or topic in want, and then unset for each
// that is only in have. It ignores that one of the latter no longer exists.
func attach(have, want []string, set func(to string) error, unset func(from string) error) error {
	for _, to := range want {
		if err := set(to); err != nil {
			return err
		}
	}
	for _, from := range have {
		if !slices.Contains(want, from) {
			if err := unset(from); !notFound(err) && err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *operation) queuePolicy(have, want []string, policy string) error {
	set := func(policy string) func(string) error {
		return func(queue string) error {
			return o.sqs("SetQueueAttributes", map[string]any{"QueueUrl": queue, "Attributes": map[string]string{"Policy": policy}}, nil)
		}
	}
	return attach(have, want, set(policy), set(""))
}

func (h queuePolicyResource) create(_ context.Context, o *operation, r *resource) (outcome, error) {
	queues, policy, err := readQueuePolicy(r.properties)
	if err != nil {
		return outcome{}, err
	}
	id := h.s.newPhysicalID(o.st, r.logicalID)
	return outcome{physicalID: id, attributes: map[string]any{"Id": id}}, o.queuePolicy(nil, queues, policy)
}

func (queuePolicyResource) update(_ context.Context, o *operation, r *resource, properties map[string]any) (outcome, error) {
	have, _, err := readQueuePolicy(r.properties)
	if err != nil {
		return outcome{}, err
	}
	want, policy, err := readQueuePolicy(properties)
	if err != nil {
		return outcome{}, err
	}
	return outcome{}, o.queuePolicy(have, want, policy)
}

func (queuePolicyResource) delete(_ context.Context, o *operation, r *resource) error {
	have, _, err := readQueuePolicy(r.properties)
	if err != nil {
		return err
	}
	return o.queuePolicy(have, nil, "")
}

func (queuePolicyResource) replaces(_ *resource, properties map[string]any) (bool, error) {
	_, _, err := readQueuePolicy(properties)
	return false, err
}
