// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package snscert

import (
	"crypto/x509"
	"fmt"
	"os"
)

// bundleVariable names a file of roots, as it does for the AWS SDKs. There it
// stands in for the system's roots; here it adds to them, since what a company's
// own proxy signs for TLS is not what SNS's certificates hang on.
const bundleVariable = "AWS_CA_BUNDLE"

// roots are the system's and those of the bundle.
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
