// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient

import (
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// plainBodies sends requests whose bodies can be read and closed, and nothing
// else.
//
// The SDK closes a request's body as soon as there is a response, while
// net/http may still be about to look whether the body has ended. Asked by
// WriteTo, the SDK's closed body says io.EOF, which there is an error, and not
// the end: net/http closes the connection, and the rest of the response is
// lost ("use of closed network connection"). It takes a server that answers
// faster than the client can go on, such as the sandbox. Asked by Read, it
// just ends.
type plainBodies struct{ client aws.HTTPClient }

// HTTPClient returns the SDK's own HTTP client with plain bodies, for clients
// that are not made by Load: those of tests, which talk to the sandbox.
func HTTPClient() aws.HTTPClient { return plainBodies{awshttp.NewBuildableClient()} }

func (p plainBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return p.client.Do(r)
}
