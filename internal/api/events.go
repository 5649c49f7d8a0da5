// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

type eventsInput struct {
	OneCustomer
	LastEventID string `header:"Last-Event-ID" maxLength:"64" doc:"The ID of the last event that was received: the same state is not sent again."`
}

// keepAlive is how often a stream sends a comment to keep its connection open.
const keepAlive = 15 * time.Second

// reconnect is how long a client waits before it requests the next stream.
const reconnect = time.Second

// reconnectDelay is how long a client waits if each stream contains only one event: see
// Config.Buffered.
const reconnectDelay = 5 * time.Second

// events streams the changes of a customer for Config.StreamDuration. The client then
// reconnects automatically and continues after the last event.
func (s *Server) events(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
	first, id, err := s.event(ctx, in.CustomerID)
	if err != nil {
		return nil, s.problem(requestID(ctx), in.CustomerID, err)
	}
	select {
	case s.streams <- struct{}{}:
	default:
		return nil, &Problem{
			Type: problemType("rate"), Title: "Too many streams", Status: http.StatusServiceUnavailable, Instance: requestID(ctx), CustomerID: in.CustomerID,
			Detail: "This server already streams to its maximum number of clients.", WhatToDo: "Poll the customer with GET instead.",
		}
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		defer func() { <-s.streams }()
		_, w := humago.Unwrap(hctx)
		st := &stream{w: w, control: http.NewResponseController(w), stopped: s.stopped}
		if id == in.LastEventID {
			first = nil
		}
		if s.config.Buffered {
			st.begin(reconnectDelay)
			if first != nil {
				st.send(event(first, id))
			}
			return
		}
		st.begin(reconnect)
		st.follow(hctx.Context(), s.config.StreamDuration, s.config.PollInterval, first, id, func(ctx context.Context) ([]byte, string, error) {
			return s.event(ctx, in.CustomerID)
		})
	}}, nil
}

// event returns the customer as JSON, and an ID that is the same for identical JSON.
func (s *Server) event(ctx context.Context, customer string) (text []byte, id string, err error) {
	record, found, last, err := s.loadCustomer(ctx, customer)
	if err != nil {
		return nil, "", err
	}
	text, err = json.Marshal(s.view(record, found, last))
	return text, digest(text), err
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// stream is a response of server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	stopped <-chan struct{}
}

func (st *stream) begin(again time.Duration) {
	st.w.Header().Set("Content-Type", "text/event-stream")
	st.w.Header().Set("X-Accel-Buffering", "no")
	st.w.WriteHeader(http.StatusOK)
	st.send(fmt.Sprintf("retry: %d\n\n", again.Milliseconds()))
}

func (st *stream) send(text string) bool {
	_ = st.control.SetWriteDeadline(time.Now().Add(10 * time.Second)) // not every writer has deadlines
	if _, err := st.w.Write([]byte(text)); err != nil {
		return false
	}
	return st.control.Flush() == nil
}

// follow sends an event, and another whenever look returns a different ID. It ignores
// errors of look and continues with the next tick.
func (st *stream) follow(ctx context.Context, lasts, every time.Duration, text []byte, id string, look func(context.Context) ([]byte, string, error)) {
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	ticks, alive := time.NewTicker(every), time.NewTicker(keepAlive)
	defer ticks.Stop()
	defer alive.Stop()
	if text != nil && !st.send(event(text, id)) {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-st.stopped:
			return
		case <-alive.C:
			if !st.send(": still here\n\n") {
				return
			}
		case <-ticks.C:
			next, nextID, err := look(ctx)
			if err != nil || nextID == id {
				continue
			}
			id = nextID
			if !st.send(event(next, id)) {
				return
			}
		}
	}
}

func event(text []byte, id string) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "id: %s\nevent: customer\ndata: %s\n\n", id, text)
	return b.String()
}
