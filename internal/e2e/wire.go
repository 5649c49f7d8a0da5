// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// wire is a registrar's only network connection: all its AWS API calls and answers to
// CloudFormation pass through it. It records them, and it can be cut.
type wire struct {
	url       string
	target    string // host:port of the sandbox
	server    *http.Server
	transport *http.Transport

	// seen is called for every completed exchange, in order, before the
	// registrar receives the response.
	seen func(Exchange)
	// cut reports whether the registrar is killed right before or right after
	// the n-th of the counted calls.
	cut func(n int, after bool) bool
	// killed is called when the wire was cut.
	killed func()
	// reply answers a request instead of the sandbox, if it returns a response.
	reply func(Exchange) *http.Response

	mu        sync.Mutex
	n         int
	dead      bool
	died      chan struct{}
	done      chan struct{} // closed when a message was deleted and the registrar has received the response
	finished  bool
	exchanges []Exchange
}

// Exchange is one request of a registrar with its outcome.
type Exchange struct {
	Host   string // host of the request
	Method string
	URI    string // path and query as they were on the wire
	Action string // such as "sqs:DeleteMessage"; empty if it is not an AWS API call
	Body   []byte
	Status int // 0: no response
	Answer []byte

	at int // its position among the registrar's calls, if they are counted
}

// newWire listens for one registrar.
func newWire(sandboxURL string, cut func(n int, after bool) bool) (*wire, error) {
	target, err := url.Parse(sandboxURL)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{
		url: "http://" + listener.Addr().String(), target: target.Host, cut: cut,
		transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
		died:      make(chan struct{}), done: make(chan struct{}), killed: func() {},
	}
	w.server = &http.Server{Handler: w, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = w.server.Serve(listener) }() // ends with close
	return w, nil
}

func (w *wire) close() {
	_ = w.server.Close()
	w.transport.CloseIdleConnections()
}

// kill cuts the wire for good.
func (w *wire) kill() {
	w.mu.Lock()
	before := w.dead
	w.dead = true
	w.mu.Unlock()
	if !before {
		w.killed()
		close(w.died)
	}
}

func (w *wire) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	e := Exchange{Host: r.Host, Method: r.Method, URI: r.RequestURI, Body: body, Action: w.action(r, body)}
	n := w.number(e)
	if err != nil || w.isDead() || n > 0 && w.cuts(n, false) {
		panic(http.ErrAbortHandler) // the connection ends without an answer
	}
	response, err := w.forward(r, e)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = response.Body.Close() }()
	e.Status = response.StatusCode
	if e.Answer, err = io.ReadAll(response.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
	w.mu.Lock()
	w.exchanges = append(w.exchanges, e)
	w.mu.Unlock()
	if e.brings() {
		n = w.next() // a receive counts if it returns a message
	}
	if w.seen != nil {
		w.seen(e)
	}
	if w.isDead() || n > 0 && w.cuts(n, true) {
		panic(http.ErrAbortHandler)
	}
	w.finish(e)
	for name, values := range response.Header {
		out.Header()[name] = values
	}
	out.WriteHeader(response.StatusCode)
	_, _ = out.Write(e.Answer)
}

func (w *wire) finish(e Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.HasPrefix(e.Action, "sqs:DeleteMessage") && e.Status == http.StatusOK && !w.finished {
		w.finished = true
		close(w.done)
	}
}

// forward forwards the request unchanged, because its Host and path are signed, and
// returns the response. It reads the response even if the registrar no longer does: a
// cancelled long poll may still receive messages, which are lost.
func (w *wire) forward(r *http.Request, e Exchange) (*http.Response, error) {
	if w.reply != nil {
		if response := w.reply(e); response != nil {
			return response, nil
		}
	}
	on := r.Clone(context.WithoutCancel(r.Context()))
	on.URL.Scheme, on.URL.Host, on.RequestURI = "http", w.target, ""
	on.Body, on.ContentLength = io.NopCloser(bytes.NewReader(e.Body)), int64(len(e.Body))
	if len(e.Body) == 0 {
		on.Body = http.NoBody
	}
	return w.transport.RoundTrip(on)
}

// action returns the name of an AWS API call. These are sent to the wire's own
// address; for requests to other hosts it is empty.
func (w *wire) action(r *http.Request, body []byte) string {
	if "http://"+r.Host != w.url {
		return ""
	}
	target := r.Header.Get("X-Amz-Target")
	if service, action, found := strings.Cut(target, "."); found {
		return map[string]string{"AmazonSQS": "sqs:"}[service] + map[string]string{"DynamoDB_20120810": "dynamodb:"}[service] + action
	}
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
		return "sts:" + form.Get("Action") // the only service of the query protocol that a registrar calls
	}
	return "s3:" + r.Method
}

// number returns the number of a call among those that handle messages, or 0 for
// others: heartbeats and the checks for events, which happen at any time. Receives
// are counted when they return a message.
func (w *wire) number(e Exchange) int {
	if e.Action == "sqs:ReceiveMessage" || e.Action == "dynamodb:GetItem" || e.Action == "dynamodb:PutItem" && bytes.Contains(e.Body, []byte("REGISTRAR#")) {
		return 0
	}
	return w.next()
}

func (e Exchange) brings() bool {
	return e.Action == "sqs:ReceiveMessage" && bytes.Contains(e.Answer, []byte("ReceiptHandle"))
}

func (w *wire) next() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	return w.n
}

func (w *wire) cuts(n int, after bool) bool {
	if w.cut == nil || !w.cut(n, after) {
		return false
	}
	w.kill()
	return true
}

func (w *wire) isDead() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead
}

// sent returns all exchanges so far.
func (w *wire) sent() []Exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Exchange(nil), w.exchanges...)
}
