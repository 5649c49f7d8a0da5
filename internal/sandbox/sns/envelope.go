// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// envelope returns the body that a queue receives: the message wrapped in a
// signed JSON document, with its members in AWS's order (aws-facts 1.3).
func (s *Service) envelope(p *publication, sub *subscription) (string, error) {
	timestamp := p.at.UTC().Format("2006-01-02T15:04:05.000Z")
	arn := p.topic.arn()
	signature, err := s.signer.sign(p.version, stringToSign([]member{
		{"Message", p.message},
		{"MessageId", p.id},
		{"Subject", p.subject},
		{"Timestamp", timestamp},
		{"TopicArn", arn},
		{"Type", "Notification"},
	}))
	if err != nil {
		return "", err
	}
	certificate, err := s.signer.certificate(p.topic.region)
	if err != nil {
		return "", err
	}
	host := "https://sns." + p.topic.region + "." + kernel.URLSuffix(p.topic.region)
	text := writeObject([]member{
		{"Type", "Notification"},
		{"MessageId", p.id},
		{"TopicArn", arn},
		{"Subject", p.subject},
		{"Message", p.message},
		{"Timestamp", timestamp},
		{"SignatureVersion", p.version},
		{"Signature", base64.StdEncoding.EncodeToString(signature)},
		{"SigningCertURL", host + certificate.path},
		{"UnsubscribeURL", host + "/?Action=Unsubscribe&SubscriptionArn=" + sub.arn},
	}, p.shownAttributes())
	return text, nil
}

// member is a name and a value. It is omitted if the value is empty.
type member struct{ name, value string }

// stringToSign returns the text that is signed: each name and each value on its
// own line (aws-facts 5.9).
func stringToSign(members []member) string {
	var b strings.Builder
	for _, m := range members {
		if m.value != "" {
			b.WriteString(m.name + "\n" + m.value + "\n")
		}
	}
	return b.String()
}

// writeObject returns a JSON object with the same spaces as SNS. attributes is
// JSON, or empty.
func writeObject(members []member, attributes string) string {
	var lines []string
	for _, m := range members {
		if m.value != "" {
			lines = append(lines, "  "+quote(m.name)+" : "+quote(m.value))
		}
	}
	if attributes != "" {
		lines = append(lines, `  "MessageAttributes" : `+attributes)
	}
	return "{\n" + strings.Join(lines, ",\n") + "\n}"
}

// quote returns a JSON string without the escapes that only HTML needs.
func quote(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return `""` // not reached: a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// shownAttributes returns the JSON of the message attributes in the envelope,
// or an empty string if there are none.
func (p *publication) shownAttributes() string {
	if len(p.attributes) == 0 {
		return ""
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(p.attributes)) {
		a := p.attributes[name]
		value := a.StringValue
		if len(a.BinaryValue) > 0 {
			value = base64.StdEncoding.EncodeToString(a.BinaryValue)
		}
		all = append(all, "    "+quote(name)+` : {"Type":`+quote(a.DataType)+`,"Value":`+quote(value)+"}")
	}
	return "{\n" + strings.Join(all, ",\n") + "\n  }"
}
