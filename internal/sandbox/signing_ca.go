// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"fmt"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sns"
)

// SigningCA is the root of SNS's signing certificates in this sandbox, in PEM.
// Whoever checks signatures has to trust it, for example through the file that
// AWS_CA_BUNDLE names; nothing else is signed with it.
func (s *Sandbox) SigningCA() ([]byte, error) {
	topics, ok := s.services["sns"].(*sns.Service)
	if !ok {
		return nil, fmt.Errorf("this sandbox has no SNS")
	}
	return topics.SigningCA()
}
