// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// MaxMessage is the largest message that is decoded, in bytes: SNS's own limit unless
// a topic raises it (aws-facts 5.8).
const MaxMessage = 256 << 10

// MalformedError indicates that a message is not a phone-home. Receiving it again
// would not help, so it belongs in the dead-letter queue.
type MalformedError struct{ Reason string }

func (e *MalformedError) Error() string { return "not a phone-home: " + e.Reason }

// malformed returns a *MalformedError with a formatted reason.
func malformed(format string, args ...any) error {
	return &MalformedError{Reason: fmt.Sprintf(format, args...)}
}

// Decode returns the custom-resource request in a queue message. Any error is a
// *MalformedError.
//
// Decode is strict about the values that identify the request, because they are
// copied into the answer and into keys of the registry. It is lenient about
// everything else: unknown fields are ignored (aws-facts 1.2), and a property of the
// wrong type becomes an empty one, which onboarding answers with a message for the
// customer.
func Decode(body []byte) (Request, error) {
	envelope, err := DecodeEnvelope(body)
	if err != nil {
		return Request{}, err
	}
	return envelope.Request()
}

// The forms of the identifiers. All observed request IDs are GUIDs. They become part
// of keys in the registry, so no other form is accepted.
var (
	logicalIDPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`) })
	requestIDPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9-]{1,128}$`) })
)

// maxPhysicalID is CloudFormation's own limit, in bytes (aws-facts 1.7).
const maxPhysicalID = 1024

// Request decodes the request in the envelope's message. Any error is a
// *MalformedError.
func (e Envelope) Request() (Request, error) {
	fields, err := decodeObject([]byte(e.Message))
	if err != nil {
		return Request{}, malformed("the custom-resource request: %s", err)
	}
	request := Request{
		Type:      RequestType(text(fields["RequestType"])),
		Topic:     e.TopicARN,
		SentAt:    e.Timestamp,
		RequestID: text(fields["RequestId"]),
		LogicalID: text(fields["LogicalResourceId"]),
	}
	if !slices.Contains([]RequestType{Create, Update, Delete}, request.Type) {
		return Request{}, malformed("RequestType is %q, not Create, Update or Delete", clip(string(request.Type)))
	}
	if !requestIDPattern().MatchString(request.RequestID) {
		return Request{}, malformed("invalid RequestId %q", clip(request.RequestID))
	}
	if !logicalIDPattern().MatchString(request.LogicalID) {
		return Request{}, malformed("invalid LogicalResourceId %q", clip(request.LogicalID))
	}
	if request.Stack, err = account.ParseStackARN(text(fields["StackId"])); err != nil {
		return Request{}, malformed("StackId: %s", err)
	}
	if request.Stack.Region != e.TopicARN.Region {
		// A custom resource can only call a topic in its own Region (aws-facts 1.6).
		return Request{}, malformed("the stack is in %s, but the topic in %s", request.Stack.Region, e.TopicARN.Region)
	}
	if request.Type != Create { // a Create never has a physical ID (aws-facts 1.1)
		request.PhysicalID = text(fields["PhysicalResourceId"])
		if err := checkPhysicalID(request.PhysicalID); err != nil {
			return Request{}, malformed("PhysicalResourceId: %s", err)
		}
	}
	request.ResponseURL, err = ParseResponseURL(text(fields["ResponseURL"]), request.Stack, request.LogicalID, request.RequestID)
	if err != nil {
		return Request{}, malformed("%s", err)
	}
	request.Properties = properties(fields["ResourceProperties"])
	if request.Type == Update {
		request.OldProperties = properties(fields["OldResourceProperties"])
	}
	request.Timeout = timeout(fields)
	return request, nil
}

// checkPhysicalID returns an error if a physical ID is empty, too long or not clean.
func checkPhysicalID(id string) error {
	if id == "" {
		return fmt.Errorf("it is missing")
	}
	if len(id) > maxPhysicalID {
		return fmt.Errorf("it has more than %d bytes", maxPhysicalID)
	}
	if !isClean(id) { // it is returned unchanged in the answer, so it cannot be cleaned
		return fmt.Errorf("it has non-printable characters")
	}
	return nil
}

