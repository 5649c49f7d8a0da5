// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/console"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// The control API offers the Go methods as JSON over HTTP, to the command line and
// to tests in other processes. Client calls it.

// LaunchRequest is the body of POST /_sandbox/launch.
type LaunchRequest struct {
	URL            string            `json:"url"`
	Account        string            `json:"account"`
	Region         string            `json:"region,omitempty"`
	StackName      string            `json:"stack_name,omitempty"`
	Parameters     map[string]string `json:"parameters,omitempty"`
	OnFailure      string            `json:"on_failure,omitempty"`
	Unacknowledged bool              `json:"unacknowledged,omitempty"`
}

// UpdateRequest is the body of POST /_sandbox/update. The stack and its template
// are given by an update link, or by the other fields. Without a template the
// stack keeps its template.
type UpdateRequest struct {
	URL          string            `json:"url,omitempty"`
	StackID      string            `json:"stack_id,omitempty"`
	TemplateURL  string            `json:"template_url,omitempty"`
	TemplateBody string            `json:"template_body,omitempty"`
	Parameters   map[string]string `json:"parameters,omitempty"`
}

// DeleteRequest is the body of POST /_sandbox/delete and /_sandbox/forget.
type DeleteRequest struct {
	StackID string   `json:"stack_id"`
	Retain  []string `json:"retain,omitempty"`
}

// ClockRequest is the body of POST /_sandbox/clock.
type ClockRequest struct {
	Advance string `json:"advance"` // a duration such as "90s" or "24h"
}

// ClockAnswer is the answer to GET and POST /_sandbox/clock.
type ClockAnswer struct {
	Now time.Time `json:"now"`
	kernel.Pace
}

// PublishRequest is the body of POST /_sandbox/publish, which calls ForgedPublish.
type PublishRequest struct {
	Account  string `json:"account"`
	TopicARN string `json:"topic_arn"`
	Subject  string `json:"subject,omitempty"`
	Message  string `json:"message"`
}

// addPages registers the control API and the console.
func (s *Sandbox) addPages() {
	control := map[string]func(http.ResponseWriter, *http.Request) (any, error){
		"POST /_sandbox/launch":        s.controlLaunch,
		"POST /_sandbox/update":        s.controlUpdate,
		"POST /_sandbox/delete":        s.controlDelete,
		"POST /_sandbox/forget":        s.controlForget,
		"POST /_sandbox/publish":       s.controlPublish,
		"GET /_sandbox/stacks":         s.controlStacks,
		"GET /_sandbox/stack":          s.controlStack,
		"GET /_sandbox/clock":          s.controlClock,
		"POST /_sandbox/clock":         s.controlAdvance,
		"POST /_sandbox/faults":        s.controlFault,
		"POST /_sandbox/deliveries":    s.controlDeliveries,
		"DELETE /_sandbox/faults":      s.controlClearFaults,
		"POST /_sandbox/key":           s.controlKey,
		"POST /_sandbox/table/rewind":  s.controlRewind,
		"GET /_sandbox/topic/metrics":  s.controlTopicMetrics,
		"GET /_sandbox/journal":        s.controlJournal,
		"GET /_sandbox/journal/counts": s.controlCounts,
		"GET /_sandbox/environment":    s.controlEnvironment,
		"GET /_sandbox/stack/events":   s.controlEvents,
	}
	maps.Copy(control, s.organizationControl())
	pages := http.NewServeMux()
	for pattern, handle := range control {
		pages.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			result, err := handle(w, r)
			if result != nil || err != nil {
				answer(w, result, err)
			}
		})
	}
	pages.Handle("/console/", console.New(customers{s}))
	// Keeps pages of other origins in the same browser from calling the control
	// API.
	protected := http.NewCrossOriginProtection().Handler(pages)
	s.mux.Handle("/_sandbox/", protected)
	s.mux.Handle("/console/", protected)
	s.mux.Handle("/{$}", http.RedirectHandler("/console/", http.StatusSeeOther))
}

// answer writes JSON, or an error as {"error": …, "code": …}.
func answer(w http.ResponseWriter, result any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		failure := map[string]string{"error": err.Error()}
		var known *kernel.Error
		if errors.As(err, &known) {
			failure["code"] = known.Code
		}
		w.WriteHeader(http.StatusBadRequest)
		result = failure
	}
	_ = json.NewEncoder(w).Encode(result) // fails only if the client has disconnected
}

// done is the answer of calls without a result.
type done struct {
	OK bool `json:"ok"`
}

// decode returns the JSON body of a request. It refuses unknown fields.
func decode[T any](r *http.Request) (T, error) {
	var v T
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, fmt.Errorf("the body of %s is invalid: %w", r.URL.Path, err)
	}
	return v, nil
}

func (s *Sandbox) controlLaunch(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := decode[LaunchRequest](r)
	if err != nil {
		return nil, err
	}
	id, err := s.LaunchURL(r.Context(), q.URL, q.Account, LaunchOptions{
		Region: q.Region, StackName: q.StackName, Parameters: q.Parameters,
		OnFailure: q.OnFailure, Unacknowledged: q.Unacknowledged,
	})
	if err != nil {
		return nil, err
	}
	st, _ := s.Stack(id)
	return st, nil
}

func (s *Sandbox) controlUpdate(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := decode[UpdateRequest](r)
	if err != nil {
		return nil, err
	}
	o := UpdateOptions{TemplateURL: q.TemplateURL, TemplateBody: q.TemplateBody, Parameters: q.Parameters}
	if q.URL != "" {
		return s.UpdateByURL(r.Context(), q.URL, o)
	}
	if err := s.UpdateStack(r.Context(), q.StackID, o); err != nil {
		return nil, err
	}
	st, _ := s.Stack(q.StackID)
	return st, nil
}

