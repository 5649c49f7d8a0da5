// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package outbound is the HTTP client for all requests that are not AWS API
// calls: answers to CloudFormation, and downloads of SNS's signing
// certificates. Their addresses come from messages that an attacker may have
// written, so the client connects only to public addresses (if told so, to
// private ones as well), over TLS, follows no redirects and uses no proxy,
// because a proxy would connect in its place.
//
// It does not know which host names are allowed: the caller must have checked
// the name. It does not retry, and does not limit how much of a response is
// read.
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

// Client sends requests to host names that the caller has checked.
type Client struct {
	client *http.Client
	target string // host:port that all connections go to, in plain HTTP; empty: the host names' own addresses
}

// Options configure a Client. The zero value is for AWS.
type Options struct {
	// Endpoint such as http://127.0.0.1:4566, where a sandbox listens, receives
	// all connections in plain HTTP, whatever the names in the URLs; the Host
	// header and the rules on names stay. Only a loopback address is used so:
	// any other endpoint stands in for AWS's API, which is not called here.
	Endpoint string

	// Private also allows addresses of private networks, at port 443, which a VPC
	// endpoint gives to AWS's names. Use it only for https, and for AWS's own names or
	// one that the vendor has configured: a name that leads to another machine, by
	// spoiled DNS, then sends it nothing, because that machine has no certificate for
	// the name.
	Private bool

	// Roots are the certificate authorities that TLS trusts; nil: the system's.
	Roots *x509.CertPool

	// Timeout of a whole request including its response; 0 means 15 seconds.
	Timeout time.Duration

	// Dial replaces all other connections, for tests.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

const defaultTimeout = 15 * time.Second

// New returns a Client.
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

// Do sends a request. A redirect is returned as a response. No error contains
// the URL, because its query may be a secret.
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

// loopback returns the address of an endpoint on this machine.
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
