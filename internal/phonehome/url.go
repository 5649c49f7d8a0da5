// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// ResponseURL is a presigned URL of CloudFormation's own bucket, to which the answer
// to exactly one request is PUT. Its holder can answer in our place, so all text
// forms omit the query; only Signed returns the whole URL, to send the answer.
type ResponseURL struct{ signed string }

// maxURL is the maximum length in bytes; observed URLs with a session token have
// about 2,000.
const maxURL = 8 << 10

// ParseResponseURL returns the response URL if it is one that CloudFormation itself
// would send for this stack, resource and request (aws-facts 2.4), and otherwise an
// error. Its Region must be the stack's. The caller must check that this Region is
// one of the hub's, because any account could own the bucket of an invented Region.
//
// Its errors never contain the URL's query.
func ParseResponseURL(raw string, stack account.StackARN, logicalID, requestID string) (ResponseURL, error) {
	fail := func(why string) (ResponseURL, error) {
		return ResponseURL{}, fmt.Errorf("the response URL is not one of CloudFormation's for this request: %s", why)
	}
	if len(raw) > maxURL {
		return fail(fmt.Sprintf("it has more than %d bytes", maxURL))
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] <= ' ' || raw[i] > '~' || raw[i] == '\\' {
			return fail("it has characters that no URL has")
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		// url.Error contains the URL with the signature.
		return fail("it cannot be parsed")
	}
	switch {
	case u.Scheme != "https":
		return fail("it is not https")
	case u.User != nil:
		return fail("it has user information")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return fail("it has a fragment")
	case !isResponseHost(u.Host, stack.Region):
		return fail(fmt.Sprintf("host %q is not that of CloudFormation's bucket in %s", clip(u.Host), stack.Region))
	case u.Path != "/"+stack.String()+"|"+logicalID+"|"+requestID:
		return fail("its path names another stack, resource or request")
	}
	if err := checkSigned(u.RawQuery); err != nil {
		return fail(err.Error())
	}
	return ResponseURL{raw}, nil
}

// isResponseHost reports whether a host is one of the observed forms (aws-facts 2.1,
// 2.2). Those of GovCloud and the European Sovereign Cloud are inferred; a mistake
// there refuses requests, which is noticed.
func isResponseHost(host string, region account.Region) bool {
	host = strings.TrimSuffix(host, ":443")
	partition := region.Partition()
	bucket := "cloudformation-custom-resource-response-" + strings.ReplaceAll(region.String(), "-", "")
	if host == bucket+".s3."+region.String()+"."+partition.DNSSuffix() {
		return true
	}
	if partition.String() != "aws" {
		return false
	}
	return host == bucket+".s3-"+region.String()+".amazonaws.com" ||
		region.String() == "us-east-1" && host == bucket+".s3.amazonaws.com"
}

// checkSigned returns an error unless the query has the parameters of a signature.
func checkSigned(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("its query cannot be parsed")
	}
	signed := values.Get("X-Amz-Signature") != "" ||
		values.Get("Signature") != "" && values.Get("Expires") != ""
	if !signed {
		return errors.New("it is not signed")
	}
	return nil
}

// Signed returns the whole URL, with its signature. It must never be logged.
func (u ResponseURL) Signed() string { return u.signed }

// IsZero reports whether u is the zero value, which means no URL.
func (u ResponseURL) IsZero() bool { return u.signed == "" }

// String returns the URL without its query.
func (u ResponseURL) String() string {
	if u.IsZero() {
		return ""
	}
	before, _, _ := strings.Cut(u.signed, "?")
	return before + "?[signature withheld]"
}

// GoString returns the URL without its query, for the verb %#v.
func (u ResponseURL) GoString() string { return "phonehome.ResponseURL{" + u.String() + "}" }

// LogValue returns the URL without its query, for structured logs.
func (u ResponseURL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText returns the URL without its query, for JSON and other encodings.
func (u ResponseURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// clip returns the first 200 bytes of a text, because an untrusted sender could make
// an error message very long.
func clip(s string) string {
	const limit = 200
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
