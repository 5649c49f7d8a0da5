// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sqs

import (
	"net/http"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// This file has the operations with which a receiver settles a message: it
// deletes the message, or changes when the message becomes visible again.

// settling is the input of such an operation, or one entry of a batch.
type settling struct {
	QueueUrl          string `json:",omitempty"`
	Id                string `json:",omitempty"`
	ReceiptHandle     string
	VisibilityTimeout *int
}

type settled struct{ Id string }

func settledID(e settling) string { return e.Id }

func (s *Service) deleteMessage(c *kernel.Call) (any, error) {
	return s.settleOne(c, "DeleteMessage", s.delete)
}

func (s *Service) deleteMessageBatch(c *kernel.Call) (any, error) {
	return s.settleBatch(c, "DeleteMessage", "DeleteMessageBatchRequestEntry", s.delete)
}

func (s *Service) changeMessageVisibility(c *kernel.Call) (any, error) {
	return s.settleOne(c, "ChangeMessageVisibility", s.changeVisibility)
}

func (s *Service) changeMessageVisibilityBatch(c *kernel.Call) (any, error) {
	return s.settleBatch(c, "ChangeMessageVisibility", "ChangeMessageVisibilityBatchRequestEntry", s.changeVisibility)
}

func (s *Service) settleOne(c *kernel.Call, action string, do func(*queue, settling) error) (any, error) {
	var in settling
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.findByURL(c, action, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return nil, do(q, in)
}

func (s *Service) settleBatch(c *kernel.Call, action, kind string, do func(*queue, settling) error) (any, error) {
	var in struct {
		QueueUrl string
		Entries  []settling
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.findByURL(c, action, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return batch(in.Entries, kind, settledID, func(e settling) (any, error) { return settled{e.Id}, do(q, e) })
}

// delete deletes a message. As on AWS, it succeeds if the message no longer
// exists, and with the handle of an earlier receive, which deletes nothing.
func (s *Service) delete(q *queue, in settling) error {
	m, err := q.byHandle(in.ReceiptHandle)
	if err != nil || m == nil || m.handle != in.ReceiptHandle {
		return err
	}
	q.remove(m)
	return nil
}

const maxVisibility = 12 * time.Hour

func (s *Service) changeVisibility(q *queue, in settling) error {
	m, err := q.byHandle(in.ReceiptHandle)
	if err != nil {
		return err
	}
	if in.VisibilityTimeout == nil {
		return errMissing("VisibilityTimeout")
	}
	timeout := time.Duration(*in.VisibilityTimeout) * time.Second
	if timeout < 0 || timeout > maxVisibility {
		return errParameter("Value %d for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and 43200.", *in.VisibilityTimeout)
	}
	if m == nil || m.handle != in.ReceiptHandle {
		return errParameter("Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", in.ReceiptHandle)
	}
	now := s.clock.Now()
	if !m.visible.After(now) {
		return kernel.Errorf(http.StatusBadRequest, "MessageNotInflight",
			"The specified message isn't in flight: its visibility timeout has run out.")
	}
	// The 12 hours are counted from the receive (aws-facts 6).
	if now.Add(timeout).After(m.lastSeen.Add(maxVisibility)) {
		return errParameter("Value %d for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].", *in.VisibilityTimeout)
	}
	m.visible = now.Add(timeout)
	q.wake()
	return nil
}
