// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package snscert

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/outbound"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// world is SNS in us-east-1 as a verifier sees it: its host over TLS, an authority with a root and an
// intermediate certificate, which is published over HTTP, and a signing certificate.
type world struct {
	*Verifier
	t     testing.TB
	clock *trial.Clock
	roots *x509.CertPool
	dial  func(ctx context.Context, network, address string) (net.Conn, error)

	root, intermediate *authority

	mu    sync.Mutex
	files map[string]http.HandlerFunc // handlers by host and path
	asked []string                    // host and path of each request
}

const (
	snsHost    = "sns.us-east-1.amazonaws.com"
	issuerHost = "crt.authority.example"
	topic      = "arn:aws:sns:us-east-1:111111111111:xacct-acme-0"
)

var start = time.Date(2026, 5, 2, 1, 0, 0, 0, time.UTC)

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, clock: trial.NewClock(start), roots: x509.NewCertPool(), files: map[string]http.HandlerFunc{}}
	w.root = w.authority(nil, "Root")
	w.intermediate = w.authority(w.root, "RSA 2048 M01")
	w.roots.AddCert(w.root.certificate)
	w.file("http://"+issuerHost+"/m01.cer", w.intermediate.certificate.Raw)

	secure := httptest.NewUnstartedServer(w)
	server := w.issue(w.intermediate, func(c *x509.Certificate) { c.DNSNames = []string{snsHost} })
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{{
		Certificate: [][]byte{server.certificate.Raw, w.intermediate.certificate.Raw}, PrivateKey: server.key,
	}}}
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // some handshakes must fail
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(w)
	t.Cleanup(plain.Close)

	w.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		target := secure.Listener.Addr().String()
		if strings.HasSuffix(address, ":80") {
			target = plain.Listener.Addr().String()
		}
		return (&net.Dialer{}).DialContext(ctx, network, target)
	}
	w.Verifier = newVerifier(w.client(w.roots), w.roots, w.clock.Now)
	return w
}

// client returns a client that connects to this world and trusts hosts by roots.
func (w *world) client(roots *x509.CertPool) *outbound.Client {
	return outbound.New(outbound.Options{Dial: w.dial, Roots: roots})
}

func (w *world) ServeHTTP(response http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.asked = append(w.asked, r.Host+r.URL.Path)
	serve := w.files[r.Host+r.URL.Path]
	w.mu.Unlock()
	if serve == nil {
		serve = http.NotFound
	}
	serve(response, r)
}

// file serves a file at an address.
func (w *world) file(address string, body []byte) {
	w.serve(address, func(response http.ResponseWriter, _ *http.Request) { _, _ = response.Write(body) })
}

func (w *world) serve(address string, handler http.HandlerFunc) {
	_, key, _ := strings.Cut(address, "://")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files[key] = handler
}

// journal returns all requests so far.
func (w *world) journal() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked)
}

// requests returns the number of requests to a host.
func (w *world) requests(host string) int {
	n := 0
	for _, asked := range w.journal() {
		if strings.HasPrefix(asked, host+"/") {
			n++
		}
	}
	return n
}

// authority issues certificates.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func (w *world) authority(parent *authority, name string) *authority {
	w.t.Helper()
	return w.make(parent, &x509.Certificate{
		Subject: named(name), IsCA: true, KeyUsage: x509.KeyUsageCertSign,
	}, ellipticKey())
}

// signer is a certificate that signs messages, with its address.
type signer struct {
	certificate *x509.Certificate
	key         crypto.Signer
	url         string
}

// issue returns a signing certificate like SNS's (aws-facts 5.11), as modified
// by change. It is not published.
func (w *world) issue(by *authority, change func(*x509.Certificate)) *signer {
	w.t.Helper()
	return w.issueFor(by, rsaKey(), change)
}

