// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

func TestOnlyS3sErrorsForASignatureMeanAForgery(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   []byte
		want   onboarding.Delivery
	}{
		{"a wrong signature", 403, s3Says("SignatureDoesNotMatch", "It does not."), onboarding.Forged},
		{"a key that does not exist", 403, s3Says("InvalidAccessKeyId", "No such key."), onboarding.Forged},
		{"an invalid signature query", 400, s3Says("AuthorizationQueryParametersError", "Query-string…"), onboarding.Forged},
		{"a signature of an old version", 400, s3Says("InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."), onboarding.Forged},
		{"another invalid request", 400, s3Says("InvalidRequest", "Missing required header for this request: x-amz-content-sha256"), onboarding.Undecided},
		{"an invalid token", 400, s3Says("InvalidToken", "It is malformed."), onboarding.Forged},
		{"an expired URL", 403, s3Says("AccessDenied", "Request has expired"), onboarding.Expired},
		{"an expired URL, another spelling", 403, s3Says("AccessDenied", "request has expired."), onboarding.Expired},
		{"an expired token", 400, s3Says("ExpiredToken", "The provided token has expired."), onboarding.Expired},
		{"an endpoint policy", 403, s3Says("AccessDenied", "Access Denied"), onboarding.Undecided},
		{"a slow connection", 400, s3Says("RequestTimeout", "Your socket connection…"), onboarding.Undecided},
		{"a conflict", 409, s3Says("OperationAborted", "A conflicting…"), onboarding.Undecided},
		{"a wrong clock", 403, s3Says("RequestTimeTooSkewed", "The difference…"), onboarding.Undecided},
		{"another Region's bucket", 301, s3Says("PermanentRedirect", "The bucket…"), onboarding.Undecided},
		{"no bucket", 404, s3Says("NoSuchBucket", "The specified bucket does not exist"), onboarding.Undecided},
		{"nothing", 403, nil, onboarding.Undecided},
		{"a proxy's page", 403, []byte("<html><body>Blocked</body></html>"), onboarding.Undecided},
		{"a page that contains S3's code", 403, []byte("<html><Code>SignatureDoesNotMatch</Code></html>"), onboarding.Undecided},
		{"a truncated response", 403, s3Says("SignatureDoesNotMatch", "It does not.")[:80], onboarding.Undecided},
		{"an invalid code", 403, s3Says("Signature\nDoesNotMatch", ""), onboarding.Undecided},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = w.Write(test.body)
			}))
			defer server.Close()
			r := NewBucketResponder(server.URL, nil)
			r.pause = noPause
			var refused *RefusedError
			err := r.Respond(t.Context(), responseURL(t), success())
			if !errors.As(err, &refused) || refused.Delivery != test.want {
				t.Fatalf("got %v, want a refusal that is %s", err, test.want)
			}
			if strings.Contains(err.Error(), "c0ffee") || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error contains the URL's signature or a line break: %v", err)
			}
		})
	}
}

func TestAPageInsteadOfS3sEmptyResponseIsUndecided(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>Please accept the terms of this network</html>"))
	}))
	defer server.Close()
	var refused *RefusedError
	err := NewBucketResponder(server.URL, nil).Respond(t.Context(), responseURL(t), success())
	if !errors.As(err, &refused) || refused.Delivery != onboarding.Undecided {
		t.Errorf("got %v", err)
	}
}

// refusing makes S3 refuse answers one after the other, and then accept them.
func (f *fake) refusing(refusals ...*RefusedError) {
	f.bucket = func(phonehome.Response) error {
		if len(refusals) == 0 {
			return nil
		}
		next := refusals[0]
		refusals = refusals[1:]
		return next
	}
}

var (
	slow     = refusalOf(400, s3Says("RequestTimeout", "Your socket connection…"))
	conflict = refusalOf(409, s3Says("OperationAborted", "A conflicting…"))
	policy   = refusalOf(403, s3Says("AccessDenied", "Access Denied"))
)

