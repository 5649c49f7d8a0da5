// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	// maxBody is the maximum size of a request's body, in bytes.
	maxBody = 64 << 10
	// requestTimeout is the maximum duration of a request other than a stream.
	requestTimeout = 60 * time.Second
)

// Handler returns the server's handler. It gives every request an ID, a log line,
// security headers and limits.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	begun := s.config.Clock()
	id := r.Header.Get("X-Request-Id")
	if !validRequestID().MatchString(id) {
		id = rand.Text()
	}
	l := &logLine{id: id}
	answer := &recorder{ResponseWriter: w, status: http.StatusOK}
	r = r.WithContext(context.WithValue(r.Context(), lineKey{}, l))
	r.Body = http.MaxBytesReader(answer, r.Body, maxBody)
	setSecurityHeaders(answer.Header(), s.secure())
	answer.Header().Set("X-Request-Id", id)
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(requestTimeout)) // not every writer has deadlines
	defer func() {
		if panicked := recover(); panicked != nil {
			if err, ok := panicked.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(panicked)
			}
			s.config.Logger.Error("a request has panicked", "request_id", id, "panic", panicked)
			if !answer.wroteHeader {
				writeProblem(answer, newProblem(nil, http.StatusInternalServerError, "This request has met an error of the server; the log has it."))
			}
		}
		s.logRequest(r, l, answer.status, s.config.Clock().Sub(begun))
	}()
	s.mux.ServeHTTP(answer, r)
}

// logRequest writes the request's log line. It contains the route, but never the path itself
// or a header, which may contain a token.
func (s *Server) logRequest(r *http.Request, l *logLine, status int, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	told := []any{"request_id", l.id, "method", r.Method, "route", r.Pattern, "status", status,
		"took_ms", took.Milliseconds(), "caller", l.caller, "customer", l.customer}
	if l.refused != "" {
		told = append(told, "refused", l.refused[:min(len(l.refused), 300)])
	}
	s.config.Logger.Info("request", told...)
	if s.config.Observe != nil {
		s.config.Observe(r.Pattern, status, took)
	}
}

// secure reports whether the public address is https.
func (s *Server) secure() bool {
	return s.config.ConnectURL == nil || s.config.ConnectURL.Scheme == "https"
}

func setSecurityHeaders(h http.Header, secure bool) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "accelerometer=(), camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}

// validRequestID matches request IDs of clients that are safe in logs and headers.
var validRequestID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`) })

// logLine contains the values of a request's log line.
type logLine struct {
	id string

	mu               sync.Mutex
	caller, customer string
	refused          string // why authentication failed
}

type lineKey struct{}

// annotate changes the request's log line with add.
func annotate(ctx context.Context, add func(*logLine)) {
	if l, ok := ctx.Value(lineKey{}).(*logLine); ok {
		l.mu.Lock()
		defer l.mu.Unlock()
		add(l)
	}
}

func requestID(ctx context.Context) string {
	if l, ok := ctx.Value(lineKey{}).(*logLine); ok {
		return l.id
	}
	return ""
}

// recorder is a ResponseWriter that records the status of the response.
type recorder struct {
	http.ResponseWriter
	status      int
	wroteHeader bool
}

func (a *recorder) WriteHeader(status int) {
	if !a.wroteHeader {
		a.status, a.wroteHeader = status, true
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *recorder) Write(text []byte) (int, error) {
	a.wroteHeader = true
	return a.ResponseWriter.Write(text)
}

func (a *recorder) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// address returns the peer's IP address, or of an IPv6 address its network of 64 bits,
// which belongs to one customer of a provider: with its addresses the customer could be
// as many peers as they like. Headers that claim another address are not trusted.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = strings.TrimSpace(r.RemoteAddr)
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if ip = ip.Unmap(); ip.Is4() {
		return ip.String()
	}
	return netip.PrefixFrom(ip.WithZone(""), 64).Masked().String()
}
