// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sns

import (
	"crypto"
	"crypto/md5" //nolint:gosec // names a certificate, secures nothing
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // signature version 1 is SHA1withRSA
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"sync"
)

// signer signs notifications, and serves each Region's certificate of the key,
// which the sandbox's own authority issued. Keys and certificates are created
// on first use.
type signer struct {
	rand io.Reader

	mu           sync.Mutex
	authority    *authority
	certificates map[string]*signingCertificate // by Region
}

type signingCertificate struct {
	path string // /SimpleNotificationService-<32hex>.pem
	pem  []byte
}

func newSigner(random io.Reader) *signer {
	return &signer{rand: random, certificates: map[string]*signingCertificate{}}
}

// privateKey returns the key that signs notifications. The sandboxes of a
// process share it, because it takes a tenth of a second to generate. Receivers
// trust the authority of one sandbox, not the key.
var privateKey = sync.OnceValues(func() (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("generate the key that signs notifications: %w", err)
	}
	return key, nil
})

// sign returns the signature of a text: SHA1withRSA for version 1,
// SHA256withRSA for version 2 (aws-facts 5.9).
func (s *signer) sign(version, text string) ([]byte, error) {
	key, err := privateKey()
	if err != nil {
		return nil, err
	}
	if version == "2" {
		sum := sha256.Sum256([]byte(text))
		return rsa.SignPKCS1v15(s.rand, key, crypto.SHA256, sum[:])
	}
	sum := sha1.Sum([]byte(text)) //nolint:gosec // see above
	return rsa.SignPKCS1v15(s.rand, key, crypto.SHA1, sum[:])
}

// certificate returns a Region's certificate, which is valid as long as its
// authority. As on AWS, the file at its URL has only the certificate, and a
// name that depends on it (aws-facts 5.11).
func (s *signer) certificate(region string) (*signingCertificate, error) {
	key, err := privateKey()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.certificates[region]; ok {
		return c, nil
	}
	issuer, err := s.issuer()
	if err != nil {
		return nil, err
	}
	names := signingNames(region)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(int64(len(s.certificates) + 2)),
		Subject:               pkix.Name{CommonName: names[0], Organization: []string{sandboxOrganization}},
		DNSNames:              names,
		NotBefore:             issuer.certificate.NotBefore,
		NotAfter:              issuer.certificate.NotAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(s.rand, template, issuer.certificate, key.Public(), issuer.key)
	if err != nil {
		return nil, fmt.Errorf("create the certificate of %s: %w", names[0], err)
	}
	sum := md5.Sum(der) //nolint:gosec // see above
	c := &signingCertificate{
		path: "/SimpleNotificationService-" + hex.EncodeToString(sum[:]) + ".pem",
		pem:  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
	}
	s.certificates[region] = c
	return c, nil
}

// ServeHTTP serves the certificates at the paths of SigningCertURL. All other
// paths are not found.
func (s *signer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	var found []byte
	for _, c := range s.certificates {
		if c.path == r.URL.Path {
			found = c.pem
		}
	}
	s.mu.Unlock()
	if found == nil || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(found)
}

// Certificates returns the handler for the URLs in SigningCertURL. The sandbox
// routes requests to the hosts sns.<region>.amazonaws.com to it.
func (s *Service) Certificates() http.Handler { return s.signer }
