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

// BucketResponder PUTs answers to CloudFormation's buckets. The URL was checked when
// the response URL was parsed: https, port 443, and a host name of CloudFormation's
// own buckets. TLS proves that the server has that name, so its IP address may be a
// private one, as with an interface endpoint with private DNS (aws-facts 12.11). It
// is never a loopback address or that of the instance metadata service, and redirects
// are not followed.
type BucketResponder struct {
	client *outbound.Client
	pause  func(context.Context, time.Duration)
}

// NewBucketResponder returns a BucketResponder that trusts the given root
// certificates; nil: the system's. The endpoint is the address of a sandbox, and
// otherwise empty (see [outbound.Options]).
func NewBucketResponder(endpoint string, roots *x509.CertPool) *BucketResponder {
	return newBucketResponder(outbound.Options{Endpoint: endpoint, Roots: roots, Private: true})
}

func newBucketResponder(options outbound.Options) *BucketResponder {
	return &BucketResponder{client: outbound.New(options), pause: pause}
}

// retries are the pauses between attempts. If the last attempt fails, the message is
// requeued and the answer is sent again later.
var retries = []time.Duration{200 * time.Millisecond, time.Second}

// Respond sends one answer, and retries up to twice if an attempt fails for a reason
// that may pass. The error is a *RefusedError if the bucket refused the answer.
func (r *BucketResponder) Respond(ctx context.Context, to phonehome.ResponseURL, response phonehome.Response) error {
	body, err := response.Encode()
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	for attempt := 0; ; attempt++ {
		err = r.put(ctx, to, body)
		var refused *RefusedError
		final := err == nil || errors.As(err, &refused) && !refused.temporary()
		if final || ctx.Err() != nil || attempt == len(retries) {
			return err
		}
		r.pause(ctx, retries[attempt])
	}
}

// put sends the body without a content type, because signatures of version 2 would
// have to cover one (aws-facts 1.8). Its errors never contain the URL's signature.
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
	text, err := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
	switch status := response.StatusCode; {
	case status >= 200 && status < 300 && err == nil && len(text) == 0:
		return nil
	case status >= 200 && status < 300:
		// S3's response has no body if it accepted the object. A 200 with a body, such
		// as a proxy's page, is not from S3.
		return &RefusedError{StatusCode: status, Delivery: onboarding.Undecided}
	case status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests:
		code, _ := s3Error(text)
		return fmt.Errorf("send the answer to %s: %s %s", to, response.Status, code)
	default:
		return refusalOf(status, text)
	}
}

// maxErrorBody is how many bytes of an error response are read; S3's have about two
// kilobytes.
const maxErrorBody = 16 << 10

// respond sends an answer to this request, and passes the result to the observer and
// the alarms.
func (h *handling) respond(ctx context.Context, response phonehome.Response) error {
	err := h.config.Responder.Respond(ctx, h.request.ResponseURL, response)
	var refused *RefusedError
	switch {
	case err == nil:
		h.config.Observer.Answered(h.request, response.Status, h.config.Clock())
		h.answerAccepted()
		h.accepted.remember(h.key(), response)
	case errors.As(err, &refused):
		h.config.Observer.Refused(h.request, refused.Delivery)
		if refused.Delivery == onboarding.Undecided {
			h.countUndecidedRefusal(refused)
		}
	}
	return err
}
