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

// ErrForged indicates that SNS did not sign the envelope in this form. Receiving it
// again would not help.
var ErrForged = errors.New("SNS did not sign this message")

// forged returns an error that wraps ErrForged.
func forged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrForged, fmt.Sprintf(format, args...))
}

// VerifySignature verifies the envelope's signature with SNS's certificate. The
// caller must have verified the certificate itself. Any error is ErrForged.
//
// A signature proves that SNS relayed the message to that topic at that time. It does
// not prove who published it (aws-facts 5.10, 1.21).
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
	// Certificate.CheckSignature cannot be used: it refuses SHA-1, with which a topic
	// signs unless configured otherwise.
	if err := rsa.VerifyPKCS1v15(key, hash, sum, signature); err != nil {
		return forged("the signature does not match the message and its certificate")
	}
	return nil
}

// digest returns the hash of the signed text, and its algorithm, by the signature
// version in the envelope (aws-facts 5.9). A changed version results in another hash,
// so the version itself need not be signed.
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
		return 0, nil, forged("SignatureVersion is %q, but only 1 and 2 are supported", clip(e.SignatureVersion))
	}
}

// StringToSign returns the text that SNS signs: each name and each value on a line of
// its own, in this order, and the subject only if there is one (aws-facts 5.9).
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

// checkUnambiguous returns an error if any value other than the message contains a
// line break. The signed text contains no lengths, so line breaks elsewhere would
// allow two different envelopes with the same text, and thus the same signature. If
// only the message has line breaks, the text can be read in only one way, from its
// end. SNS itself allows none in a subject.
func (e Envelope) checkUnambiguous() error {
	for name, value := range map[string]string{
		"MessageId": e.MessageID, "Subject": e.Subject, "Timestamp": e.RawTimestamp, "TopicArn": e.RawTopicARN,
		"Signature": e.Signature, // the base64 decoder ignores line breaks
	} {
		if strings.ContainsAny(value, "\r\n") {
			return forged("%s has a line break", name)
		}
	}
	return nil
}
