// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"encoding/json"
	"regexp"
	"sync"
)

// A self-test is a message that the vendor sends through a topic of its own, to
// see whether it arrives: SNS silently loses what a policy refuses
// (aws-facts 12.13). It asks for nothing, and contains only a nonce, which only
// the sender knows beforehand.

const selfTestField = "XacctSelfTest"

var noncePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{32}$`) })

// SelfTestMessage returns the message to publish; the nonce has 32 hexadecimal
// digits.
func SelfTestMessage(nonce string) string {
	text, _ := json.Marshal(map[string]string{selfTestField: nonce}) // texts always encode
	return string(text)
}

// SelfTest returns the nonce of a message that is a self-test and nothing else;
// ok is false for every other message.
func (e Envelope) SelfTest() (nonce string, ok bool) {
	fields, err := decodeObject([]byte(e.Message))
	if err != nil || len(fields) != 1 {
		return "", false
	}
	nonce = text(fields[selfTestField])
	return nonce, noncePattern().MatchString(nonce)
}
