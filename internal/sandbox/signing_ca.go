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
// PEM. Programs that check SNS's signatures must trust it, for example through
// AWS_CA_BUNDLE. It signs no other certificates.
func (s *Sandbox) SigningCA() ([]byte, error) {
	topics, ok := s.services["sns"].(*sns.Service)
	if !ok {
		return nil, fmt.Errorf("the sandbox has no SNS")
	}
	return topics.SigningCA()
}

// caFile is the file with the SigningCA. SigningCAFile creates it.
type caFile struct {
	mu   sync.Mutex
	path string // empty if the file does not exist
}

// SigningCAFile returns the path of a file with the SigningCA, for
// AWS_CA_BUNDLE. Close removes the file.
func (s *Sandbox) SigningCAFile() (path string, err error) {
	s.signingCA.mu.Lock()
	defer s.signingCA.mu.Unlock()
	if s.signingCA.path != "" {
		return s.signingCA.path, nil
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
	s.signingCA.path = file.Name()
	return s.signingCA.path, nil
}

func (f *caFile) remove() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == "" {
		return nil
	}
	path := f.path
	f.path = ""
	return os.Remove(path)
}
