// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3

import (
	"bytes"
	"crypto/md5"  // S3 uses it for Content-MD5 and ETag
	"crypto/sha1" // one of S3's checksums
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strconv"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// checksums are S3's algorithms by the suffix of their header's name,
// "X-Amz-Checksum-Crc32".
var checksums = map[string]func([]byte) []byte{
	"crc32":     func(b []byte) []byte { return binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)) },
	"crc32c":    func(b []byte) []byte { return binary.BigEndian.AppendUint32(nil, crc32.Checksum(b, castagnoli)) },
	"crc64nvme": func(b []byte) []byte { return binary.BigEndian.AppendUint64(nil, crc64.Checksum(b, nvme)) },
	"sha1":      func(b []byte) []byte { sum := sha1.Sum(b); return sum[:] },
	"sha256":    func(b []byte) []byte { sum := sha256.Sum256(b); return sum[:] },
}

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvme       = crc64.MakeTable(0x9a6c9329ac4bc9b5)
)

const checksumPrefix = "x-amz-checksum-"

// header returns a request header, or the query parameter that a presigned URL
// has in its place.
func (c *call) header(name string) string {
	if value := c.Request.Header.Get(name); value != "" {
		return value
	}
	for parameter, values := range c.query {
		if strings.EqualFold(parameter, name) && len(values) > 0 && isPresignedHeader(parameter) {
			return values[0]
		}
	}
	return ""
}

// payload returns a request's body, decoded and checked against the checksums
// of the request.
func payload(c *call) ([]byte, error) {
	body, _, err := checkedPayload(c)
	return body, err
}

// checkedPayload returns the body as payload does, and the checksums that it
// was checked against, by name and in base64; an object stores them.
func checkedPayload(c *call) (body []byte, checksum map[string]string, err error) {
	body, trailer := c.Body, map[string]string{}
	if isChunked(c) {
		if body, trailer, err = decodeChunks(c.Body); err != nil {
			return nil, nil, err
		}
		if length := c.header("X-Amz-Decoded-Content-Length"); length != strconv.Itoa(len(body)) {
			return nil, nil, kernel.Errorf(http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
		}
	}
	if want := c.header("Content-Md5"); want != "" {
		if sum := md5.Sum(body); base64.StdEncoding.EncodeToString(sum[:]) != want {
			return nil, nil, kernel.Errorf(http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received.")
		}
	}
	checksum = map[string]string{}
	for name, sum := range checksums {
		want := c.header(checksumPrefix + name)
		if want == "" {
			want = trailer[checksumPrefix+name]
		}
		if want == "" {
			continue
		}
		if base64.StdEncoding.EncodeToString(sum(body)) != want {
			return nil, nil, kernel.Errorf(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", strings.ToUpper(name))
		}
		checksum[name] = want
	}
	if announced := c.header("X-Amz-Trailer"); announced != "" && trailer[strings.ToLower(announced)] == "" {
		return nil, nil, kernel.Errorf(http.StatusBadRequest, "MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
	}
	return body, checksum, nil
}

func isChunked(c *call) bool {
	return strings.HasPrefix(c.header("X-Amz-Content-Sha256"), "STREAMING-") ||
		strings.Contains(c.Request.Header.Get("Content-Encoding"), "aws-chunked")
}

// decodeChunks decodes S3's aws-chunked encoding: "<hex size>[;extension]\r\n",
// that many bytes, "\r\n", until a size of 0; then trailing headers. It returns
// the body and the trailing headers. The signatures of chunks are checked
// before, by the sandbox's HTTP server.
func decodeChunks(rest []byte) (body []byte, trailer map[string]string, err error) {
	incomplete := kernel.Errorf(http.StatusBadRequest, "IncompleteBody", "The request body terminated unexpectedly")
	body = []byte{}
	for {
		line, after, found := bytes.Cut(rest, []byte("\r\n"))
		size, _, _ := strings.Cut(string(line), ";")
		length, err := strconv.ParseUint(size, 16, 31)
		if !found || err != nil || uint64(len(after)) < length {
			return nil, nil, incomplete
		}
		if length == 0 {
			return body, parseTrailer(after), nil
		}
		body = append(body, after[:length]...)
		if rest, found = bytes.CutPrefix(after[length:], []byte("\r\n")); !found {
			return nil, nil, incomplete
		}
	}
}

func parseTrailer(b []byte) map[string]string {
	trailer := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), ":"); found {
			trailer[strings.ToLower(name)] = strings.TrimSpace(value)
		}
	}
	return trailer
}