func (s *Sandbox) controlDelete(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := decode[DeleteRequest](r)
	if err != nil {
		return nil, err
	}
	return done{true}, s.DeleteStack(r.Context(), q.StackID, q.Retain...)
}

func (s *Sandbox) controlForget(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := decode[DeleteRequest](r)
	if err != nil {
		return nil, err
	}
	return done{true}, s.ForgetStack(r.Context(), q.StackID)
}

func (s *Sandbox) controlPublish(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := decode[PublishRequest](r)
	if err != nil {
		return nil, err
	}
	return done{true}, s.ForgedPublish(r.Context(), q.Account, q.TopicARN, q.Subject, q.Message)
}

func (s *Sandbox) controlStacks(http.ResponseWriter, *http.Request) (any, error) {
	stacks := s.Stacks()
	if stacks == nil {
		stacks = []Stack{}
	}
	return stacks, nil
}

// controlStack returns a stack; with wait=true, it first waits until no operation
// is under way in the stack.
func (s *Sandbox) controlStack(_ http.ResponseWriter, r *http.Request) (any, error) {
	id := r.URL.Query().Get("stack_id")
	if r.URL.Query().Get("wait") == "true" {
		st, err := s.WaitStack(r.Context(), id)
		return st, err
	}
	st, found := s.Stack(id)
	if !found {
		return nil, fmt.Errorf("there is no stack %s", id)
	}
	return st, nil
}

// controlEvents writes a stack's events so far, one JSON object per line; with
// follow=true it also writes new ones, until no operation is under way in the
// stack.
func (s *Sandbox) controlEvents(w http.ResponseWriter, r *http.Request) (any, error) {
	id := r.URL.Query().Get("stack_id")
	if _, found := s.Stack(id); !found {
		return nil, fmt.Errorf("there is no stack %s", id)
	}
	follow := r.URL.Query().Get("follow") == "true"
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines, flush := json.NewEncoder(w), http.NewResponseController(w)
	written := 0
	for {
		st, _ := s.Stack(id) // before the events, so that the last ones are not missed
		events := s.StackEvents(id)
		for _, e := range events[written:] {
			if err := lines.Encode(e); err != nil {
				return nil, nil
			}
		}
		written = len(events)
		if !follow || st.Settled() {
			return nil, nil
		}
		_ = flush.Flush() // if it fails, the lines are sent later
		if _, err := s.WaitStackFor(r.Context(), id, func(Stack) bool { return len(s.StackEvents(id)) > written }); err != nil {
			return nil, nil
		}
	}
}

func (s *Sandbox) controlClock(http.ResponseWriter, *http.Request) (any, error) {
	return ClockAnswer{Now: s.clock.Now(), Pace: s.clock.Pace()}, nil
}

func (s *Sandbox) controlAdvance(w http.ResponseWriter, r *http.Request) (any, error) {
	q, err := decode[ClockRequest](r)
	if err != nil {
		return nil, err
	}
	d, err := time.ParseDuration(q.Advance)
	if err != nil || d < 0 {
		return nil, fmt.Errorf("invalid advance %q: must be a duration such as 90s or 24h, and not negative", q.Advance)
	}
	s.clock.Advance(d)
	return s.controlClock(w, r)
}

func (s *Sandbox) controlFault(_ http.ResponseWriter, r *http.Request) (any, error) {
	rule, err := decode[kernel.FaultRule](r)
	if err != nil {
		return nil, err
	}
	return done{true}, s.AddFault(rule)
}

func (s *Sandbox) controlDeliveries(_ http.ResponseWriter, r *http.Request) (any, error) {
	faults, err := decode[kernel.DeliveryFaults](r)
	if err != nil {
		return nil, err
	}
	s.faults.SetDelivery(faults)
	return done{true}, nil
}

func (s *Sandbox) controlClearFaults(http.ResponseWriter, *http.Request) (any, error) {
	s.faults.Clear()
	return done{true}, nil
}

// since returns the mark of the journal in a request's query; 0 if it has none.
func since(r *http.Request) (int, error) {
	text := r.URL.Query().Get("since")
	if text == "" {
		return 0, nil
	}
	mark, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("invalid since=%s: must be a mark of the journal, which is a number", text)
	}
	return mark, nil
}

func (s *Sandbox) controlJournal(_ http.ResponseWriter, r *http.Request) (any, error) {
	mark, err := since(r)
	if err != nil {
		return nil, err
	}
	entries := s.journal.Since(mark)
	if entries == nil {
		entries = []kernel.Entry{}
	}
	return map[string]any{"entries": entries, "mark": mark + len(entries)}, nil
}

func (s *Sandbox) controlCounts(_ http.ResponseWriter, r *http.Request) (any, error) {
	mark, err := since(r)
	if err != nil {
		return nil, err
	}
	return s.journal.Counts(mark), nil
}

func (s *Sandbox) controlEnvironment(_ http.ResponseWriter, r *http.Request) (any, error) {
	account, region := r.URL.Query().Get("account"), r.URL.Query().Get("region")
	if account == "" {
		account = VendorAccount
	}
	if region == "" {
		region = "us-east-1"
	}
	if _, err := s.person(account, region, nil); err != nil {
		return nil, err
	}
	return s.Environment(account, region)
}
