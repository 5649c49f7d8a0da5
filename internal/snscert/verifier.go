// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package snscert tells messages that SNS signed from messages that it did
// not. It fetches the certificate that a message names from SNS's own host in
// the topic's Region, nowhere else, makes sure that the certificate is SNS's,
// and checks the signature with it.
//
// What is signed, and which address a certificate may have, are rules of
// package phonehome. What a signature doesn't tell is who published: whoever
// may publish to the topic gets SNS's signature under whatever they say.
package snscert

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/outbound"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// The two ways in which a message can fail. Everything that waiting cannot mend
// is ErrForged: another signature, host, Region or certificate.
// ErrUnavailable says nothing of the message: the certificate could not be had,
// or nobody whom this machine trusts stands behind it, and the message has to
// be looked at again.
var (
	ErrForged      = phonehome.ErrForged
	ErrUnavailable = errors.New("SNS's signing certificate could not be had")
)

// Verifier verifies messages. All its methods may be called at once.
type Verifier struct {
	source *source
	clock  func() time.Time
}

// Config says where certificates come from and whom to trust.
type Config struct {
	// Endpoint stands in for SNS where a sandbox does, such as
	// http://127.0.0.1:4566; everything else is ignored.
	Endpoint string

	// Bundle has roots in PEM to trust beside the system's. Where it is nil,
	// the file that AWS_CA_BUNDLE names is used, if it names one.
	Bundle []byte

	Clock func() time.Time
}

// New makes a Verifier. It makes no request yet.
func New(config Config) (*Verifier, error) {
	roots, err := config.roots()
	if err != nil {
		return nil, fmt.Errorf("verify signatures of SNS: %w", err)
	}
	// SNS has private addresses where a VPC endpoint stands for it.
	client := outbound.New(outbound.Options{Endpoint: config.Endpoint, Roots: roots, Private: true})
	return newVerifier(client, roots, config.Clock), nil
}

func newVerifier(client doer, roots *x509.CertPool, clock func() time.Time) *Verifier {
	return &Verifier{source: newSource(client, roots, clock), clock: clock}
}

// Verify checks a queue message as it came. What is no envelope at all is a
// *phonehome.MalformedError.
func (v *Verifier) Verify(ctx context.Context, body []byte) error {
	envelope, err := phonehome.DecodeEnvelope(body)
	if err != nil {
		return err
	}
	return v.verify(ctx, envelope)
}

// verify checks a decoded message. That its topic is one of the hub's
// should have been checked before: it chooses the host that is asked.
func (v *Verifier) verify(ctx context.Context, e phonehome.Envelope) error {
	from, err := e.CertificateURL()
	if err != nil {
		return err
	}
	chain, err := v.source.get(ctx, from)
	if err != nil {
		return err
	}
	if err := chain.check(from.Region(), v.validAt(e.Timestamp)); err != nil {
		return err
	}
	return phonehome.VerifySignature(e, chain.leaf)
}

// longestJourney is how long a message can be under way: SNS tries for 23 days,
// and a queue keeps it for 14.
const longestJourney = (23 + 14) * 24 * time.Hour

// validAt is the moment at which the certificate has to be valid: when the
// message was signed, so that one which waited in the queue while SNS changed
// its certificate is not lost. The timestamp is a part of what was signed; one
// that no message can have any more, or not yet, moves to the nearest that it
// can.
func (v *Verifier) validAt(sent time.Time) time.Time {
	now := v.clock()
	if sent.After(now) {
		return now
	}
	if oldest := now.Add(-longestJourney); sent.Before(oldest) {
		return oldest
	}
	return sent
}
