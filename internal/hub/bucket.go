// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
)

// ensureBucket makes the template bucket. Encryption and "no ACLs" are what
// every new bucket has by itself (aws-facts 4.2); public access is opened just
// so far that the bucket's policy may name everybody as a reader of templates.
func (h *Hub) ensureBucket(ctx context.Context, bucket string, tags map[string]string) error {
	client, owner, arn := h.clients.S3(), aws.String(h.clients.Account.String()), h.bucketARN(bucket)
	_, err := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket, ExpectedBucketOwner: owner})
	if awsclient.IsNotFound(err) {
		err = h.createBucket(ctx, bucket)
	}
	if err != nil {
		return h.clients.Explain(err, arn)
	}
	_, err = client.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
		Bucket:              &bucket,
		ExpectedBucketOwner: owner,
		PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
			BlockPublicAcls:       aws.Bool(true),
			IgnorePublicAcls:      aws.Bool(true),
			BlockPublicPolicy:     aws.Bool(false),
			RestrictPublicBuckets: aws.Bool(false),
		},
	})
	if err != nil {
		return h.clients.Explain(err, arn)
	}
	if err := h.ensureBucketPolicy(ctx, bucket); err != nil {
		return err
	}
	return h.ensureBucketTags(ctx, bucket, tags)
}

func (h *Hub) createBucket(ctx context.Context, bucket string) error {
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

// ensureBucketPolicy lets everybody read templates. S3 may still go by the old
// Block Public Access setting for some seconds, and refuse.
func (h *Hub) ensureBucketPolicy(ctx context.Context, bucket string) error {
	if ok, err := h.bucketPolicyRight(ctx, bucket); ok || err != nil && !awsclient.IsNotFound(err) {
		return h.clients.Explain(err, h.bucketARN(bucket))
	}
	policy := iampolicy.PublicTemplates(bucket, h.clients.Partition()).String()
	const attempts = 4
	var err error
	for attempt := range attempts {
		_, err = h.clients.S3().PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{
			Bucket:              &bucket,
			ExpectedBucketOwner: aws.String(h.clients.Account.String()),
			Policy:              &policy,
		})
		if !awsclient.IsAccessDenied(err) && !awsclient.IsContended(err) || attempt == attempts-1 {
			break
		}
		if waited := h.wait(ctx, 2*time.Second); waited != nil {
			return waited
		}
	}
	if awsclient.IsAccessDenied(err) {
		err = fmt.Errorf("customers could not read templates; where the permission is there, "+
			"the account's own Block Public Access setting may forbid every public bucket: %w", err)
	}
	return h.clients.Explain(err, h.bucketARN(bucket))
}

// bucketPolicyRight reports whether the bucket's policy means what it should.
func (h *Hub) bucketPolicyRight(ctx context.Context, bucket string) (bool, error) {
	out, err := h.clients.S3().GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{
		Bucket:              &bucket,
		ExpectedBucketOwner: aws.String(h.clients.Account.String()),
	})
	if err != nil {
		return false, err
	}
	same, err := iampolicy.Equivalent(aws.ToString(out.Policy), iampolicy.PublicTemplates(bucket, h.clients.Partition()).String())
	return err == nil && same, nil
}

func (h *Hub) ensureBucketTags(ctx context.Context, bucket string, want map[string]string) error {
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
func (h *Hub) deleteBucket(ctx context.Context, bucket string) error {
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
