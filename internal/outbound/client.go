// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package outbound is the HTTP client for all requests that are not AWS API calls:
// answers to CloudFormation, downloads of SNS's signing certificates, and others. Their
// addresses may come from messages that an attacker wrote, so the client connects only
// to public addresses (with Options.Private, to private ones as well), over TLS,
// follows no redirects and uses no proxy, because a proxy would connect in its place.
//
// The client does not check which host names are allowed: the caller must have checked
// the name. It does not retry, and does not limit how much of a response is read.
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
	target string // host:port of all connections, in plain HTTP; empty: the addresses of the host names
}

// Options configure a Client. The zero value is for AWS.
type Options struct {
	// Endpoint is the address of a sandbox, such as http://127.0.0.1:4566. All
	// connections go to it in plain HTTP, regardless of the host names in the URLs; the
	// Host header and the rules for names do not change. An endpoint that is not a
	// loopback address is ignored: it replaces AWS's API, which this package does not
	// call.
	Endpoint string

	// Private also allows addresses of private networks, at port 443, to which AWS's
	// names resolve if there is a VPC endpoint. Use it only for https, and for AWS's
	// own names or a name that the vendor has configured: if spoofed DNS resolves such
	// a name to another machine, that machine receives nothing, because it has no
	// certificate for the name.
	Private bool

	// Roots are the certificate authorities that TLS trusts; nil: the system's.
	Roots *x509.CertPool

	// Timeout is the time limit of a whole request including its response; 0 means 15
	// seconds.
	Timeout time.Duration

	// Dial replaces the function that connects, for tests.
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

// loopback returns the host and port of an endpoint; false if it is not a loopback
// address in plain HTTP with a port.
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
