// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sigv4

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const secret = "not-a-real-secret"

var signedAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var credentials = aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: secret, SessionToken: "token"}

// signed returns a request as a server receives it, signed with the SDK.
func signed(t *testing.T, service, method, target, body string, change func(*v4.SignerOptions)) *http.Request {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	hash := hexHash([]byte(body))
	if service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	r.Header.Set("X-Amz-Meta-Spaces", "  a   b ")
	if change == nil {
		change = func(*v4.SignerOptions) {}
	}
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, hash, service, "eu-west-1", signedAt, change); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheSDKsSignaturesAreAccepted(t *testing.T) {
	s3Paths := func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }
	for _, test := range []struct {
		name, service, method, target, body string
		options                             func(*v4.SignerOptions)
	}{
		{"a query request", "sns", "POST", "http://127.0.0.1:4566/", "Action=Publish", nil},
		{"no body", "iam", "GET", "http://127.0.0.1/?Action=ListRoles&b=2&b=1&a-=x&a=y%20z&empty", "", nil},
		{"a path that is encoded twice", "lambda", "GET", "http://127.0.0.1/a%20b/c%3Ad", "", nil},
		{"an S3 key with odd characters", "s3", "PUT", "http://b.s3.eu-west-1.amazonaws.com/a%20b/c%7Cd%3Ae%2Bf~", "x", s3Paths},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := signed(t, test.service, test.method, test.target, test.body, test.options)
			s, err := Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			if s.AccessKeyID != "AKIAEXAMPLE" || s.Token != "token" || s.Region != "eu-west-1" || s.Service != test.service {
				t.Errorf("read as %+v", s)
			}
			if err := s.Verify(r, []byte(test.body), secret, signedAt.Add(time.Minute)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestATamperedRequestIsRefused(t *testing.T) {
	const body = "Action=Publish&Message=hello"
	for _, test := range []struct {
		name   string
		tamper func(r *http.Request) (body, secret string, now time.Time)
		want   error
	}{
		{"another body", func(*http.Request) (string, string, time.Time) {
			return "Action=Publish&Message=evil", secret, signedAt
		}, ErrMismatch},
		{"another secret", func(*http.Request) (string, string, time.Time) { return body, "guess", signedAt }, ErrMismatch},
		{"another host", func(r *http.Request) (string, string, time.Time) {
			r.Host = "evil.example"
			return body, secret, signedAt
		}, ErrMismatch},
		{"another path", func(r *http.Request) (string, string, time.Time) {
			r.URL.Path = "/other"
			return body, secret, signedAt
		}, ErrMismatch},
		{"another query", func(r *http.Request) (string, string, time.Time) {
			r.URL.RawQuery = "Action=Delete"
			return body, secret, signedAt
		}, ErrMismatch},
		{"another method", func(r *http.Request) (string, string, time.Time) { r.Method = "PUT"; return body, secret, signedAt }, ErrMismatch},
		{"a changed token", func(r *http.Request) (string, string, time.Time) {
			r.Header.Set("X-Amz-Security-Token", "stolen")
			return body, secret, signedAt
		}, ErrMismatch},
		{"a signed header removed", func(r *http.Request) (string, string, time.Time) {
			r.Header.Del("X-Amz-Meta-Spaces")
			return body, secret, signedAt
		}, ErrMismatch},
		{"16 minutes late", func(*http.Request) (string, string, time.Time) { return body, secret, signedAt.Add(16 * time.Minute) }, ErrSkewed},
		{"16 minutes early", func(*http.Request) (string, string, time.Time) { return body, secret, signedAt.Add(-16 * time.Minute) }, ErrSkewed},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := signed(t, "sns", "POST", "http://127.0.0.1/", body, nil)
			gotBody, key, now := test.tamper(r)
			s, err := Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Verify(r, []byte(gotBody), key, now); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestAStatedHashMustBeThatOfTheBody(t *testing.T) {
	r := signed(t, "s3", "PUT", "http://b.s3.amazonaws.com/k", "good", nil)
	s, err := Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(r, []byte("evil"), secret, signedAt); !errors.Is(err, ErrPayload) {
		t.Errorf("got %v", err)
	}
}

func TestAPresignedURLIsValidUntilItExpiresOrIsChanged(t *testing.T) {
	const stack = "arn:aws:cloudformation:eu-west-1:222222222222:stack/s/1|PhoneHome|req"
	ours := Presigner{AccessKeyID: "AKIAEXAMPLE", Secret: secret, Token: "token/+="}
	address, err := ours.Presign(http.MethodPut, "eu-west-1", "b.s3.eu-west-1.amazonaws.com", stack, signedAt, 2*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(address, "/arn%3Aaws%3Acloudformation%3Aeu-west-1%3A222222222222%3Astack/s/1%7CPhoneHome%7Creq?") {
		t.Errorf("the path is not escaped as by AWS: %s", address)
	}
	unsignedRequest, err := http.NewRequest(http.MethodGet, "https://b.s3.eu-west-1.amazonaws.com/templates/a.json?X-Amz-Expires=7200", nil)
	if err != nil {
		t.Fatal(err)
	}
	theirs, _, err := v4.NewSigner().PresignHTTP(t.Context(), credentials, unsignedRequest, unsigned, "s3", "eu-west-1", signedAt,
		func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, method, address string
		now                   time.Time
		tamper                func(string) string
		want                  error
	}{
		{"ours", "PUT", address, signedAt.Add(time.Hour), nil, nil},
		{"the SDK's", "GET", theirs, signedAt.Add(time.Hour), nil, nil},
		{"expired", "PUT", address, signedAt.Add(2*time.Hour + time.Second), nil, ErrExpired},
		{"another method", "GET", address, signedAt, nil, ErrMismatch},
		{"another object", "PUT", address, signedAt, func(a string) string { return strings.Replace(a, "%7Creq", "%7Creq2", 1) }, ErrMismatch},
		{"a later expiry", "PUT", address, signedAt, func(a string) string { return strings.Replace(a, "Expires=7200", "Expires=7201", 1) }, ErrMismatch},
		{"a forged signature", "PUT", address, signedAt, func(a string) string { return a[:len(a)-64] + strings.Repeat("0", 64) }, ErrMismatch},
		{"no signature", "PUT", address, signedAt, func(a string) string { before, _, _ := strings.Cut(a, "&X-Amz-Signature"); return before }, ErrIncomplete},
		{"another host", "PUT", address, signedAt, func(a string) string { return strings.Replace(a, "b.s3", "c.s3", 1) }, ErrMismatch},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.tamper != nil {
				test.address = test.tamper(test.address)
			}
			u, err := url.Parse(test.address)
			if err != nil {
				t.Fatal(err)
			}
			r := &http.Request{Method: test.method, URL: u, Host: u.Host, Header: http.Header{"Content-Type": {""}}}
			s, err := Parse(r)
			if err == nil {
				err = s.Verify(r, []byte("anything"), secret, test.now)
			}
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// TestSignedChunksAreCheckedOneByOne builds the chunks as AWS documents them; the
// SDK makes the first signature.
func TestSignedChunksAreCheckedOneByOne(t *testing.T) {
	build := func(trailer bool) (*http.Request, []byte) {
		payload := streamingSigned
		if trailer {
			payload = streamingSignedTrailer
		}
		r := httptest.NewRequest(http.MethodPut, "http://b.s3.amazonaws.com/k", nil)
		r.Header.Set("X-Amz-Content-Sha256", payload)
		if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, payload, "s3", "us-east-1", signedAt,
			func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }); err != nil {
			t.Fatal(err)
		}
		s, err := Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		key := signingKey(secret, "20260102", "us-east-1", "s3")
		var b bytes.Buffer
		previous := s.signature
		for _, chunk := range []string{"hello ", "world", ""} {
			previous = s.chainSignature(key, "AWS4-HMAC-SHA256-PAYLOAD", previous, hexHash(nil)+"\n"+hexHash([]byte(chunk)))
			b.WriteString(string("0123456789abcdef"[len(chunk)]) + ";chunk-signature=" + previous + "\r\n" + chunk)
			if chunk != "" || !trailer {
				b.WriteString("\r\n")
			}
		}
		if trailer {
			line := "x-amz-checksum-crc32:DUoRhQ=="
			last := s.chainSignature(key, "AWS4-HMAC-SHA256-TRAILER", previous, hexHash([]byte(line+"\n")))
			b.WriteString(line + "\r\nx-amz-trailer-signature:" + last + "\r\n\r\n")
		}
		return r, b.Bytes()
	}
	for _, trailer := range []bool{false, true} {
		r, body := build(trailer)
		s, err := Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(r, body, secret, signedAt); err != nil {
			t.Errorf("trailer %v: %v", trailer, err)
		}
		evil := bytes.Replace(body, []byte("world"), []byte("w0rld"), 1)
		if err := s.Verify(r, evil, secret, signedAt); !errors.Is(err, ErrMismatch) {
			t.Errorf("trailer %v: a changed chunk returned %v", trailer, err)
		}
		if err := s.Verify(r, body[:20], secret, signedAt); !errors.Is(err, ErrPayload) {
			t.Errorf("trailer %v: a truncated chunk returned %v", trailer, err)
		}
	}
	r, body := build(true)
	s, _ := Parse(r)
	evil := bytes.Replace(body, []byte("DUoRhQ"), []byte("AAAAAA"), 1)
	if err := s.Verify(r, evil, secret, signedAt); !errors.Is(err, ErrMismatch) {
		t.Errorf("a changed trailer returned %v", err)
	}
}

func TestAMissingAndAnIncompleteSignatureHaveDifferentErrors(t *testing.T) {
	if _, err := Parse(httptest.NewRequest(http.MethodGet, "http://127.0.0.1/b/k", nil)); !errors.Is(err, ErrUnsigned) {
		t.Errorf("got %v", err)
	}
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
	for _, header := range []string{"AWS4-HMAC-SHA256 Credential=AKIA/x", "Bearer x"} {
		r.Header.Set("Authorization", header)
		if _, err := Parse(r); !errors.Is(err, ErrIncomplete) {
			t.Errorf("%q returned %v", header, err)
		}
	}
}

func TestASignatureOfVersion2HasItsOwnError(t *testing.T) {
	t.Parallel()
	header := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
	header.Header.Set("Authorization", "AWS AKIA:sig")
	for name, r := range map[string]*http.Request{
		"in the header":         header,
		"in a presigned URL":    httptest.NewRequest(http.MethodGet, "http://127.0.0.1/b/k?AWSAccessKeyId=AKIA&Expires=1&Signature=s", nil),
		"in the query protocol": httptest.NewRequest(http.MethodGet, "http://127.0.0.1/?Action=X&SignatureVersion=2", nil),
	} {
		if _, err := Parse(r); !errors.Is(err, ErrVersion2) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzParseNeverPanics(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=A/20260102/r/s/aws4_request, SignedHeaders=host, Signature=00", "a=b&X-Amz-Signature=1", "5;chunk-signature=x\r\nhello\r\n")
	f.Fuzz(func(_ *testing.T, authorization, query, body string) {
		r := &http.Request{Method: http.MethodPut, URL: &url.URL{Path: "/", RawQuery: query}, Header: http.Header{}}
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", signedAt.Format(timeLayout))
		s, err := Parse(r)
		if err != nil {
			return
		}
		_ = s.Verify(r, []byte(body), secret, signedAt)
		_ = s.verifyChunks([]byte(body), []byte("k"), streamingSignedTrailer)
	})
}
