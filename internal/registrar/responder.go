// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/outbound"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// BucketResponder PUTs answers to CloudFormation's buckets. The address was
// checked when the response URL was parsed: https, port 443, and one of the
// names of CloudFormation's own buckets. S3 itself proves that it has the name,
// by TLS, so the address behind it may be a private one, which an interface
// endpoint with private DNS gives it (aws-facts 12.11). It is never this
// machine's, nor that of instance metadata, and no redirect leads on from there.
type BucketResponder struct {
	client *outbound.Client
	pause  func(context.Context, time.Duration)
}

// NewBucketResponder returns a BucketResponder, which trusts the given root
// certificates; nil: the system's. The endpoint is where a sandbox listens, and
// otherwise empty (see [outbound.Options]).
func NewBucketResponder(endpoint string, roots *x509.CertPool) *BucketResponder {
	return newBucketResponder(outbound.Options{Endpoint: endpoint, Roots: roots, Private: true})
}

func newBucketResponder(options outbound.Options) *BucketResponder {
	return &BucketResponder{client: outbound.New(options), pause: pause}
}

// retries are the pauses between attempts. What is still not sent after the
// last one goes back to the queue and is tried again from there.
var retries = []time.Duration{200 * time.Millisecond, time.Second}

// Respond sends one answer, a few times if need be. An answer that the bucket
// did not take is a *RefusedError.
func (r *BucketResponder) Respond(ctx context.Context, to phonehome.ResponseURL, response phonehome.Response) error {
	body, err := response.Encode()
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	for attempt := 0; ; attempt++ {
		err = r.put(ctx, to, body)
		var refused *RefusedError
		final := err == nil || errors.As(err, &refused) && !refused.passes()
		if final || ctx.Err() != nil || attempt == len(retries) {
			return err
		}
		r.pause(ctx, retries[attempt])
	}
}

// put sends the body with no content type, which old signatures would have to
// cover (aws-facts 1.8). No error of it holds the URL's signature.
func (r *BucketResponder) put(ctx context.Context, to phonehome.ResponseURL, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, to.Signed(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the answer to %s could not be sent", to)
	}
	response, err := r.client.Do(request)
	if err != nil {
		return fmt.Errorf("send the answer to %s: %w", to, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, mostOfAnError))
	switch status := response.StatusCode; {
	case status >= 200 && status < 300 && err == nil && len(text) == 0:
		return nil
	case status >= 200 && status < 300:
		// S3 says nothing when it takes an object; an answer of 200 with more than
		// that, such as a proxy's page, is not S3's.
		return &RefusedError{StatusCode: status, Delivery: onboarding.Undecided}
	case status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests:
		code, _ := s3Error(text)
		return fmt.Errorf("send the answer to %s: %s %s", to, response.Status, code)
	default:
		return refusalOf(status, text)
	}
}

// mostOfAnError is how much of an error is read; S3's have some two kilobytes.
const mostOfAnError = 16 << 10

// respond sends an answer of the handling, and counts the result.
func (h *handling) respond(ctx context.Context, response phonehome.Response) error {
	err := h.config.Responder.Respond(ctx, h.request.ResponseURL, response)
	var refused *RefusedError
	switch {
	case err == nil:
		h.config.Observer.Answered(h.request, response.Status, h.config.Clock())
		h.answerTaken()
		h.accepted.remember(h.key(), response)
	case errors.As(err, &refused):
		h.config.Observer.Refused(h.request, refused.Delivery)
		if refused.Delivery == onboarding.Undecided {
			h.refusedUndecided(refused)
		}
	}
	return err
}
