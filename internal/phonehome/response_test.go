// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func answer(change func(*Response)) Response {
	r := Response{Status: Failed, Reason: "because", PhysicalResourceID: "xacct-1", StackID: "stack", RequestID: "request", LogicalResourceID: "PhoneHome"}
	change(&r)
	return r
}

func TestAnAnswerIsEncodedForCloudFormation(t *testing.T) {
	got, err := answer(func(r *Response) { r.Reason = "a < b & c" }).Encode()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"Status":"FAILED","Reason":"a < b & c","PhysicalResourceId":"xacct-1","StackId":"stack","RequestId":"request","LogicalResourceId":"PhoneHome"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestALongReasonIsTruncatedBetweenCharacters(t *testing.T) {
	for _, reason := range []string{
		strings.Repeat("x", 10_000), strings.Repeat("ü", 5000), strings.Repeat("🦉", 3000), strings.Repeat("\"", 4000),
		strings.Repeat("\u2028", 4000), strings.Repeat("a🦉\n", 2000), strings.Repeat("\x01", 5000),
	} {
		for pad := range 4 {
			body, err := answer(func(r *Response) { r.Reason = strings.Repeat("-", pad) + reason }).Encode()
			if err != nil {
				t.Fatal(err)
			}
			if len(body) > MaxResponse || !utf8.Valid(body) {
				t.Fatalf("%d bytes, UTF-8 %v", len(body), utf8.Valid(body))
			}
			var back Response
			if err := json.Unmarshal(body, &back); err != nil {
				t.Fatal(err)
			}
			kept, cut := strings.CutSuffix(back.Reason, "…")
			if !cut || kept == "" || !strings.HasPrefix(strings.Repeat("-", pad)+reason, kept) {
				t.Errorf("the reason became %q", back.Reason)
			}
		}
	}
}

func TestAnAnswerThatCloudFormationWouldNotAcceptIsNotSent(t *testing.T) {
	for name, r := range map[string]Response{
		"no status":            answer(func(r *Response) { r.Status = "" }),
		"FAILED, no reason":    answer(func(r *Response) { r.Reason = "" }),
		"no physical ID":       answer(func(r *Response) { r.PhysicalResourceID = "" }),
		"a long physical ID":   answer(func(r *Response) { r.PhysicalResourceID = strings.Repeat("x", 1025) }),
		"no stack":             answer(func(r *Response) { r.StackID = "" }),
		"no request":           answer(func(r *Response) { r.RequestID = "" }),
		"no resource":          answer(func(r *Response) { r.LogicalResourceID = "" }),
		"data that is too big": answer(func(r *Response) { r.Data = map[string]string{"x": strings.Repeat("x", 5000)} }),
	} {
		if body, err := r.Encode(); err == nil {
			t.Errorf("%s: sent %s", name, body)
		}
	}
}

func TestTheLargestAnswerFits(t *testing.T) {
	body, err := answer(func(r *Response) {
		r.PhysicalResourceID = strings.Repeat("\"", 1024)
		r.StackID, r.RequestID, r.LogicalResourceID = strings.Repeat("s", 400), strings.Repeat("r", 128), strings.Repeat("l", 255)
		r.Reason = strings.Repeat("because ", 1000)
	}).Encode()
	if err != nil || len(body) > MaxResponse || !strings.Contains(string(body), "because because") {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}
