// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"strings"
	"testing"
)

func TestOnlyASelfTestIsRecognised(t *testing.T) {
	nonce := strings.Repeat("0f", 16)
	if got, ok := (Envelope{Message: SelfTestMessage(nonce)}).SelfTest(); !ok || got != nonce {
		t.Errorf("got %q, %t", got, ok)
	}
	for name, message := range map[string]string{
		"nothing":         "",
		"text":            "hello",
		"a list":          `["` + nonce + `"]`,
		"another field":   `{"RequestType":"Create"}`,
		"more":            `{"XacctSelfTest":"` + nonce + `","RequestType":"Delete"}`,
		"no nonce":        `{"XacctSelfTest":""}`,
		"a number":        `{"XacctSelfTest":7}`,
		"capital letters": `{"XacctSelfTest":"` + strings.ToUpper(nonce) + `"}`,
		"a longer nonce":  `{"XacctSelfTest":"` + nonce + `0"}`,
	} {
		if got, ok := (Envelope{Message: message}).SelfTest(); ok {
			t.Errorf("%s: accepted as the self-test %q", name, got)
		}
	}
}
