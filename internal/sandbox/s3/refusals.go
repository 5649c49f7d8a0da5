// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// This file has the errors that S3 returns before it reads a request's content.
// The sandbox's HTTP server returns them for an invalid signature; a fault of
// the same name returns the same error for a valid request (aws-facts 12.1,
// 12.11).

// Errors of S3, and responses of a proxy or a broken connection.
const (
	AccessDenied                      kernel.FaultKind = "AccessDenied"      // without details, as for a VPC endpoint policy
	RequestHasExpired                 kernel.FaultKind = "RequestHasExpired" // AccessDenied with Expires and ServerTime
	ExpiredToken                      kernel.FaultKind = "ExpiredToken"
	InvalidToken                      kernel.FaultKind = "InvalidToken"
	InvalidAccessKeyID                kernel.FaultKind = "InvalidAccessKeyId"
	SignatureDoesNotMatch             kernel.FaultKind = "SignatureDoesNotMatch"
	AuthorizationQueryParametersError kernel.FaultKind = "AuthorizationQueryParametersError"
	AuthorizationHeaderMalformed      kernel.FaultKind = "AuthorizationHeaderMalformed"
	RequestTimeTooSkewed              kernel.FaultKind = "RequestTimeTooSkewed"
	XAmzContentSHA256Mismatch         kernel.FaultKind = "XAmzContentSHA256Mismatch"
	InvalidRequest                    kernel.FaultKind = "InvalidRequest" // of a signature of version 2
	RequestTimeout                    kernel.FaultKind = "RequestTimeout"
	OperationAborted                  kernel.FaultKind = "OperationAborted"
	ConditionalRequestConflict        kernel.FaultKind = "ConditionalRequestConflict"
	PermanentRedirect                 kernel.FaultKind = "PermanentRedirect"
	TemporaryRedirect                 kernel.FaultKind = "TemporaryRedirect"
	NoSuchBucket                      kernel.FaultKind = "NoSuchBucket"
	ServiceUnavailable                kernel.FaultKind = "ServiceUnavailable"

	// HTMLBody, EmptyBody and TruncatedBody come with the rule's Status, or
	// 403.
	HTMLBody      kernel.FaultKind = "html-body"
	EmptyBody     kernel.FaultKind = "empty-body"
	TruncatedBody kernel.FaultKind = "truncated-body"
)

type refusal struct {
	status  int
	code    string // empty: the kind
	message string
	// complete adds the fields that the response has in addition to code and
	// message.
	complete func(err *kernel.Error, r *http.Request, now time.Time)
}

