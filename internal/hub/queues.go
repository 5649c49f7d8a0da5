// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

const (
	// Retention is the longest that SQS offers (aws-facts 6), so that messages survive
	// two weeks without a registrar.
	Retention = 14 * 24 * time.Hour

	// Visibility is how long a registrar may handle a message before SQS delivers it to
	// another one. No request takes nearly as long; messages whose proof needs more
	// time are requeued.
	Visibility = 2 * time.Minute

	// MaxReceives is how many times a message is received before SQS moves it to the
	// dead-letter queue. It is high because waiting for IAM is not a failure. The
	// registrar moves messages that cannot be parsed there at once.
	MaxReceives = 200
)

// queueSettings returns the attributes of the hub's queue, whose policy accepts
// messages only from the hub's topics.
func (h *Manager) queueSettings(record registry.HubRecord) (map[string]string, error) {
	arn := h.queueARN(QueueName(h.name))
	policy, err := iampolicy.Queue(arn, h.clients.Region, iampolicy.QueueSources{
		Account: h.clients.Account, Names: TopicPatterns(h.name), Regions: sortRegions(slices.Concat(record.Regions, record.Retiring)),
	})
	settings := map[string]string{
		"MessageRetentionPeriod":        seconds(Retention),
		"VisibilityTimeout":             seconds(Visibility),
		"ReceiveMessageWaitTimeSeconds": "20",
		"DelaySeconds":                  "0",
		"Policy":                        policy.String(),
		"RedrivePolicy":                 h.redrivePolicy(),
	}
	encryptQueue(settings, record.KMSKey)
	return settings, err
}

func (h *Manager) deadLetterSettings(record registry.HubRecord) map[string]string {
	settings := map[string]string{
		"MessageRetentionPeriod": seconds(Retention),
		"Policy":                 iampolicy.PrivateQueue(h.queueARN(DeadLetterQueueName(h.name))).String(),
	}
	encryptQueue(settings, record.KMSKey)
	return settings
}

// encryptQueue adds the attributes of a queue's encryption, with the vendor's KMS key
// if set, or else with SQS's own key. SNS would lose all messages to a queue with a KMS
// key that is not declared (aws-facts 12.13); such a key is removed when SQS's own key
// is set.
func encryptQueue(settings map[string]string, key account.KMSKeyARN) {
	if key.IsZero() {
		settings["SqsManagedSseEnabled"] = "true"
		return
	}
	settings["KmsMasterKeyId"] = key.String()
}

// queueProperties are the display names of a queue's attributes.
var queueProperties = map[string]Property{
	"MessageRetentionPeriod":        MessageRetention,
	"VisibilityTimeout":             VisibilityTimeout,
	"ReceiveMessageWaitTimeSeconds": ReceiveWaitTime,
	"DelaySeconds":                  DeliveryDelay,
	"Policy":                        Policy,
	"RedrivePolicy":                 RedrivePolicy,
	"SqsManagedSseEnabled":          Encryption,
	"KmsMasterKeyId":                Encryption,
}

func (h *Manager) ensureDeadLetterQueue(ctx context.Context, record registry.HubRecord) (url string, err error) {
	url, _, err = h.ensureOneQueue(ctx, DeadLetterQueueName(h.name), record.Tags, h.deadLetterSettings(record), nil)
	return url, err
}

// ensureQueue creates or updates the queue, and returns its URL and whether anything
// was changed.
func (h *Manager) ensureQueue(ctx context.Context, record registry.HubRecord, untested *untestedNote) (url string, changed bool, err error) {
	settings, err := h.queueSettings(record)
	if err != nil {
		return "", false, err
	}
	return h.ensureOneQueue(ctx, QueueName(h.name), record.Tags, settings, untested)
}

func (h *Manager) readQueue(ctx context.Context, record registry.HubRecord, report reporter) error {
	settings, err := h.queueSettings(record)
	if err != nil {
		return err
	}
	return h.readOneQueue(ctx, Queue, QueueName(h.name), record.QueueURL, settings, report)
}

func (h *Manager) readDeadLetterQueue(ctx context.Context, record registry.HubRecord, report reporter) error {
	return h.readOneQueue(ctx, DeadLetterQueue, DeadLetterQueueName(h.name), record.DeadLetterQueueURL, h.deadLetterSettings(record), report)
}

func (h *Manager) readOneQueue(ctx context.Context, part Part, name, url string, settings map[string]string, report reporter) error {
	arn := h.queueARN(name)
	if url == "" {
		report(part, "", arn)
		return nil
	}
	attributes, err := h.queueAttributes(ctx, url)
	if awsclient.IsNotFound(err) {
		report(part, "", arn)
		return nil
	}
	if err != nil {
		return h.clients.Explain(err, arn)
	}
	for k, want := range settings {
		if !sameAttribute(k, attributes[k], want) {
			report(part, queueProperties[k], arn)
		}
	}
	return nil
}

