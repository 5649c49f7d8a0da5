// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package snscert

import (
	"crypto/x509"
	"errors"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// roots returns the system's roots and those of the bundle, which is the
// configuration's own or the file that AWS_CA_BUNDLE names. For the AWS SDKs that
// file replaces the system's roots; here it adds to them, because the roots of a
// company's TLS proxy do not sign SNS's certificates.
func (c Config) roots() (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	bundle := c.Bundle
	if bundle == nil {
		if bundle, err = awsclient.Bundle(); err != nil {
			return nil, err
		}
	}
	if len(bundle) > 0 && !pool.AppendCertsFromPEM(bundle) {
		return nil, errors.New("the certificate bundle holds no certificate in PEM")
	}
	return pool, nil
}
