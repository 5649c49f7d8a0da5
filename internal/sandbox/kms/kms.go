// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package kms is the sandbox's AWS KMS, with the JSON 1.1 protocol: symmetric
// keys with key policies and aliases, AWS's own keys for SQS and DynamoDB, and
// data keys that are really encrypted. The key policy must allow every use of a
// key: by a caller, by a service for a caller, and by SNS.
//
// It has no asymmetric or HMAC keys, no imported or rotated key material, no
// multi-Region keys and no key stores: those calls and parameters are refused.
// Grants to AWS services are recorded but have no effect. Changes take effect at
// once, while AWS's services cache data keys for some minutes.
package kms

import (
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// Service is KMS for all accounts and Regions of a sandbox.
//
// One lock guards its state. It is not held while the authorizer is called,
// except by PutKeyPolicy.
type Service struct {
	env kernel.Env

	mu      sync.Mutex
	keys    map[string]*key   // by ARN
	aliases map[string]string // ARN of the alias to ARN of the key
}

var _ kernel.Service = (*Service)(nil)

// New returns a Service without keys.
func New(env kernel.Env) *Service {
	return &Service{env: env, keys: map[string]*key{}, aliases: map[string]string{}}
}

// Action returns the operation in the X-Amz-Target header.
func (s *Service) Action(r *http.Request, _ []byte) string { return kernel.JSONAction(r) }

// EncodeError implements kernel.Service.
func (s *Service) EncodeError(c *kernel.Call, err *kernel.Error) *kernel.Response {
	return kernel.JSON11(kernel.JSONError(c, "com.amazonaws.kms", err))
}

// operations are the functions that decode the input of an operation, authorize
// the call, and execute it.
var operations map[string]func(*Service, *kernel.Call) (any, error)

func init() {
	operations = map[string]func(*Service, *kernel.Call) (any, error){
		"CreateKey":                       on((*Service).createKey),
		"DescribeKey":                     on((*Service).describeKey),
		"ListKeys":                        on((*Service).listKeys),
		"EnableKey":                       on((*Service).enableKey),
		"DisableKey":                      on((*Service).disableKey),
		"ScheduleKeyDeletion":             on((*Service).scheduleKeyDeletion),
		"CancelKeyDeletion":               on((*Service).cancelKeyDeletion),
		"GetKeyRotationStatus":            on((*Service).getKeyRotationStatus),
		"GetKeyPolicy":                    on((*Service).getKeyPolicy),
		"PutKeyPolicy":                    on((*Service).putKeyPolicy),
		"ListKeyPolicies":                 on((*Service).listKeyPolicies),
		"CreateAlias":                     on((*Service).createAlias),
		"DeleteAlias":                     on((*Service).deleteAlias),
		"ListAliases":                     on((*Service).listAliases),
		"TagResource":                     on((*Service).tagResource),
		"UntagResource":                   on((*Service).untagResource),
		"ListResourceTags":                on((*Service).listResourceTags),
		"CreateGrant":                     on((*Service).createGrant),
		"ListGrants":                      on((*Service).listGrants),
		"Encrypt":                         on((*Service).encrypt),
		"Decrypt":                         on((*Service).decrypt),
		"GenerateDataKey":                 on((*Service).generateDataKey),
		"GenerateDataKeyWithoutPlaintext": on((*Service).generateDataKey),
	}
}

// on returns an operation that decodes its input and calls run. It refuses
// members that the sandbox does not implement.
func on[In any](run func(*Service, *kernel.Call, *In) (any, error)) func(*Service, *kernel.Call) (any, error) {
	return func(s *Service, c *kernel.Call) (any, error) {
		in := new(In)
		if err := kernel.DecodeJSON(c, in); err != nil {
			return nil, err
		}
		return run(s, c, in)
	}
}

// Serve executes one operation.
func (s *Service) Serve(c *kernel.Call) (*kernel.Response, error) {
	return kernel.ServeJSON11(s, operations, c)
}

// anywhere is the resource of an action that is not on a key.
const anywhere = "*"

// authorize returns nil if the caller may do an action, or KMS's
// AccessDeniedException. A key's policy must allow the action even for callers of
// the key's own account.
func (s *Service) authorize(c *kernel.Call, action, resource, account, policy string, context map[string][]string) error {
	keys := map[string][]string{"kms:bypasspolicylockoutsafetycheck": nil, "kms:grantisforawsresource": nil}
	if c.Principal.Account != "" {
		keys["kms:calleraccount"] = []string{c.Principal.Account}
	}
	for name, values := range context {
		keys[name] = values
	}
	err := s.env.Authorizer.Authorize(kernel.Authorization{
		Principal: c.Principal, Action: "kms:" + action, Resource: resource,
		ResourceAccount: account, ResourcePolicy: policy, Context: keys,
	})
	var denied *kernel.Error
	if errors.As(err, &denied) && denied.Code == "AccessDenied" {
		return kernel.Errorf(http.StatusBadRequest, "AccessDeniedException", "%s", denied.Message)
	}
	return err
}

func invalid(code, format string, args ...any) *kernel.Error {
	return kernel.Errorf(http.StatusBadRequest, code, format, args...)
}

func notImplemented(format string, args ...any) *kernel.Error {
	return invalid("UnsupportedOperationException", "The sandbox's KMS "+format, args...)
}

// prefix returns the beginning of the ARNs of an account's keys and aliases in
// a Region.
func prefix(region, account string) string {
	return strings.Join([]string{"arn", kernel.Partition(region), "kms", region, account, ""}, ":")
}
