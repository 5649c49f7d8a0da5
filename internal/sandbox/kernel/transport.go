// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kernel

import (
	"net/http"
	"strings"
)

// SecureTransport returns the value of aws:SecureTransport for a request. The
// sandbox serves plain HTTP on loopback, where an endpoint override sends
// clients that mean AWS's https endpoints: so every request counts as sent by
// TLS, as if the sandbox stood behind a proxy that terminates it. A request
// with the header that such a proxy adds, "X-Forwarded-Proto: http", counts as
// sent without TLS: tests use it for policies that require TLS.
func SecureTransport(r *http.Request) string {
	if r != nil && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "http") {
		return "false"
	}
	return "true"
}
