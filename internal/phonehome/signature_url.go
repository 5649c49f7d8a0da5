// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"regexp"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// SigningCertURL is the URL at which SNS publishes the certificate of a topic's
// Region. Each URL has exactly one spelling, so it can be a map key.
type SigningCertURL struct {
	region account.Region
	path   string
}

// signingCertPath is the form of all observed paths (aws-facts 5.10).
var signingCertPath = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^/SimpleNotificationService-[0-9a-f]{32}\.pem$`) })

// CertificateURL returns the envelope's SigningCertURL if it is one of SNS's own for
// the topic's Region; any error is ErrForged.
//
// The certificate decides which signatures are valid, so no URL is accepted that two
// parsers could read differently: the text must equal the one that String returns.
// That excludes user information, a port, a query, a fragment, another spelling of
// the host, and dots in the path. The caller must check that the Region is one of the
// hub's.
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

// Host returns SNS's host name in the Region. The one in the European Sovereign Cloud
// is inferred (aws-facts 5.10).
func (u SigningCertURL) Host() string {
	return "sns." + u.region.String() + "." + u.region.Partition().DNSSuffix()
}

// Region returns the topic's Region.
func (u SigningCertURL) Region() account.Region { return u.region }

// IsZero reports whether u is the zero value, which means no URL.
func (u SigningCertURL) IsZero() bool { return u == SigningCertURL{} }

func (u SigningCertURL) String() string {
	if u.IsZero() {
		return ""
	}
	return "https://" + u.Host() + u.path
}
