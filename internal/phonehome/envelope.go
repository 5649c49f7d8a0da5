// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// Envelope is the JSON object in which SNS delivers a message to a queue (aws-facts
// 1.3). It contains SNS's statement of the topic and the time, but not who published
// the message (1.21). The fields that the signature covers are kept unchanged.
type Envelope struct {
	MessageID string
	TopicARN  account.TopicARN
	Subject   string
	Message   string
	Timestamp time.Time

	SignatureVersion string
	Signature        string
	SigningCertURL   string

	// RawTopicARN and RawTimestamp are the signed texts, unchanged (aws-facts 5.9).
	RawTopicARN  string
	RawTimestamp string
	HasSubject   bool
}

// DecodeEnvelope decodes the envelope in a queue message. Any error is a
// *MalformedError.
func DecodeEnvelope(body []byte) (Envelope, error) {
	if len(body) > MaxMessage {
		return Envelope{}, malformed("the message has %d bytes, more than %d", len(body), MaxMessage)
	}
	fields, err := decodeObject(body)
	if err != nil {
		return Envelope{}, malformed("the SNS envelope: %s", err)
	}
	if _, raw := fields["RequestType"]; raw {
		// Without the envelope the topic and the time are unknown.
		return Envelope{}, malformed("it has no SNS envelope: raw message delivery is on for this subscription and must be off")
	}
	if kind := text(fields["Type"]); kind != "Notification" {
		return Envelope{}, malformed("the envelope's Type is %q, not Notification", clip(kind))
	}
	_, hasSubject := fields["Subject"].(string)
	envelope := Envelope{
		MessageID:        text(fields["MessageId"]),
		Subject:          text(fields["Subject"]),
		HasSubject:       hasSubject,
		Message:          text(fields["Message"]),
		SignatureVersion: text(fields["SignatureVersion"]),
		Signature:        text(fields["Signature"]),
		SigningCertURL:   text(fields["SigningCertURL"]),
		RawTopicARN:      text(fields["TopicArn"]),
		RawTimestamp:     text(fields["Timestamp"]),
	}
	if envelope.TopicARN, err = account.ParseTopicARN(envelope.RawTopicARN); err != nil {
		return Envelope{}, malformed("TopicArn: %s", err)
	}
	envelope.Timestamp, err = time.Parse(time.RFC3339Nano, envelope.RawTimestamp)
	if err != nil {
		return Envelope{}, malformed("invalid Timestamp %q", clip(envelope.RawTimestamp))
	}
	envelope.Timestamp = envelope.Timestamp.UTC()
	return envelope, nil
}