func (w *world) issueFor(by *authority, key crypto.Signer, change func(*x509.Certificate)) *signer {
	w.t.Helper()
	template := &x509.Certificate{
		Subject:               named("sns.amazonaws.com"),
		DNSNames:              []string{"sns.amazonaws.com"},
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IssuingCertificateURL: []string{"http://" + issuerHost + "/m01.cer"},
	}
	if change != nil {
		change(template)
	}
	made := w.make(by, template, key)
	sum := md5.Sum(made.certificate.Raw)
	return &signer{made.certificate, made.key, "https://" + snsHost + "/SimpleNotificationService-" + hex.EncodeToString(sum[:]) + ".pem"}
}

// published returns a signing certificate that is alone in the file at SNS's
// address.
func (w *world) published(by *authority, change func(*x509.Certificate)) *signer {
	w.t.Helper()
	s := w.issue(by, change)
	w.file(s.url, pemOf(s.certificate))
	return s
}

// sns returns SNS's own signer.
func (w *world) sns() *signer {
	w.t.Helper()
	return w.published(w.intermediate, nil)
}

func (w *world) make(parent *authority, template *x509.Certificate, key crypto.Signer) *authority {
	w.t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	w.must(err)
	template.SerialNumber, template.BasicConstraintsValid = serial, true
	if template.NotBefore.IsZero() {
		template.NotBefore, template.NotAfter = start.AddDate(0, -6, 0), start.AddDate(20, 0, 0)
	}
	issuer, signWith := template, key
	if parent != nil {
		issuer, signWith = parent.certificate, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signWith)
	w.must(err)
	certificate, err := x509.ParseCertificate(der)
	w.must(err)
	return &authority{certificate, key}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// expect verifies a message and compares the error with want; nil means that the message is genuine.
func (w *world) expect(body []byte, want error) {
	w.t.Helper()
	err := w.Verify(w.t.Context(), body)
	if !errors.Is(err, want) || errors.Is(err, ErrForged) && errors.Is(err, ErrUnavailable) {
		w.t.Errorf("the error is %v, want %v", err, want)
	}
}

// message is a phone-home as SNS sends it to a queue.
type message map[string]any

func newMessage() message {
	return message{
		"Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": topic,
		"Subject": "AWS CloudFormation custom resource request", "Message": `{"RequestType":"Create"}`,
		"Timestamp": start.Format("2006-01-02T15:04:05.000Z"), "SignatureVersion": "1",
	}
}

func (m message) with(name string, value any) message {
	m[name] = value
	return m
}

// signedBy signs as SNS's documentation says, without the code under test.
func (m message) signedBy(w *world, s *signer) []byte {
	w.t.Helper()
	var text strings.Builder
	for _, name := range []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"} {
		if value, ok := m[name].(string); ok {
			text.WriteString(name + "\n" + value + "\n")
		}
	}
	one, two := sha1.Sum([]byte(text.String())), sha256.Sum256([]byte(text.String()))
	hash, sum := crypto.SHA1, one[:]
	if m["SignatureVersion"] == "2" {
		hash, sum = crypto.SHA256, two[:]
	}
	signature, err := s.key.Sign(rand.Reader, sum, hash)
	w.must(err)
	m["Signature"] = base64.StdEncoding.EncodeToString(signature)
	if m["SigningCertURL"] == nil {
		m["SigningCertURL"] = s.url
	}
	return m.bytes(w)
}

func (m message) bytes(w *world) []byte {
	w.t.Helper()
	body, err := json.Marshal(m)
	w.must(err)
	return body
}

func isUnavailable(err error) bool {
	return errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrForged)
}

func named(name string) pkix.Name { return pkix.Name{CommonName: name} }

func pemOf(certificates ...*x509.Certificate) []byte {
	var all []byte
	for _, c := range certificates {
		all = append(all, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return all
}

// rsaKey is one key for all tests, because generating one is slow.
var rsaKey = sync.OnceValue(func() crypto.Signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func ellipticKey() crypto.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}
