// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package snscert

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

func TestAMessageSignedBySNSIsGenuine(t *testing.T) {
	w := newWorld(t)
	sns := w.sns()
	for _, version := range []string{"1", "2"} {
		w.expect(newMessage().with("SignatureVersion", version).signedBy(w, sns), nil)
		bare := newMessage().with("SignatureVersion", version)
		delete(bare, "Subject")
		w.expect(bare.signedBy(w, sns), nil)
	}
}

// Each case changes one part of a genuine message.
func TestAForgedMessageIsFinal(t *testing.T) {
	w := newWorld(t)
	genuine := newMessage()
	w.expect(genuine.signedBy(w, w.sns()), nil)
	for name, changes := range map[string]message{
		"message":           {"Message": `{"RequestType":"Delete"}`},
		"message ID":        {"MessageId": "00000000-fdea-4c2c-8f9d-bdfb0c7bf324"},
		"subject":           {"Subject": "another"},
		"subject removed":   {"Subject": nil},
		"timestamp":         {"Timestamp": "2026-05-02T01:00:00.001Z"},
		"topic":             {"TopicArn": "arn:aws:sns:us-east-1:111111111111:xacct-other-0"},
		"topic's Region":    {"TopicArn": "arn:aws:sns:eu-west-1:111111111111:xacct-acme-0"},
		"version 2":         {"SignatureVersion": "2"},
		"version 3":         {"SignatureVersion": "3"},
		"signature":         {"Signature": "QUFBQQ=="},
		"no signature":      {"Signature": nil},
		"no certificate":    {"SigningCertURL": nil},
		"http":              {"SigningCertURL": strings.Replace(genuine["SigningCertURL"].(string), "https", "http", 1)},
		"another host":      {"SigningCertURL": strings.Replace(genuine["SigningCertURL"].(string), snsHost, "evil.example", 1)},
		"another Region":    {"SigningCertURL": strings.Replace(genuine["SigningCertURL"].(string), "us-east-1", "eu-west-1", 1)},
		"a look-alike host": {"SigningCertURL": strings.Replace(genuine["SigningCertURL"].(string), ".com/", ".com.evil.example/", 1)},
		"a query":           {"SigningCertURL": genuine["SigningCertURL"].(string) + "?x"},
	} {
		t.Run(name, func(t *testing.T) {
			forged := maps.Clone(genuine)
			maps.Copy(forged, changes)
			before := len(w.journal())
			if err := w.Verify(t.Context(), forged.bytes(w)); !errors.Is(err, ErrForged) || errors.Is(err, ErrUnavailable) {
				t.Errorf("the error is %v", err)
			}
			if after := w.journal(); len(after) != before {
				t.Errorf("it caused requests for %q", after[before:])
			}
		})
	}
}

// SNS's own host serves certificates that others could have, with valid signatures.
func TestACertificateThatIsNotSNSsIsNeverAccepted(t *testing.T) {
	tests := map[string]func(*world) *signer{
		"self-signed": func(w *world) *signer { return w.published(nil, nil) },
		"of an unknown authority": func(w *world) *signer {
			return w.published(w.authority(nil, "Root"), func(c *x509.Certificate) { c.IssuingCertificateURL = nil })
		},
		"of an unknown authority that can be fetched": func(w *world) *signer {
			unknown := w.authority(nil, "Unknown")
			w.file("http://"+issuerHost+"/unknown.cer", unknown.certificate.Raw)
			return w.published(unknown, func(c *x509.Certificate) {
				c.IssuingCertificateURL = []string{"http://" + issuerHost + "/unknown.cer"}
			})
		},
		"of an authority with the name of a trusted one": func(w *world) *signer {
			namesake := w.authority(w.authority(nil, "Root"), "RSA 2048 M01")
			s := w.issue(namesake, nil)
			w.file(s.url, pemOf(s.certificate, namesake.certificate))
			return s
		},
		"issued by a certificate that is no authority": func(w *world) *signer {
			sns := w.sns()
			s := w.issue(&authority{sns.certificate, sns.key}, func(c *x509.Certificate) {
				c.Subject.CommonName, c.IssuingCertificateURL = "another", nil
			})
			w.file(s.url, pemOf(s.certificate, sns.certificate, w.intermediate.certificate))
			return s
		},
		"an elliptic key": func(w *world) *signer {
			s := w.issueFor(w.intermediate, ellipticKey(), nil)
			w.file(s.url, pemOf(s.certificate))
			return s
		},
		"a short key": func(w *world) *signer {
			key, err := rsa.GenerateKey(rand.Reader, 1024)
			w.must(err)
			s := w.issueFor(w.intermediate, key, nil)
			w.file(s.url, pemOf(s.certificate))
			return s
		},
	}
	for name, change := range map[string]func(*x509.Certificate){
		"without names":            func(c *x509.Certificate) { c.DNSNames = nil },
		"another name":             func(c *x509.Certificate) { c.DNSNames = []string{"evil.example"} },
		"a look-alike name":        func(c *x509.Certificate) { c.DNSNames = []string{"sns.amazonaws.com.evil.example"} },
		"a wildcard":               func(c *x509.Certificate) { c.DNSNames = []string{"*.amazonaws.com"} },
		"another service":          func(c *x509.Certificate) { c.DNSNames = []string{"sqs.us-east-1.amazonaws.com"} },
		"SNS in another Region":    func(c *x509.Certificate) { c.DNSNames = []string{"sns-signing.eu-west-1.amazonaws.com"} },
		"SNS in another partition": func(c *x509.Certificate) { c.DNSNames = []string{"sns.amazonaws.com.cn"} },
		"SNS in GovCloud":          func(c *x509.Certificate) { c.DNSNames = []string{"sns-us-gov-west-1.amazonaws.com"} },
		"an authority itself":      func(c *x509.Certificate) { c.IsCA = true },
		"for TLS clients":          func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} },
		"for code":                 func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} },
		"expired when it signed": func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = start.AddDate(0, -3, 0), start.Add(-time.Second)
		},
		"not yet valid when it signed": func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = start.Add(time.Second), start.AddDate(1, 0, 0)
		},
	} {
		tests[name] = func(w *world) *signer { return w.published(w.intermediate, change) }
	}
	// These are not accepted either, but they are not evidence against the message, because SNS's
	// own host returned them.
	untrusted := map[string]bool{
		"self-signed": true,
		"of an authority with the name of a trusted one": true,
		"of an unknown authority":                        true,
		"of an unknown authority that can be fetched":    true,
		"issued by a certificate that is no authority":   true,
	}
	for name, make := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := make(w)
			m := newMessage()
			if _, ok := s.key.(*rsa.PrivateKey); !ok {
				m = m.with("SignatureVersion", "2") // elliptic keys don't sign with SHA-1
			}
			want := ErrForged
			if untrusted[name] {
				want = ErrUnavailable
			}
			w.expect(m.signedBy(w, s), want)
			if w.requests(snsHost) == 0 {
				t.Error("the certificate was refused before it was seen")
			}
		})
	}
}

