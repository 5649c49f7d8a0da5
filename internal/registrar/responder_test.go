// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/outbound"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

const bucketHost = "cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com"

func responseURL(t *testing.T) phonehome.ResponseURL {
	t.Helper()
	stack := must(account.ParseStackARN("arn:aws:cloudformation:eu-central-1:222222222222:stack/acme-access/guid"))
	raw := "https://" + bucketHost + "/arn%3Aaws%3Acloudformation%3Aeu-central-1%3A222222222222%3Astack/acme-access/guid%7CPhoneHome%7Cr1?X-Amz-Signature=c0ffee%2F"
	return must(phonehome.ParseResponseURL(raw, stack, "PhoneHome", "r1"))
}

func success() phonehome.Response {
	return phonehome.Response{Status: phonehome.Success, PhysicalResourceID: "p", StackID: "s", RequestID: "r1", LogicalResourceID: "PhoneHome"}
}

// bucketAt returns a responder that connects to a server of the test, which returns the statuses
// one after the other.
func bucketAt(t *testing.T, statuses ...int) (*BucketResponder, *[]*http.Request, *[]string) {
	t.Helper()
	var requests []*http.Request
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests, bodies = append(requests, r), append(bodies, string(body))
		status := statuses[min(len(requests), len(statuses))-1]
		if status == 0 { // close the connection
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Location", "http://"+r.Host+"/elsewhere")
		w.WriteHeader(status)
		if status >= 300 {
			_, _ = w.Write(s3Says("SomeCode", "Some message"))
		}
	}))
	t.Cleanup(server.Close)
	r := NewBucketResponder(server.URL, nil)
	r.pause = noPause
	return r, &requests, &bodies
}

func TestAnAnswerIsPutToTheSignedURL(t *testing.T) {
	r, requests, bodies := bucketAt(t, 200)
	if err := r.Respond(t.Context(), responseURL(t), success()); err != nil {
		t.Fatal(err)
	}
	got := (*requests)[0]
	if got.Method != http.MethodPut || got.Host != bucketHost {
		t.Errorf("%s to %s", got.Method, got.Host)
	}
	const want = "/arn%3Aaws%3Acloudformation%3Aeu-central-1%3A222222222222%3Astack/acme-access/guid%7CPhoneHome%7Cr1?X-Amz-Signature=c0ffee%2F"
	if got.RequestURI != want {
		t.Errorf("the escaping changed:\n got %s\nwant %s", got.RequestURI, want)
	}
	if _, ok := got.Header["Content-Type"]; ok {
		t.Error("the request has a content type")
	}
	if got.ContentLength <= 0 || !strings.Contains((*bodies)[0], `"Status":"SUCCESS"`) {
		t.Errorf("body %q with length %d", (*bodies)[0], got.ContentLength)
	}
}

func TestTheStatusDecidesTheDelivery(t *testing.T) {
	tests := []struct {
		name     string
		statuses []int
		tries    int
		want     string // sent, refused or unsure
	}{
		{"200 is accepted", []int{200}, 1, "sent"},
		{"204 too", []int{204}, 1, "sent"},
		{"403 is refused", []int{403}, 1, "refused"},
		{"400 too", []int{400}, 1, "refused"},
		{"404 too", []int{404}, 1, "refused"},
		{"409 is tried again", []int{409, 200}, 2, "sent"},
		{"409 three times is refused", []int{409}, 3, "refused"},
		{"a redirect is not followed", []int{307}, 1, "refused"},
		{"500 is tried again", []int{500, 503, 200}, 3, "sent"},
		{"429 is tried again", []int{429, 200}, 2, "sent"},
		{"408 is tried again", []int{408, 200}, 2, "sent"},
		{"300 is refused", []int{300}, 1, "refused"},
		{"a closed connection is tried again", []int{0, 200}, 2, "sent"},
		{"403 after 500 is not tried again at once", []int{500, 403}, 2, "refused"},
		{"503 three times is unsure", []int{503}, 3, "unsure"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, requests, _ := bucketAt(t, test.statuses...)
			err := r.Respond(t.Context(), responseURL(t), success())
			var refused *RefusedError
			got := "unsure"
			if err == nil {
				got = "sent"
			} else if errors.As(err, &refused) {
				got = "refused"
				if refused.Code != "SomeCode" || refused.Delivery != onboarding.Undecided {
					t.Errorf("the code is %q, and the delivery is %s", refused.Code, refused.Delivery)
				}
			}
			if got != test.want || len(*requests) != test.tries {
				t.Errorf("%s (%v) after %d tries, want %s after %d", got, err, len(*requests), test.want, test.tries)
			}
			if err != nil && strings.Contains(err.Error(), "c0ffee") {
				t.Errorf("the error contains the signature: %v", err)
			}
		})
	}
}

