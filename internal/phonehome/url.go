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

// ResponseURL is a presigned URL of CloudFormation's own bucket, where the
// answer to exactly one request is PUT. Its holder can answer in our
// place, so it shows itself without its query everywhere; only Signed gives
// the whole of it, to the sender of the answer.
type ResponseURL struct{ signed string }

// maxURL is generous: observed URLs with a session token have some 2,000 bytes.
const maxURL = 8 << 10

// ParseResponseURL accepts only what CloudFormation itself would send for this
// stack, resource and request (aws-facts 2.4). The Region is the stack's; that
// it is one of the hub's is for the caller to check, since an invented Region
// would have a bucket that any account can own.
//
// Its errors never hold the URL's query.
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
		// url.Error repeats the URL, signature and all.
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

// isResponseHost compares with every host form that was observed, and with
// nothing else (aws-facts 2.1, 2.2). GovCloud's and the European Sovereign
// Cloud's are inferred: an error there is a refusal, which is loud.
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

// Signed returns the whole URL, with its signature. Send to it; never log it.
func (u ResponseURL) Signed() string { return u.signed }

// IsZero reports whether u is the zero value, "no URL".
func (u ResponseURL) IsZero() bool { return u.signed == "" }

// String shows the URL without its query.
func (u ResponseURL) String() string {
	if u.IsZero() {
		return ""
	}
	before, _, _ := strings.Cut(u.signed, "?")
	return before + "?[signature withheld]"
}

// GoString keeps the signature out of %#v.
func (u ResponseURL) GoString() string { return "phonehome.ResponseURL{" + u.String() + "}" }

// LogValue keeps the signature out of structured logs.
func (u ResponseURL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText keeps the signature out of whatever is written as JSON.
func (u ResponseURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// clip keeps an attacker's megabyte out of an error message.
func clip(s string) string {
	const limit = 200
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
