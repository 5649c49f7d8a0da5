// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package snscert

import (
	"crypto/x509"
	"fmt"
	"os"
)

// bundleVariable names the environment variable with a file of roots, as for
// the AWS SDKs. There the file replaces the system's roots; here it adds to
// them, because the roots of a company's TLS proxy do not sign SNS's
// certificates.
const bundleVariable = "AWS_CA_BUNDLE"

// roots returns the system's roots and those of the bundle.
func (c Config) roots() (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	bundle, from := c.Bundle, "the certificate bundle"
	if path := os.Getenv(bundleVariable); bundle == nil && path != "" {
		from = fmt.Sprintf("%s, the file that %s names,", path, bundleVariable)
		if bundle, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("read the roots that %s names: %w", bundleVariable, err)
		}
	}
	if len(bundle) > 0 && !pool.AppendCertsFromPEM(bundle) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", from)
	}
	return pool, nil
}
