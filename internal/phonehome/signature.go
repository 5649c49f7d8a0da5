// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package phonehome

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // signature version 1 is SHA1withRSA
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// ErrForged marks an envelope that SNS did not sign as it came. Waiting does
// not correct it.
var ErrForged = errors.New("SNS did not sign this message")

func forged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrForged, fmt.Sprintf(format, args...))
}

// VerifySignature checks the envelope's signature against SNS's certificate,
// whose own worth is for the caller to check first. Any error is ErrForged.
//
// A signature proves that SNS relayed the message to that topic at that time.
// It does not prove who published it (aws-facts 5.10, 1.21).
func VerifySignature(e Envelope, certificate *x509.Certificate) error {
	key, ok := certificate.PublicKey.(*rsa.PublicKey)
	if !ok {
		return forged("the signing certificate's key is not an RSA key")
	}
	hash, sum, err := e.digest()
	if err != nil {
		return err
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(e.Signature)
	if err != nil || len(signature) == 0 {
		return forged("the signature is not base64")
	}
	// Not Certificate.CheckSignature: that refuses SHA-1, which is what a
	// topic signs with unless it was told otherwise.
	if err := rsa.VerifyPKCS1v15(key, hash, sum, signature); err != nil {
		return forged("the signature does not fit the message and its certificate")
	}
	return nil
}

// digest returns what was signed, by the version that the envelope names (aws-facts
// 5.9). Naming another version than the one signed with yields another digest,
// so the version needs no signature of its own.
func (e Envelope) digest() (crypto.Hash, []byte, error) {
	if err := e.checkUnambiguous(); err != nil {
		return 0, nil, err
	}
	switch e.SignatureVersion {
	case "1":
		sum := sha1.Sum(e.StringToSign()) //nolint:gosec // see above
		return crypto.SHA1, sum[:], nil
	case "2":
		sum := sha256.Sum256(e.StringToSign())
		return crypto.SHA256, sum[:], nil
	default:
		return 0, nil, forged("SignatureVersion is %q, and only 1 and 2 are known", clip(e.SignatureVersion))
	}
}

// StringToSign returns the text that SNS signs: each name and each value on a line
// of its own, in this order, the subject only if it has one (aws-facts
// 5.9).
func (e Envelope) StringToSign() []byte {
	members := []struct{ name, value string }{
		{"Message", e.Message},
		{"MessageId", e.MessageID},
		{"Subject", e.Subject},
		{"Timestamp", e.RawTimestamp},
		{"TopicArn", e.RawTopicARN},
		{"Type", "Notification"}, // DecodeEnvelope accepts no other
	}
	text := make([]byte, 0, len(e.Message)+512)
	for _, m := range members {
		if m.name == "Subject" && !e.HasSubject {
			continue
		}
		text = append(text, m.name...)
		text = append(text, '\n')
		text = append(text, m.value...)
		text = append(text, '\n')
	}
	return text
}

// checkUnambiguous refuses line breaks in every value but the message. The
// text that is signed has no lengths, so with a line break elsewhere two
// different envelopes could have the same text, and the signature of one would
// hold for the other. With the message alone having any, only one way is left
// to read the text from its end. SNS itself allows none in a subject.
func (e Envelope) checkUnambiguous() error {
	for name, value := range map[string]string{
		"MessageId": e.MessageID, "Subject": e.Subject, "Timestamp": e.RawTimestamp, "TopicArn": e.RawTopicARN,
		"Signature": e.Signature, // the base64 decoder would not mind
	} {
		if strings.ContainsAny(value, "\r\n") {
			return forged("%s has a line break", name)
		}
	}
	return nil
}
