// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package lambda serves the onboarding API as a Lambda function behind a function
// URL, or behind an API Gateway with payloads of version 2.0.
//
// It makes no decisions: every event becomes the HTTP request that it describes. The
// response is sent when it is complete (the invoke mode BUFFERED, aws-facts 12.16).
package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	awslambda "github.com/aws/aws-lambda-go/lambda"

	"github.com/xacct/terraform-provider-xacct/internal/api"
)

// Handler handles events.
type Handler struct{ HTTP http.Handler }

// Start handles events until Lambda ends the process.
func (h Handler) Start(ctx context.Context) {
	awslambda.StartWithOptions(h.Handle, awslambda.WithContext(ctx))
}

// Handle answers the request that an event describes. An event of another kind is an
// error.
func (h Handler) Handle(ctx context.Context, event events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error) {
	if event.Version != "2.0" || event.RequestContext.HTTP.Method == "" {
		return events.LambdaFunctionURLResponse{}, errors.New("this event is not one of a function URL (payload version 2.0)")
	}
	request, err := request(ctx, event)
	if err != nil {
		return events.LambdaFunctionURLResponse{StatusCode: http.StatusBadRequest}, nil
	}
	answer := &answer{header: http.Header{}}
	h.HTTP.ServeHTTP(answer, request)
	return answer.response(), nil
}

// request returns the HTTP request of an event. The caller's identity comes from the
// context that Lambda writes, and never from what the caller has sent.
func request(ctx context.Context, event events.LambdaFunctionURLRequest) (*http.Request, error) {
	var body io.Reader = strings.NewReader(event.Body)
	if event.IsBase64Encoded {
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	if authorizer := event.RequestContext.Authorizer; authorizer != nil && authorizer.IAM != nil {
		ctx = api.WithPrincipal(ctx, authorizer.IAM.UserARN)
	}
	address := "https://" + event.RequestContext.DomainName + event.RawPath
	if event.RawQueryString != "" {
		address += "?" + event.RawQueryString
	}
	request, err := http.NewRequestWithContext(ctx, event.RequestContext.HTTP.Method, address, body)
	if err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	for name, value := range event.Headers {
		request.Header.Set(name, value)
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
		request.Header.Del("Host")
	}
	if len(event.Cookies) > 0 {
		request.Header.Set("Cookie", strings.Join(event.Cookies, "; "))
	}
	if request.Header.Get("X-Request-Id") == "" {
		request.Header.Set("X-Request-Id", event.RequestContext.RequestID)
	}
	request.RemoteAddr = net.JoinHostPort(event.RequestContext.HTTP.SourceIP, "0")
	return request, nil
}

// answer is a ResponseWriter that buffers the server's response.
type answer struct {
	header http.Header
	status int
	sent   http.Header
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status, a.sent = status, a.header.Clone()
	}
}

func (a *answer) Write(text []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(text)
}

// Flush does nothing: the response is sent when it is complete.
func (a *answer) Flush() {}

func (a *answer) response() events.LambdaFunctionURLResponse {
	a.WriteHeader(http.StatusOK)
	response := events.LambdaFunctionURLResponse{StatusCode: a.status, Headers: map[string]string{}, Cookies: a.sent.Values("Set-Cookie")}
	a.sent.Del("Set-Cookie")
	for name, values := range a.sent {
		response.Headers[name] = strings.Join(values, ", ")
	}
	if utf8.Valid(a.body.Bytes()) {
		response.Body = a.body.String()
	} else {
		response.Body, response.IsBase64Encoded = base64.StdEncoding.EncodeToString(a.body.Bytes()), true
	}
	return response
}
