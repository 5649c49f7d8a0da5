// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sqs

import (
	"net/http"
	"regexp"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// sending is one message of SendMessage, or an entry of SendMessageBatch.
type sending struct {
	QueueUrl                string `json:",omitempty"`
	Id                      string `json:",omitempty"`
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]MessageAttribute
	MessageSystemAttributes map[string]MessageAttribute
	MessageGroupId          string
	MessageDeduplicationId  string
}

// sent is the result for one message.
type sent struct {
	Id                           string `json:",omitempty"`
	MessageId                    string
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string `json:",omitempty"`
	MD5OfMessageSystemAttributes string `json:",omitempty"`
}

func (s *Service) sendMessage(c *kernel.Call) (any, error) {
	var in sending
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.findByURL(c, "SendMessage", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	blob, err := s.dataKey(c.Context, c.Principal, q, nil)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.send(c, q, in, blob)
}

func (s *Service) sendMessageBatch(c *kernel.Call) (any, error) {
	var in struct {
		QueueUrl string
		Entries  []sending
	}
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.findByURL(c, "SendMessage", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	blob, err := s.dataKey(c.Context, c.Principal, q, nil)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	total := 0
	for _, e := range in.Entries {
		total += e.size()
	}
	if total > ranges["MaximumMessageSize"][1] {
		return nil, kernel.Errorf(http.StatusBadRequest, "BatchRequestTooLong",
			"Batch requests cannot be longer than %d bytes. You have sent %d bytes.", ranges["MaximumMessageSize"][1], total)
	}
	return batch(in.Entries, "SendMessageBatchRequestEntry", func(e sending) string { return e.Id },
		func(e sending) (any, error) { return s.send(c, q, e, blob) })
}

// send adds a message to a queue, with a data key if the queue has a KMS key.
// It returns an error if the message is invalid. The caller holds the lock.
func (s *Service) send(c *kernel.Call, q *queue, in sending, dataKey []byte) (*sent, error) {
	if err := in.check(q); err != nil {
		return nil, err
	}
	now := s.clock.Now()
	delay := q.attributes.seconds("DelaySeconds")
	if in.DelaySeconds != nil {
		delay = time.Duration(*in.DelaySeconds) * time.Second
	}
	m := &message{
		id: kernel.NewRequestID(s.rand), body: in.MessageBody, sender: sender(c.Principal),
		fields: in.MessageAttributes, group: in.MessageGroupId, dataKey: dataKey,
		arrives: now, sent: now, visible: now.Add(delay), delayed: delay > 0,
	}
	if trace, ok := in.MessageSystemAttributes["AWSTraceHeader"]; ok {
		m.trace = trace.StringValue
	}
	q.add(m, len(q.messages))
	return &sent{
		Id:                           in.Id,
		MessageId:                    m.id,
		MD5OfMessageBody:             md5Hex([]byte(m.body)),
		MD5OfMessageAttributes:       md5OfAttributes(in.MessageAttributes),
		MD5OfMessageSystemAttributes: md5OfAttributes(in.MessageSystemAttributes),
	}, nil
}

func (in sending) size() int {
	n := len(in.MessageBody)
	for name, v := range in.MessageAttributes {
		n += len(name) + len(v.DataType) + len(v.StringValue) + len(v.BinaryValue)
	}
	return n
}

func (in sending) check(q *queue) error {
	if in.MessageBody == "" {
		return errMissing("MessageBody")
	}
	if limit := q.attributes.number("MaximumMessageSize"); in.size() > limit {
		return errParameter("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", limit)
	}
	if d := in.DelaySeconds; d != nil && (*d < 0 || *d > 900) {
		return errParameter("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", *d)
	}
	if in.MessageDeduplicationId != "" {
		return errParameter("Value %s for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter that is not valid for this queue type.",
			in.MessageDeduplicationId)
	}
	for _, r := range in.MessageBody {
		if !allowedCharacter(r) {
			return kernel.Errorf(http.StatusBadRequest, "InvalidMessageContents",
				"Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
		}
	}
	for name := range in.MessageSystemAttributes {
		if name != "AWSTraceHeader" {
			return errParameter("Message system attribute name '%s' is invalid.", name)
		}
	}
	return checkAttributes(in.MessageAttributes)
}

func allowedCharacter(r rune) bool {
	switch {
	case r == 0x9, r == 0xA, r == 0xD:
		return true
	case r >= 0x20 && r <= 0xD7FF, r >= 0xE000 && r <= 0xFFFD, r >= 0x10000 && r <= 0x10FFFF:
		return true
	}
	return false
}

// sender returns the SenderId that receivers see.
func sender(p *kernel.Principal) string {
	switch {
	case p == nil:
		return "ANONYMOUS"
	case p.Service != "":
		return p.Service
	}
	return p.UserID
}

var batchID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// batch executes an operation for each entry, and returns a result that has the
// failed entries too. It returns an error, and executes none, if the batch
// itself is invalid.
func batch[E any](entries []E, kind string, id func(E) string, do func(E) (any, error)) (any, error) {
	bad := func(code, format string, args ...any) (any, error) {
		return nil, kernel.Errorf(http.StatusBadRequest, code, format, args...)
	}
	if len(entries) == 0 {
		return bad("EmptyBatchRequest", "There should be at least one %s in the request.", kind)
	}
	if len(entries) > 10 {
		return bad("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent %d.", len(entries))
	}
	seen := map[string]bool{}
	for _, e := range entries {
		switch name := id(e); {
		case !batchID.MatchString(name):
			return bad("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		case seen[name]:
			return bad("BatchEntryIdsNotDistinct", "Id %s repeated.", name)
		default:
			seen[name] = true
		}
	}
	type failure struct {
		Id          string
		SenderFault bool
		Code        string
		Message     string
	}
	var out struct {
		Successful []any     `json:",omitempty"`
		Failed     []failure `json:",omitempty"`
	}
	for _, e := range entries {
		result, err := do(e)
		if err == nil {
			out.Successful = append(out.Successful, result)
			continue
		}
		code, text := "InternalFailure", err.Error()
		if aws, ok := err.(*kernel.Error); ok { //nolint:errorlint // only our own errors are entries' errors
			code, text = aws.Code, aws.Message
		}
		out.Failed = append(out.Failed, failure{Id: id(e), SenderFault: true, Code: code, Message: text})
	}
	return out, nil
}