func (h *Manager) redrivePolicy() string {
	return fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, h.queueARN(DeadLetterQueueName(h.name)), MaxReceives)
}

// ensureOneQueue creates a queue if it is missing, or updates its attributes and tags.
// It returns the queue's URL and whether the queue or its attributes were changed.
func (h *Manager) ensureOneQueue(ctx context.Context, name string, tags, attributes map[string]string, untested *untestedNote) (url string, changed bool, err error) {
	client, arn := h.clients.SQS(h.clients.Region), h.queueARN(name)
	out, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if awsclient.IsNotFound(err) {
		if err := untested.write(ctx); err != nil {
			return "", false, err
		}
		url, err = h.createQueue(ctx, name, tags, attributes)
		return url, true, err
	}
	if err != nil {
		return "", false, h.clients.Explain(err, arn)
	}
	url = aws.ToString(out.QueueUrl)
	have, err := h.queueAttributes(ctx, url)
	if err != nil {
		return "", false, h.clients.Explain(err, arn)
	}
	change := map[string]string{}
	for k, want := range attributes {
		if !sameAttribute(k, have[k], want) {
			change[k] = want
		}
	}
	if len(change) > 0 {
		if err := untested.write(ctx); err != nil {
			return "", false, err
		}
		if _, err := client.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: change}); err != nil {
			return "", false, h.clients.Explain(err, arn)
		}
	}
	return url, len(change) > 0, h.ensureQueueTags(ctx, url, arn, tags)
}

// createQueue creates a queue and returns its URL. SQS refuses the name of a queue for
// a minute after its deletion, so createQueue retries for about 75 seconds.
func (h *Manager) createQueue(ctx context.Context, name string, tags, attributes map[string]string) (url string, err error) {
	const attempts = 15
	var out *sqs.CreateQueueOutput
	for range attempts {
		out, err = h.clients.SQS(h.clients.Region).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes, Tags: tags})
		if err == nil {
			return aws.ToString(out.QueueUrl), nil
		}
		if !awsclient.HasCode(err, "QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently") {
			break
		}
		if waited := h.sleep(ctx, 5*time.Second); waited != nil {
			return "", waited
		}
	}
	return "", h.clients.Explain(err, h.queueARN(name))
}

func (h *Manager) queueAttributes(ctx context.Context, url string) (map[string]string, error) {
	out, err := h.clients.SQS(h.clients.Region).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl:       &url,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

func (h *Manager) ensureQueueTags(ctx context.Context, url, arn string, want map[string]string) error {
	client := h.clients.SQS(h.clients.Region)
	out, err := client.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: &url})
	if err != nil {
		return h.clients.Explain(err, arn)
	}
	set, drop := awsclient.TagChanges(out.Tags, want)
	if len(set) > 0 {
		if _, err := client.TagQueue(ctx, &sqs.TagQueueInput{QueueUrl: &url, Tags: set}); err != nil {
			return h.clients.Explain(err, arn)
		}
	}
	if len(drop) > 0 {
		if _, err := client.UntagQueue(ctx, &sqs.UntagQueueInput{QueueUrl: &url, TagKeys: drop}); err != nil {
			return h.clients.Explain(err, arn)
		}
	}
	return nil
}

func (h *Manager) deleteQueue(ctx context.Context, name string) error {
	client := h.clients.SQS(h.clients.Region)
	out, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err == nil {
		_, err = client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
	}
	if awsclient.IsNotFound(err) {
		return nil
	}
	return h.clients.Explain(err, h.queueARN(name))
}

// sameAttribute reports whether two values of a queue's attribute are equivalent: SQS
// formats JSON documents in its own way.
func sameAttribute(name, have, want string) bool {
	switch name {
	case "Policy":
		same, err := iampolicy.Equivalent(have, want)
		return err == nil && same
	case "RedrivePolicy":
		type redrive struct {
			DeadLetterTargetARN string          `json:"deadLetterTargetArn"`
			MaxReceiveCount     json.RawMessage `json:"maxReceiveCount"` // a number, or its text
		}
		var a, b redrive
		if json.Unmarshal([]byte(have), &a) != nil || json.Unmarshal([]byte(want), &b) != nil {
			return false
		}
		return a.DeadLetterTargetARN == b.DeadLetterTargetARN && unquote(a.MaxReceiveCount) == unquote(b.MaxReceiveCount)
	}
	return have == want
}

func unquote(raw json.RawMessage) string {
	if text, err := strconv.Unquote(string(raw)); err == nil {
		return text
	}
	return string(raw)
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
