// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package outbound is the one HTTP client for what is no call of the AWS API:
// answers to CloudFormation, and SNS's signing certificates. Their addresses
// come out of messages that an attacker may have written, so the client goes
// to public addresses only, or where it is told so to private ones as well,
// over TLS, follows no redirect and uses no proxy, which would dial in its place.
//
// It does not know which names are good: whoever asks has checked the name
// before. It doesn't retry, and doesn't limit what is read of an answer.
package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Client makes requests to names that were checked.
type Client struct {
	client *http.Client
	target string // host:port that takes all connections, in plain HTTP; empty: the names' own addresses
}

// Options say how a Client reaches the world. Their zero value is for AWS.
type Options struct {
	// Endpoint such as http://127.0.0.1:4566, which is where a sandbox listens,
	// takes all connections in plain HTTP, whatever the names in the URLs; the
	// Host header stays, and so do the rules on names. Only a loopback address
	// is taken for that: any other endpoint stands in for AWS's API, which is
	// not asked here.
	Endpoint string

	// Private takes the addresses of private networks too: a VPC endpoint gives
	// AWS's names such ones. It is for names whose server TLS proves to be
	// AWS's, and to which nothing is sent that could do harm elsewhere.
	Private bool

	// Roots are whom TLS trusts; nil: the system's.
	Roots *x509.CertPool

	// Timeout of a whole request, its answer included; 0 means 15 seconds.
	Timeout time.Duration

	// Dial replaces all other connections, for tests.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

const defaultTimeout = 15 * time.Second

// New makes a Client.
func New(options Options) *Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	transport := &http.Transport{
		DialContext:            options.Dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: options.Roots},
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  10 * time.Second,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
	c := &Client{}
	if target, ok := loopback(options.Endpoint); ok {
		c.target = target
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, target)
		}
	}
	if transport.DialContext == nil {
		public := *dialer
		public.ControlContext = onlyPublic
		if options.Private {
			public.ControlContext = alsoPrivate
		}
		transport.DialContext = public.DialContext
	}
	c.client = &http.Client{
		Transport: transport,
		Timeout:   options.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	if c.client.Timeout == 0 {
		c.client.Timeout = defaultTimeout
	}
	return c
}

// Do sends a request. A redirect comes back as the answer that it is. No error
// holds the URL, whose query may be a secret.
func (c *Client) Do(request *http.Request) (*http.Response, error) {
	if c.target != "" {
		request = request.Clone(request.Context())
		request.URL.Scheme = "http"
	}
	response, err := c.client.Do(request)
	var withURL *url.Error
	if errors.As(err, &withURL) {
		err = withURL.Err
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", request.Method, request.URL.Host, err)
	}
	return response, nil
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