func TestSNSSignsUnderSeveralNames(t *testing.T) {
	for _, name := range []string{"sns.amazonaws.com", "SNS.amazonaws.com", snsHost, "sns-signing.us-east-1.amazonaws.com", "sns-us-east-1.amazonaws.com"} {
		w := newWorld(t)
		s := w.published(w.intermediate, func(c *x509.Certificate) { c.DNSNames = []string{"other.example", name} })
		w.expect(newMessage().signedBy(w, s), nil)
	}
}

// The names are those of the AWS SDK for Java (aws-facts 5.11).
func TestTheNamesOfEachPartition(t *testing.T) {
	for region, name := range map[string]string{
		"us-east-1":      "sns.amazonaws.com",
		"eu-west-1":      "sns.amazonaws.com",
		"af-south-1":     "sns-signing.af-south-1.amazonaws.com",
		"mx-central-1":   "sns-signing.mx-central-1.amazonaws.com",
		"us-gov-west-1":  "sns-us-gov-west-1.amazonaws.com",
		"us-gov-east-1":  "sns-us-gov-west-1.amazonaws.com",
		"cn-north-1":     "sns-cn-north-1.amazonaws.com.cn",
		"cn-northwest-1": "sns-cn-northwest-1.amazonaws.com.cn",
		"eusc-de-east-1": "sns-signing.eusc-de-east-1.amazonaws.eu",
	} {
		parsed, err := account.ParseRegion(region)
		if err != nil {
			t.Fatal(err)
		}
		if names := signers(parsed); !slices.Contains(names, name) {
			t.Errorf("%s: %q is not among %q", region, name, names)
		}
	}
}

// SNS replaces its certificate once a year, while messages may wait in the queue.
func TestAMessageOutlivesItsCertificate(t *testing.T) {
	w := newWorld(t)
	s := w.published(w.intermediate, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = start.AddDate(0, -6, 0), start.Add(time.Hour)
	})
	before := newMessage().signedBy(w, s)
	after := newMessage().with("Timestamp", start.Add(2*time.Hour).Format(time.RFC3339)).signedBy(w, s)
	w.expect(before, nil)
	w.clock.Advance(13 * 24 * time.Hour)
	w.expect(before, nil)
	w.expect(after, ErrForged)
	w.clock.Advance(25 * 24 * time.Hour) // longer than a message can be in flight
	w.expect(before, ErrForged)
}

// The clocks of a test and a sandbox, or of two machines, may differ. A certificate's validity is
// compared with the local clock.
func TestATimestampInTheFutureValidatesNoCertificate(t *testing.T) {
	w := newWorld(t)
	ahead := start.Add(24 * time.Hour).Format(time.RFC3339)
	w.expect(newMessage().with("Timestamp", ahead).signedBy(w, w.sns()), nil)
	later := w.published(w.intermediate, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = start.Add(12*time.Hour), start.AddDate(1, 0, 0)
	})
	w.expect(newMessage().with("Timestamp", ahead).signedBy(w, later), ErrForged)
}

func TestAMessageThatIsNoEnvelopeIsMalformed(t *testing.T) {
	w := newWorld(t)
	for _, body := range []string{"", "{", "[]", `{"Type":"Notification"}`, `{"RequestType":"Create"}`} {
		var malformed *phonehome.MalformedError
		if err := w.Verify(t.Context(), []byte(body)); !errors.As(err, &malformed) || errors.Is(err, ErrForged) || errors.Is(err, ErrUnavailable) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// BenchmarkVerify measures verification with a cached certificate, the usual
// case.
func BenchmarkVerify(b *testing.B) {
	for _, version := range []string{"1", "2"} {
		b.Run("version "+version, func(b *testing.B) {
			w := newWorld(b)
			body := newMessage().with("SignatureVersion", version).signedBy(w, w.sns())
			w.expect(body, nil)
			for b.Loop() {
				if err := w.Verify(b.Context(), body); err != nil {
					b.Fatal(err)
				}
			}
			if n := w.requests(snsHost); n != 1 {
				b.Fatalf("SNS got %d requests", n)
			}
		})
	}
}
