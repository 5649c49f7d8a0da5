// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package snscert

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/outbound"
)

func TestACertificateIsFetchedOnceADay(t *testing.T) {
	w := newWorld(t)
	body := newMessage().signedBy(w, w.sns())
	for range 5 {
		w.expect(body, nil)
	}
	if n, m := w.requests(snsHost), w.requests(issuerHost); n != 1 || m != 1 {
		t.Errorf("SNS got %d requests, the authority %d", n, m)
	}
	w.clock.Advance(cacheLifetime)
	w.expect(body, nil)
	if n := w.requests(snsHost); n != 2 {
		t.Errorf("after a day SNS got %d requests", n)
	}
}

func TestConcurrentMessagesFetchACertificateOnce(t *testing.T) {
	w := newWorld(t)
	s := w.sns()
	release := make(chan struct{})
	w.serve(s.url, func(response http.ResponseWriter, _ *http.Request) {
		<-release
		_, _ = response.Write(pemOf(s.certificate))
	})
	body := newMessage().signedBy(w, s)
	results := make(chan error)
	for range 30 {
		go func() { results <- w.Verify(context.WithoutCancel(t.Context()), body) }()
	}
	close(release)
	for range 30 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if n := w.requests(snsHost); n != 1 {
		t.Errorf("SNS got %d requests", n)
	}
}

// A registrar that stops must not make the fetch fail for others.
func TestACancelledCallerDoesNotCancelTheFetch(t *testing.T) {
	w := newWorld(t)
	s := w.sns()
	reached, release := make(chan struct{}), make(chan struct{})
	w.serve(s.url, func(response http.ResponseWriter, _ *http.Request) {
		close(reached)
		<-release
		_, _ = response.Write(pemOf(s.certificate))
	})
	body := newMessage().signedBy(w, s)
	impatient, leave := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() { gone <- w.Verify(impatient, body) }()
	<-reached
	leave()
	if err := <-gone; !isUnavailable(err) {
		t.Errorf("the cancelled caller got %v", err)
	}
	close(release)
	w.expect(body, nil)
	if n := w.requests(snsHost); n != 1 {
		t.Errorf("SNS got %d requests", n)
	}
}

// None of these cases is evidence about the message, so none may be final, and none may accept it.
func TestAnUnavailableCertificateIsARetry(t *testing.T) {
	answer := func(status int, body string) http.HandlerFunc {
		return func(response http.ResponseWriter, _ *http.Request) {
			response.WriteHeader(status)
			_, _ = response.Write([]byte(body))
		}
	}
	for name, handler := range map[string]http.HandlerFunc{
		"missing":         answer(http.StatusNotFound, "no"),
		"forbidden":       answer(http.StatusForbidden, "no"),
		"throttled":       answer(http.StatusTooManyRequests, "no"),
		"broken":          answer(http.StatusInternalServerError, "no"),
		"empty":           answer(http.StatusOK, ""),
		"a page":          answer(http.StatusOK, "<html>hello</html>"),
		"truncated":       answer(http.StatusOK, "-----BEGIN CERTIFICATE-----\nMIIF\n"),
		"no certificate":  answer(http.StatusOK, "-----BEGIN CERTIFICATE-----\nMIIF\n-----END CERTIFICATE-----\n"),
		"a key":           answer(http.StatusOK, string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte("x")}))),
		"endless":         answer(http.StatusOK, strings.Repeat("x", maxFile+1)),
		"connection lost": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.sns()
			w.serve(s.url, handler)
			body := newMessage().signedBy(w, s)
			w.expect(body, ErrUnavailable)

			asked := w.requests(snsHost)
			w.expect(body, ErrUnavailable)
			if n := w.requests(snsHost); n != asked {
				t.Errorf("the next message caused another request at once: %d requests after %d", n, asked)
			}
			w.file(s.url, pemOf(s.certificate))
			w.clock.Advance(failureLifetime)
			w.expect(body, nil)
		})
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	for name, target := range map[string]string{
		"to another host":  "https://" + issuerHost + "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
		"to plain HTTP":    "http://" + issuerHost + "/x.pem",
		"on the same host": "https://" + snsHost + "/x.pem",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.sns()
			w.file(target, pemOf(s.certificate))
			w.serve(s.url, func(response http.ResponseWriter, r *http.Request) {
				http.Redirect(response, r, target, http.StatusFound)
			})
			w.expect(newMessage().signedBy(w, s), ErrUnavailable)
			if asked := w.journal(); len(asked) != 1 {
				t.Errorf("it was followed: %q", asked)
			}
		})
	}
}

// An attacker answers at SNS's name, with the genuine certificate.
func TestSNSsHostMustHaveATrustedCertificate(t *testing.T) {
	w, imposter := newWorld(t), newWorld(t) // the same names with two roots
	s := w.sns()
	imposter.file(s.url, pemOf(s.certificate, w.intermediate.certificate))
	body := newMessage().signedBy(w, s)

	w.Verifier = newVerifier(imposter.client(w.roots), w.roots, w.clock.Now)
	w.expect(body, ErrUnavailable)
	if n := imposter.requests(snsHost); n != 0 {
		t.Errorf("the impostor got %d requests", n)
	}
	w.Verifier = newVerifier(imposter.client(imposter.roots), w.roots, w.clock.Now)
	w.expect(body, nil) // only the host's certificate was not trusted
}

