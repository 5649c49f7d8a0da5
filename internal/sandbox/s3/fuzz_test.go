// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzDecodeChunks checks that no body makes the decoder panic, that its output
// is never longer than its input, and that an encoded body is decoded to
// itself.
func FuzzDecodeChunks(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"))
	f.Add([]byte("5;chunk-signature=00\r\nhello\r\n0;chunk-signature=00\r\n\r\n"))
	f.Add([]byte("ffffffffffffffff\r\n"))
	f.Add([]byte("0\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if body, _, err := decodeChunks(b); err == nil && len(body) > len(b) {
			t.Fatalf("%d bytes were decoded from %d", len(body), len(b))
		}
		half := len(b) / 2
		var chunked bytes.Buffer
		for _, part := range [][]byte{b[:half], b[half:]} {
			if len(part) > 0 {
				fmt.Fprintf(&chunked, "%x\r\n%s\r\n", len(part), part)
			}
		}
		chunked.WriteString("0\r\nx-amz-trailer-signature:00\r\n\r\n")
		body, trailer, err := decodeChunks(chunked.Bytes())
		if err != nil || !bytes.Equal(body, b) || trailer["x-amz-trailer-signature"] != "00" {
			t.Fatalf("%q was decoded to %q with the trailer %v (%v)", b, body, trailer, err)
		}
	})
}

func TestABucketIsFoundInHostOrPath(t *testing.T) {
	for address, want := range map[string]address{
		"http://127.0.0.1:4566/b/k/l":                             {bucket: "b", key: "k/l"},
		"http://127.0.0.1:4566/":                                  {},
		"http://localhost/b":                                      {bucket: "b"},
		"https://b.s3.eu-west-1.amazonaws.com/k":                  {bucket: "b", key: "k", region: "eu-west-1", suffix: "com"},
		"https://b.c.s3.eu-west-1.amazonaws.com:443/k":            {bucket: "b.c", key: "k", region: "eu-west-1", suffix: "com"},
		"https://b.s3.amazonaws.com/k":                            {bucket: "b", key: "k", region: "us-east-1", suffix: "com"},
		"https://b.s3-us-west-2.amazonaws.com/k":                  {bucket: "b", key: "k", region: "us-west-2", suffix: "com"},
		"https://b.s3.dualstack.eu-west-1.amazonaws.com/k":        {bucket: "b", key: "k", region: "eu-west-1", suffix: "com"},
		"https://s3.eu-west-1.amazonaws.com/b/k":                  {bucket: "b", key: "k", region: "eu-west-1", suffix: "com"},
		"https://B.S3.cn-north-1.AMAZONAWS.com.cn/k":              {bucket: "b", key: "k", region: "cn-north-1", suffix: "com.cn"},
		"https://b.s3.eusc-de-east-1.amazonaws.eu/k":              {bucket: "b", key: "k", region: "eusc-de-east-1", suffix: "eu"},
		"https://b.s3.eu-west-1.amazonaws.com/a%2Fb%7Cc":          {bucket: "b", key: "a/b|c", region: "eu-west-1", suffix: "com"},
		"https://b.s3.eu-west-1.amazonaws.com.evil.example/c/d":   {bucket: "c", key: "d"},
		"https://s3.eu-west-1.amazonaws.com.b.s3.amazonaws.com/k": {bucket: "s3.eu-west-1.amazonaws.com.b", key: "k", region: "us-east-1", suffix: "com"},
		"https://xs3.eu-west-1.amazonaws.com/b/k":                 {bucket: "b", key: "k"},
		"https://b.s3.eu-west-1.amazonaws.com//k":                 {bucket: "b", key: "/k", region: "eu-west-1", suffix: "com"},
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := addressOf(&http.Request{URL: u, Host: u.Host}); got != want {
			t.Errorf("%s: got %+v, want %+v", address, got, want)
		}
	}
}

func TestUnknownQueryParametersAreRefused(t *testing.T) {
	for query, want := range map[string]string{
		"": "", "x-id=GetObject": "", "prefix=a&max-keys=1": "", "list-type=2&prefix=a": "list-type", "acl": "acl",
		"versionId=1&x-id=GetObject": "versionId", "partNumber=1&uploadId=2": "partNumber", "X-Amz-Signature=a&X-Amz-Date=b&x-amz-checksum-mode=ENABLED": "", "invented=1": "invented",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := subresource(values); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/b/k", RawQuery: "invented=1"}}
	if op := operationOf(r, addressOf(r)); op != nil || strings.Contains((&Service{}).Action(r, nil), "GetObject") {
		t.Errorf("an invented subresource was accepted as %v", op)
	}
}
