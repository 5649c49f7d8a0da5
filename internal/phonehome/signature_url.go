// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"regexp"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// SigningCertURL is where SNS itself publishes the certificate of a topic's
// Region. There is exactly one way to write each, so it can be a key.
type SigningCertURL struct {
	region account.Region
	path   string
}

// signingCertPath is the form of every path that was observed (aws-facts 5.10).
var signingCertPath = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^/SimpleNotificationService-[0-9a-f]{32}\.pem$`) })

// CertificateURL returns the envelope's SigningCertURL, if it is one of SNS's own
// for the topic's Region; any error is ErrForged.
//
// The certificate decides who may sign, so nothing is parsed that
// two parsers could read in two ways: the text must be the one that we would
// write ourselves. That leaves no room for user information, a port, a query, a
// fragment, another spelling of the host, or dots in the path. That the Region
// is one of the hub's is for the caller to check.
func (e Envelope) CertificateURL() (SigningCertURL, error) {
	u := SigningCertURL{region: e.TopicARN.Region}
	if u.region.IsZero() {
		return SigningCertURL{}, forged("it names no topic")
	}
	path, ok := strings.CutPrefix(e.SigningCertURL, "https://"+u.Host())
	if !ok {
		return SigningCertURL{}, forged("its SigningCertURL %q is not on https://%s, where SNS has its certificates in the topic's Region", clip(e.SigningCertURL), u.Host())
	}
	if !signingCertPath().MatchString(path) {
		return SigningCertURL{}, forged("its SigningCertURL has the path %q, which is not one of SNS's certificates", clip(path))
	}
	u.path = path
	return u, nil
}

// Host returns SNS's host in the Region. That of the European Sovereign Cloud is
// inferred (aws-facts 5.10).
func (u SigningCertURL) Host() string {
	return "sns." + u.region.String() + "." + u.region.Partition().DNSSuffix()
}

// Region returns the topic's Region.
func (u SigningCertURL) Region() account.Region { return u.region }

// IsZero reports whether u is the zero value, "no URL".
func (u SigningCertURL) IsZero() bool { return u == SigningCertURL{} }

func (u SigningCertURL) String() string {
	if u.IsZero() {
		return ""
	}
	return "https://" + u.Host() + u.path
}