func TestANetworkErrorContainsNoSignature(t *testing.T) {
	r := NewBucketResponder("http://127.0.0.1:1", nil) // no server listens there
	r.pause = noPause
	err := r.Respond(t.Context(), responseURL(t), success())
	if err == nil || strings.Contains(err.Error(), "c0ffee") || !strings.Contains(err.Error(), bucketHost) {
		t.Errorf("got %v", err)
	}
}

// A VPC endpoint gives the bucket's name a private address (aws-facts 12.11).
func TestABucketBehindAVPCEndpointCanBeReached(t *testing.T) {
	for address, taken := range map[string]bool{
		"10.0.0.9": true, "172.31.3.4": true, "[fd12:3456::9]": true,
		"169.254.169.254": false, "127.0.0.1": false, "[fd00:ec2::254]": false, "10.0.0.9:80": false, "10.0.0.9:8443": false,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond) // the test needs no response
		request := must(http.NewRequestWithContext(ctx, http.MethodPut, "https://"+address+"/", nil))
		response, err := NewBucketResponder("", nil).client.Do(request)
		cancel()
		if err == nil {
			_ = response.Body.Close()
		}
		if refused := err != nil && strings.Contains(err.Error(), "not a public address"); refused == taken {
			t.Errorf("%s is dialed: %t (%v)", address, !refused, err)
		}
	}
}

// Whatever address the bucket's name has, the server must have a certificate for the name.
func TestAnAnswerRequiresTheBucketsCertificate(t *testing.T) {
	for name, taken := range map[string]bool{bucketHost: true, "*.s3.eu-central-1.amazonaws.com": true, "internal.example": false} {
		asked := false
		certificate, roots := certificateFor(t, name)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
		server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		r := newBucketResponder(outbound.Options{Private: true, Roots: roots, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		}})
		r.pause = noPause
		err := r.Respond(t.Context(), responseURL(t), success())
		server.Close()
		if asked != taken || (err == nil) != taken {
			t.Errorf("a server with a certificate for %s got the answer: %t, and the error is %v", name, asked, err)
		}
	}
}

// certificateFor returns a self-signed certificate for a name, and a pool that trusts it.
func certificateFor(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	roots := x509.NewCertPool()
	roots.AddCert(must(x509.ParseCertificate(der)))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestAnAnswerThatCannotBeEncodedIsNotSent(t *testing.T) {
	r, requests, _ := bucketAt(t, 200)
	if err := r.Respond(t.Context(), responseURL(t), phonehome.Response{}); err == nil || len(*requests) != 0 {
		t.Errorf("%v, %d requests", err, len(*requests))
	}
}

func TestTheReasonOfADeadLetterIsAValidAttribute(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                    "plain",
		"":                         "no reason given",
		"a\x00b\nc":                "a b c",
		"a\x7f\u009b\u202eb\uffff": "a   b ",
		"\xff":                     "?",
	} {
		if got := attributeText(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if got := attributeText(strings.Repeat("ü", 2000)); len([]rune(got)) != 501 {
		t.Errorf("a long reason has %d characters", len([]rune(got)))
	}
}

func noPause(context.Context, time.Duration) {}
