// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// BundleVariable names a file of root certificates to trust.
const BundleVariable = "AWS_CA_BUNDLE"

// Bundle returns the contents of the file that AWS_CA_BUNDLE names; nil if it
// names none. An error names the variable and the file; the SDK, which reads the
// file as well, does not name the variable in its own error.
func Bundle() ([]byte, error) {
	path := os.Getenv(BundleVariable)
	if path == "" {
		return nil, nil
	}
	bundle, err := os.ReadFile(path)
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err // the path is in front of it already
		}
		return nil, fmt.Errorf("%s names the file %s, which cannot be read: %w", BundleVariable, path, err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(bundle) {
		return nil, fmt.Errorf("%s names the file %s, which holds no certificate in PEM", BundleVariable, path)
	}
	return bundle, nil
}
