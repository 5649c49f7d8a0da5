// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"fmt"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
)

// Credentials are an access key with its secret and session token.
type Credentials = kernel.Credentials

const administrator = "arn:aws:iam::aws:policy/AdministratorAccess"

// OpenAccount creates an account in a partition ("aws", "aws-us-gov", "aws-cn"
// or "aws-eusc"), if it does not exist. Its keys are valid only in the Regions of
// that partition. It returns an error if the account exists in another partition
// or was closed. If an account does not exist, Credentials, NewUser and Admin create
// it in the commercial partition.
func (s *Sandbox) OpenAccount(account, partition string) error {
	return s.identity.OpenAccount(account, partition)
}

// CloseAccount closes an account permanently: its keys stop working, its roles
// cannot be assumed, and new policies that name it are refused (aws-facts 5.4).
// It stays in its organization, suspended. CloseAccount returns an error if the
// account does not exist or is already closed.
func (s *Sandbox) CloseAccount(account string) error {
	if !s.identity.Exists(account) {
		return fmt.Errorf("there is no open account %s", account)
	}
	s.identity.CloseAccount(account)
	return nil
}

// Credentials returns the credentials of an account's user "admin", which may do
// everything in the account. They do not change while the sandbox runs.
func (s *Sandbox) Credentials(account string) (Credentials, error) {
	everything, _ := policy.Managed(administrator)
	return s.identity.User(account, "admin", everything)
}

// NewUser creates a user with the given identity policies, as JSON, and returns
// its credentials.
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

// Principal returns the principal to which credentials belong. It returns an error
// if they are not valid.
func (s *Sandbox) Principal(c Credentials) (*kernel.Principal, error) {
	_, p, err := s.identity.Lookup(c.AccessKeyID, c.SessionToken)
	if err != nil {
		return nil, fmt.Errorf("find the owner of the access key %s: %w", c.AccessKeyID, err)
	}
	return p, nil
}

// Decision is one authorization decision.
type Decision = policy.Decision

// WatchDecisions passes every authorization decision to watcher until stop is
// called. Tests use it to find the permissions that a program needs. The watcher
// must not call AWS.
func (s *Sandbox) WatchDecisions(watcher func(Decision)) (stop func()) {
	return s.policies.Watch(watcher)
}

// Environment returns the environment variables with which the AWS SDK, the aws
// command line and Terraform use the sandbox as the admin of an account. If the
// account does not exist, it is created in the partition of the Region.
func (s *Sandbox) Environment(account, region string) (map[string]string, error) {
	if err := s.openIn(account, region); err != nil {
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
		"AWS_SESSION_TOKEN":     "", // replaces a token that was exported for other keys
		"AWS_REGION":            region,
		"AWS_DEFAULT_REGION":    region,
		"AWS_CA_BUNDLE":         bundle, // the root of SNS's signing certificates
		// Keeps programs from looking for credentials on the machine's real network.
		"AWS_EC2_METADATA_DISABLED": "true",
	}, nil
}
