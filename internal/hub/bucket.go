// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"fmt"
	"maps"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// ensureBucket makes the template bucket. Encryption, "no ACLs" and Block Public
// Access are what every new bucket has by itself (aws-facts 4.2).
func (h *Manager) ensureBucket(ctx context.Context, bucket string, tags map[string]string) error {
	owner := aws.String(h.clients.Account.String())
	_, err := h.clients.S3().HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket, ExpectedBucketOwner: owner})
	if awsclient.IsNotFound(err) {
		err = h.createBucket(ctx, bucket)
	}
	if err != nil {
		return h.clients.Explain(err, h.bucketARN(bucket))
	}
	return h.ensureBucketTags(ctx, bucket, tags)
}

// ensureAccess lets those read templates whom the hub's record names. Public
// access is opened before a public policy is written, and closed after it has
// gone: in between, nobody who may read is kept from it.
func (h *Manager) ensureAccess(ctx context.Context, record registry.HubRecord) error {
	public := record.TemplateAccess == onboarding.TemplatesPublic
	if public {
		if err := h.setPublicAccess(ctx, record); err != nil {
			return err
		}
	}
	if err := h.permissions.setReaders(ctx, record); err != nil || public {
		return err
	}
	return h.setPublicAccess(ctx, record)
}

func (h *Manager) setPublicAccess(ctx context.Context, record registry.HubRecord) error {
	_, err := h.clients.S3().PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
		Bucket:                         &record.Bucket,
		ExpectedBucketOwner:            aws.String(h.clients.Account.String()),
		PublicAccessBlockConfiguration: publicAccess(record),
	})
	return h.clients.Explain(err, h.bucketARN(record.Bucket))
}

// publicAccess is what the bucket should block: everything, but that where
// templates are public its policy may name everybody as their reader.
func publicAccess(record registry.HubRecord) *types.PublicAccessBlockConfiguration {
	private := record.TemplateAccess != onboarding.TemplatesPublic
	return &types.PublicAccessBlockConfiguration{
		BlockPublicAcls:       aws.Bool(true),
		IgnorePublicAcls:      aws.Bool(true),
		BlockPublicPolicy:     &private,
		RestrictPublicBuckets: &private,
	}
}

// publicAccessRight reports whether the bucket blocks what it should.
func (h *Manager) publicAccessRight(ctx context.Context, record registry.HubRecord) (bool, error) {
	out, err := h.clients.S3().GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{
		Bucket:              &record.Bucket,
		ExpectedBucketOwner: aws.String(h.clients.Account.String()),
	})
	if err != nil {
		return false, err
	}
	return reflect.DeepEqual(out.PublicAccessBlockConfiguration, publicAccess(record)), nil
}

func (h *Manager) createBucket(ctx context.Context, bucket string) error {
	input := &s3.CreateBucketInput{Bucket: &bucket}
	// The oldest Region is the one that must not be named.
	if region := h.clients.Region.String(); region != "us-east-1" {
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	_, err := h.clients.S3().CreateBucket(ctx, input)
	if awsclient.HasCode(err, "BucketAlreadyOwnedByYou") {
		return nil
	}
	return err
}

func (h *Manager) ensureBucketTags(ctx context.Context, bucket string, want map[string]string) error {
	client, arn := h.clients.S3(), h.bucketARN(bucket)
	have := map[string]string{}
	out, err := client.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &bucket})
	if err != nil && !awsclient.IsNotFound(err) {
		return h.clients.Explain(err, arn)
	}
	if err == nil {
		for _, tag := range out.TagSet {
			have[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
	}
	if set, drop := awsclient.TagChanges(have, want); len(set) == 0 && len(drop) == 0 {
		return nil
	}
	if len(want) == 0 {
		_, err := client.DeleteBucketTagging(ctx, &s3.DeleteBucketTaggingInput{Bucket: &bucket})
		return h.clients.Explain(err, arn)
	}
	var tags []types.Tag
	for k, v := range maps.All(want) {
		tags = append(tags, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	_, err = client.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: &bucket, Tagging: &types.Tagging{TagSet: tags}})
	return h.clients.Explain(err, arn)
}

// deleteBucket deletes the bucket with everything in it.
func (h *Manager) deleteBucket(ctx context.Context, bucket string) error {
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
	_, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &bucket, ExpectedBucketOwner: owner})
	if awsclient.IsNotFound(err) {
		return nil
	}
	return h.clients.Explain(err, arn)
}
