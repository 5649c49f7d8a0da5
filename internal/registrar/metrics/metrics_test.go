// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package metrics

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/health"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// watched is a monitor with a clock and a registry that the test controls.
type watched struct {
	*Monitor
	now  time.Time
	down error
	asks int
}

func watch() *watched {
	w := &watched{now: noon}
	w.Monitor = New(Config{Hub: "acme", Version: "1.2.3", Clock: func() time.Time { return w.now },
		Registry: func(context.Context) error { w.asks++; return w.down }})
	return w
}

func (w *watched) get(t *testing.T, path string) (int, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	w.Handler().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return recorder.Code, recorder.Body.String()
}

func TestMetricsCountTheObservedSteps(t *testing.T) {
	w := watch()
	create := phonehome.Request{Type: phonehome.Create, SentAt: noon.Add(-7 * time.Second)}
	a := registrar.Message{ID: "a", SentAt: noon.Add(-7 * time.Second)}
	b := registrar.Message{ID: "b", SentAt: noon.Add(-time.Minute)}
	w.Received([]registrar.Message{a, b})
	w.Decided(create, onboarding.OutcomeRegistered)
	w.Answered(create, phonehome.Success, noon)
	w.Refused(create, onboarding.Undecided)
	w.RefusedInARow(2)
	w.Proved(onboarding.Proof{Outcome: onboarding.Proven})
	w.Proved(onboarding.Proof{Outcome: onboarding.Inconclusive})
	w.Proved(onboarding.Proof{Outcome: onboarding.Inconclusive, MissingPermission: "a permission"})
	w.RolesRefusedInARow(4)
	w.Verified(health.Finding{Verdict: health.Unknown})
	w.Finished(a, registrar.Disposition{Action: registrar.Done})
	w.Finished(b, registrar.Disposition{Action: registrar.Retry, After: time.Minute})
	w.Finished(registrar.Message{ID: "c"}, registrar.Disposition{Action: registrar.DeadLetter})
	status, text := w.get(t, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("%d: %s", status, text)
	}
	for _, line := range []string{
		`xacct_messages_received_total{hub="acme"} 2`,
		`xacct_requests_decided_total{hub="acme",outcome="registered",type="Create"} 1`,
		`xacct_answers_total{hub="acme",status="SUCCESS",type="Create"} 1`,
		`xacct_answers_refused_total{hub="acme",type="Create",why="undecided"} 1`,
		`xacct_refused_in_a_row_customers{hub="acme"} 2`,
		`xacct_proofs_total{hub="acme",outcome="proven"} 1`,
		`xacct_proofs_total{hub="acme",outcome="inconclusive"} 1`,
		`xacct_proofs_total{hub="acme",outcome="not_permitted"} 1`,
		`xacct_roles_refused_in_a_row_customers{hub="acme"} 4`,
		`xacct_verifications_total{hub="acme",verdict="unknown"} 1`,
		`xacct_messages_retried_total{hub="acme"} 1`,
		`xacct_messages_dead_total{hub="acme"} 1`,
		`xacct_answer_seconds_bucket{hub="acme",type="Create",le="5"} 0`,
		`xacct_answer_seconds_bucket{hub="acme",type="Create",le="10"} 1`,
		`xacct_oldest_message_age_seconds{hub="acme"} 60`,
		`xacct_build_info{hub="acme",version="1.2.3"} 1`,
		`go_goroutines`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("%s is missing in\n%s", line, text)
		}
	}
}

func TestTheOldestMessageIsForgottenOnceItIsDoneOrNotReceivedAgain(t *testing.T) {
	w := watch()
	mine := registrar.Message{ID: "mine", SentAt: noon.Add(-time.Hour)}
	theirs := registrar.Message{ID: "theirs", SentAt: noon.Add(-time.Minute)}
	w.Received([]registrar.Message{mine, theirs})
	w.Finished(theirs, registrar.Disposition{Action: registrar.Retry, After: 10 * time.Minute})
	if got := w.oldest(); got != time.Hour {
		t.Errorf("the oldest is %s old", got)
	}
	w.Finished(mine, registrar.Disposition{Action: registrar.Done})
	w.now = noon.Add(10 * time.Minute) // it may be received again at any moment
	if got := w.oldest(); got != 11*time.Minute {
		t.Errorf("the other message is %s old", got)
	}
	w.now = noon.Add(20 * time.Minute) // another registrar must have received it
	if got := w.oldest(); got != 0 {
		t.Errorf("a message that was not received again is %s old", got)
	}
}

func TestHealthReportsProblems(t *testing.T) {
	w := watch()
	health := func() (int, Health) {
		t.Helper()
		status, text := w.get(t, "/healthz")
		var h Health
		if err := json.Unmarshal([]byte(text), &h); err != nil {
			t.Fatal(err)
		}
		return status, h
	}
	check := func(when string, wantStatus int, want ...string) {
		t.Helper()
		status, h := health()
		if status != wantStatus || len(h.Problems) != len(want) || (h.Status == "ok") != (len(want) == 0) {
			t.Fatalf("%s: %d, %+v", when, status, h)
		}
		for i, problem := range want {
			if !strings.Contains(h.Problems[i], problem) {
				t.Errorf("%s: %q does not contain %q", when, h.Problems[i], problem)
			}
		}
	}
	check("just started", http.StatusOK)
	w.now = noon.Add(3 * time.Minute)
	check("nothing received yet", http.StatusServiceUnavailable, "not worked once since the start")
	w.Received(nil)
	w.now = w.now.Add(time.Minute)
	check("the queue is empty", http.StatusOK)
	w.now = w.now.Add(3 * time.Minute)
	w.down = errors.New("no route to host")
	check("both", http.StatusServiceUnavailable, "not worked since 2026-03-02T12:03:00Z", "no route to host")
	w.Received(nil)
	w.down, w.now = nil, w.now.Add(time.Minute)
	check("all is well again", http.StatusOK)
	w.RefusedInARow(3)
	check("no answer is taken", http.StatusServiceUnavailable, "refused the answers to 3 customers in a row")
	w.RefusedInARow(0)
	check("one is taken again", http.StatusOK)
}

func TestTheRegistrysHealthIsCached(t *testing.T) {
	w := watch()
	for range 5 {
		_, _ = w.get(t, "/healthz")
		w.now = w.now.Add(time.Second)
	}
	if w.asks != 1 {
		t.Errorf("asked %d times in five seconds", w.asks)
	}
}
