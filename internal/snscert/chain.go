// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package snscert

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// chain is a signing certificate with the issuers that came with it or were
// fetched. A chain proves nothing until check has accepted it.
type chain struct {
	leaf    *x509.Certificate
	issuers []*x509.Certificate
	roots   *x509.CertPool
}

func newChain(certificates []*x509.Certificate, roots *x509.CertPool) *chain {
	return &chain{leaf: certificates[0], issuers: certificates[1:], roots: roots}
}

// check returns an error unless the certificate is SNS's for the Region and was
// valid at the given time. The error is ErrForged, or ErrUnavailable if this
// machine does not know the certificate's authority.
func (c *chain) check(region account.Region, at time.Time) error {
	key, ok := c.leaf.PublicKey.(*rsa.PublicKey)
	switch {
	case c.leaf.IsCA:
		return c.forged("it is an authority's, not a signer's", nil)
	case !ok || key.Size() < 2048/8:
		return c.forged("its key is not an RSA key of 2048 bits or more", nil)
	case !c.isNamed(signers(region)):
		return c.forged(fmt.Sprintf("it is issued to %q, not to SNS in %s", strings.Join(c.leaf.DNSNames, ", "), region), nil)
	}
	err := c.verify(at)
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		// SNS's own host returned this certificate over verified TLS, so this
		// machine lacks a root. No message may be lost for that reason.
		return fmt.Errorf("%w: certificate %q is not signed by an authority that this machine trusts; set AWS_CA_BUNDLE, or ca_bundle of the profile, to a file with the right ones: %w",
			ErrUnavailable, c.leaf.Subject, err)
	}
	if err != nil {
		return c.forged(fmt.Sprintf("it could not be trusted at %s", at.UTC().Format(time.RFC3339)), err)
	}
	return nil
}

// verify finds a path from the certificate to a root. The certificate must be a
// TLS server's, as SNS's are (aws-facts 5.11): only for those do public
// authorities verify that the names in them belong to the requester.
func (c *chain) verify(at time.Time) error {
	issuers := x509.NewCertPool()
	for _, issuer := range c.issuers {
		issuers.AddCert(issuer)
	}
	_, err := c.leaf.Verify(x509.VerifyOptions{Roots: c.roots, Intermediates: issuers, CurrentTime: at})
	return err
}

func (c *chain) forged(why string, err error) error {
	if err != nil {
		why += ": " + err.Error()
	}
	return fmt.Errorf("%w: its certificate %q is not trusted: %s", ErrForged, c.leaf.Subject, why)
}

// isNamed compares names exactly: SNS's certificates have no wildcards, and a
// wildcard name of AWS's would be another service's.
func (c *chain) isNamed(names []string) bool {
	return slices.ContainsFunc(c.leaf.DNSNames, func(name string) bool {
		return slices.Contains(names, strings.ToLower(name))
	})
}

// signers returns the names that SNS signs under in a Region. The AWS SDK for
// Java has a table of Regions; here each Region may have any form of name in
// that table, because a table would not know the next Region, and only AWS can
// get a certificate for any of these names (aws-facts 5.11).
func signers(region account.Region) []string {
	suffix := region.Partition().DNSSuffix()
	names := []string{
		"sns." + suffix,
		"sns." + region.String() + "." + suffix,
		"sns-signing." + region.String() + "." + suffix, // opt-in Regions, the European Sovereign Cloud
		"sns-" + region.String() + "." + suffix,         // China
	}
	if region.Partition().String() == "aws-us-gov" {
		names = append(names, "sns-us-gov-west-1."+suffix) // in both of its Regions
	}
	return names
}

// lacksIssuer reports whether the path ends before it reaches a root.
func (c *chain) lacksIssuer() bool {
	// The current time must be one at which the certificate is valid: whether
	// it was valid at the time of a message is checked later.
	err := c.verify(c.leaf.NotBefore.Add(c.leaf.NotAfter.Sub(c.leaf.NotBefore) / 2))
	var unknown x509.UnknownAuthorityError
	return errors.As(err, &unknown)
}

// top returns the last certificate on the path from the leaf to a root, as far
// as the available certificates lead.
func (c *chain) top() *x509.Certificate {
	top := c.leaf
	for range c.issuers {
		i := slices.IndexFunc(c.issuers, func(issuer *x509.Certificate) bool {
			return !issuer.Equal(top) && isIssuedBy(top, issuer)
		})
		if i < 0 {
			break
		}
		top = c.issuers[i]
	}
	return top
}

func isIssuedBy(certificate, issuer *x509.Certificate) bool {
	return string(certificate.RawIssuer) == string(issuer.RawSubject) && certificate.CheckSignatureFrom(issuer) == nil
}
