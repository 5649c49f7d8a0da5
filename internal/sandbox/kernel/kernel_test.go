// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestQueryParametersAreParsedByShape(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/?Version=1", nil)
	q := ParseQuery(r, []byte("Action=X&Names.member.1=a&Names.member.2=&Names.member.4=lost"+
		"&Tags.member.1.Key=k&Tags.member.1.Value=v%20w&Tags.member.2.Key=l&Tags.member.10.Key=lost"+
		"&Attributes.entry.1.key=Policy&Attributes.entry.1.value=%7B%7D&Empty="))
	if got := q.List("Names"); !reflect.DeepEqual(got, []string{"a", ""}) {
		t.Errorf("list: %q", got)
	}
	if got := q.Structs("Tags"); len(got) != 2 || got[0].Get("Value") != "v w" || got[1].Get("Key") != "l" || got[1].Has("Value") {
		t.Errorf("structures: %v", got)
	}
	if got := q.Map("Attributes"); !reflect.DeepEqual(got, map[string]string{"Policy": "{}"}) {
		t.Errorf("map: %v", got)
	}
	if !q.Has("Empty") || q.Has("Absent") || q.Get("Version") != "1" || QueryAction(r, []byte("Action=X")) != "X" {
		t.Errorf("read as %v", q)
	}
}

