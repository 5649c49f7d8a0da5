// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sigv4"
)

// maxBody is the size limit of a request's body in bytes. It is larger than any
// request to the sandbox's services: the largest objects in S3 are templates.
const maxBody = 16 << 20

// ServeHTTP handles every request: it finds the service that the request is for,
// checks the signature, and writes the answer. Requests to AWS's own host names
// arrive here too, if a client connects to the sandbox for them.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the sandbox could not read the request: "+err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	signature, signErr := sigv4.Parse(r)
	to := destinationOf(r, signature)
	switch {
	case to.page:
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.mux.ServeHTTP(w, r)
		return
	case to.certificate:
		s.certificates.ServeHTTP(w, r)
		return
	}
	c := &kernel.Call{
		Context: r.Context(), Service: to.service, Region: to.region, Request: r, Body: body,
		RequestID: kernel.NewRequestID(rand.Reader),
	}
	service := s.services[c.Service]
	if service == nil {
		err := unknownService(c.Service)
		s.record(c, err, false, false)
		s.write(w, c, kernel.QueryError(c, "", err))
		return
	}
	c.Action = service.Action(r, body)
	response, err := s.serveSigned(service, c, signature, signErr)
	switch {
	case errors.Is(err, errLostAnswer):
		// Makes http.Server close the connection without an answer.
		panic(http.ErrAbortHandler)
	case err != nil:
		response = encodeError(service, c, asAWS(err))
	}
	s.write(w, c, response)
}

func (s *Sandbox) serveSigned(service kernel.Service, c *kernel.Call, signature *sigv4.Signature, signErr error) (*kernel.Response, error) {
	var err error
	switch {
	case signErr == nil:
		err = s.authenticate(c, signature)
	case errors.Is(signErr, sigv4.ErrUnsigned) && c.Service == "s3":
		// An anonymous call, which the bucket's policy may allow.
	default:
		err = s.refusal(c, signErr)
	}
	if err != nil {
		s.record(c, err, false, false)
		return nil, err
	}
	return s.call(service, c, false)
}

func encodeError(service kernel.Service, c *kernel.Call, err *kernel.Error) *kernel.Response {
	if err.Raw != nil {
		return &kernel.Response{Status: err.Status, Header: err.Header, Body: err.Raw}
	}
	return service.EncodeError(c, err)
}

func (s *Sandbox) write(w http.ResponseWriter, c *kernel.Call, response *kernel.Response) {
	header := w.Header()
	for name, values := range response.Header {
		header[name] = values
	}
	id := "X-Amzn-Requestid"
	if c.Service == "s3" {
		id = "X-Amz-Request-Id"
	}
	if header.Get(id) == "" {
		header.Set(id, c.RequestID)
	}
	if c.Request.Method != http.MethodHead {
		header.Set("Content-Length", strconv.Itoa(len(response.Body)))
	}
	w.WriteHeader(response.Status)
	if c.Request.Method == http.MethodHead || response.Status == http.StatusNoContent || response.Status == http.StatusNotModified {
		return
	}
	if _, err := w.Write(response.Body); err != nil {
		slog.Debug("A client of the sandbox disconnected before its answer was written", "service", c.Service, "action", c.Action, "error", err)
	}
}
