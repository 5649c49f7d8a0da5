// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns

// Metrics are CloudWatch's metrics of a topic, by their names there. A
// notification that a queue or its key refuses is lost. On AWS only these
// metrics show that to the topic's owner (aws-facts 12.13).
type Metrics struct {
	Published       int `json:"NumberOfMessagesPublished"`
	Delivered       int `json:"NumberOfNotificationsDelivered"`
	Failed          int `json:"NumberOfNotificationsFailed"`
	FilteredOut     int `json:"NumberOfNotificationsFilteredOut"`
	Redriven        int `json:"NumberOfNotificationsRedrivenToDlq"`
	FailedToRedrive int `json:"NumberOfNotificationsFailedToRedriveToDlq"`
}

// Metrics returns the counts of a topic since its first message, also after the
// topic was deleted.
func (s *Service) Metrics(topicARN string) Metrics {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.metrics[topicARN]; m != nil {
		return *m
	}
	return Metrics{}
}

// count changes a topic's metrics.
func (s *Service) count(t topicKey, add func(*Metrics)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.metrics[t.arn()]
	if m == nil {
		m = &Metrics{}
		s.metrics[t.arn()] = m
	}
	add(m)
}
