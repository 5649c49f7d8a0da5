// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"encoding/json"
	"regexp"
	"sync"
)

// A self-test is a message that the vendor sends through a topic of its own to check
// that it arrives, because SNS silently drops messages that the queue's policy
// refuses (aws-facts 12.13). It requests nothing, and contains only a nonce that no
// other sender knows beforehand.

const selfTestField = "XacctSelfTest"

var noncePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{32}$`) })

// SelfTestMessage returns the message to publish. The nonce must have 32 lower-case
// hexadecimal digits.
func SelfTestMessage(nonce string) string {
	text, _ := json.Marshal(map[string]string{selfTestField: nonce}) // encoding strings never fails
	return string(text)
}

// SelfTest returns the nonce of a message that is a self-test; ok is false for every
// other message.
func (e Envelope) SelfTest() (nonce string, ok bool) {
	fields, err := decodeObject([]byte(e.Message))
	if err != nil || len(fields) != 1 {
		return "", false
	}
	nonce = text(fields[selfTestField])
	return nonce, noncePattern().MatchString(nonce)
}
