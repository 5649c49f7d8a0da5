// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"strings"
	"testing"
	"time"
)

func TestTheLargestMessageIsDecoded(t *testing.T) {
	body := capture(t, "create")
	body += strings.Repeat(" ", MaxMessage-len(body))
	if _, err := Decode([]byte(body)); err != nil {
		t.Errorf("%d bytes: %v", len(body), err)
	}
	if _, err := Decode([]byte(body + " ")); err == nil {
		t.Errorf("%d bytes are read", len(body)+1)
	}
}

func TestTheLongestPhysicalIDIsAccepted(t *testing.T) {
	if err := checkPhysicalID(strings.Repeat("x", maxPhysicalID)); err != nil {
		t.Error(err)
	}
	if checkPhysicalID(strings.Repeat("x", maxPhysicalID+1)) == nil {
		t.Error("a longer one is accepted")
	}
}

func TestTheDeepestObjectIsDecoded(t *testing.T) {
	nested := func(depth int) string { return `{"x":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}` }
	if _, err := decodeObject([]byte(nested(maxDepth))); err != nil {
		t.Error(err)
	}
	if _, err := decodeObject([]byte(nested(maxDepth + 1))); err == nil {
		t.Error("a deeper one is read")
	}
}

func TestTheShortestAndTheLongestTimeoutAreAccepted(t *testing.T) {
	for seconds, want := range map[string]time.Duration{"1": time.Second, "3600": time.Hour, "0": 0, "3601": 0} {
		if got := timeout(map[string]any{"ServiceTimeout": seconds}); got != want {
			t.Errorf("%s seconds are %s", seconds, got)
		}
	}
}

func TestATimestampIsInUTC(t *testing.T) {
	body := strings.Replace(capture(t, "create"), "2016-04-19T22:03:16.248Z", "2016-04-20T00:03:16.248+02:00", 1)
	envelope, err := DecodeEnvelope([]byte(body))
	if err != nil || envelope.Timestamp.Location() != time.UTC || envelope.Timestamp.Hour() != 22 {
		t.Errorf("%s, %v", envelope.Timestamp, err)
	}
}

func TestTheLongestResponseURLIsAccepted(t *testing.T) {
	stack := stackIn(t, "aws", "eu-central-1")
	url := "https://" + bucket + "eucentral1.s3.eu-central-1.amazonaws.com" + path + signed
	for add, want := range map[string]bool{
		strings.Repeat("x", maxURL-len(url)):   true,
		strings.Repeat("x", maxURL-len(url)+1): false,
		"~":                                    true, "\\": false, "\x7f": false, "ü": false, "#": false, "#x": false,
	} {
		if _, err := ParseResponseURL(url+add, stack, "PhoneHome", "req-1"); (err == nil) != want {
			t.Errorf("%d bytes that end with %q: %v", len(url+add), add[len(add)-1:], err)
		}
	}
}

// us-east-1 has a global host name too.
func TestUSEast1HasOnlyTwoHostNames(t *testing.T) {
	stack := stackIn(t, "aws", "us-east-1")
	for _, host := range []string{bucket + "useast1.s3.evil.example", "evil.example", bucket + "useast2.s3.amazonaws.com", bucket + "useast1.s3.amazonaws.com.evil.example"} {
		url := "https://" + host + strings.ReplaceAll(path, "eu-central-1", "us-east-1") + signed
		if _, err := ParseResponseURL(url, stack, "PhoneHome", "req-1"); err == nil {
			t.Errorf("%s is accepted", host)
		}
	}
}

func TestASuccessNeedsNoReason(t *testing.T) {
	body, err := answer(func(r *Response) { r.Status, r.Reason = Success, "" }).Encode()
	if err != nil || strings.Contains(string(body), "Reason") {
		t.Errorf("%s, %v", body, err)
	}
}

func TestAReasonThatJustFitsIsNotTruncated(t *testing.T) {
	length := func(n int) int {
		body, err := answer(func(r *Response) { r.Reason = strings.Repeat("x", n) }).encode()
		if err != nil {
			t.Fatal(err)
		}
		return len(body)
	}
	room := MaxResponse - length(0) - len(`"Reason":"",`)
	if length(room) != MaxResponse {
		t.Fatalf("%d bytes", length(room))
	}
	for n, whole := range map[int]bool{room: true, room + 1: false} {
		body, err := answer(func(r *Response) { r.Reason = strings.Repeat("x", n) }).Encode()
		if err != nil || len(body) != MaxResponse && !whole || strings.Contains(string(body), "…") == whole {
			t.Errorf("a reason of %d bytes: %d bytes, %v", n, len(body), err)
		}
	}
}
