// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"testing"
)

// TestSigningCertificatesAreLeavesUnderTheSandboxsOwnRoot checks what was
// observed of AWS's certificates (aws-facts 5.11): alone in their file, a TLS
// server's, and named as AWS names them in the Region.
func TestSigningCertificatesAreLeavesUnderTheSandboxsOwnRoot(t *testing.T) {
	service := &Service{signer: newSigner(rand.Reader)}
	root, err := service.SigningCA()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(root) {
		t.Fatalf("the root is not a certificate: %q", root)
	}
	for region, name := range map[string]string{
		"us-east-1":      "sns.amazonaws.com",
		"eu-central-1":   "sns.amazonaws.com",
		"af-south-1":     "sns-signing.af-south-1.amazonaws.com",
		"us-gov-east-1":  "sns-us-gov-west-1.amazonaws.com",
		"cn-north-1":     "sns-cn-north-1.amazonaws.com.cn",
		"eusc-de-east-1": "sns-signing.eusc-de-east-1.amazonaws.eu",
	} {
		t.Run(region, func(t *testing.T) {
			c, err := service.signer.certificate(region)
			if err != nil {
				t.Fatal(err)
			}
			block, rest := pem.Decode(c.pem)
			if block == nil || len(rest) > 0 {
				t.Fatalf("the file is not one certificate: %q", c.pem)
			}
			leaf, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			if leaf.IsCA || leaf.Subject.CommonName != name {
				t.Errorf("the subject is %q and IsCA is %v", leaf.Subject, leaf.IsCA)
			}
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
				t.Error(err)
			}
		})
	}
}
