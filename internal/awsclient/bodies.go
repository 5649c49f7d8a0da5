// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient

import (
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// plainBodies is an HTTP client that sends request bodies with no methods other than
// Read and Close.
//
// The SDK closes a request's body as soon as there is a response, while
// net/http may still be about to check whether the body has ended. The SDK's
// closed body returns io.EOF from WriteTo, where it is an error and not the
// end: net/http then closes the connection, and the rest of the response is
// lost ("use of closed network connection"). This happens with a server that
// answers faster than the client can proceed, such as the sandbox. Read has no
// such problem.
type plainBodies struct{ client aws.HTTPClient }

// HTTPClient returns the SDK's own HTTP client with plain bodies, for clients
// that are not created by Load: those of tests, which connect to the sandbox.
func HTTPClient() aws.HTTPClient { return plainBodies{awshttp.NewBuildableClient()} }

func (p plainBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return p.client.Do(r)
}
