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

// OpenAccount makes an account in a partition ("aws", "aws-us-gov", "aws-cn" or
// "aws-eusc"). Its keys are known in the Regions of that partition only. Asking
// for the credentials of an account that isn't there opens it in the commercial
// one.
func (s *Sandbox) OpenAccount(account, partition string) error {
	return s.identity.OpenAccount(account, partition)
}

// CloseAccount closes an account for good: its keys stop working, none of its
// roles can be assumed, and policies that name it are refused (aws-facts 5.4). It
// stays in its organization, suspended.
func (s *Sandbox) CloseAccount(account string) error {
	if !s.identity.Exists(account) {
		return fmt.Errorf("there is no open account %s", account)
	}
	s.identity.CloseAccount(account)
	return nil
}

// Credentials are those of the user "admin" of an account, who may do
// everything there. They stay the same as long as the sandbox runs.
func (s *Sandbox) Credentials(account string) (Credentials, error) {
	everything, _ := policy.Managed(administrator)
	return s.identity.User(account, "admin", everything)
}

// NewUser makes a user with identity policies of their own, JSON.
func (s *Sandbox) NewUser(account, name string, policies ...string) (Credentials, error) {
	return s.identity.User(account, name, policies...)
}

// Admin is the user "admin" of an account as a principal, for calls from
// inside.
func (s *Sandbox) Admin(account string) (*kernel.Principal, error) {
	credentials, err := s.Credentials(account)
	if err != nil {
		return nil, err
	}
	return s.Principal(credentials)
}

// Principal is whoever credentials stand for.
func (s *Sandbox) Principal(c Credentials) (*kernel.Principal, error) {
	_, p, err := s.identity.Lookup(c.AccessKeyID, c.SessionToken)
	if err != nil {
		return nil, fmt.Errorf("find whom the access key %s belongs to: %w", c.AccessKeyID, err)
	}
	return p, nil
}

// Decision is one answer to the question who may do what.
type Decision = policy.Decision

// WatchDecisions hands every such answer to a function until the returned
// function is called: by it tests know which permissions a program needs. The
// watcher must not call AWS.
func (s *Sandbox) WatchDecisions(watcher func(Decision)) (stop func()) {
	return s.policies.Watch(watcher)
}

// Environment is what to export for the AWS SDK, the aws command line and
// Terraform to use the sandbox as the admin of an account. One that nobody has
// named before is opened in the partition of the Region.
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
		"AWS_CA_BUNDLE":         bundle, // whom to believe that SNS signed a message
		// Nothing may look for credentials on the machine's real network.
		"AWS_EC2_METADATA_DISABLED": "true",
	}, nil
}