// Limits in bytes of the properties; a longer value becomes an empty one. The first
// limit is CloudFormation's for a parameter (aws-facts 3.9). A template version is a
// digest that we have made and that the stack reports.
const (
	maxProperty        = 4096
	maxTemplateVersion = 64
)

// properties returns the properties that the stack reports, cleaned.
func properties(v any) Properties {
	fields, _ := v.(map[string]any)
	property := func(name string, limit int) string { return bounded(clean(text(fields[name])), limit) }
	return Properties{
		Hub:                property("Hub", maxProperty),
		ExternalID:         property("ExternalId", maxProperty),
		RoleARN:            property("RoleArn", maxProperty),
		TemplateVersion:    property("TemplateVersion", maxTemplateVersion),
		PreviousExternalID: property("PreviousExternalId", maxProperty),
		GrantedPermissions: permissions(fields["GrantedPermissions"]),
		AdditionalRoleARNs: roleARNs(fields["AdditionalRoleArns"]),
		Parameters:         texts(fields["Parameters"], parameterLimits),
		Reported:           texts(fields["Reported"], reportedLimits),
	}
}

// maxPermissions is the maximum number of granted permissions that are kept.
//
// Granted permissions are only a report, and never a reason to trust the sender. They
// may differ from those in the current template: a stack that was created from an
// older one still has what that one granted. So everything is kept that any template
// of ours could report: keys of optional permissions, each once, and as many as a
// template may have.
const maxPermissions = 50

var permissionPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`) })

func permissions(v any) []string {
	list, _ := v.([]any)
	var names []string
	for _, item := range list {
		if name := text(item); permissionPattern().MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return slices.Clip(names[:min(len(names), maxPermissions)])
}

// maxAdditionalRoles is more than the number of additional roles that a template may
// have.
const maxAdditionalRoles = 20

// roleARNs returns the ARNs of additional roles as text, by their keys in the
// template. onboarding answers an invalid ARN with a message for the customer.
func roleARNs(v any) map[string]string {
	fields, _ := v.(map[string]any)
	arns := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if permissionPattern().MatchString(key) && len(arns) < maxAdditionalRoles {
			arns[key] = bounded(clean(text(fields[key])), maxProperty)
		}
	}
	if len(arns) == 0 {
		return nil
	}
	return arns
}

// textLimits limits a map of texts by the vendor's names for them: to what a template
// of ours could send. An empty value counts as absent.
type textLimits struct{ names, each, together int } // bytes

var (
	parameterLimits = textLimits{50, maxProperty, 16 << 10} // parameters that a customer entered
	reportedLimits  = textLimits{20, 1024, 8 << 10}         // outputs that a stack reports
)

// texts returns values to show, from any publisher: with valid keys, and cleaned text
// within the limits.
func texts(v any, most textLimits) map[string]string {
	fields, _ := v.(map[string]any)
	values, size := map[string]string{}, 0
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		value := truncate(clean(text(fields[key])), most.each)
		if value == "" || !permissionPattern().MatchString(key) {
			continue
		}
		if size += len(value); len(values) == most.names || size > most.together {
			break
		}
		values[key] = value
	}
	if len(values) == 0 {
		return nil
	}
	return values
}

// timeout parses ServiceTimeout, which real messages contain twice, as a string or a
// number (aws-facts 1.2, 1.4, 1.5). It returns 0 if the value is missing or out of
// range.
func timeout(fields map[string]any) time.Duration {
	inner, _ := fields["ResourceProperties"].(map[string]any)
	for _, v := range []any{fields["ServiceTimeout"], inner["ServiceTimeout"]} {
		s := text(v)
		if number, ok := v.(json.Number); ok {
			s = number.String()
		}
		if seconds, err := strconv.Atoi(s); err == nil && seconds >= 1 && seconds <= 3600 {
			return time.Duration(seconds) * time.Second
		}
	}
	return 0
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
