// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package snscert

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"slices"
)

// maxIssuers is more than any path to a root needs.
const maxIssuers = 4

// complete fetches the issuers between the certificate and a root.
//
// They are needed because SNS's files hold only the signing certificate, its
// issuer is one of many that Amazon's authority uses in turn, and Amazon
// advises against pinning them (aws-facts 5.11). The certificate contains its
// issuer's address, which may be plain HTTP, as is usual on the web: an issuer
// is proven by its signature on what it issued, and by the root that signed it.
//
// A path that leads nowhere is no error here; chain.check refuses it.
func (s *source) complete(ctx context.Context, c *chain) error {
	for range maxIssuers {
		if !c.lacksIssuer() {
			return nil
		}
		top := c.top()
		if string(top.RawIssuer) == string(top.RawSubject) {
			return nil // the end of the path: a root that is not trusted
		}
		address := issuerAddress(top)
		if address == "" {
			return nil
		}
		issuer, err := s.fetchIssuer(ctx, top, address)
		if err != nil {
			return fmt.Errorf("the issuer of its certificate %q: %w", top.Subject, err)
		}
		c.issuers = append(c.issuers, issuer)
	}
	return nil
}

func (s *source) fetchIssuer(ctx context.Context, of *x509.Certificate, address string) (*x509.Certificate, error) {
	body, err := s.download(ctx, address)
	if err != nil {
		return nil, err
	}
	certificates, err := parse(body)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(certificates, func(issuer *x509.Certificate) bool { return isIssuedBy(of, issuer) })
	if i < 0 {
		return nil, errors.New("the certificate at its issuer's address did not issue it")
	}
	return certificates[i], nil
}

// issuerAddress returns the first usable address of a certificate's issuer;
// empty if there is none.
func issuerAddress(c *x509.Certificate) string {
	for _, address := range c.IssuingCertificateURL {
		u, err := url.Parse(address)
		if err != nil || u.User != nil || u.Hostname() == "" {
			continue
		}
		if u.Scheme == "http" && (u.Port() == "" || u.Port() == "80") ||
			u.Scheme == "https" && (u.Port() == "" || u.Port() == "443") {
			return address
		}
	}
	return ""
}

// parse reads certificates in PEM, or one in DER, the format in which
// authorities publish their own.
func parse(body []byte) ([]*x509.Certificate, error) {
	var found []*x509.Certificate
	for rest := body; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("the file contains an invalid certificate: %w", err)
		}
		if found = append(found, certificate); len(found) > 1+maxIssuers {
			return nil, errors.New("the file has more certificates than a chain needs")
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	certificate, err := x509.ParseCertificate(body)
	if err != nil {
		return nil, errors.New("the file contains no certificate")
	}
	return []*x509.Certificate{certificate}, nil
}
