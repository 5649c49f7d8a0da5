// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/outbound"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// RefusedError says that CloudFormation's bucket will never take this answer:
// its signature is not CloudFormation's, or has run out (aws-facts 1.8).
type RefusedError struct {
	StatusCode int
	Code       string // S3's, such as AccessDenied; may be empty
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("CloudFormation's bucket refused the answer: %d %s", e.StatusCode, e.Code)
}

// BucketResponder PUTs answers to CloudFormation's buckets. Where it may send was
// decided when the response URL was parsed; that the name leads to a public
// address, and nowhere on from there, is the outbound client's work.
type BucketResponder struct {
	client *outbound.Client
	pause  func(context.Context, time.Duration)
}

// NewBucketResponder returns a BucketResponder. The endpoint is where a sandbox listens, and
// otherwise empty (see [outbound.Options]).
func NewBucketResponder(endpoint string) *BucketResponder {
	return &BucketResponder{client: outbound.New(outbound.Options{Endpoint: endpoint}), pause: pause}
}

// retries are the pauses between attempts. What is still not sent after the
// last one goes back to the queue and is tried again from there.
var retries = []time.Duration{200 * time.Millisecond, time.Second}

// Respond sends one answer, a few times if need be.
func (r *BucketResponder) Respond(ctx context.Context, to phonehome.ResponseURL, response phonehome.Response) error {
	body, err := response.Encode()
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	for attempt := 0; ; attempt++ {
		err = r.put(ctx, to, body)
		var refused *RefusedError
		if err == nil || errors.As(err, &refused) || ctx.Err() != nil || attempt == len(retries) {
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
	text, _ := io.ReadAll(io.LimitReader(response.Body, 4<<10)) // for the code; the status is enough
	switch status := response.StatusCode; {
	case status >= 200 && status < 300:
		return nil
	case status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests:
		return fmt.Errorf("send the answer to %s: %s %s", to, response.Status, errorCode(text))
	default:
		return &RefusedError{StatusCode: status, Code: errorCode(text)}
	}
}

var codePattern = regexp.MustCompile(`<Code>([A-Za-z]{1,64})</Code>`)

// errorCode is all that is kept of S3's answer: the rest repeats what was signed.
func errorCode(text []byte) string {
	if match := codePattern.FindSubmatch(text); match != nil {
		return string(match[1])
	}
	return ""
}

// respond sends an answer of the handling.
func (h *handling) respond(ctx context.Context, response phonehome.Response) error {
	err := h.config.Responder.Respond(ctx, h.request.ResponseURL, response)
	if err == nil {
		h.config.Observer.Answered(h.request, response.Status, h.config.Clock())
	}
	return err
}
