// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// newWorldWithoutHub returns a world whose server can only return its document.
func newWorldWithoutHub(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, tokens: map[string]string{}, log: &lockedBuffer{}}
	local, _ := url.Parse("http://localhost")
	var err error
	w.server, err = New(Config{Hub: new(hub.Manager), Surfaces: Surfaces{API: true}, Auth: new(TokenFile), Version: "1", ConnectURL: local, Clock: time.Now})
	w.must(err)
	return w
}

// client reads a stream of events like a browser.
type client struct {
	w     *world
	lines *bufio.Scanner
	ids   []string
	retry string
}

func (w *world) follow(as, path, last string) *client {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.http.URL+path, nil)
	w.must(err)
	request.Header.Set("Authorization", "Bearer "+w.tokens[as])
	request.Header.Set("Last-Event-ID", last)
	response, err := http.DefaultClient.Do(request)
	w.must(err)
	w.t.Cleanup(func() { cancel(); response.Body.Close() })
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		text, _ := io.ReadAll(response.Body)
		w.t.Fatalf("%d %s: %s", response.StatusCode, got, text)
	}
	return &client{w: w, lines: bufio.NewScanner(response.Body)}
}

// next returns the next customer, or the zero value at the end of the stream.
func (c *client) next() (v CustomerView) {
	c.w.t.Helper()
	for c.lines.Scan() {
		line := c.lines.Text()
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			c.ids = append(c.ids, id)
		}
		if retry, ok := strings.CutPrefix(line, "retry: "); ok {
			c.retry = retry
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			c.w.must(json.Unmarshal([]byte(data), &v))
			return v
		}
	}
	return v
}

func (c *client) until(state State) CustomerView {
	c.w.t.Helper()
	for {
		v := c.next()
		if v.State == state {
			return v
		}
		if v.CustomerID == "" {
			c.w.t.Fatalf("the stream has ended before %s: %v\n%s", state, c.lines.Err(), c.w.log)
		}
	}
}

func TestAStreamEndsAndContinuesFromTheLastEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve(func(c *Config) { c.StreamDuration, c.PollInterval = 300*time.Millisecond, 10*time.Millisecond })
	w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated)
	s := w.follow("viewer", globex+"/events", "")
	if first := s.next(); first.State != Waiting || s.retry != "1000" {
		t.Errorf("begins with %+v, retry %s", first, s.retry)
	}
	if more := s.next(); more.CustomerID != "" {
		t.Errorf("nothing has changed, but the stream has %+v", more)
	}
	s = w.follow("viewer", globex+"/events", s.ids[0])
	w.want(w.call("backend", "DELETE", globex, ""), http.StatusOK)
	if next := s.next(); next.State != Closed {
		t.Errorf("continues with %+v", next)
	}
	if status := w.call("viewer", "GET", "/v1/customers/missing/events", "").status; status != http.StatusNotFound {
		t.Errorf("a stream of a missing customer: %d", status)
	}
}

// AWS does not know the role in the first tries, as can happen with a new role.
func TestACustomerIsShownThatTheStackReportedWhileItsRoleIsProven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated).customer(t)
	known := w.box.Faults().Before(func(c *kernel.Call) error {
		if c.Action == "AssumeRole" {
			return kernel.Errorf(http.StatusForbidden, "AccessDenied", "not known yet")
		}
		return nil
	})
	events := w.follow("viewer", globex+"/events", "")
	if first := events.next(); first.State != Waiting {
		t.Errorf("begins with %s", first.State)
	}
	w.listen()
	stack, err := w.box.LaunchURL(t.Context(), v.LaunchURL, "222222222222", sandbox.LaunchOptions{})
	w.must(err)
	if next := events.next(); next.State != Working || next.Reason != "" {
		t.Errorf("continues with %s %q", next.State, next.Reason)
	}
	known()
	w.box.Clock().Advance(5 * time.Second)
	if next := events.next(); next.State != Connected {
		t.Errorf("continues with %s %q", next.State, next.Reason)
	}
	_, err = w.box.WaitStack(t.Context(), stack)
	w.must(err)
	w.must(w.box.DeleteStack(t.Context(), stack))
	events.until(Disconnected)
}

// Such a line is left by a forged message, or if no registrar continues.
func TestAReportWithoutAResultIsShownForALimitedTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	line := onboarding.HistoryEntry{At: at, RequestID: "r1", Waiting: true}
	found := lastAttempt(onboarding.Customer{}, []onboarding.HistoryEntry{line})
	for after, want := range map[time.Duration]State{0: Working, workingLifetime - time.Second: Working, workingLifetime: Waiting} {
		if got, _ := stateOf(onboarding.Customer{}, found, at.Add(after)); got != want {
			t.Errorf("after %s: %s, want %s", after, got, want)
		}
	}
	// The history is read after the customer, who may have been connected in between.
	line.At, line.Waiting, line.Status = at.Add(time.Second), false, onboarding.Active
	if got, _ := stateOf(onboarding.Customer{}, lastAttempt(onboarding.Customer{}, []onboarding.HistoryEntry{line}), line.At); got != Working {
		t.Errorf("between two reads the customer is %s", got)
	}
}
