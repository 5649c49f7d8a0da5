// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package snscert

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// doer sends requests; in production it is outbound.Client, which never
// connects to this machine.
type doer interface {
	Do(*http.Request) (*http.Response, error)
}

// source fetches certificates and caches them. A certificate is fetched once,
// however many messages name it at the same time.
type source struct {
	client doer
	roots  *x509.CertPool
	clock  func() time.Time
	flight singleflight.Group

	mu    sync.Mutex
	cache map[phonehome.SigningCertURL]entry
}

type entry struct {
	chain   *chain
	err     error // instead of a chain
	expires time.Time
}

// How long certificates are cached, and how many: SNS uses one for nearly a
// year (aws-facts 5.11), and a hub has few Regions. A failure is cached just
// long enough that a full queue of messages does not cause one request each.
const (
	cacheLifetime   = 24 * time.Hour
	failureLifetime = 10 * time.Second
	maxCached       = 64
	fetchTimeout    = 30 * time.Second
)

func newSource(client doer, roots *x509.CertPool, clock func() time.Time) *source {
	return &source{client: client, roots: roots, clock: clock, cache: map[phonehome.SigningCertURL]entry{}}
}

// get returns the certificate at an address, with its issuers as far as they
// are known. Every error is ErrUnavailable.
func (s *source) get(ctx context.Context, from phonehome.SigningCertURL) (*chain, error) {
	if e, ok := s.lookup(from); ok {
		return e.chain, e.err
	}
	// The first caller may be cancelled; the others still need the result.
	detached := context.WithoutCancel(ctx)
	result := s.flight.DoChan(from.String(), func() (any, error) {
		if e, ok := s.lookup(from); ok { // fetched while this caller was waiting
			return e.chain, e.err
		}
		limited, cancel := context.WithTimeout(detached, fetchTimeout)
		defer cancel()
		chain, err := s.fetch(limited, from)
		s.store(from, chain, err)
		return chain, err
	})
	select {
	case <-ctx.Done():
		return nil, unavailable(from, ctx.Err())
	case r := <-result:
		chain, _ := r.Val.(*chain)
		return chain, r.Err
	}
}

func (s *source) lookup(from phonehome.SigningCertURL) (entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.cache[from]
	return e, ok && s.clock().Before(e.expires)
}

// store makes room by dropping what would expire first, so failures never evict
// a certificate.
func (s *source) store(from phonehome.SigningCertURL, c *chain, err error) {
	lifetime := cacheLifetime
	if err != nil {
		lifetime = failureLifetime
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cache[from] = entry{chain: c, err: err, expires: s.clock().Add(lifetime)}
	for len(s.cache) > maxCached {
		first := from
		for key, e := range s.cache {
			if e.expires.Before(s.cache[first].expires) {
				first = key
			}
		}
		delete(s.cache, first)
	}
}

func (s *source) fetch(ctx context.Context, from phonehome.SigningCertURL) (*chain, error) {
	body, err := s.download(ctx, from.String())
	if err != nil {
		return nil, unavailable(from, err)
	}
	certificates, err := parse(body)
	if err != nil {
		return nil, unavailable(from, err)
	}
	c := newChain(certificates, s.roots)
	if err := s.complete(ctx, c); err != nil {
		return nil, unavailable(from, err)
	}
	return c, nil
}

func unavailable(from phonehome.SigningCertURL, err error) error {
	return fmt.Errorf("%w from %s: %w", ErrUnavailable, from, err)
}

// maxFile is many times the size of a certificate, in bytes.
const maxFile = 64 << 10

func (s *source) download(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("%q is not an address to fetch: %w", address, err)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", request.URL.Host, response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", request.URL.Host, err)
	}
	if len(body) > maxFile {
		return nil, errors.New("the file is larger than any certificate")
	}
	return body, nil
}
