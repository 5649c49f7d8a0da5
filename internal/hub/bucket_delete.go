// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// deleteBucket deletes the bucket with all objects. If the bucket has to be kept for
// its name, deleteBucket empties it and returns the name.
func (h *Manager) deleteBucket(ctx context.Context, record registry.HubRecord) (kept string, err error) {
	bucket, owner := record.Bucket, aws.String(h.clients.Account.String())
	if mustKeepBucket(bucket, h.clients.Account, h.clients.Region) {
		return h.keepBucket(ctx, record)
	}
	if err := h.emptyBucket(ctx, bucket); err != nil {
		return "", err
	}
	_, err = h.clients.S3().DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &bucket, ExpectedBucketOwner: owner})
	if awsclient.IsNotFound(err) {
		return "", nil
	}
	return "", h.clients.Explain(err, h.bucketARN(bucket))
}

// keepBucket keeps the bucket only to reserve its name: it empties the bucket, closes
// it to every principal outside of the account, and tags it. It returns the name, or ""
// if the bucket doesn't exist any more.
func (h *Manager) keepBucket(ctx context.Context, record registry.HubRecord) (string, error) {
	owner := aws.String(h.clients.Account.String())
	closed := &types.PublicAccessBlockConfiguration{
		BlockPublicAcls: aws.Bool(true), IgnorePublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true),
	}
	_, err := h.clients.S3().PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
		Bucket: &record.Bucket, ExpectedBucketOwner: owner, PublicAccessBlockConfiguration: closed,
	})
	if awsclient.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", h.clients.Explain(err, h.bucketARN(record.Bucket))
	}
	policy := iampolicy.PrivateTemplates(record.Bucket, h.clients.Partition()).String()
	if _, err := h.clients.S3().PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &record.Bucket, ExpectedBucketOwner: owner, Policy: &policy}); err != nil {
		return "", h.clients.Explain(err, h.bucketARN(record.Bucket))
	}
	if err := h.emptyBucket(ctx, record.Bucket); err != nil {
		return "", err
	}
	tags := map[string]string{keptTag: "keeps the name of hub " + h.name + " which was destroyed"}
	maps.Copy(tags, record.Tags)
	return record.Bucket, h.ensureBucketTags(ctx, record.Bucket, tags)
}

// keptTag is the key of a tag on buckets that are kept only for their name.
const keptTag = "xacct"

// emptyBucket deletes all objects of the bucket. It returns nil if the bucket doesn't
// exist.
func (h *Manager) emptyBucket(ctx context.Context, bucket string) error {
	client, owner, arn := h.clients.S3(), aws.String(h.clients.Account.String()), h.bucketARN(bucket)
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket, ExpectedBucketOwner: owner})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if awsclient.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return h.clients.Explain(err, arn)
		}
		if len(page.Contents) == 0 {
			continue
		}
		objects := make([]types.ObjectIdentifier, len(page.Contents))
		for i, object := range page.Contents {
			objects[i].Key = object.Key
		}
		out, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
			Bucket:              &bucket,
			ExpectedBucketOwner: owner,
			Delete:              &types.Delete{Objects: objects, Quiet: aws.Bool(true)},
		})
		if err != nil {
			return h.clients.Explain(err, arn+"/*")
		}
		if len(out.Errors) > 0 {
			e := out.Errors[0]
			return fmt.Errorf("delete object %s of bucket %s: %s: %s", aws.ToString(e.Key), bucket, aws.ToString(e.Code), aws.ToString(e.Message))
		}
	}
	return nil
}
