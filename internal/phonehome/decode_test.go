// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func capture(t testing.TB, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// The messages have the shape that was captured on AWS (aws-facts 1.2, 1.3, 2.2). The golden files
// have the decoded requests.
func TestRealMessagesAreDecoded(t *testing.T) {
	for _, name := range []string{"create", "update", "delete", "odd-properties"} {
		t.Run(name, func(t *testing.T) {
			request, err := Decode([]byte(capture(t, name)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(request, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			path := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if string(want) != string(got) {
				t.Errorf("got %s\nwant %s", got, want)
			}
		})
	}
}

func TestInvalidMessagesAreRefusedWithTheReason(t *testing.T) {
	create := capture(t, "create")
	swap := func(old, new string) string {
		if !strings.Contains(create, old) {
			t.Fatalf("the capture has no %s", old)
		}
		return strings.ReplaceAll(create, old, new)
	}
	var envelope map[string]any
	if err := json.Unmarshal([]byte(create), &envelope); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, body, reason string }{
		{"nothing", "", "truncated"},
		{"not JSON", "hello", "invalid character"},
		{"an array", "[]", "not a JSON object"},
		{"truncated", create[:len(create)/2], "truncated"},
		{"text after it", create + "{}", "unexpected data"},
		{"not UTF-8", swap("AWS CloudFormation", "AWS \xff"), "UTF-8"},
		{"too large", swap("EXAMPLEpH", strings.Repeat("x", MaxMessage)), "more than 262144"},
		{"too deep", swap(`"Type":"Notification"`, `"Type":"Notification","x":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)), "nested deeper"},
		{"raw delivery", envelope["Message"].(string), "raw message delivery"},
		{"another kind of message", swap(`"Type":"Notification"`, `"Type":"SubscriptionConfirmation"`), "SubscriptionConfirmation"},
		{"a repeated name in the envelope", swap(`"Type":"Notification"`, `"Type":"Notification","Type":"Notification"`), `duplicate name "Type"`},
		{"a repeated name in the request", swap(`\"RequestType\":\"Create\"`, `\"RequestType\":\"Create\",\"RequestType\":\"Delete\"`), `duplicate name "RequestType"`},
		{"a repeated name in the properties", swap(`\"Hub\":\"acme\"`, `\"Hub\":\"acme\",\"Hub\":\"other\"`), `duplicate name "Hub"`},
		{"a name in another case", swap(`\"RequestType\"`, `\"requesttype\"`), "RequestType"},
		{"no topic", swap(`"TopicArn":"arn:aws:sns:us-west-2:111122223333:xacct-acme-0"`, `"TopicArn":""`), "TopicArn"},
		{"no time", swap("2016-04-19T22:03:16.248Z", "yesterday"), "Timestamp"},
		{"an unknown request", swap(`\"Create\"`, `\"Destroy\"`), "Destroy"},
		{"a request ID with a separator", swap(`\"RequestId\":\"e8d1e1c6`, `\"RequestId\":\"e8|d1e1c6`), "RequestId"},
		{"no request ID", swap(`\"RequestId\":\"e8d1e1c6-6d1c-4a3c-8a2c-9d6c8d9f5a11\"`, `\"RequestId\":7`), "RequestId"},
		{"a logical ID with a path", swap(`\"LogicalResourceId\":\"PhoneHome\"`, `\"LogicalResourceId\":\"../PhoneHome\"`), "LogicalResourceId"},
		{"no stack", swap(`\"StackId\":\"arn:aws:cloudformation`, `\"StackId\":\"arn:aws:s3`), "StackId"},
		{"a stack of another Region", swap(`arn:aws:sns:us-west-2`, `arn:aws:sns:eu-west-1`), "but the topic in eu-west-1"},
		{"an Update without physical ID", swap(`\"Create\"`, `\"Update\"`), "PhysicalResourceId: it is missing"},
		{"a Delete with a control character", swap(`\"RequestType\":\"Create\"`, `\"RequestType\":\"Delete\",\"PhysicalResourceId\":\"a\\u0000b\"`), "non-printable"},
		{"a Delete with a mark of direction", swap(`\"RequestType\":\"Create\"`, `\"RequestType\":\"Delete\",\"PhysicalResourceId\":\"a\\u202eb\"`), "non-printable"},
		{"a Delete with a long physical ID", swap(`\"RequestType\":\"Create\"`, `\"RequestType\":\"Delete\",\"PhysicalResourceId\":\"`+strings.Repeat("x", 1025)+`\"`), "more than 1024"},
		{"another host for the answer", swap("https://cloudformation-custom-resource-response-uswest2.s3-us-west-2.amazonaws.com", "https://evil.example"), "evil.example"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Decode([]byte(test.body))
			var bad *MalformedError
			if !errors.As(err, &bad) {
				t.Fatalf("got %v, want a *MalformedError", err)
			}
			if !strings.Contains(err.Error(), test.reason) {
				t.Errorf("got %q, want an error with %q", err, test.reason)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("the reason has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestPropertiesTooLongToStoreAreEmpty(t *testing.T) {
	long := strings.Repeat("x", maxProperty+1)
	body := strings.Replace(capture(t, "create"), "f39e9c39a04c2bd5386a5f7b59d2aae7cd7ba9a3", long, 1)
	request, err := Decode([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if request.Properties.ExternalID != "" || request.Properties.Hub != "acme" {
		t.Errorf("got %+v", request.Properties)
	}
}

func TestUnprintableCharactersInPropertiesAreReplaced(t *testing.T) {
	hostile := map[string]string{
		"an escape sequence":      "a\x1b[31mb",
		"a backspace":             "a\bb",
		"DEL":                     "a\x7fb",
		"C1, which is CSI alone":  "a\u009bb",
		"C1, NEL":                 "a\u0085b",
		"a line break":            "a\nb",
		"right-to-left override":  "a\u202eb",
		"right-to-left isolate":   "a\u2067b",
		"right-to-left mark":      "a\u200fb",
		"Arabic letter mark":      "a\u061cb",
		"a zero-width space":      "a\u200bb",
		"a line separator":        "a\u2028b",
		"a private character":     "a\ue000b",
		"a byte order mark":       "a\ufeffb",
		"half a surrogate's code": "a\ufffdb",
	}
	for name, text := range hostile {
		got := properties(map[string]any{"Hub": text, "ExternalId": text, "RoleArn": text, "TemplateVersion": text, "GrantedPermissions": []any{text}})
		for _, s := range []string{got.Hub, got.ExternalID, got.RoleARN, got.TemplateVersion} {
			if !isClean(s) || !strings.HasPrefix(s, "a") || !strings.HasSuffix(s, "b") {
				t.Errorf("%s: %q", name, s)
			}
		}
		if got.GrantedPermissions != nil {
			t.Errorf("%s: %q", name, got.GrantedPermissions)
		}
	}
	for _, text := range []string{"5d1f0c9b8a7e6f5d", "arn:aws:iam::222222222222:role/acme-globex", "Bücher, 本 <&>"} {
		if got := clean(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestPropertiesAreLimitedInLength(t *testing.T) {
	for limit, name := range map[int]string{maxProperty: "RoleArn", maxTemplateVersion: "TemplateVersion"} {
		value := func(s string) string {
			p := properties(map[string]any{name: s})
			return p.RoleARN + p.TemplateVersion
		}
		if fits := strings.Repeat("x", limit); value(fits) != fits || value(fits+"x") != "" {
			t.Errorf("%s may have %d bytes, but only %d are kept", name, limit, len(value(fits)))
		}
		// The replacement character has three bytes.
		if got := value(strings.Repeat("\x7f", limit)); got != "" {
			t.Errorf("%s has %d bytes after cleaning", name, len(got))
		}
	}
}

func TestOnlyValidNamesAreGrantedPermissions(t *testing.T) {
	got := permissions([]any{"restart_hosts", "billing", "", "Billing", "a b", "\x1b[31m", "billing", json.Number("7"), nil, strings.Repeat("x", 42), map[string]any{}})
	if want := []string{"billing", "restart_hosts"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var flood []any
	for i := range 5000 {
		flood = append(flood, fmt.Sprintf("p%d", i))
	}
	if got := permissions(flood); len(got) != maxPermissions {
		t.Errorf("of too many names %d are kept", len(got))
	}
	if got := permissions([]any{}); got != nil {
		t.Errorf("an empty list is %#v, want nil as for a missing one", got)
	}
}

func TestTheTimeoutMayBeInEitherPlaceAndOfEitherType(t *testing.T) {
	tests := []struct {
		fields string
		want   string
	}{
		{`{"ServiceTimeout":"900"}`, "15m0s"},
		{`{"ServiceTimeout":900}`, "15m0s"},
		{`{"ResourceProperties":{"ServiceTimeout":"60"}}`, "1m0s"},
		{`{"ServiceTimeout":"900","ResourceProperties":{"ServiceTimeout":"60"}}`, "15m0s"},
		{`{"ServiceTimeout":"soon","ResourceProperties":{"ServiceTimeout":60}}`, "1m0s"},
		{`{"ServiceTimeout":0}`, "0s"},
		{`{"ServiceTimeout":3601}`, "0s"},
		{`{"ServiceTimeout":-1}`, "0s"},
		{`{"ServiceTimeout":1.5}`, "0s"},
		{`{"ServiceTimeout":[900]}`, "0s"},
		{`{}`, "0s"},
	}
	for _, test := range tests {
		fields, err := decodeObject([]byte(test.fields))
		if err != nil {
			t.Fatal(err)
		}
		if got := timeout(fields).String(); got != test.want {
			t.Errorf("%s gives %s, want %s", test.fields, got, test.want)
		}
	}
}

// FuzzRequest fuzzes the message inside an envelope, which FuzzDecode rarely reaches.
func FuzzRequest(f *testing.F) {
	for _, name := range []string{"create", "update", "delete", "odd-properties"} {
		envelope, err := DecodeEnvelope([]byte(capture(f, name)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(envelope.Message)
	}
	f.Add(`{"RequestType":"Create","RequestType":"Delete"}`)
	envelope, err := DecodeEnvelope([]byte(capture(f, "create")))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, message string) {
		envelope.Message = message
		request, err := envelope.Request()
		if err != nil {
			var bad *MalformedError
			if !errors.As(err, &bad) {
				t.Fatalf("%v is not a *MalformedError", err)
			}
			return
		}
		if request.Stack.Region != envelope.TopicARN.Region || (request.Type == Create) != (request.PhysicalID == "") ||
			request.Timeout < 0 || request.Timeout > time.Hour || !logicalIDPattern().MatchString(request.LogicalID) ||
			!requestIDPattern().MatchString(request.RequestID) || !isClean(request.PhysicalID) {
			t.Fatalf("accepted %+v", request)
		}
		for _, p := range []Properties{request.Properties, request.OldProperties} {
			if !isClean(p.Hub+p.ExternalID+p.RoleARN+p.TemplateVersion) || len(p.RoleARN) > maxProperty || len(p.TemplateVersion) > maxTemplateVersion {
				t.Fatalf("accepted the properties %+v", p)
			}
		}
	})
}

// FuzzEnvelope checks that a body is malformed or has a topic.
func FuzzEnvelope(f *testing.F) {
	for _, name := range []string{"create", "update", "delete", "odd-properties"} {
		f.Add([]byte(capture(f, name)))
	}
	f.Add([]byte(`{"Type":"SubscriptionConfirmation"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		envelope, err := DecodeEnvelope(body)
		if err != nil {
			var bad *MalformedError
			if !errors.As(err, &bad) {
				t.Fatalf("%v is not a *MalformedError", err)
			}
			return
		}
		if envelope.TopicARN.IsZero() || len(body) > MaxMessage {
			t.Fatalf("accepted %+v", envelope)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"create", "update", "delete", "odd-properties"} {
		f.Add([]byte(capture(f, name)))
	}
	f.Add([]byte(`{"Type":"Notification"}`))
	f.Add([]byte(`[[[[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		request, err := Decode(body)
		if err != nil {
			var bad *MalformedError
			if !errors.As(err, &bad) {
				t.Fatalf("%v is not a *MalformedError", err)
			}
			return
		}
		again, err := ParseResponseURL(request.ResponseURL.Signed(), request.Stack, request.LogicalID, request.RequestID)
		if err != nil || again != request.ResponseURL {
			t.Fatalf("the response URL does not survive: %v", err)
		}
		answer := Response{
			Status: Failed, Reason: strings.Repeat("because ", 1000), PhysicalResourceID: request.PhysicalID,
			StackID: request.Stack.String(), RequestID: request.RequestID, LogicalResourceID: request.LogicalID,
		}
		if request.Type == Create {
			answer.PhysicalResourceID = "ours"
		}
		if encoded, err := answer.Encode(); err != nil || len(encoded) > MaxResponse {
			t.Fatalf("a request that was decoded cannot be answered: %d bytes, %v", len(encoded), err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	body := []byte(capture(b, "create"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleDecode() {
	_, err := Decode([]byte(`{"RequestType":"Create"}`))
	fmt.Println(err)
	// Output: not a phone-home: it has no SNS envelope: raw message delivery is on for this subscription and must be off
}
