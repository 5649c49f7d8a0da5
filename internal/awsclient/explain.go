// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/aws/smithy-go"
)

// Explain returns an error for the vendor's operator: a *PermissionError with the
// permission, the resource and the principal if AWS denied the request, or the error
// prefixed with the resource's name. It returns nil if err is nil.
func (c *Clients) Explain(err error, resource string) error {
	if err == nil {
		return nil
	}
	var known *PermissionError
	if errors.As(err, &known) {
		return err
	}
	if !IsAccessDenied(err) {
		return fmt.Errorf("%s: %w", resource, err)
	}
	denied := &PermissionError{Caller: c.CallerARN, Action: actionOf(err), Resource: resource, Err: err}
	// The message of AWS, if it names the action, is more precise: a transaction, for
	// example, needs the permissions of its parts.
	if named := deniedPattern().FindStringSubmatch(err.Error()); named != nil {
		service, action, _ := strings.Cut(named[1], ":")
		denied.Action = strings.ToLower(service) + ":" + action
		if named[2] != "" {
			denied.Resource = named[2]
		}
	}
	return denied
}

// deniedPattern matches AWS's message "User: … is not authorized to perform: … on
// resource: …" (aws-facts 7.4).
var deniedPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`is not authorized to perform: ([A-Za-z0-9-]+:[A-Za-z]+)(?: on resource: "?(arn:[^\s"]+))?`)
})

// PermissionError indicates that the vendor's own credentials lack a permission.
type PermissionError struct {
	Caller   string // ARN of the principal
	Action   string // as in a policy: "sns:CreateTopic"
	Resource string // ARN
	Err      error
}

func (e *PermissionError) Error() string {
	return fmt.Sprintf("%s may not do %s on %s: allow it in a policy of that principal: %v", e.Caller, e.Action, e.Resource, e.Err)
}

func (e *PermissionError) Unwrap() error { return e.Err }

// actionOf returns the permission that the failed operation needs.
func actionOf(err error) string {
	var operation *smithy.OperationError
	if !errors.As(err, &operation) {
		return "this"
	}
	service := strings.ToLower(operation.Service())
	if service == "eventbridge" {
		service = "events"
	}
	action := service + ":" + operation.Operation()
	if other, ok := otherActions[action]; ok {
		return other
	}
	return action
}

// otherActions contains the used operations whose IAM action has a different name.
var otherActions = map[string]string{
	"s3:HeadBucket":           "s3:ListBucket",
	"s3:HeadObject":           "s3:GetObject",
	"s3:ListBuckets":          "s3:ListAllMyBuckets",
	"s3:ListObjectsV2":        "s3:ListBucket",
	"s3:GetBucketEncryption":  "s3:GetEncryptionConfiguration",
	"s3:PutBucketEncryption":  "s3:PutEncryptionConfiguration",
	"s3:DeleteObjects":        "s3:DeleteObject",
	"s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
	"s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
}
