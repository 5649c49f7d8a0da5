// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package account

import (
	"encoding"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// EventBusARN names an EventBridge event bus:
// arn:PARTITION:events:REGION:ACCOUNT:event-bus/NAME.
type EventBusARN struct {
	Region  Region
	Account ID
	Name    string
}

var eventBusNamePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._-]{1,256}$`) })

// ParseEventBusARN returns the ARN of an account's custom or default event bus.
// A partner event bus, with a slash in its name, is refused: it accepts only
// that partner's events (aws-facts 11.3).
func ParseEventBusARN(s string) (EventBusARN, error) {
	fail := func(why string) (EventBusARN, error) {
		return EventBusARN{}, fmt.Errorf("%q is not the ARN of an event bus, such as arn:aws:events:eu-central-1:123456789012:event-bus/default: %s", clip(s), why)
	}
	a, err := splitARN(s, "events")
	if err != nil {
		return fail(err.Error())
	}
	if a.parsedRegion.IsZero() {
		return fail("it has no Region")
	}
	name, ok := strings.CutPrefix(a.resource, "event-bus/")
	if !ok {
		return fail("its resource does not start with event-bus/")
	}
	if !eventBusNamePattern().MatchString(name) {
		return fail("the name of a custom event bus has 1 to 256 letters, digits, and . - _")
	}
	return EventBusARN{Region: a.parsedRegion, Account: a.account, Name: name}, nil
}

// IsZero reports whether b is the zero value, "no event bus".
func (b EventBusARN) IsZero() bool { return b == EventBusARN{} }

func (b EventBusARN) String() string {
	if b.IsZero() {
		return ""
	}
	return fmt.Sprintf("arn:%s:events:%s:%s:event-bus/%s", b.Region.Partition(), b.Region, b.Account, b.Name)
}

var _ encoding.TextUnmarshaler = (*EventBusARN)(nil)

// MarshalText returns the ARN.
func (b EventBusARN) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText parses the ARN; an empty text gives the zero value.
func (b *EventBusARN) UnmarshalText(text []byte) error { return unmarshal(b, text, ParseEventBusARN) }
