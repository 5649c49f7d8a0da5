// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sqs

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// queue is one standard queue. The service's lock guards it.
type queue struct {
	key        queueKey
	attributes attributes
	tags       map[string]string
	created    time.Time
	modified   time.Time
	purged     time.Time
	deleted    bool // for receivers that are still waiting for its messages

	messages []*message    // in the order in which they are received
	changed  chan struct{} // closed and replaced if receivers must check again
}

// message is one message of a queue.
type message struct {
	id        string
	body      string
	sender    string
	fields    map[string]MessageAttribute // MessageAttributes
	trace     string                      // AWSTraceHeader
	group     string                      // MessageGroupId
	source    string                      // ARN of the source queue, if this one is its dead-letter queue
	arrives   time.Time                   // until then it is not in the queue: SNS is still delivering it
	sent      time.Time                   // when it was first sent; redrive keeps it (aws-facts 6)
	visible   time.Time                   // when it can be received
	received  int
	firstSeen time.Time
	lastSeen  time.Time
	delayed   bool   // the time until visible is a delay, not a visibility timeout
	handle    string // receipt handle of the last receive
	dataKey   []byte // encrypted with the queue's KMS key; nil: the queue has none
}

func newQueue(key queueKey, now time.Time) *queue {
	return &queue{
		key: key, attributes: attributes{}, tags: map[string]string{},
		created: now, modified: now, changed: make(chan struct{}),
	}
}

// wake makes waiting receivers check the queue again. The caller holds the
// lock.
func (q *queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// add adds a message at a position of the queue: the end, unless a fault
// reorders messages.
func (q *queue) add(m *message, place int) {
	q.messages = slices.Insert(q.messages, min(place, len(q.messages)), m)
	q.wake()
}

// expire removes the messages that are older than the retention period.
func (q *queue) expire(now time.Time) {
	retention := q.attributes.seconds("MessageRetentionPeriod")
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool {
		return !m.sent.Add(retention).After(now)
	})
}

func (q *queue) remove(m *message) {
	q.messages = slices.DeleteFunc(q.messages, func(other *message) bool { return other == m })
}

// counts returns the numbers of messages that can be received, that are in
// flight, and that are delayed.
func (q *queue) counts(now time.Time) (waiting, inFlight, delayed int) {
	q.expire(now)
	for _, m := range q.messages {
		switch {
		case m.arrives.After(now):
		case !m.visible.After(now):
			waiting++
		case m.delayed:
			delayed++
		default:
			inFlight++
		}
	}
	return waiting, inFlight, delayed
}

// describe returns all attributes of the queue, as GetQueueAttributes does.
func (q *queue) describe(now time.Time) map[string]string {
	waiting, inFlight, delayed := q.counts(now)
	out := maps.Clone(defaults)
	maps.Copy(out, q.attributes)
	if q.attributes["KmsMasterKeyId"] != "" && out["KmsDataKeyReusePeriodSeconds"] == "" {
		out["KmsDataKeyReusePeriodSeconds"] = "300"
	}
	out["QueueArn"] = q.key.arn()
	out["CreatedTimestamp"] = unixSeconds(q.created)
	out["LastModifiedTimestamp"] = unixSeconds(q.modified)
	out["ApproximateNumberOfMessages"] = strconv.Itoa(waiting)
	out["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(inFlight)
	out["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(delayed)
	return out
}

// tag adds tags to the queue. It returns an error, and adds none, if one is
// invalid or the queue would have more than 50.
func (q *queue) tag(tags map[string]string) error {
	all := maps.Clone(q.tags)
	maps.Copy(all, tags)
	if len(all) > 50 {
		return kernel.Errorf(http.StatusBadRequest, "InvalidParameterValue", "Too many tags added for queue %s.", q.key.name)
	}
	for k, v := range tags {
		if k == "" || utf8.RuneCountInString(k) > 128 || utf8.RuneCountInString(v) > 256 {
			return errParameter("Tag keys must be between 1 and 128 characters in length, values at most 256.")
		}
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return errParameter("Tag keys that start with aws: are reserved: %s", k)
		}
	}
	q.tags = all
	return nil
}
