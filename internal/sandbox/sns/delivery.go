// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sqs"
)

// deliver sends a message to its topic's subscribers. As on AWS, a message that
// a queue refuses is dropped, without an error for the publisher; the journal
// records it. deliver returns an error only if it cannot sign the message.
func (s *Service) deliver(ctx context.Context, p *publication, subscribers []*subscription) error {
	for _, sub := range subscribers {
		if !sub.filter.accepts(p) {
			s.count(p.topic, func(m *Metrics) { m.FilteredOut++ })
			s.note(p, sub.endpoint, "", "filtered out by the subscription's filter policy")
			continue
		}
		body, attributes := p.message, p.attributes
		if !sub.raw() {
			text, err := s.envelope(p, sub)
			if err != nil {
				return err
			}
			body, attributes = text, nil
		}
		for range s.copies() {
			s.send(ctx, p, sub, body, attributes)
		}
	}
	return nil
}

// copies returns how many times a notification is delivered, at least once.
func (s *Service) copies() int {
	if duplicate := s.faults.Delivery().Duplicate; duplicate > 0 && s.faults.Float64() < duplicate {
		return 2
	}
	return 1
}

func (s *Service) send(ctx context.Context, p *publication, sub *subscription, body string, attributes map[string]sqs.MessageAttribute) {
	d := sqs.Delivery{
		Queue:      sub.endpoint,
		Principal:  &kernel.Principal{Service: servicePrincipal(p.topic.region, regionOf(sub.endpoint))},
		SourceARN:  p.topic.arn(),
		Body:       body,
		Attributes: attributes,
	}
	d.After, d.Place = s.drawDelay()
	err := s.queues.Deliver(ctx, d)
	if err == nil {
		s.count(p.topic, func(m *Metrics) { m.Delivered++ })
		s.note(p, sub.endpoint, "", "delivered")
		return
	}
	s.count(p.topic, func(m *Metrics) { m.Failed++ })
	dead := sub.deadLetters()
	if dead == "" {
		s.note(p, sub.endpoint, code(err), fmt.Sprintf("dropped: %v", err))
		return
	}
	s.note(p, sub.endpoint, code(err), fmt.Sprintf("to the subscription's dead-letter queue: %v", err))
	d.Queue, d.Principal = dead, &kernel.Principal{Service: servicePrincipal(p.topic.region, regionOf(dead))}
	if err := s.queues.Deliver(ctx, d); err != nil {
		s.count(p.topic, func(m *Metrics) { m.FailedToRedrive++ })
		s.note(p, dead, code(err), fmt.Sprintf("dropped: %v", err))
		return
	}
	s.count(p.topic, func(m *Metrics) { m.Redriven++ })
	s.note(p, dead, "", "delivered as a dead letter")
}

// drawDelay draws the delay of a notification, and its position among the
// messages of the queue, as the delivery faults define them. A nil position is
// the end.
func (s *Service) drawDelay() (after time.Duration, place func(int) int) {
	faults := s.faults.Delivery()
	after = faults.MinDelay
	if faults.MaxDelay > faults.MinDelay {
		after += time.Duration(s.faults.Float64() * float64(faults.MaxDelay-faults.MinDelay))
	}
	if faults.Reorder {
		draw := s.faults.Float64()
		place = func(n int) int { return int(draw * float64(n+1)) }
	}
	return after, place
}

// note records a delivery in the journal.
func (s *Service) note(p *publication, queue, outcome, what string) {
	if outcome == "" {
		outcome = "OK"
	}
	s.journal.Add(kernel.Entry{
		Time: s.clock.Now(), Service: "sns", Action: "Delivery", Region: p.topic.region, Account: p.topic.account,
		Principal: "sns.amazonaws.com", Outcome: outcome, Executed: true, Inside: true, RequestID: p.requestID,
		Note: fmt.Sprintf("message %s of %s to %s: %s", p.id, p.topic.arn(), queue, what),
	})
}

func code(err error) string {
	var fault *kernel.Error
	if errors.As(err, &fault) {
		return fault.Code
	}
	return "InternalError"
}

func regionOf(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 3 {
		return parts[3]
	}
	return ""
}

// optIn are the opt-in Regions: those launched after 2019-03-20, and Osaka,
// which the documentation of SNS includes.
var optIn = []string{
	"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-3", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
	"ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1",
	"me-central-1", "me-south-1", "mx-central-1",
}

// servicePrincipal returns the principal with which SNS sends to a queue. If
// one of two Regions is an opt-in Region, it is that Region's principal
// (aws-facts 5.7); if both are, that it is the queue's is an assumption.
func servicePrincipal(topicRegion, queueRegion string) string {
	switch {
	case topicRegion == queueRegion:
	case slices.Contains(optIn, queueRegion):
		return "sns." + queueRegion + ".amazonaws.com"
	case slices.Contains(optIn, topicRegion):
		return "sns." + topicRegion + ".amazonaws.com"
	}
	return "sns.amazonaws.com"
}
