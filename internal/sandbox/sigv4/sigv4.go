// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package sigv4 checks AWS signatures (version 4) on the server's side: in the
// Authorization header and in presigned URLs, with S3's unsigned and chunked
// payloads. It also presigns URLs, as AWS's own services do.
//
// It has no access keys: the caller looks up the secret between Parse and
// Verify. Version 4a (several Regions) and version 2 are not supported.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The reasons why a signature is refused. Parse and Verify return errors that
// wrap one of them.
var (
	ErrUnsigned   = errors.New("the request has no signature")
	ErrIncomplete = errors.New("the signature is incomplete")
	ErrMismatch   = errors.New("the signature does not match")
	ErrSkewed     = errors.New("the request was signed too long ago or in the future")
	ErrExpired    = errors.New("the presigned URL has expired")
	ErrPayload    = errors.New("the body is not the one that was signed")
	// ErrVersion2 is the reason for a signature of version 2. AWS does not accept
	// them in Regions launched since 2014, and the sandbox in none.
	ErrVersion2 = errors.New("the request is signed with version 2")
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeLayout = "20060102T150405Z"
	unsigned   = "UNSIGNED-PAYLOAD"
	// allowedSkew is the largest allowed difference between the clocks of signer
	// and server.
	allowedSkew = 15 * time.Minute
	maxExpires  = 7 * 24 * time.Hour // aws-facts 4.3
)

// Signature is the signature of a request, and its parameters.
type Signature struct {
	AccessKeyID string
	Token       string // of a session; empty for long-term keys
	Region      string
	Service     string
	Time        time.Time
	Presigned   bool
	Expires     time.Duration // of a presigned URL

	date          string // of the credential scope: 20060102
	signedHeaders []string
	signature     string
}

// Parse returns the signature of a request without checking it. The error is
// ErrUnsigned if there is none; otherwise it is ErrVersion2, or wraps
// ErrIncomplete.
func Parse(r *http.Request) (*Signature, error) {
	query := r.URL.Query()
	switch header := r.Header.Get("Authorization"); {
	case header != "":
		return parseHeader(r, header)
	case query.Has("X-Amz-Signature") || query.Has("X-Amz-Credential"):
		return parsePresigned(query)
	case query.Has("Signature") && query.Has("AWSAccessKeyId"), query.Get("SignatureVersion") == "2":
		return nil, ErrVersion2
	default:
		return nil, ErrUnsigned
	}
}

func parseHeader(r *http.Request, header string) (*Signature, error) {
	if strings.HasPrefix(header, "AWS ") {
		return nil, ErrVersion2
	}
	rest, found := strings.CutPrefix(header, algorithm)
	if !found {
		return nil, fmt.Errorf("%w: the Authorization header is not of %s", ErrIncomplete, algorithm)
	}
	parts := map[string]string{}
	for _, part := range strings.Split(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = value
	}
	s := &Signature{
		Token:         r.Header.Get("X-Amz-Security-Token"),
		signedHeaders: strings.Split(parts["SignedHeaders"], ";"),
		signature:     parts["Signature"],
	}
	if err := s.setCredential(parts["Credential"]); err != nil {
		return nil, err
	}
	when, err := time.Parse(timeLayout, r.Header.Get("X-Amz-Date"))
	if err != nil {
		if when, err = http.ParseTime(r.Header.Get("Date")); err != nil {
			return nil, fmt.Errorf("%w: no valid X-Amz-Date", ErrIncomplete)
		}
	}
	s.Time = when
	return s, s.validate()
}

func parsePresigned(query url.Values) (*Signature, error) {
	if got := query.Get("X-Amz-Algorithm"); got != algorithm {
		return nil, fmt.Errorf("%w: X-Amz-Algorithm is %q", ErrIncomplete, got)
	}
	s := &Signature{
		Presigned:     true,
		Token:         query.Get("X-Amz-Security-Token"),
		signedHeaders: strings.Split(query.Get("X-Amz-SignedHeaders"), ";"),
		signature:     query.Get("X-Amz-Signature"),
	}
	if err := s.setCredential(query.Get("X-Amz-Credential")); err != nil {
		return nil, err
	}
	when, err := time.Parse(timeLayout, query.Get("X-Amz-Date"))
	if err != nil {
		return nil, fmt.Errorf("%w: no valid X-Amz-Date", ErrIncomplete)
	}
	s.Time = when
	seconds, err := strconv.Atoi(query.Get("X-Amz-Expires"))
	if err != nil || seconds < 0 || time.Duration(seconds)*time.Second > maxExpires {
		return nil, fmt.Errorf("%w: X-Amz-Expires must be between 0 and 604800 seconds", ErrIncomplete)
	}
	s.Expires = time.Duration(seconds) * time.Second
	return s, s.validate()
}

