// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package snscert verifies the signatures of SNS messages. It fetches the
// certificate that a message names from SNS's own host in the topic's Region
// and from no other host, verifies that the certificate is SNS's, and checks
// the signature with it.
//
// Package phonehome has the rules on what is signed and which address a
// certificate may have. A signature does not prove who published: every
// principal that may publish to the topic gets SNS's signature on any message.
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

// The two ways in which verification can fail. ErrForged is everything that
// waiting cannot change: a wrong signature, host, Region or certificate.
// ErrUnavailable says nothing about the message: the certificate could not be
// fetched, or this machine trusts no authority behind it, and the message must
// be verified again later.
var (
	ErrForged      = phonehome.ErrForged
	ErrUnavailable = errors.New("SNS's signing certificate is unavailable")
)

// Verifier verifies messages. It is safe for concurrent use.
type Verifier struct {
	source *source
	clock  func() time.Time
}

// Config defines where certificates come from and which roots to trust.
type Config struct {
	// Endpoint is a sandbox that stands in for SNS, such as
	// http://127.0.0.1:4566; any address that is not loopback is ignored.
	Endpoint string

	// Bundle has roots in PEM to trust besides the system's; nil: no others.
	Bundle []byte

	Clock func() time.Time
}

// New returns a Verifier. It makes no request yet.
func New(config Config) (*Verifier, error) {
	roots, err := outbound.Roots(config.Bundle)
	if err != nil {
		return nil, fmt.Errorf("verify signatures of SNS: %w", err)
	}
	// SNS has private addresses if a VPC endpoint is used for it.
	client := outbound.New(outbound.Options{Endpoint: config.Endpoint, Roots: roots, Private: true})
	return newVerifier(client, roots, config.Clock), nil
}

func newVerifier(client doer, roots *x509.CertPool, clock func() time.Time) *Verifier {
	return &Verifier{source: newSource(client, roots, clock), clock: clock}
}

// Verify checks a queue message as it was received. The error is a
// *phonehome.MalformedError if the message is no envelope, else ErrForged or
// ErrUnavailable.
func (v *Verifier) Verify(ctx context.Context, body []byte) error {
	envelope, err := phonehome.DecodeEnvelope(body)
	if err != nil {
		return err
	}
	return v.verify(ctx, envelope)
}

// verify checks a decoded message. The caller must have checked that its topic
// is one of the hub's: the topic decides which host is asked.
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

// maxDeliveryTime is the longest time between publishing and receiving: SNS
// retries for 23 days, and a queue keeps messages for 14.
const maxDeliveryTime = (23 + 14) * 24 * time.Hour

// validAt returns the time at which the certificate must be valid: when the
// message was signed, so that a message that waited in the queue while SNS
// changed its certificate is not lost. The timestamp is a part of what was
// signed; one that is too old or in the future is moved to the nearest possible
// time.
func (v *Verifier) validAt(sent time.Time) time.Time {
	now := v.clock()
	if sent.After(now) {
		return now
	}
	if oldest := now.Add(-maxDeliveryTime); sent.Before(oldest) {
		return oldest
	}
	return sent
}
