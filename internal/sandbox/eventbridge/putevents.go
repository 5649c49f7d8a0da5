// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package eventbridge

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sqs"
)

// entry is one event as a caller sends it.
type entry struct {
	Source       string
	DetailType   string
	Detail       string
	EventBusName string
	Resources    []string
	Time         *float64 // seconds since 1970
}

// result is the outcome of an entry.
type result struct {
	EventId      string `json:",omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

const (
	maxEntries = 10
	maxBytes   = 1 << 20 // of all entries (aws-facts 11.1)
)

// putEvents accepts or refuses every entry separately. A missing permission, or
// too many entries, fails the whole request.
func (s *Service) putEvents(c *kernel.Call) (any, error) {
	var in struct{ Entries []entry }
	if err := kernel.DecodeJSON(c, &in); err != nil {
		return nil, err
	}
	if n := len(in.Entries); n == 0 || n > maxEntries {
		return nil, invalid("1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and %d", maxEntries)
	}
	size := 0
	keys := make([]busKey, len(in.Entries))
	for i, e := range in.Entries {
		size += e.size()
		key, err := parseBus(c, e.EventBusName)
		if err != nil {
			return nil, err
		}
		context := map[string][]string{"events:source": {e.Source}, "events:detail-type": {e.DetailType}}
		if err := s.allow(c, "PutEvents", key, context); err != nil {
			return nil, err
		}
		keys[i] = key
	}
	if size > maxBytes {
		return nil, invalid("Total size of the entries in the request is over the limit.")
	}

	var out struct {
		FailedEntryCount int
		Entries          []result
	}
	var deliveries []sqs.Delivery
	defer func() { s.dispatch(c, deliveries) }() // after the lock is released: SQS calls the authorizer and KMS
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.journal)
	for i, e := range in.Entries {
		r := s.put(keys[i], e)
		if r.ErrorCode != "" {
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, r)
	}
	for _, event := range s.journal[before:] {
		deliveries = append(deliveries, s.deliveries(event)...)
	}
	return out, nil
}

// put adds an event to the journal, or refuses it, and returns the result of the
// entry. The caller holds the lock.
func (s *Service) put(key busKey, e entry) result {
	if code, message := e.validate(); code != "" {
		return result{ErrorCode: code, ErrorMessage: message}
	}
	at := s.clock.Now()
	if e.Time != nil {
		seconds, fraction := math.Modf(*e.Time)
		at = time.Unix(int64(seconds), int64(fraction*1e9)).UTC()
	}
	event := Event{
		Version: "0", ID: kernel.NewRequestID(s.rand), DetailType: e.DetailType, Source: e.Source,
		Account: key.account, Time: at.Format("2006-01-02T15:04:05Z"), Region: key.region,
		Resources: append([]string{}, e.Resources...), Detail: json.RawMessage(e.Detail),
		Bus: key.arn(), Dropped: !s.exists(key),
	}
	if s.refuse != nil {
		if code := s.refuse(event); code != "" {
			return result{ErrorCode: code, ErrorMessage: "A test made this entry fail."}
		}
	}
	s.journal = append(s.journal, event)
	return result{EventId: event.ID}
}

// validate returns AWS's error for an invalid entry, or "" for a valid one.
func (e entry) validate() (code, message string) {
	var object map[string]any
	switch {
	case e.Source == "":
		return "InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."
	case e.DetailType == "":
		return "InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType is a required argument."
	case e.Detail == "":
		return "InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument."
	case json.Unmarshal([]byte(e.Detail), &object) != nil:
		return "MalformedDetail", "Detail is malformed."
	case strings.HasPrefix(e.Source, "aws."):
		return "NotAuthorizedForSourceException", "Not authorized for the source."
	}
	return "", ""
}

// size returns an entry's size as AWS counts it, in bytes.
func (e entry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	for _, r := range e.Resources {
		n += len(r)
	}
	if e.Time != nil {
		n += 14
	}
	return n
}
