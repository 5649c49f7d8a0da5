// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"syscall"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// RefusedError says that CloudFormation's bucket will never take this answer:
// its signature is not CloudFormation's, or has run out (aws-facts 1.8).
type RefusedError struct {
	StatusCode int
	Code       string // S3's, such as AccessDenied; may be empty
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("CloudFormation's bucket refused the answer: %d %s", e.StatusCode, e.Code)
}

// Responder PUTs answers to CloudFormation's buckets. Where it may send was
// decided when the response URL was parsed; here it is made sure that the name
// leads to a public address, and nowhere on from there.
type Responder struct {
	client *http.Client
	scheme string
	pause  func(context.Context, time.Duration)
}

// NewResponder makes a Responder. An endpoint such as http://127.0.0.1:4566,
// which is where a sandbox listens, takes all connections, whatever the names
// in the URLs; the rules on those names stay as they are. Only a loopback
// address is taken for that: any other endpoint is for AWS's API, and does not
// concern the answers.
func NewResponder(endpoint string) *Responder {
	transport := &http.Transport{
		// No proxy: it would dial in our place, past the check of the address.
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, ControlContext: onlyPublic}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 10 * time.Second,
		IdleConnTimeout:       30 * time.Second,
		ForceAttemptHTTP2:     true,
	}
	r := &Responder{scheme: "https", pause: pause}
	if target, ok := loopback(endpoint); ok {
		r.scheme = "http"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", target)
		}
	}
	r.client = &http.Client{
		Transport: transport,
		Timeout:   15 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	return r
}

// retries are the pauses between attempts. What is still not sent after the
// last one goes back to the queue and is tried again from there.
var retries = []time.Duration{200 * time.Millisecond, time.Second}

// Respond sends one answer, a few times if need be.
func (r *Responder) Respond(ctx context.Context, to phonehome.ResponseURL, response phonehome.Response) error {
	body, err := response.Encode()
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	for attempt := 0; ; attempt++ {
		err = r.put(ctx, to, body)
		var refused *RefusedError
		if err == nil || errors.As(err, &refused) || ctx.Err() != nil || attempt == len(retries) {
			return err
		}
		r.pause(ctx, retries[attempt])
	}
}

// put sends the body with no content type, which old signatures would have to
// cover (aws-facts 1.8). No error of it holds the URL's signature.
func (r *Responder) put(ctx context.Context, to phonehome.ResponseURL, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, to.Signed(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the answer to %s could not be sent", to)
	}
	request.URL.Scheme = r.scheme
	response, err := r.client.Do(request)
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) {
			err = withURL.Err
		}
		return fmt.Errorf("send the answer to %s: %w", to, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 4<<10)) // for the code; the status is enough
	switch status := response.StatusCode; {
	case status >= 200 && status < 300:
		return nil
	case status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests:
		return fmt.Errorf("send the answer to %s: %s %s", to, response.Status, errorCode(text))
	default:
		return &RefusedError{StatusCode: status, Code: errorCode(text)}
	}
}

var codePattern = regexp.MustCompile(`<Code>([A-Za-z]{1,64})</Code>`)

// errorCode is all that is kept of S3's answer: the rest repeats what was signed.
func errorCode(text []byte) string {
	if match := codePattern.FindSubmatch(text); match != nil {
		return string(match[1])
	}
	return ""
}

// loopback is the address of an endpoint on this very machine.
func loopback(endpoint string) (string, bool) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" || u.Port() == "" {
		return "", false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if u.Hostname() != "localhost" && (err != nil || !ip.IsLoopback()) {
		return "", false
	}
	return u.Host, true
}

// onlyPublic refuses connections to addresses that are not on the public
// internet. It sees the address after the name was looked up, so a name that
// changes between a check and its use changes nothing.
func onlyPublic(_ context.Context, _, address string, _ syscall.RawConn) error {
	addrPort, err := netip.ParseAddrPort(address)
	if err != nil || !isPublic(addrPort.Addr()) {
		return fmt.Errorf("%s is not a public address: CloudFormation's buckets are never there", address)
	}
	return nil
}

// special are the ranges that net/netip has no name for and that lead nowhere
// public, or through a translator to somewhere that was not looked at.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"),
}

func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, prefix := range special {
		if prefix.Contains(ip) {
			return false
		}
	}
	return true
}