func TestAnUndecidedRefusalLosesNoRequest(t *testing.T) {
	for _, kind := range []string{"Create", "Delete"} {
		t.Run(kind, func(t *testing.T) {
			f := newFake(t)
			r := f.registrar()
			want := onboarding.Active
			if kind == "Delete" {
				r.Handle(t.Context(), f.request("Create", "s1", "r0", "c1", nil))
				want = onboarding.Disconnected
			}
			f.refusing(slow, conflict, policy)
			body := f.request(kind, "s1", "r1", "c1", func(e, _, _ map[string]any) {
				e["Timestamp"] = noon.Add(time.Second).Format(time.RFC3339Nano)
			})
			for i := range 3 {
				before := len(f.history)
				if d := r.Handle(t.Context(), body); d.Action != Retry || len(f.history) != before {
					t.Fatalf("refusal %d: %+v", i+1, d)
				}
				f.now = f.now.Add(30 * time.Second)
			}
			if d := r.Handle(t.Context(), body); d.Action != Done || f.registration(t, "c1").Status != want {
				t.Errorf("once the answer is accepted: %+v, %s", d, f.registration(t, "c1").Status)
			}
			if len(f.accepted["r1"]) != 1 || f.accepted["r1"][0].Status != phonehome.Success {
				t.Errorf("answered %+v", f.accepted["r1"])
			}
		})
	}
}

func TestAnUndecidedRefusalIsGivenUpAtTheDeadlineAndDisconnectsNoCustomer(t *testing.T) {
	f := newFake(t)
	r := f.registrar()
	r.Handle(t.Context(), f.request("Create", "s1", "r0", "c1", nil))
	f.bucket = func(phonehome.Response) error { return policy }
	f.role = func(onboarding.Probe) onboarding.Proof { return onboarding.Proof{Outcome: onboarding.Refused} }
	body := f.request("Delete", "s1", "r1", "c1", func(_, q, _ map[string]any) { q["ServiceTimeout"] = 1 })
	d, receives := r.Handle(t.Context(), body), 1
	for ; d.Action == Retry && receives < 100; receives++ {
		f.now = f.now.Add(d.After)
		d = r.Handle(t.Context(), body)
	}
	if d.Action != Done || receives > 30 || f.now.Before(noon.Add(15*time.Minute)) {
		t.Errorf("%+v after %d receives and %s", d, receives, f.now.Sub(noon))
	}
	if got := f.registration(t, "c1"); got.Status != onboarding.Degraded || got.DeleteDoubtedAt.IsZero() {
		t.Errorf("registered: %+v", got)
	}
}

func TestRefusalsOfSeveralCustomersInARowAreAnAlarm(t *testing.T) {
	f, log := newFake(t), &strings.Builder{}
	var runs []int
	r := f.registrar(func(c *Config) {
		c.Logger, c.Observer = testLogger(log), inARow{noObserver{}, func(n int) { runs = append(runs, n) }}
	})
	f.links["c3"], f.links["c4"] = testLink("c3"), testLink("c4")
	f.bucket = func(phonehome.Response) error { return policy }
	create := func(customer string) []byte { return f.request("Create", "s"+customer, "r"+customer, customer, nil) }
	alarms := func() int { return strings.Count(log.String(), "accept no answers") }
	for _, customer := range []string{"c1", "c1", "unknown", "c2"} {
		r.Handle(t.Context(), create(customer))
	}
	if alarms() != 0 {
		t.Errorf("two customers and an unknown one raise the alarm: %s", log)
	}
	r.Handle(t.Context(), create("c3"))
	r.Handle(t.Context(), create("c4"))
	if alarms() != 1 || !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "403 AccessDenied") {
		t.Errorf("%d alarms: %s", alarms(), log)
	}
	f.bucket = nil
	r.Handle(t.Context(), create("c1"))
	if !strings.Contains(log.String(), "accept answers again") || len(runs) != 5 || runs[3] != 4 || runs[4] != 0 {
		t.Errorf("the runs are %v", runs)
	}
}

// inARow observes the number of refusals in a row.
type inARow struct {
	Observer
	heard func(int)
}

func (o inARow) RefusedInARow(n int) { o.heard(n) }
