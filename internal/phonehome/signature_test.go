// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// signingKey stands for SNS's key. VerifySignature uses nothing else of a certificate.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func signingCertificate() *x509.Certificate {
	return &x509.Certificate{PublicKey: signingKey().Public()}
}

// notification returns the members of an envelope without a signature.
func notification(subject string) map[string]any {
	members := map[string]any{
		"Type":           "Notification",
		"MessageId":      "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
		"TopicArn":       "arn:aws:sns:us-west-2:111111111111:xacct-acme-0",
		"Message":        "{\"RequestType\":\"Create\",\n\"Note\":\"a line break, ümlaut\"}",
		"Timestamp":      "2026-05-02T00:54:06.655Z",
		"SigningCertURL": "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
	}
	if subject != "" {
		members["Subject"] = subject
	}
	return members
}

// signed signs members as SNS's documentation describes, without the code under test.
func signed(t testing.TB, members map[string]any, version string) map[string]any {
	t.Helper()
	var text strings.Builder
	for _, name := range []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"} {
		if value, ok := members[name].(string); ok {
			text.WriteString(name + "\n" + value + "\n")
		}
	}
	one, two := sha1.Sum([]byte(text.String())), sha256.Sum256([]byte(text.String()))
	hash, sum := crypto.SHA1, one[:]
	if version == "2" {
		hash, sum = crypto.SHA256, two[:]
	}
	signature, err := rsa.SignPKCS1v15(rand.Reader, signingKey(), hash, sum)
	if err != nil {
		t.Fatal(err)
	}
	all := maps.Clone(members)
	all["SignatureVersion"], all["Signature"] = version, base64.StdEncoding.EncodeToString(signature)
	return all
}