func TestTheIssuerIsFetched(t *testing.T) {
	at := "http://" + issuerHost + "/m01.cer"
	t.Run("in DER", func(t *testing.T) {
		w := newWorld(t)
		w.expect(newMessage().signedBy(w, w.sns()), nil)
	})
	t.Run("in PEM", func(t *testing.T) {
		w := newWorld(t)
		w.file(at, pemOf(w.intermediate.certificate))
		w.expect(newMessage().signedBy(w, w.sns()), nil)
	})
	t.Run("not if the file has it", func(t *testing.T) {
		w := newWorld(t)
		s := w.issue(w.intermediate, nil)
		w.file(s.url, pemOf(s.certificate, w.intermediate.certificate))
		w.expect(newMessage().signedBy(w, s), nil)
		if n := w.requests(issuerHost); n != 0 {
			t.Errorf("the authority got %d requests", n)
		}
	})
	t.Run("two steps up", func(t *testing.T) {
		w := newWorld(t)
		lower := w.make(w.intermediate, &x509.Certificate{
			Subject: named("Lower"), IsCA: true, KeyUsage: x509.KeyUsageCertSign, IssuingCertificateURL: []string{at},
		}, ellipticKey())
		w.file("http://"+issuerHost+"/lower.cer", lower.certificate.Raw)
		s := w.published(lower, func(c *x509.Certificate) {
			c.IssuingCertificateURL = []string{"ldap://x/", "http://" + issuerHost + "/lower.cer"}
		})
		w.expect(newMessage().signedBy(w, s), nil)
	})
	t.Run("in a circle that ends", func(t *testing.T) {
		w := newWorld(t)
		key := ellipticKey()
		one := w.authority(nil, "One")
		two := w.make(one, &x509.Certificate{Subject: named("Two"), IsCA: true, KeyUsage: x509.KeyUsageCertSign, IssuingCertificateURL: []string{"http://" + issuerHost + "/one.cer"}}, key)
		crossed := w.make(two, &x509.Certificate{Subject: named("One"), IsCA: true, KeyUsage: x509.KeyUsageCertSign, IssuingCertificateURL: []string{"http://" + issuerHost + "/two.cer"}}, one.key)
		w.file("http://"+issuerHost+"/one.cer", crossed.certificate.Raw)
		w.file("http://"+issuerHost+"/two.cer", two.certificate.Raw)
		s := w.published(two, func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://" + issuerHost + "/two.cer"} })
		w.expect(newMessage().signedBy(w, s), ErrUnavailable)
		if n := w.requests(issuerHost); n > maxIssuers {
			t.Errorf("the authority got %d requests", n)
		}
	})
	t.Run("and retried if it is unavailable", func(t *testing.T) {
		for name, file := range map[string][]byte{
			"another authority": newWorld(t).intermediate.certificate.Raw, "a page": []byte("<html>"), "nothing": nil,
		} {
			w := newWorld(t)
			w.file(at, file)
			body := newMessage().signedBy(w, w.sns())
			if err := w.Verify(t.Context(), body); !isUnavailable(err) {
				t.Errorf("%s: %v", name, err)
			}
			w.file(at, w.intermediate.certificate.Raw)
			w.clock.Advance(failureLifetime)
			w.expect(body, nil)
		}
	})
}

func TestAnIssuersAddressMustBeAWebAddress(t *testing.T) {
	for address, want := range map[string]bool{
		"http://crt.r2m01.amazontrust.com/r2m01.cer": true, "https://crt.example:443/x": true, "http://crt.example:80/x": true,
		"ldap://crt.example/x": false, "file:///etc/passwd": false, "http://crt.example:22/x": false,
		"https://crt.example:80/x": false, "http://user@crt.example/x": false, "http:///x": false, "": false, ":": false,
	} {
		got := issuerAddress(&x509.Certificate{IssuingCertificateURL: []string{address}})
		if (got == address && address != "") != want {
			t.Errorf("%q gives %q", address, got)
		}
	}
}

func TestTheCacheIsLimited(t *testing.T) {
	w := newWorld(t)
	sns := w.sns()
	w.expect(newMessage().signedBy(w, sns), nil)
	for i := range 2 * maxCached {
		invented := fmt.Sprintf("https://%s/SimpleNotificationService-%032x.pem", snsHost, i)
		w.expect(newMessage().with("SigningCertURL", invented).signedBy(w, sns), ErrUnavailable)
	}
	if n := len(w.source.cache); n != maxCached {
		t.Errorf("%d entries are kept", n)
	}
	before := w.requests(snsHost)
	w.expect(newMessage().signedBy(w, sns), nil)
	if n := w.requests(snsHost); n != before {
		t.Error("unknown URLs evicted the genuine certificate")
	}
}

func TestRootsComeFromTheBundleToo(t *testing.T) {
	w := newWorld(t)
	chain := newChain([]*x509.Certificate{w.sns().certificate, w.intermediate.certificate}, nil)
	for _, bundle := range [][]byte{nil, pemOf(w.root.certificate)} {
		roots, err := outbound.Roots(bundle)
		w.must(err)
		chain.roots = roots
		if trusted := chain.verify(start.Add(time.Hour)) == nil; trusted != (bundle != nil) {
			t.Errorf("with a bundle of %d bytes the root is trusted: %t", len(bundle), trusted)
		}
	}
	if _, err := New(Config{Bundle: []byte("hello")}); err == nil {
		t.Error("a bundle that is not PEM is accepted")
	}
}
