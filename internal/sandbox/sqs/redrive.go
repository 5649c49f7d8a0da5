// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sqs

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// redrive returns the ARN of the dead-letter queue, and how often a message may
// be received before it is moved there. ok is false if the queue has no redrive
// policy.
func (q *queue) redrive() (target string, maxReceives int, ok bool) {
	target, maxReceives, err := parseRedrive(q.attributes["RedrivePolicy"])
	return target, maxReceives, err == nil && target != ""
}

// parseRedrive returns the values of a redrive policy, or empty ones for an
// empty document. Like AWS, it accepts maxReceiveCount as a number or as a
// string.
func parseRedrive(document string) (target string, maxReceives int, err error) {
	if document == "" {
		return "", 0, nil
	}
	var policy struct {
		DeadLetterTargetArn string      `json:"deadLetterTargetArn"`
		MaxReceiveCount     json.Number `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(document), &policy); err != nil {
		return "", 0, err
	}
	maxReceives, err = strconv.Atoi(policy.MaxReceiveCount.String())
	return policy.DeadLetterTargetArn, maxReceives, err
}

func (s *Service) checkRedrive(q *queue, document string) error {
	invalid := func(reason string) error {
		return errParameter("Value %s for parameter RedrivePolicy is invalid. Reason: %s", document, reason)
	}
	if document == "" {
		return nil
	}
	target, maxReceives, err := parseRedrive(document)
	if err != nil {
		return invalid("Redrive policy is not a valid JSON map.")
	}
	if maxReceives < 1 || maxReceives > 1000 {
		return invalid("Invalid value for maxReceiveCount: " + strconv.Itoa(maxReceives) + ", valid values are from 1 to 1000 both inclusive.")
	}
	key, ok := parseQueueARN(target)
	if !ok {
		return invalid("Dead letter target ARN is not valid.")
	}
	// The dead-letter queue must be in the same Region and account (aws-facts
	// 6).
	if key.account != q.key.account || key.region != q.key.region {
		return invalid("Dead-letter target owner should be same as the source.")
	}
	dead, ok := s.queues[key]
	if !ok {
		return invalid("Dead letter target does not exist.")
	}
	if !dead.takesDeadLettersOf(q.key.arn()) {
		return invalid("Dead letter target does not allow this queue in its RedriveAllowPolicy.")
	}
	return nil
}

type redriveAllow struct {
	RedrivePermission string   `json:"redrivePermission"`
	SourceQueueArns   []string `json:"sourceQueueArns"`
}

func checkRedriveAllow(document string) error {
	if document == "" {
		return nil
	}
	var allow redriveAllow
	if err := json.Unmarshal([]byte(document), &allow); err != nil {
		return errAttribute("RedriveAllowPolicy")
	}
	byQueue := allow.RedrivePermission == "byQueue"
	if !slices.Contains([]string{"allowAll", "denyAll", "byQueue"}, allow.RedrivePermission) ||
		byQueue != (len(allow.SourceQueueArns) > 0) || len(allow.SourceQueueArns) > 10 {
		return errAttribute("RedriveAllowPolicy")
	}
	return nil
}

func (q *queue) takesDeadLettersOf(source string) bool {
	var allow redriveAllow
	if document := q.attributes["RedriveAllowPolicy"]; document != "" {
		if json.Unmarshal([]byte(document), &allow) != nil {
			return false
		}
	}
	switch allow.RedrivePermission {
	case "", "allowAll":
		return true
	case "byQueue":
		return slices.Contains(allow.SourceQueueArns, source)
	default:
		return false
	}
}

// moveToDeadLetters moves a message to the dead-letter queue if it was received
// as often as its queue allows, and reports whether it did. The message keeps
// its age (aws-facts 6).
func (s *Service) moveToDeadLetters(q *queue, m *message, now time.Time) bool {
	target, maxReceives, ok := q.redrive()
	if !ok || m.received < maxReceives {
		return false
	}
	key, _ := parseQueueARN(target)
	dead := s.queues[key]
	if dead == nil || dead == q {
		return false
	}
	q.remove(m)
	m.source, m.handle, m.visible, m.delayed = q.key.arn(), "", now, false
	dead.add(m, len(dead.messages))
	return true
}

// parseQueueARN parses arn:PARTITION:sqs:REGION:ACCOUNT:NAME, and reports
// whether it is valid.
func parseQueueARN(arn string) (queueKey, bool) {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sqs" {
		return queueKey{}, false
	}
	key := queueKey{account: parts[4], region: parts[3], name: parts[5]}
	return key, key.arn() == arn && queueName.MatchString(key.name) && key.region != "" && len(key.account) == 12
}