func envelope(t testing.TB, members map[string]any) phonehome.Envelope {
	t.Helper()
	body, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	e, err := phonehome.DecodeEnvelope(body)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestASignatureOfSNSIsValid(t *testing.T) {
	for _, version := range []string{"1", "2"} {
		for _, subject := range []string{"", "AWS CloudFormation custom resource request"} {
			t.Run("version "+version+" subject "+subject, func(t *testing.T) {
				e := envelope(t, signed(t, notification(subject), version))
				if err := phonehome.VerifySignature(e, signingCertificate()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestTheStringToSignIsAsDocumented(t *testing.T) {
	members := notification("My subject")
	members["Message"] = "text"
	want := "Message\ntext\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\nSubject\nMy subject\n" +
		"Timestamp\n2026-05-02T00:54:06.655Z\nTopicArn\narn:aws:sns:us-west-2:111111111111:xacct-acme-0\nType\nNotification\n"
	if got := string(envelope(t, members).StringToSign()); got != want {
		t.Errorf("with a subject:\n%q\nwant\n%q", got, want)
	}
	delete(members, "Subject")
	want = strings.Replace(want, "Subject\nMy subject\n", "", 1)
	if got := string(envelope(t, members).StringToSign()); got != want {
		t.Errorf("without a subject:\n%q\nwant\n%q", got, want)
	}
}

// Each case changes one part of a genuine envelope.
func TestAChangedEnvelopeHasNoValidSignature(t *testing.T) {
	set := func(name string, value any) func(map[string]any) {
		return func(m map[string]any) { m[name] = value }
	}
	changes := map[string]func(map[string]any){
		"message":             set("Message", `{"RequestType":"Delete"}`),
		"one character of it": func(m map[string]any) { m["Message"] = m["Message"].(string) + " " },
		"message ID":          set("MessageId", "00000000-fdea-4c2c-8f9d-bdfb0c7bf324"),
		"subject":             set("Subject", "another"),
		"subject removed":     func(m map[string]any) { delete(m, "Subject") },
		"subject null":        set("Subject", nil),
		"subject empty":       set("Subject", ""),
		"timestamp":           set("Timestamp", "2026-05-02T00:54:06.656Z"),
		"timestamp reworded":  set("Timestamp", "2026-05-02T00:54:06.655+00:00"),
		"topic":               set("TopicArn", "arn:aws:sns:us-west-2:111111111111:xacct-other-0"),
		"topic's account":     set("TopicArn", "arn:aws:sns:us-west-2:222222222222:xacct-acme-0"),
		"no signature":        set("Signature", ""),
		"not base64":          set("Signature", "EXAMPLE!"),
		"line break in base64": func(m map[string]any) {
			m["Signature"] = m["Signature"].(string)[:8] + "\n" + m["Signature"].(string)[8:]
		},
		"signature cut":       func(m map[string]any) { m["Signature"] = m["Signature"].(string)[:100] },
		"another signature":   set("Signature", base64.StdEncoding.EncodeToString(make([]byte, 256))),
		"version missing":     func(m map[string]any) { delete(m, "SignatureVersion") },
		"version 0":           set("SignatureVersion", "0"),
		"version 3":           set("SignatureVersion", "3"),
		"version 01":          set("SignatureVersion", "01"),
		"version as a number": set("SignatureVersion", 1),
	}
	for _, version := range []string{"1", "2"} {
		other := map[string]string{"1": "2", "2": "1"}[version]
		changes["the other version"] = set("SignatureVersion", other)
		for name, change := range changes {
			t.Run("version "+version+" "+name, func(t *testing.T) {
				members := signed(t, notification("a subject"), version)
				change(members)
				err := phonehome.VerifySignature(envelope(t, members), signingCertificate())
				if !errors.Is(err, phonehome.ErrForged) {
					t.Errorf("got %v, want ErrForged", err)
				}
			})
		}
	}
	t.Run("subject added", func(t *testing.T) {
		members := signed(t, notification(""), "1")
		members["Subject"] = "added"
		if err := phonehome.VerifySignature(envelope(t, members), signingCertificate()); !errors.Is(err, phonehome.ErrForged) {
			t.Errorf("got %v, want ErrForged", err)
		}
	})
}

func TestASignatureOfAnotherKeyIsInvalid(t *testing.T) {
	e := envelope(t, signed(t, notification(""), "1"))
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]any{"another RSA key": other.Public(), "an ECDSA key": elliptical.Public(), "no key": nil} {
		if err := phonehome.VerifySignature(e, &x509.Certificate{PublicKey: key}); !errors.Is(err, phonehome.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The signed text has no lengths, so a publisher can choose a message whose signed text equals that
// of another envelope, under SNS's own signature. The other envelope must be refused.
func TestASignatureIsValidForOneEnvelopeOnly(t *testing.T) {
	genuine := notification("")
	genuine["Message"] = "harmless\nMessageId\nchosen by the publisher"
	genuine = signed(t, genuine, "1")
	if err := phonehome.VerifySignature(envelope(t, genuine), signingCertificate()); err != nil {
		t.Fatalf("the genuine one: %v", err)
	}
	rest := "\nMessageId\n" + genuine["MessageId"].(string)

	inID := maps.Clone(genuine)
	inID["Message"], inID["MessageId"] = "harmless", "chosen by the publisher"+rest

	genuine2 := notification("")
	genuine2["Message"] = "harmless\nMessageId\nid\nSubject\nsub"
	genuine2 = signed(t, genuine2, "1")
	inSubject := maps.Clone(genuine2)
	inSubject["Message"], inSubject["MessageId"], inSubject["Subject"] = "harmless", "id", "sub"+rest

	for name, pair := range map[string][2]map[string]any{"in the message ID": {genuine, inID}, "in the subject": {genuine2, inSubject}} {
		original, twin := envelope(t, pair[0]), envelope(t, pair[1])
		if string(original.StringToSign()) != string(twin.StringToSign()) {
			t.Fatalf("%s: the signed texts differ", name)
		}
		if err := phonehome.VerifySignature(twin, signingCertificate()); !errors.Is(err, phonehome.ErrForged) {
			t.Errorf("%s: got %v for the other envelope, want ErrForged", name, err)
		}
	}
}
