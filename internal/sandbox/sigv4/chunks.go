// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sigv4

import (
	"bytes"
	"crypto/hmac"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// The chunks of S3's aws-chunked bodies can be signed: each chunk is
// "<hex size>;chunk-signature=<hex>\r\n<data>\r\n", and its signature covers the
// previous one. The last chunk has size 0; in the trailer form, trailing headers
// with their own signature follow. Chunks without signatures
// (STREAMING-UNSIGNED-PAYLOAD-TRAILER) have only a checksum, which S3 checks.

const (
	streamingSigned        = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingSignedTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
)

func (s *Signature) verifyChunks(body, key []byte, payload string) error {
	previous := s.signature
	for {
		header, rest, found := bytes.Cut(body, []byte("\r\n"))
		if !found {
			return fmt.Errorf("%w: a chunk is truncated", ErrPayload)
		}
		size, extension, _ := strings.Cut(string(header), ";")
		length, err := strconv.ParseUint(size, 16, 31)
		if err != nil || uint64(len(rest)) < length {
			return fmt.Errorf("%w: a chunk's size is wrong", ErrPayload)
		}
		got, found := strings.CutPrefix(extension, "chunk-signature=")
		if !found {
			return fmt.Errorf("%w: a chunk has no signature", ErrPayload)
		}
		data := rest[:length]
		want := s.chainSignature(key, "AWS4-HMAC-SHA256-PAYLOAD", previous, hexHash(nil)+"\n"+hexHash(data))
		if !hmac.Equal([]byte(want), []byte(got)) {
			return fmt.Errorf("%w: a chunk's signature is wrong", ErrMismatch)
		}
		previous = got
		if length == 0 {
			if payload == streamingSignedTrailer {
				return s.verifyTrailer(rest, key, previous)
			}
			return nil
		}
		body, found = bytes.CutPrefix(rest[length:], []byte("\r\n"))
		if !found {
			return fmt.Errorf("%w: a chunk is truncated", ErrPayload)
		}
	}
}

func (s *Signature) verifyTrailer(body, key []byte, previous string) error {
	var canonical strings.Builder
	got := ""
	for line := range strings.Lines(string(body)) {
		name, value, found := strings.Cut(strings.TrimSpace(line), ":")
		switch {
		case !found:
		case name == "x-amz-trailer-signature":
			got = value
		default:
			canonical.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
		}
	}
	want := s.chainSignature(key, "AWS4-HMAC-SHA256-TRAILER", previous, hexHash([]byte(canonical.String())))
	if !hmac.Equal([]byte(want), []byte(got)) {
		return fmt.Errorf("%w: the trailer's signature is wrong", ErrMismatch)
	}
	return nil
}

func (s *Signature) chainSignature(key []byte, kind, previous, hashes string) string {
	toSign := strings.Join([]string{kind, s.Time.Format(timeLayout), s.scope(), previous, hashes}, "\n")
	return hex.EncodeToString(mac(key, toSign))
}
