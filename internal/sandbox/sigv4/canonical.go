// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sigv4

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest returns the canonical form of a request, which is signed.
func (s *Signature) canonicalRequest(r *http.Request, payload string) (string, error) {
	query, err := canonicalQuery(r.URL.RawQuery)
	if err != nil {
		return "", err
	}
	headers, err := s.canonicalHeaders(r)
	if err != nil {
		return "", err
	}
	return strings.Join([]string{
		r.Method,
		canonicalPath(r.URL, s.Service),
		query,
		headers,
		strings.Join(s.signedHeaders, ";"),
		payload,
	}, "\n"), nil
}

// canonicalPath returns the path as it is signed: for S3 as it is sent, for
// every other service encoded once more.
func canonicalPath(u *url.URL, service string) string {
	path := u.Path
	if service != "s3" {
		path = u.EscapedPath()
	}
	if path == "" {
		return "/"
	}
	return escape(path, true)
}

func canonicalQuery(raw string) (string, error) {
	var pairs []string
	for _, part := range strings.Split(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return "", fmt.Errorf("%w: the query is not encoded properly", ErrIncomplete)
		}
		value, err = url.QueryUnescape(value)
		if err != nil {
			return "", fmt.Errorf("%w: the query is not encoded properly", ErrIncomplete)
		}
		if name != "X-Amz-Signature" {
			// Pairs are sorted by name, then by value. With "=" between them,
			// "a-" would sort before "a"; a zero byte sorts before everything.
			pairs = append(pairs, escape(name, false)+"\x00"+escape(value, false))
		}
	}
	slices.Sort(pairs)
	return strings.ReplaceAll(strings.Join(pairs, "&"), "\x00", "="), nil
}

func (s *Signature) canonicalHeaders(r *http.Request) (string, error) {
	if !slices.IsSorted(s.signedHeaders) {
		return "", fmt.Errorf("%w: the signed headers are not sorted", ErrIncomplete)
	}
	var b strings.Builder
	for _, name := range s.signedHeaders {
		values, found := headerValues(r, name)
		if !found {
			return "", fmt.Errorf("%w: the signed header %s is absent", ErrMismatch, name)
		}
		for i, value := range values {
			values[i] = strings.Join(strings.Fields(value), " ")
		}
		b.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	return b.String(), nil
}

// headerValues returns the values of a header, also of one that net/http moves
// to a field of the request. found is false if the request does not have it.
func headerValues(r *http.Request, name string) (values []string, found bool) {
	switch name {
	case "host":
		return []string{r.Host}, true
	case "content-length":
		return []string{strconv.FormatInt(r.ContentLength, 10)}, true
	case "transfer-encoding":
		return slices.Clone(r.TransferEncoding), len(r.TransferEncoding) > 0
	}
	values = slices.Clone(r.Header.Values(name))
	return values, len(values) > 0
}

// escape returns a text in AWS's URI encoding: letters, digits, "-", ".", "_" and
// "~" are not encoded, nor are the slashes of a path, and other bytes are encoded
// in upper-case hexadecimal.
func escape(text string, path bool) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '/' && path:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}
