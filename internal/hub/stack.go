// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// A CloudFormation stack with the template of `xacct generate hub` may create a hub's
// parts. They have the same names, except for the bucket, because the template can't
// derive a name from the hub's key. Then Create uses the existing parts and adds the
// record, and Delete leaves the parts to their stack.

// StackBucketName returns the name of the template bucket that the stack creates if its
// specification names none.
func StackBucketName(hub string, account fmt.Stringer) string {
	return fmt.Sprintf("xacct-%s-templates-%s", hub, account)
}

// CreatedByStack reports whether the table and the stack's bucket exist in this account
// without a record of the hub. If the record exists, it reports whether a stack created
// the hub. It makes at most three calls.
func (h *Manager) CreatedByStack(ctx context.Context, bucket string) (bool, error) {
	switch _, err := h.registry.TableID(ctx); {
	case awsclient.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, h.explainRegistry(err)
	}
	if record, err := h.registry.Hub(ctx); err == nil {
		return record.FromStack, nil
	} else if !errors.Is(err, registry.ErrNoHub) {
		return false, h.explainRegistry(err)
	}
	_, err := h.clients.S3().HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket, ExpectedBucketOwner: aws.String(h.clients.Account.String())})
	if awsclient.IsNotFound(err) || awsclient.IsAccessDenied(err) {
		return false, nil // a bucket that the caller may not use is not the hub's; a hub's least policy names another
	}
	return err == nil, h.clients.Explain(err, h.bucketARN(bucket))
}

// StackError indicates that the parts of a hub must be deleted with their
// CloudFormation stack.
type StackError struct{ Hub string }

func (e *StackError) Error() string {
	return fmt.Sprintf("hub %s is closed and issues no links. Its parts belong to the CloudFormation stacks that were created from `xacct generate hub`: "+
		"switch the deletion protection of table %s off, empty the bucket, and delete these stacks", e.Hub, registry.TableName(e.Hub))
}