// setCredential sets the access key, date, Region and service from a credential
// such as "AKIA…/20260102/us-east-1/sns/aws4_request".
func (s *Signature) setCredential(credential string) error {
	fields := strings.Split(credential, "/")
	if len(fields) != 5 || fields[4] != "aws4_request" || slices.Contains(fields, "") {
		return fmt.Errorf("%w: the credential is not KEY/DATE/REGION/SERVICE/aws4_request", ErrIncomplete)
	}
	s.AccessKeyID, s.date, s.Region, s.Service = fields[0], fields[1], fields[2], fields[3]
	return nil
}

func (s *Signature) validate() error {
	switch {
	case s.signature == "":
		return fmt.Errorf("%w: no signature", ErrIncomplete)
	case !slices.Contains(s.signedHeaders, "host"):
		return fmt.Errorf("%w: the host header must be signed", ErrIncomplete)
	case s.Time.Format("20060102") != s.date:
		return fmt.Errorf("%w: the date of the credential scope is not that of the request", ErrIncomplete)
	}
	return nil
}

// Verify checks the signature of a request, given the whole body, the signer's
// secret key, and the current time by the clock that the signer uses. It returns
// nil, or an error that wraps the reason, such as ErrMismatch.
func (s *Signature) Verify(r *http.Request, body []byte, secret string, now time.Time) error {
	if err := s.verifyTime(now); err != nil {
		return err
	}
	payload, err := s.payloadHash(r, body)
	if err != nil {
		return err
	}
	canonical, err := s.canonicalRequest(r, payload)
	if err != nil {
		return err
	}
	key := signingKey(secret, s.date, s.Region, s.Service)
	want := sign(key, algorithm, s.Time, s.scope(), canonical)
	if !hmac.Equal([]byte(want), []byte(s.signature)) {
		return ErrMismatch
	}
	if strings.HasPrefix(payload, streamingSigned) {
		return s.verifyChunks(body, key, payload)
	}
	return nil
}

func (s *Signature) verifyTime(now time.Time) error {
	if s.Time.Sub(now) > allowedSkew {
		return ErrSkewed
	}
	if s.Presigned {
		if now.After(s.Time.Add(s.Expires)) {
			return ErrExpired
		}
		return nil
	}
	if now.Sub(s.Time) > allowedSkew {
		return ErrSkewed
	}
	return nil
}

// payloadHash returns the last line of the canonical request. It returns an
// error if the request states a hash that is not the body's.
func (s *Signature) payloadHash(r *http.Request, body []byte) (string, error) {
	stated := r.Header.Get("X-Amz-Content-Sha256")
	actual := hexHash(body)
	switch {
	case s.Presigned && s.Service == "s3" && stated == "":
		return unsigned, nil
	case stated == "":
		return actual, nil
	case s.Service == "s3" && (stated == unsigned || strings.HasPrefix(stated, "STREAMING-")):
		return stated, nil
	case stated != actual:
		return "", fmt.Errorf("%w: X-Amz-Content-Sha256 is not the hash of the body", ErrPayload)
	default:
		return stated, nil
	}
}

func (s *Signature) scope() string {
	return s.date + "/" + s.Region + "/" + s.Service + "/aws4_request"
}

func sign(key []byte, kind string, when time.Time, scope, signed string) string {
	toSign := kind + "\n" + when.Format(timeLayout) + "\n" + scope + "\n" + hexHash([]byte(signed))
	return hex.EncodeToString(mac(key, toSign))
}

func signingKey(secret, date, region, service string) []byte {
	key := mac([]byte("AWS4"+secret), date)
	key = mac(key, region)
	key = mac(key, service)
	return mac(key, "aws4_request")
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hexHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
