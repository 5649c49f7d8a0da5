// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sqs

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// maxInFlight is how many messages of a queue may be in flight: received and
// not yet deleted or visible again (aws-facts 6).
const maxInFlight = 120_000

type receiving struct {
	QueueUrl                    string
	AttributeNames              []string // older name of MessageSystemAttributeNames
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
}

// received is one message in the response.
type received struct {
	MessageId              string
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string           `json:",omitempty"`
	MD5OfMessageAttributes string                      `json:",omitempty"`
	MessageAttributes      map[string]MessageAttribute `json:",omitempty"`
}

func (s *Service) receiveMessage(c *kernel.Call) (any, error) {
	var in receiving
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.findByURL(c, "ReceiveMessage", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	messages, err := s.receive(c, q, in)
	if err != nil {
		return nil, err
	}
	return struct {
		Messages []received `json:",omitempty"`
	}{messages}, nil
}

func (in receiving) check() error {
	within := func(name string, value *int, low, high int) error {
		if value == nil || (*value >= low && *value <= high) {
			return nil
		}
		return errParameter("Value %d for parameter %s is invalid. Reason: Must be between %d and %d, if provided.", *value, name, low, high)
	}
	if err := within("MaxNumberOfMessages", in.MaxNumberOfMessages, 1, 10); err != nil {
		return err
	}
	if err := within("WaitTimeSeconds", in.WaitTimeSeconds, 0, 20); err != nil {
		return err
	}
	if err := within("VisibilityTimeout", in.VisibilityTimeout, 0, 12*3600); err != nil {
		return err
	}
	for _, name := range slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames) {
		if !slices.Contains(systemAttributes, name) {
			return kernel.Errorf(http.StatusBadRequest, "InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	return nil
}

// receive returns visible messages. If there are none, it waits for one until
// the long poll is over by the sandbox's clock, or the caller cancels.
func (s *Service) receive(c *kernel.Call, q *queue, in receiving) ([]received, error) {
	ctx := c.Context
	s.mu.Lock()
	wait := q.attributes.seconds("ReceiveMessageWaitTimeSeconds")
	if in.WaitTimeSeconds != nil {
		wait = time.Duration(*in.WaitTimeSeconds) * time.Second
	}
	end := s.clock.Now().Add(wait)
	s.mu.Unlock()
	for {
		// A cancelled caller must not receive messages.
		if ctx.Err() != nil {
			return nil, nil
		}
		s.mu.Lock()
		if q.deleted {
			s.mu.Unlock()
			return nil, errNoQueue()
		}
		now := s.clock.Now()
		taken, err := s.take(q, in, now)
		messages := showAll(taken, in)
		changed, next := q.changed, q.nextArrival(now, end)
		s.mu.Unlock()
		if err := s.openAll(c, q, taken); err != nil {
			s.makeVisible(taken, now)
			return nil, err
		}
		if len(messages) > 0 || err != nil || !now.Before(end) {
			return messages, err
		}
		s.waitFor(ctx, changed, next)
	}
}

// waitFor waits until the queue changes, the sandbox's clock reaches a time, or
// the context is done.
func (s *Service) waitFor(ctx context.Context, changed <-chan struct{}, next time.Time) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-changed:
			stop()
		case <-ctx.Done():
		}
	}()
	_ = s.clock.WaitUntil(ctx, next) // the caller checks the queue again in any case
}

// nextArrival returns the time at which the next message of the queue becomes
// visible, or end if that is earlier.
func (q *queue) nextArrival(now, end time.Time) time.Time {
	next := end
	for _, m := range q.messages {
		at := m.visible
		if m.arrives.After(at) {
			at = m.arrives
		}
		if at.After(now) && at.Before(next) {
			next = at
		}
	}
	return next
}

// take receives visible messages, up to the limit of the request, and moves
// those to the dead-letter queue that were received too often. The caller holds
// the lock.
func (s *Service) take(q *queue, in receiving, now time.Time) ([]*message, error) {
	_, inFlight, _ := q.counts(now)
	if inFlight >= maxInFlight {
		return nil, kernel.Errorf(http.StatusForbidden, "OverLimit", "Too many messages in flight for queue %s.", q.key.name)
	}
	limit := 1
	if in.MaxNumberOfMessages != nil {
		limit = *in.MaxNumberOfMessages
	}
	timeout := q.attributes.seconds("VisibilityTimeout")
	if in.VisibilityTimeout != nil {
		timeout = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	var out []*message
	for _, m := range slices.Clone(q.messages) {
		if len(out) == limit {
			break
		}
		if m.arrives.After(now) || m.visible.After(now) || s.moveToDeadLetters(q, m, now) {
			continue
		}
		m.received++
		if m.firstSeen.IsZero() {
			m.firstSeen = now
		}
		m.lastSeen, m.visible, m.delayed = now, now.Add(timeout), false
		m.handle = newHandle(q, m, kernel.NewRequestID(s.rand))
		out = append(out, m)
	}
	return out, nil
}

// makeVisible makes messages visible again that could not be decrypted after a
// receive, and does not count the receive.
func (s *Service) makeVisible(taken []*message, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range taken {
		m.received--
		m.visible, m.handle = now, ""
	}
}

func showAll(taken []*message, in receiving) []received {
	var out []received
	for _, m := range taken {
		out = append(out, m.show(in))
	}
	return out
}

// systemAttributes are the names that a receiver may ask for.
var systemAttributes = []string{
	"All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
	"SequenceNumber", "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
}

func (m *message) show(in receiving) received {
	fields := pick(m.fields, in.MessageAttributeNames)
	r := received{
		MessageId: m.id, ReceiptHandle: m.handle, Body: m.body, MD5OfBody: md5Hex([]byte(m.body)),
		Attributes: map[string]string{}, MessageAttributes: fields, MD5OfMessageAttributes: md5OfAttributes(fields),
	}
	all := map[string]string{
		"SenderId":                         m.sender,
		"SentTimestamp":                    unixMillis(m.sent),
		"ApproximateReceiveCount":          strconv.Itoa(m.received),
		"ApproximateFirstReceiveTimestamp": unixMillis(m.firstSeen),
		"MessageGroupId":                   m.group,
		"AWSTraceHeader":                   m.trace,
		"DeadLetterQueueSourceArn":         m.source,
	}
	wanted := slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)
	for name, value := range all {
		if value != "" && (slices.Contains(wanted, "All") || slices.Contains(wanted, name)) {
			r.Attributes[name] = value
		}
	}
	return r
}

// newHandle returns the receipt handle of one receive. It contains the queue
// and the message, so that an old handle can be distinguished from an invalid
// one.
func newHandle(q *queue, m *message, unique string) string {
	return base64.StdEncoding.EncodeToString([]byte(unique + " " + q.key.arn() + " " + m.id))
}

// byHandle returns the message of a receipt handle, or nil if it no longer
// exists. It returns an error if the handle is invalid.
func (q *queue) byHandle(handle string) (*message, error) {
	invalid := kernel.Errorf(http.StatusNotFound, "ReceiptHandleIsInvalid",
		"The input receipt handle %q is not a valid receipt handle.", handle)
	if handle == "" {
		return nil, errMissing("ReceiptHandle")
	}
	text, err := base64.StdEncoding.DecodeString(handle)
	if err != nil {
		return nil, invalid
	}
	parts := strings.Split(string(text), " ")
	if len(parts) != 3 || parts[1] != q.key.arn() {
		return nil, invalid
	}
	for _, m := range q.messages {
		if m.id == parts[2] {
			return m, nil
		}
	}
	return nil, nil
}