func TestAQueryAnswerRoundTrips(t *testing.T) {
	type item struct{ Key, Value string }
	c := &Call{Action: "ListThings", RequestID: "id-1"}
	response, err := QueryResult(c, "urn:x", struct {
		Items []item `xml:"Items>member"`
		Next  string `xml:",omitempty"`
	}{Items: []item{{"a", "<&>"}, {"b", ""}}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `<ListThingsResponse xmlns="urn:x"><ListThingsResult><Items><member><Key>a</Key><Value>&lt;&amp;&gt;</Value></member><member><Key>b</Key><Value></Value></member></Items></ListThingsResult><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></ListThingsResponse>`
	if got := string(response.Body); got != want {
		t.Errorf("got %s", got)
	}
	var out struct {
		Values []string `xml:"Items>member>Value"`
	}
	if err := decodeQueryResult(response.Body, "ListThingsResult", &out); err != nil || !reflect.DeepEqual(out.Values, []string{"<&>", ""}) {
		t.Errorf("parsed as %q, %v", out.Values, err)
	}
	if err := decodeQueryResult(response.Body, "OtherResult", &out); err == nil {
		t.Error("a missing result was found")
	}
	empty, err := QueryResult(c, "urn:x", nil)
	if err != nil || strings.Contains(string(empty.Body), "Result>") {
		t.Errorf("an answer without a result: %s, %v", empty.Body, err)
	}
}

func TestErrorsAreEncodedInEachProtocol(t *testing.T) {
	c := &Call{Action: "X", RequestID: "id-1", Request: httptest.NewRequest(http.MethodGet, "/", nil)}
	fault := &Error{Status: 400, Code: "Bad", Message: "<no>", Fields: map[string]any{"Reasons": []string{"r"}, "Expires": "<now>"}}
	for name, test := range map[string]struct {
		response *Response
		want     string
	}{
		"query":    {QueryError(c, "urn:x", fault), `<ErrorResponse xmlns="urn:x"><Error><Type>Sender</Type><Code>Bad</Code><Message>&lt;no&gt;</Message></Error><RequestId>id-1</RequestId></ErrorResponse>`},
		"JSON":     {JSONError(c, "com.x", fault), `{"Expires":"\u003cnow\u003e","Reasons":["r"],"__type":"com.x#Bad","message":"\u003cno\u003e"}`},
		"rest-xml": {RestXMLError(c, fault), xml.Header + `<Error><Code>Bad</Code><Message>&lt;no&gt;</Message><Expires>&lt;now&gt;</Expires><RequestId>id-1</RequestId></Error>`},
	} {
		if got := string(test.response.Body); got != test.want || test.response.Status != 400 {
			t.Errorf("%s: %d %s", name, test.response.Status, got)
		}
	}
	c.Request.Method = http.MethodHead
	if got := RestXMLError(c, fault); len(got.Body) != 0 {
		t.Errorf("HEAD got a body: %s", got.Body)
	}
}

func TestFaultRulesApplyANumberOfTimesOrAtRandom(t *testing.T) {
	f := NewFaults(7)
	f.Add(FaultRule{Service: "sns", Action: "Publish", Kind: FaultThrottle, Next: 2})
	hits := 0
	for range 5 {
		hits += len(f.Draw(Target{Service: "sns", Action: "Publish", Account: "1"}))
		if got := f.Draw(Target{Service: "sns", Action: "Subscribe", Account: "1"}); got != nil {
			t.Errorf("the rule applied to another action: %v", got)
		}
	}
	if hits != 2 {
		t.Errorf("a rule for two calls applied to %d", hits)
	}
	draw := func(seed uint64) (pattern string) {
		f := NewFaults(seed)
		f.Add(FaultRule{Account: "1", Kind: FaultServerError, Probability: 0.5})
		for range 64 {
			pattern += string("-x"[len(f.Draw(Target{Service: "s3", Action: "GetObject", Account: "1"}))])
		}
		if got := f.Draw(Target{Service: "s3", Action: "GetObject", Account: "2"}); got != nil {
			t.Errorf("the rule applied to another account: %v", got)
		}
		return pattern
	}
	if a, b := draw(1), draw(1); a != b || !strings.Contains(a, "x") || !strings.Contains(a, "-") {
		t.Errorf("with the same seed, the calls that fail are not the same, or are all or none:\n%s\n%s", a, b)
	}
	buckets := NewFaults(1)
	buckets.Add(FaultRule{Bucket: "answers-*", Kind: FaultThrottle, Next: 9})
	buckets.Add(FaultRule{Bucket: "exact", Kind: FaultThrottle, Next: 9})
	for bucket, want := range map[string]int{"answers-1": 1, "answers": 0, "exact": 1, "exactly": 0, "": 0} {
		if got := len(buckets.Draw(Target{Service: "s3", Bucket: bucket})); got != want {
			t.Errorf("%d rules applied to the bucket %q, want %d", got, bucket, want)
		}
	}
	f.Add(FaultRule{Kind: FaultThrottle, Next: 1})
	f.SetDelivery(DeliveryFaults{Duplicate: 1})
	f.Clear()
	if f.Draw(Target{Service: "sns", Action: "Publish", Account: "1"}) != nil || f.Delivery() != (DeliveryFaults{}) {
		t.Error("faults are left after Clear")
	}
}

func TestTheJournalCountsSinceAMark(t *testing.T) {
	var j Journal
	j.Add(Entry{Service: "sns", Action: "Publish"})
	mark := j.Mark()
	j.Add(Entry{Service: "sns", Action: "Publish"})
	j.Add(Entry{Service: "sqs", Action: "SendMessage"})
	if got := j.Counts(mark); !reflect.DeepEqual(got, map[string]int{"sns:Publish": 1, "sqs:SendMessage": 1}) {
		t.Errorf("counted %v", got)
	}
	if len(j.Since(0)) != 3 || j.Since(4) != nil || j.Since(-1) != nil {
		t.Error("Since does not return the entries after a mark, and nil for an invalid one")
	}
}

func TestWaitersWakeWhenTheClockMoves(t *testing.T) {
	c := NewClock()
	woken := make(chan error, 1)
	at := c.Now().Add(time.Hour)
	go func() { woken <- c.WaitUntil(t.Context(), at) }()
	c.Advance(time.Hour)
	if err := <-woken; err != nil || c.Now().Before(at) {
		t.Errorf("the waiter returned %v at %s, want nil at %s", err, c.Now(), at)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.WaitUntil(ctx, c.Now().Add(time.Hour)); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled wait returned %v", err)
	}
}

func TestAClockThatRunsFasterNeverJumps(t *testing.T) {
	c := NewClock()
	c.Advance(time.Hour)
	before := c.Now()
	c.SetRate(1e6)
	if jump := c.Now().Sub(before); jump < 0 {
		t.Errorf("the clock went back by %s", -jump)
	}
	at := c.Now().Add(24 * time.Hour) // a tenth of a second of real time
	if err := c.WaitUntil(t.Context(), at); err != nil || c.Now().Before(at) {
		t.Errorf("the waiter returned %v at %s, want nil at %s", err, c.Now(), at)
	}
	c.SetRate(1)
	if c.Now().Before(at) {
		t.Error("the clock went back when it was set to its old rate")
	}
	machine := time.Now()
	p := Pace{Offset: time.Hour, Rate: 60, Since: machine}
	if got := p.At(machine.Add(time.Minute)).Sub(machine); got != 2*time.Hour {
		t.Errorf("after a minute the clock is %s ahead, want 2h", got)
	}
}

func TestThePartitionFollowsFromTheRegion(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "eusc-de-east-1": "aws-eusc", "": "aws",
	} {
		if got := Partition(region); got != want {
			t.Errorf("%s is in %s, want %s", region, got, want)
		}
	}
}

func FuzzQuery(f *testing.F) {
	f.Add("Action=X&A.member.1=%zz&B.entry.1.key=k")
	f.Fuzz(func(_ *testing.T, body string) {
		q := ParseQuery(nil, []byte(body))
		q.List("A")
		q.Structs("A")
		q.Map("B")
	})
}
