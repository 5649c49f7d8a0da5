// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sqs"
)

// publication is one published message.
type publication struct {
	id         string
	topic      topicKey
	subject    string
	message    string
	attributes map[string]sqs.MessageAttribute
	at         time.Time
	version    string // of the signature
	requestID  string
}

// maxMessageBytes is AWS's default limit (aws-facts 5.8).
const maxMessageBytes = 256 * 1024

func (s *Service) publish(c *kernel.Call, q kernel.Query) (any, error) {
	arn := q.Get("TopicArn")
	if arn == "" {
		arn = q.Get("TargetArn")
	}
	if q.Has("PhoneNumber") {
		return nil, errNotInSandbox("text messages")
	}
	t, err := s.topic(c, "Publish", arn)
	if err != nil {
		return nil, err
	}
	p, err := s.readPublication(q)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	if t.attributes["KmsMasterKeyId"] != "" {
		s.mu.Unlock()
		return nil, errNotInSandbox("messages for an encrypted topic")
	}
	p.topic, p.requestID, p.version = t.key, c.RequestID, t.attributes["SignatureVersion"]
	subscribers := s.subscribers(t)
	// Attributes may change while the notifications are delivered.
	for i, sub := range subscribers {
		snapshot := *sub
		subscribers[i] = &snapshot
	}
	s.mu.Unlock()
	if p.version == "" {
		p.version = "1"
	}
	s.count(t.key, func(m *Metrics) { m.Published++ })
	if err := s.deliver(context.WithoutCancel(c.Context), p, subscribers); err != nil {
		return nil, err
	}
	return struct{ MessageId string }{p.id}, nil
}

// subjectForm matches subjects: up to 100 characters of printable ASCII that do
// not begin with a space.
var subjectForm = regexp.MustCompile(`^[!-~][ -~]{0,99}$`)

func (s *Service) readPublication(q kernel.Query) (*publication, error) {
	p := &publication{
		id: kernel.NewRequestID(s.rand), subject: q.Get("Subject"), message: q.Get("Message"), at: s.clock.Now(),
	}
	switch {
	case p.message == "":
		return nil, errParameter("Empty message")
	case len(p.message) > maxMessageBytes:
		return nil, errParameter("Message too long")
	case !utf8.ValidString(p.message):
		return nil, errParameter("Message Reason: not UTF-8")
	case q.Has("Subject") && !subjectForm.MatchString(p.subject):
		return nil, errParameter("Subject")
	case q.Has("MessageGroupId") || q.Has("MessageDeduplicationId"):
		return nil, errParameter("MessageGroupId Reason: The request includes MessageGroupId parameter that is not valid for this topic type")
	}
	switch structure := q.Get("MessageStructure"); structure {
	case "":
	case "json":
		message, err := perProtocol(p.message)
		if err != nil {
			return nil, err
		}
		p.message = message
	default:
		return nil, errParameter("MessageStructure")
	}
	attributes, err := readAttributes(q)
	p.attributes = attributes
	return p, err
}

// perProtocol returns the text for SQS, or else the default, of a message that
// has a text for each protocol.
func perProtocol(message string) (string, error) {
	var texts map[string]string
	if json.Unmarshal([]byte(message), &texts) != nil {
		return "", errParameter("Message Structure - JSON message body failed to parse")
	}
	fallback, ok := texts["default"]
	if !ok {
		return "", errParameter("Message Structure - No default entry in JSON message body")
	}
	if own, ok := texts["sqs"]; ok {
		return own, nil
	}
	return fallback, nil
}

var attributeType = regexp.MustCompile(`^(String|Number|Binary|String\.Array)(\..+)?$`)

// readAttributes parses MessageAttributes.entry.N.Name and .Value.*.
func readAttributes(q kernel.Query) (map[string]sqs.MessageAttribute, error) {
	attributes := map[string]sqs.MessageAttribute{}
	for _, e := range messageEntries(q) {
		name := e.Get("Name")
		a := sqs.MessageAttribute{DataType: e.Get("Value.DataType"), StringValue: e.Get("Value.StringValue")}
		binary, err := base64.StdEncoding.DecodeString(e.Get("Value.BinaryValue"))
		if err != nil || name == "" || !attributeType.MatchString(a.DataType) || (a.StringValue == "") == (len(binary) == 0) {
			return nil, errParameter("The message attribute '%s' must contain a type and one non-empty value", name)
		}
		a.BinaryValue = binary
		attributes[name] = a
	}
	return attributes, nil
}

// messageEntries returns the members of each MessageAttributes.entry.N.
func messageEntries(q kernel.Query) []kernel.Query {
	var entries []kernel.Query
	for i := 1; ; i++ {
		prefix := "MessageAttributes.entry." + strconv.Itoa(i) + "."
		e := kernel.Query{}
		for name, values := range q {
			if rest, ok := strings.CutPrefix(name, prefix); ok {
				e[rest] = values
			}
		}
		if len(e) == 0 {
			return entries
		}
		entries = append(entries, e)
	}
}
