// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sqs

import (
	"context"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// Delivery is a message that an AWS service sends to a queue.
type Delivery struct {
	Queue      string            // ARN
	Principal  *kernel.Principal // the service
	SourceARN  string            // the resource on whose behalf: aws:SourceArn
	Body       string
	Attributes map[string]MessageAttribute

	// After is how long the delivery takes. Until then the message is not in
	// the queue and is not counted.
	After time.Duration
	// Place returns the message's position among the n messages of the queue.
	// If it is nil, the message is added at the end.
	Place func(n int) int
}

// Deliver adds a message to a queue. It returns an error if there is no such
// queue, if the queue's policy or its key's does not allow the service to send
// to it, or if the message is invalid.
func (s *Service) Deliver(ctx context.Context, d Delivery) error {
	key, ok := parseQueueARN(d.Queue)
	if !ok {
		return errNoQueue()
	}
	s.mu.Lock()
	q := s.queues[key]
	if q == nil {
		s.mu.Unlock()
		return errNoQueue()
	}
	policy := q.attributes["Policy"]
	s.mu.Unlock()
	source := map[string][]string{"aws:sourcearn": nil, "aws:sourceaccount": nil}
	if account, named := kernel.PrincipalAccount(d.SourceARN); named {
		source = map[string][]string{"aws:sourcearn": {d.SourceARN}, "aws:sourceaccount": {account}}
	}
	if err := accessDenied(s.authorizer.Authorize(kernel.Authorization{
		Principal:       d.Principal,
		Action:          "sqs:SendMessage",
		Resource:        key.arn(),
		ResourceAccount: key.account,
		ResourcePolicy:  policy,
		Context:         source,
	})); err != nil {
		return err
	}
	dataKey, err := s.dataKey(ctx, d.Principal, q, source)
	if err != nil {
		return err
	}
	in := sending{MessageBody: d.Body, MessageAttributes: d.Attributes}

	s.mu.Lock()
	defer s.mu.Unlock()
	if err := in.check(q); err != nil {
		return err
	}
	arrives := s.clock.Now().Add(d.After)
	delay := q.attributes.seconds("DelaySeconds")
	place := len(q.messages)
	if d.Place != nil {
		place = d.Place(place)
	}
	q.add(&message{
		id: kernel.NewRequestID(s.rand), body: d.Body, sender: sender(d.Principal), fields: d.Attributes,
		arrives: arrives, sent: arrives, visible: arrives.Add(delay), delayed: delay > 0,
		dataKey: dataKey,
	}, place)
	return nil
}
