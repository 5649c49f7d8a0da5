// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sns"
)

// SigningCA returns the root of SNS's signing certificates in this sandbox, in
// PEM. Programs that check signatures must trust it, for example through the
// file that AWS_CA_BUNDLE names; it signs nothing else.
func (s *Sandbox) SigningCA() ([]byte, error) {
	topics, ok := s.services["sns"].(*sns.Service)
	if !ok {
		return nil, fmt.Errorf("this sandbox has no SNS")
	}
	return topics.SigningCA()
}

// trust is the file that holds the SigningCA, once it was requested.
type trust struct {
	mu   sync.Mutex
	path string
}

// SigningCAFile returns the path of a file with the SigningCA, for
// AWS_CA_BUNDLE. Close removes the file.
func (s *Sandbox) SigningCAFile() (path string, err error) {
	s.trust.mu.Lock()
	defer s.trust.mu.Unlock()
	if s.trust.path != "" {
		return s.trust.path, nil
	}
	ca, err := s.SigningCA()
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp("", "xacct-sandbox-ca-*.pem")
	if err != nil {
		return "", fmt.Errorf("write the root of the sandbox's signing certificates: %w", err)
	}
	_, err = file.Write(ca)
	if err = errors.Join(err, file.Close()); err != nil {
		return "", fmt.Errorf("write the root of the sandbox's signing certificates: %w", errors.Join(err, os.Remove(file.Name())))
	}
	s.trust.path = file.Name()
	return s.trust.path, nil
}

func (t *trust) remove() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.path == "" {
		return nil
	}
	path := t.path
	t.path = ""
	return os.Remove(path)
}
