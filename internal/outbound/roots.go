// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"crypto/x509"
	"errors"
)

// Roots returns the system's root certificates together with those of a PEM bundle,
// which may be nil. In the AWS SDKs a bundle replaces the system's roots; here it is
// added, because the roots of a company's TLS proxy do not sign the certificates of SNS
// and S3.
func Roots(bundle []byte) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if len(bundle) > 0 && !pool.AppendCertsFromPEM(bundle) {
		return nil, errors.New("the certificate bundle holds no certificate in PEM")
	}
	return pool, nil
}
