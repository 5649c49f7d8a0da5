// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"fmt"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
)

// Credentials are what a principal signs with.
type Credentials = kernel.Credentials

const administrator = "arn:aws:iam::aws:policy/AdministratorAccess"

// OpenAccount creates an account in a partition ("aws", "aws-us-gov", "aws-cn"
// or "aws-eusc"). Its keys are valid in the Regions of that partition only.
// Credentials and similar methods create an account that does not exist in the
// commercial partition.
func (s *Sandbox) OpenAccount(account, partition string) error {
	return s.identity.OpenAccount(account, partition)
}

// CloseAccount closes an account for good: its keys stop working, none of its
// roles can be assumed, and policies that name it are refused (aws-facts 5.4).
// It stays in its organization, suspended.
func (s *Sandbox) CloseAccount(account string) error {
	if !s.identity.Exists(account) {
		return fmt.Errorf("there is no open account %s", account)
	}
	s.identity.CloseAccount(account)
	return nil
}

// Credentials returns those of the user "admin" of an account, who may do
// everything there. They stay the same as long as the sandbox runs.
func (s *Sandbox) Credentials(account string) (Credentials, error) {
	everything, _ := policy.Managed(administrator)
	return s.identity.User(account, "admin", everything)
}

// NewUser creates a user with the given identity policies, as JSON.
func (s *Sandbox) NewUser(account, name string, policies ...string) (Credentials, error) {
	return s.identity.User(account, name, policies...)
}

// Admin returns the user "admin" of an account as a principal, for calls inside
// the sandbox.
func (s *Sandbox) Admin(account string) (*kernel.Principal, error) {
	credentials, err := s.Credentials(account)
	if err != nil {
		return nil, err
	}
	return s.Principal(credentials)
}

// Principal returns the principal that credentials belong to.
func (s *Sandbox) Principal(c Credentials) (*kernel.Principal, error) {
	_, p, err := s.identity.Lookup(c.AccessKeyID, c.SessionToken)
	if err != nil {
		return nil, fmt.Errorf("find the owner of the access key %s: %w", c.AccessKeyID, err)
	}
	return p, nil
}

// Decision is one authorization decision.
type Decision = policy.Decision

// WatchDecisions passes every authorization decision to a function until the
// returned function is called: tests use it to find the permissions that a
// program needs. The watcher must not call AWS.
func (s *Sandbox) WatchDecisions(watcher func(Decision)) (stop func()) {
	return s.policies.Watch(watcher)
}

// Environment returns the variables to export so that the AWS SDK, the aws
// command line and Terraform use the sandbox as the admin of an account. An
// account that does not exist is created in the partition of the Region.
func (s *Sandbox) Environment(account, region string) (map[string]string, error) {
	if err := s.livesIn(account, region); err != nil {
		return nil, err
	}
	credentials, err := s.Credentials(account)
	if err != nil {
		return nil, err
	}
	bundle, err := s.SigningCAFile()
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"AWS_ENDPOINT_URL":      s.url,
		"AWS_ACCESS_KEY_ID":     credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY": credentials.SecretAccessKey,
		"AWS_SESSION_TOKEN":     "", // one that was exported before belongs to other keys
		"AWS_REGION":            region,
		"AWS_DEFAULT_REGION":    region,
		"AWS_CA_BUNDLE":         bundle, // the authority to trust for SNS's signatures
		// No program may look for credentials on the machine's real network.
		"AWS_EC2_METADATA_DISABLED": "true",
	}, nil
}
