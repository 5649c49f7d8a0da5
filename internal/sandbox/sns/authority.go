// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// authority issues the signing certificates of one sandbox.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

const sandboxOrganization = "The xacct sandbox, not Amazon"

// issuer returns the sandbox's authority, and creates it if there is none. It
// is valid for ten years before and after the present, because receivers use
// the machine's time, the sandbox's, or a test's. The caller holds the lock.
func (s *signer) issuer() (*authority, error) {
	if s.authority != nil {
		return s.authority, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), s.rand)
	if err != nil {
		return nil, fmt.Errorf("create the key of the sandbox's certificate authority: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "xacct sandbox root", Organization: []string{sandboxOrganization}},
		NotBefore:             now.AddDate(-10, 0, 0),
		NotAfter:              now.AddDate(10, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA:                  true,
		MaxPathLenZero:        true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(s.rand, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("create the certificate of the sandbox's certificate authority: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse the certificate of the sandbox's certificate authority: %w", err)
	}
	s.authority = &authority{key: key, certificate: certificate}
	return s.authority, nil
}

// SigningCA returns, in PEM, the root of the certificates of the key that signs
// notifications.
func (s *Service) SigningCA() ([]byte, error) {
	s.signer.mu.Lock()
	defer s.signer.mu.Unlock()
	issuer, err := s.signer.issuer()
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.certificate.Raw}), nil
}

// signingNames returns the names in a Region's certificate, first the one that
// AWS uses there (aws-facts 5.11). They include the host that serves it, as in
// the only certificate of an opt-in Region that was observed.
func signingNames(region string) []string {
	suffix := kernel.URLSuffix(region)
	host := "sns." + region + "." + suffix
	switch {
	case strings.HasPrefix(region, "us-gov-"):
		return []string{"sns-us-gov-west-1." + suffix, host}
	case strings.HasPrefix(region, "cn-"):
		return []string{"sns-" + region + "." + suffix, host}
	case strings.HasPrefix(region, "eusc-"), slices.Contains(optIn, region):
		return []string{"sns-signing." + region + "." + suffix, host}
	default:
		return []string{"sns." + suffix, host}
	}
}
