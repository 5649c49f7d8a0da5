// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"maps"
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// ensureBucket creates the template bucket if it is missing, and sets its encryption
// and tags. New buckets have ACLs disabled and Block Public Access enabled by default
// (aws-facts 4.2).
func (h *Manager) ensureBucket(ctx context.Context, record registry.HubRecord) error {
	bucket, owner := record.Bucket, aws.String(h.clients.Account.String())
	_, err := h.clients.S3().HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket, ExpectedBucketOwner: owner})
	if awsclient.IsNotFound(err) {
		err = h.createBucket(ctx, bucket)
	}
	if err != nil {
		return h.clients.Explain(err, h.bucketARN(bucket))
	}
	if err := h.ensureBucketEncryption(ctx, bucket); err != nil {
		return err
	}
	return h.ensureBucketTags(ctx, bucket, record.Tags)
}

// bucketEncryption returns encryption with keys of S3 (SSE-S3). With a KMS key every
// customer would need permission for the key to read a template, and anonymous readers
// could not have it (aws-facts 1.20).
func bucketEncryption() *types.ServerSideEncryptionConfiguration {
	return &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
		ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAes256},
	}}}
}

// bucketEncrypted reports whether the bucket has the encryption that bucketEncryption
// returns.
func (h *Manager) bucketEncrypted(ctx context.Context, bucket string) (bool, error) {
	out, err := h.clients.S3().GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{
		Bucket: &bucket, ExpectedBucketOwner: aws.String(h.clients.Account.String()),
	})
	if awsclient.HasCode(err, "ServerSideEncryptionConfigurationNotFoundError") {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	rules := out.ServerSideEncryptionConfiguration.Rules
	return len(rules) == 1 && rules[0].ApplyServerSideEncryptionByDefault != nil &&
		rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm == types.ServerSideEncryptionAes256, nil
}

func (h *Manager) ensureBucketEncryption(ctx context.Context, bucket string) error {
	if right, err := h.bucketEncrypted(ctx, bucket); right || err != nil {
		return h.clients.Explain(err, h.bucketARN(bucket))
	}
	_, err := h.clients.S3().PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{
		Bucket: &bucket, ExpectedBucketOwner: aws.String(h.clients.Account.String()), ServerSideEncryptionConfiguration: bucketEncryption(),
	})
	return h.clients.Explain(err, h.bucketARN(bucket))
}

// readBucket reports defects of the bucket: a missing bucket, its policy, public access
// and encryption. It returns behind if the policy does not match the registry's list of
// readers, which the refresh repairs.
func (h *Manager) readBucket(ctx context.Context, record registry.HubRecord, readers registry.Shard, report reporter) (behind bool, err error) {
	arn := h.bucketARN(record.Bucket)
	policy, err := bucketPolicy(record, readers.AccountIDs())
	if err != nil {
		return false, err
	}
	right, err := h.bucketPolicyIs(ctx, record.Bucket, policy)
	switch {
	case awsclient.HasCode(err, "NoSuchBucket"):
		report(Bucket, "", arn)
		return false, nil
	case err != nil && !awsclient.IsNotFound(err):
		return false, h.clients.Explain(err, arn)
	case !right && readers.Sequence > 0:
		behind = true
	case !right:
		report(Bucket, Policy, arn)
	}
	right, err = h.publicAccessMatches(ctx, record)
	if err != nil && !awsclient.IsNotFound(err) {
		return behind, h.clients.Explain(err, arn)
	}
	if !right {
		report(Bucket, PublicAccess, arn)
	}
	right, err = h.bucketEncrypted(ctx, record.Bucket)
	if err != nil {
		return behind, h.clients.Explain(err, arn)
	}
	if !right {
		report(Bucket, Encryption, arn)
	}
	return behind, nil
}

// ensureAccess allows the principals in the hub's record to read templates. Public
// access is opened before a public policy is written, and closed after the policy is
// replaced: in between, every reader keeps access.
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

// publicAccess returns the Block Public Access settings of the bucket. They block all
// public access, except that the policy may name every principal as a reader if
// templates are public.
func publicAccess(record registry.HubRecord) *types.PublicAccessBlockConfiguration {
	private := record.TemplateAccess != onboarding.TemplatesPublic
	return &types.PublicAccessBlockConfiguration{
		BlockPublicAcls:       aws.Bool(true),
		IgnorePublicAcls:      aws.Bool(true),
		BlockPublicPolicy:     &private,
		RestrictPublicBuckets: &private,
	}
}

// publicAccessMatches reports whether the bucket has the settings that publicAccess
// returns.
func (h *Manager) publicAccessMatches(ctx context.Context, record registry.HubRecord) (bool, error) {
	out, err := h.clients.S3().GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{
		Bucket:              &record.Bucket,
		ExpectedBucketOwner: aws.String(h.clients.Account.String()),
	})
	if err != nil {
		return false, err
	}
	return reflect.DeepEqual(out.PublicAccessBlockConfiguration, publicAccess(record)), nil
}

// createBucket creates the bucket. After the deletion of a bucket of the same name S3
// may refuse for a while with OperationAborted, so it retries for about a minute.
func (h *Manager) createBucket(ctx context.Context, bucket string) error {
	input := &s3.CreateBucketInput{Bucket: &bucket}
	if !mustKeepBucket(bucket, h.clients.Account, h.clients.Region) {
		input.BucketNamespace = types.BucketNamespaceAccountRegional
	}
	// S3 refuses us-east-1 as a location constraint: it is the default.
	if region := h.clients.Region.String(); region != "us-east-1" {
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	const attempts = 12
	var err error
	for range attempts {
		if _, err = h.clients.S3().CreateBucket(ctx, input); !awsclient.HasCode(err, "OperationAborted") {
			break
		}
		if waited := h.sleep(ctx, 5*time.Second); waited != nil {
			return waited
		}
	}
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
