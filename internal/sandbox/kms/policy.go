// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package kms

import (
	"fmt"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
)

const (
	maxPolicyBytes = 32 << 10
	policyName     = "default" // of every key's only policy
)

// defaultPolicy returns AWS's default key policy, which delegates every decision
// to the account's IAM policies.
func defaultPolicy(region, account string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:%s:iam::%s:root"},"Action":"kms:*","Resource":"*"}]}`,
		kernel.Partition(region), account)
}

// managedPolicy returns the key policy of a service's own key: every principal of
// the account may use it, but only through that service. SNS may not use it.
func managedPolicy(region, account, service string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Id":"auto-%[1]s-1","Statement":[
		{"Sid":"Allow access through the service for all principals in the account that are authorized to use it","Effect":"Allow","Principal":{"AWS":"*"},
		 "Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:CreateGrant","kms:DescribeKey"],"Resource":"*",
		 "Condition":{"StringEquals":{"kms:CallerAccount":"%[2]s","kms:ViaService":"%[1]s.%[3]s.amazonaws.com"}}},
		{"Sid":"Allow direct access to key metadata to the account","Effect":"Allow","Principal":{"AWS":"arn:%[4]s:iam::%[2]s:root"},
		 "Action":["kms:Describe*","kms:Get*","kms:List*"],"Resource":"*"}]}`, service, account, region, kernel.Partition(region))
}

// checkPolicy returns KMS's error for a key policy that is too long, malformed or
// names principals that do not exist, or, without bypass, that would not let the
// caller change it again.
func (s *Service) checkPolicy(c *kernel.Call, k *key, text string, bypass bool) error {
	malformed := func(format string, args ...any) error {
		return invalid("MalformedPolicyDocumentException", format, args...)
	}
	if len(text) > maxPolicyBytes {
		return invalid("LimitExceededException", "The key policy is larger than %d bytes.", maxPolicyBytes)
	}
	document, err := policy.Parse(policy.Resource, text)
	if err != nil {
		return malformed("%v", err)
	}
	for _, statement := range document.Statements {
		for _, p := range statement.Principals {
			if !p.Exists(s.env.Accounts, kernel.Partition(k.region)) {
				return malformed("Policy contains a statement with one or more invalid principals.")
			}
		}
	}
	if !bypass && s.authorize(c, "PutKeyPolicy", k.arn, k.account, text, nil) != nil {
		return malformed("The new key policy will not allow you to update the key policy in the future.")
	}
	return nil
}

type policyInput struct {
	KeyId, PolicyName, Policy      string
	BypassPolicyLockoutSafetyCheck bool
}

// checkName returns KMS's error if the input names another policy than the only
// one; the name may be omitted.
func (in *policyInput) checkName() error {
	if in.PolicyName != "" && in.PolicyName != policyName {
		return invalid("NotFoundException", "No such policy exists")
	}
	return nil
}

func (s *Service) getKeyPolicy(c *kernel.Call, in *policyInput) (any, error) {
	k, err := s.allowed(c, "GetKeyPolicy", in.KeyId, nil)
	if err != nil {
		return nil, err
	}
	if err := in.checkName(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]any{"Policy": k.policy, "PolicyName": policyName}, nil
}

func (s *Service) putKeyPolicy(c *kernel.Call, in *policyInput) (any, error) {
	k, err := s.find(c, in.KeyId)
	if err != nil {
		return nil, s.hide(c, "PutKeyPolicy", in.KeyId, err)
	}
	return s.change(c, "PutKeyPolicy", k.arn, func(k *key) (any, error) {
		if err := in.checkName(); err != nil {
			return nil, err
		}
		// The authorizer does not call KMS, so the lock may be held.
		if err := s.checkPolicy(c, k, in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
			return nil, err
		}
		k.policy = in.Policy
		return nil, nil
	})
}

func (s *Service) listKeyPolicies(c *kernel.Call, in *pageInput) (any, error) {
	if _, err := s.allowed(c, "ListKeyPolicies", in.KeyId, nil); err != nil {
		return nil, err
	}
	return map[string]any{"PolicyNames": []string{policyName}, "Truncated": false}, in.onePage()
}
