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
)

// newWorldWithoutHub has a server that nothing can be asked of but its document.
func newWorldWithoutHub(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, tokens: map[string]string{}, log: &lockedBuffer{}}
	local, _ := url.Parse("http://localhost")
	var err error
	w.server, err = New(Config{Hub: new(hub.Manager), Surfaces: Surfaces{API: true}, Auth: new(TokenFile), Version: "1", ConnectURL: local, Clock: time.Now})
	w.must(err)
	return w
}

// client reads a stream of events as a browser does.
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

// next returns the next customer; the zero one at the end of the stream.
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
	w.serve(func(c *Config) { c.StreamFor, c.PollEvery = 300*time.Millisecond, 10*time.Millisecond })
	w.want(w.call("backend", "PUT", globex, readonly), http.StatusCreated)
	s := w.follow("viewer", globex+"/events", "")
	if first := s.next(); first.State != Waiting || s.retry != "1000" {
		t.Errorf("begins with %+v, retry %s", first, s.retry)
	}
	if more := s.next(); more.CustomerID != "" {
		t.Errorf("nothing has changed, and there is %+v", more)
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