var refusals = map[kernel.FaultKind]refusal{
	AccessDenied:                      {403, "", "Access Denied", nil},
	RequestHasExpired:                 {403, "AccessDenied", "Request has expired", withExpiry},
	ExpiredToken:                      {400, "", "The provided token has expired.", withToken},
	InvalidToken:                      {400, "", "The provided token is malformed or otherwise invalid.", withToken},
	InvalidAccessKeyID:                {403, "", "The AWS Access Key Id you provided does not exist in our records.", withKey},
	SignatureDoesNotMatch:             {403, "", "The request signature we calculated does not match the signature you provided. Check your key and signing method.", withKey},
	AuthorizationQueryParametersError: {400, "", "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.", nil},
	AuthorizationHeaderMalformed:      {400, "", "The authorization header is malformed.", nil},
	RequestTimeTooSkewed:              {403, "", "The difference between the request time and the current time is too large.", withTimes},
	XAmzContentSHA256Mismatch:         {400, "", "The provided 'x-amz-content-sha256' header does not match what was computed.", nil},
	InvalidRequest:                    {400, "", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.", nil},
	RequestTimeout:                    {400, "", "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.", nil},
	OperationAborted:                  {409, "", "A conflicting conditional operation is currently in progress against this resource. Please try again.", nil},
	ConditionalRequestConflict:        {409, "", "The conditional request cannot succeed due to a conflicting operation against this resource.", nil},
	PermanentRedirect:                 {301, "", "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.", withEndpoint},
	TemporaryRedirect:                 {307, "", "Please re-send this request to the specified temporary endpoint. Continue to use the original request endpoint for future requests.", withLocation},
	NoSuchBucket:                      {404, "", "The specified bucket does not exist", withBucket},
	ServiceUnavailable:                {503, "", "Please reduce your request rate.", nil},
	HTMLBody:                          {0, "", "<html><head><title>Blocked</title></head><body><h1>Your organization's proxy does not allow this.</h1></body></html>\n", raw("text/html; charset=utf-8")},
	EmptyBody:                         {0, "", "", raw("")},
	TruncatedBody:                     {0, "", `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>SignatureDoesN", raw("application/xml")},
}

// Refusals returns the kinds of faults that only S3 has, sorted.
func Refusals() []kernel.FaultKind { return slices.Sorted(maps.Keys(refusals)) }

// Refuse returns S3's error of a kind for a request at a time, or nil if S3 has
// no error of that kind. The status is for kinds that have none of their own; 0
// means 403.
func Refuse(kind kernel.FaultKind, r *http.Request, now time.Time, status int) *kernel.Error {
	how, known := refusals[kind]
	if !known {
		return nil
	}
	err := &kernel.Error{Status: how.status, Code: how.code, Message: how.message, Fields: map[string]any{}}
	if err.Code == "" {
		err.Code = string(kind)
	}
	if err.Status == 0 {
		err.Status = status
	}
	if err.Status == 0 {
		err.Status = http.StatusForbidden
	}
	if how.complete != nil {
		how.complete(err, r, now)
	}
	return err
}

// BucketOf returns the bucket of a request. If it is CloudFormation's response
// bucket, BucketOf also returns the account of the stack.
func BucketOf(r *http.Request) (bucket, account string) {
	a := addressOf(r)
	if parts := strings.SplitN(a.key, ":", 6); isResponseBucket(a.bucket) && len(parts) == 6 {
		account = parts[4]
	}
	return a.bucket, account
}

// withExpiry adds the time at which a presigned request expired. If a fault
// refuses it before that, the time is a second ago.
func withExpiry(err *kernel.Error, r *http.Request, now time.Time) {
	query := r.URL.Query()
	expires := now.Add(-time.Second)
	signed, timeErr := time.Parse("20060102T150405Z", query.Get("X-Amz-Date"))
	seconds, numberErr := strconv.Atoi(query.Get("X-Amz-Expires"))
	if timeErr == nil && numberErr == nil {
		if end := signed.Add(time.Duration(seconds) * time.Second); end.Before(expires) {
			expires = end
		}
		err.Fields["X-Amz-Expires"] = query.Get("X-Amz-Expires")
	}
	err.Fields["Expires"] = expires.UTC().Format(time.RFC3339)
	err.Fields["ServerTime"] = now.UTC().Format(time.RFC3339)
}

func withTimes(err *kernel.Error, r *http.Request, now time.Time) {
	err.Fields["RequestTime"] = r.URL.Query().Get("X-Amz-Date") + r.Header.Get("X-Amz-Date")
	err.Fields["ServerTime"] = now.UTC().Format(time.RFC3339)
	err.Fields["MaxAllowedSkewMilliseconds"] = "900000"
}

// withToken adds the request's session token, as S3 does.
func withToken(err *kernel.Error, r *http.Request, _ time.Time) {
	if token := r.URL.Query().Get("X-Amz-Security-Token") + r.Header.Get("X-Amz-Security-Token"); token != "" {
		err.Fields["Token-0"] = token
	}
}

func withKey(err *kernel.Error, r *http.Request, _ time.Time) {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(r.URL.Query().Get("X-Amz-Credential")+credential, "/")
	err.Fields["AWSAccessKeyId"] = key
	if signature := r.URL.Query().Get("X-Amz-Signature"); signature != "" {
		err.Fields["SignatureProvided"] = signature
	}
}

func withBucket(err *kernel.Error, r *http.Request, _ time.Time) {
	err.Fields["BucketName"] = addressOf(r).bucket
}

func withEndpoint(err *kernel.Error, r *http.Request, _ time.Time) {
	a := addressOf(r)
	err.Fields["Bucket"], err.Fields["Endpoint"] = a.bucket, a.bucket+".s3.amazonaws.com"
}

// withLocation redirects the client to a host that is not CloudFormation's. A
// client that follows the redirect sends its answer to a host that it must not
// trust.
func withLocation(err *kernel.Error, r *http.Request, _ time.Time) {
	endpoint := addressOf(r).bucket + ".s3.temporary.amazonaws.com"
	err.Fields["Endpoint"] = endpoint
	err.Header = http.Header{"Location": {"https://" + endpoint + r.URL.RequestURI()}}
}

// raw returns a function that makes the message the whole body.
func raw(contentType string) func(*kernel.Error, *http.Request, time.Time) {
	return func(err *kernel.Error, _ *http.Request, _ time.Time) {
		err.Raw = []byte(err.Message)
		err.Header = http.Header{"Content-Type": {contentType}}
	}
}
