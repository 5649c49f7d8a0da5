// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"errors"
	"net/http"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/iam"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/s3"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sigv4"
)

// authenticate checks a signature, and sets the call's principal. It returns the
// error of the call's service if the signature is not valid.
func (s *Sandbox) authenticate(c *kernel.Call, signature *sigv4.Signature) error {
	secret, principal, err := s.identity.Lookup(signature.AccessKeyID, signature.Token)
	if err != nil {
		return s.refusal(c, err)
	}
	if signature.Service != c.Service {
		return s.refusal(c, sigv4.ErrMismatch)
	}
	now := time.Now()
	if principal.Service != "" {
		// Services of the sandbox sign by the sandbox's clock, other callers by the
		// machine's.
		now = s.clock.Now()
	}
	if err := signature.Verify(c.Request, c.Body, secret, now); err != nil {
		return s.refusal(c, err)
	}
	c.Principal = principal
	return nil
}

// refusal returns the error for a failed authentication, which depends on the
// protocol of the call's service.
func (s *Sandbox) refusal(c *kernel.Call, err error) *kernel.Error {
	for _, r := range refusals {
		if !errors.Is(err, r.reason) {
			continue
		}
		code := r.query
		switch c.Service {
		case "s3":
			kind := r.s3
			if kind == s3.AuthorizationQueryParametersError && c.Request.Header.Get("Authorization") != "" {
				kind = s3.AuthorizationHeaderMalformed
			}
			return s3.Refuse(kind, c.Request, s.clock.Now(), 0)
		case "sqs", "dynamodb", "events", "logs", "organizations", "kms":
			code = r.json
		}
		return kernel.Errorf(r.status, code, "%s", r.message)
	}
	return kernel.Errorf(http.StatusForbidden, "AccessDenied", "%v", err)
}

var refusals = []struct {
	reason      error
	status      int
	query, json string
	s3          kernel.FaultKind
	message     string
}{
	{
		iam.ErrUnknownKey, http.StatusForbidden,
		"InvalidClientTokenId", "UnrecognizedClientException", s3.InvalidAccessKeyID,
		"The security token included in the request is invalid.",
	},
	{
		iam.ErrInvalidToken, http.StatusForbidden,
		"InvalidClientTokenId", "UnrecognizedClientException", s3.InvalidToken,
		"The security token included in the request is invalid.",
	},
	{
		iam.ErrExpiredToken, http.StatusForbidden,
		"ExpiredToken", "ExpiredTokenException", s3.ExpiredToken,
		"The security token included in the request is expired",
	},
	{
		sigv4.ErrUnsigned, http.StatusForbidden,
		"MissingAuthenticationToken", "MissingAuthenticationTokenException", s3.AccessDenied,
		"Request is missing Authentication Token",
	},
	{
		sigv4.ErrIncomplete, http.StatusBadRequest,
		"IncompleteSignature", "IncompleteSignatureException", s3.AuthorizationQueryParametersError,
		"The request signature does not conform to AWS standards.",
	},
	{
		sigv4.ErrVersion2, http.StatusBadRequest,
		"IncompleteSignature", "IncompleteSignatureException", s3.InvalidRequest,
		"The sandbox does not accept signatures of version 2. Please use AWS4-HMAC-SHA256.",
	},
	{
		sigv4.ErrSkewed, http.StatusForbidden,
		"SignatureDoesNotMatch", "InvalidSignatureException", s3.RequestTimeTooSkewed,
		"The difference between the request time and the current time is too large.",
	},
	{
		sigv4.ErrExpired, http.StatusForbidden,
		"AccessDenied", "AccessDeniedException", s3.RequestHasExpired,
		"Request has expired",
	},
	{
		sigv4.ErrPayload, http.StatusBadRequest,
		"SignatureDoesNotMatch", "InvalidSignatureException", s3.XAmzContentSHA256Mismatch,
		"The provided 'x-amz-content-sha256' header does not match what was computed.",
	},
	{
		sigv4.ErrMismatch, http.StatusForbidden,
		"SignatureDoesNotMatch", "InvalidSignatureException", s3.SignatureDoesNotMatch,
		"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
	},
}
