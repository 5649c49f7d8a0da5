// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sigv4

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Presigner makes presigned S3 URLs.
type Presigner struct {
	AccessKeyID string
	Secret      string
	Token       string // optional
}

// Presign returns the URL https://host/key with a signature of which the only
// signed header is host (aws-facts 1.8). The path is escaped as by AWS: "|" is
// %7C, ":" is %3A, and "/" is not escaped.
func (p Presigner) Presign(method, region, host, key string, when time.Time, expires time.Duration) (string, error) {
	s := &Signature{
		AccessKeyID: p.AccessKeyID, Region: region, Service: "s3", Time: when.UTC(), Presigned: true,
		date: when.UTC().Format("20060102"), signedHeaders: []string{"host"},
	}
	query := url.Values{
		"X-Amz-Algorithm":     {algorithm},
		"X-Amz-Credential":    {p.AccessKeyID + "/" + s.scope()},
		"X-Amz-Date":          {s.Time.Format(timeLayout)},
		"X-Amz-Expires":       {strconv.Itoa(int(expires / time.Second))},
		"X-Amz-SignedHeaders": {"host"},
	}
	if p.Token != "" {
		query.Set("X-Amz-Security-Token", p.Token)
	}
	path := "/" + strings.TrimPrefix(key, "/")
	u := &url.URL{Scheme: "https", Host: host, Path: path, RawPath: escape(path, true), RawQuery: query.Encode()}
	canonical, err := s.canonicalRequest(&http.Request{Method: method, URL: u, Host: host}, unsigned)
	if err != nil {
		return "", fmt.Errorf("presign a URL of %s: %w", host, err)
	}
	u.RawQuery += "&X-Amz-Signature=" + sign(signingKey(p.Secret, s.date, region, "s3"), algorithm, s.Time, s.scope(), canonical)
	return u.String(), nil
}
