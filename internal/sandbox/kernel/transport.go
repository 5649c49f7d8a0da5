// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import (
	"net/http"
	"strings"
)

// SecureTransport returns the value of aws:SecureTransport for a request. The
// sandbox serves plain HTTP on loopback to clients that would use AWS's https
// endpoints without an endpoint override. Every request therefore counts as
// sent with TLS, as if a proxy in front of the sandbox terminated it. A request
// with the header "X-Forwarded-Proto: http", which such a proxy adds, counts as
// sent without TLS: tests use it for policies that require TLS.
func SecureTransport(r *http.Request) string {
	if r != nil && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "http") {
		return "false"
	}
	return "true"
}
