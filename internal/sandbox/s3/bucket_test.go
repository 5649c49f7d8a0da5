// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3_test

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestABucketIsCreatedIfItsNameIsFree(t *testing.T) {
	s := start(t)
	ireland, virginia := client(t, s, vendor, region), client(t, s, vendor, "us-east-1")
	stranger := client(t, s, customer, region)
	make := func(c *sdk.Client, name, constraint string) error {
		in := &sdk.CreateBucketInput{Bucket: &name}
		if constraint != "" {
			in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(constraint)}
		}
		_, err := c.CreateBucket(ctx, in)
		return err
	}
	noError(t, make(ireland, "mine", region))
	wantCode(t, make(ireland, "mine", region), "BucketAlreadyOwnedByYou")
	wantCode(t, make(stranger, "mine", region), "BucketAlreadyExists")
	wantCode(t, make(ireland, "other", ""), "IllegalLocationConstraintException")
	wantCode(t, make(ireland, "other", "eu-north-1"), "IllegalLocationConstraintException")
	wantCode(t, make(virginia, "other", "us-east-1"), "InvalidLocationConstraint")
	wantCode(t, make(ireland, "Capitals", region), "InvalidBucketName")
	wantCode(t, make(ireland, "192.168.5.4", region), "InvalidBucketName")
	wantCode(t, make(ireland, "cloudformation-custom-resource-response-euwest1", region), "BucketAlreadyExists")
	noError(t, make(virginia, "virginia", ""))
	noError(t, make(virginia, "virginia", "")) // succeeds in us-east-1 only
	noError(t, make(virginia, "frankfurt", "eu-central-1"))

	for bucket, want := range map[string]string{"mine": region, "virginia": "", "frankfurt": "eu-central-1"} {
		out, err := virginia.GetBucketLocation(ctx, &sdk.GetBucketLocationInput{Bucket: &bucket})
		noError(t, err)
		if string(out.LocationConstraint) != want {
			t.Errorf("%s is in %q, want %q", bucket, out.LocationConstraint, want)
		}
	}
	list, err := ireland.ListBuckets(ctx, &sdk.ListBucketsInput{})
	noError(t, err)
	if len(list.Buckets) != 3 {
		t.Errorf("got %d buckets, want 3", len(list.Buckets))
	}
}

func TestTheSameNameIsFreeInAnotherPartition(t *testing.T) {
	s := start(t)
	noError(t, s.OpenAccount("333333333333", "aws-cn"))
	create(t, client(t, s, vendor, region), "name")
	create(t, client(t, s, "333333333333", "cn-north-1"), "name")
}

func TestARequestInAnotherRegionIsRedirected(t *testing.T) {
	s := start(t)
	bucket := create(t, client(t, s, vendor, region), "mine")
	elsewhere := client(t, s, vendor, "us-east-1")
	_, err := get(elsewhere, bucket, "k")
	wantCode(t, err, "PermanentRedirect")

	status, _ := fetch(t, s, http.MethodGet, "https://mine.s3.us-west-2.amazonaws.com/k", "")
	if status != http.StatusMovedPermanently {
		t.Errorf("got %d, want 301", status)
	}
	response, err := http.Head(s.URL() + "/mine")
	noError(t, err)
	noError(t, response.Body.Close())
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("an anonymous HEAD got %d, want 403", response.StatusCode)
	}
}

func TestHeadBucketReturnsTheRegionToTheOwnerOnly(t *testing.T) {
	s := start(t)
	c := client(t, s, vendor, region)
	bucket := create(t, c, "mine")
	out, err := c.HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: bucket, ExpectedBucketOwner: aws.String(vendor)})
	noError(t, err)
	if aws.ToString(out.BucketRegion) != region {
		t.Errorf("got the Region %v", out.BucketRegion)
	}
	_, err = c.HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: bucket, ExpectedBucketOwner: aws.String(customer)})
	wantCode(t, err, "Forbidden")
	_, err = c.HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: aws.String("missing")})
	wantCode(t, err, "NotFound")
	_, err = client(t, s, customer, region).HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: bucket})
	wantCode(t, err, "Forbidden")
}

func TestOnlyAnEmptyBucketIsDeleted(t *testing.T) {
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "mine")
	put(t, c, bucket, "k", "x")
	_, err := c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: bucket})
	wantCode(t, err, "BucketNotEmpty")
	_, err = c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: bucket, Key: aws.String("k")})
	noError(t, err)
	_, err = c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: bucket})
	noError(t, err)
	_, err = get(c, bucket, "k")
	wantCode(t, err, "NoSuchBucket")
}

func TestANewBucketIsPrivateAndEncrypted(t *testing.T) {
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "mine")
	access, err := c.GetPublicAccessBlock(ctx, &sdk.GetPublicAccessBlockInput{Bucket: bucket})
	noError(t, err)
	a := access.PublicAccessBlockConfiguration
	if !*a.BlockPublicAcls || !*a.IgnorePublicAcls || !*a.BlockPublicPolicy || !*a.RestrictPublicBuckets {
		t.Errorf("Block Public Access is not all on: %+v", a)
	}
	ownership, err := c.GetBucketOwnershipControls(ctx, &sdk.GetBucketOwnershipControlsInput{Bucket: bucket})
	noError(t, err)
	if got := ownership.OwnershipControls.Rules[0].ObjectOwnership; got != types.ObjectOwnershipBucketOwnerEnforced {
		t.Errorf("got the ownership %q", got)
	}
	encryption, err := c.GetBucketEncryption(ctx, &sdk.GetBucketEncryptionInput{Bucket: bucket})
	noError(t, err)
	if got := encryption.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm; got != types.ServerSideEncryptionAes256 {
		t.Errorf("got the algorithm %q", got)
	}
	_, err = c.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: bucket})
	wantCode(t, err, "NoSuchBucketPolicy")
	_, err = c.GetBucketTagging(ctx, &sdk.GetBucketTaggingInput{Bucket: bucket})
	wantCode(t, err, "NoSuchTagSet")
	_, err = c.GetBucketLifecycleConfiguration(ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: bucket})
	wantCode(t, err, "NoSuchLifecycleConfiguration")
	versioning, err := c.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: bucket})
	noError(t, err)
	if versioning.Status != "" {
		t.Errorf("got the versioning %q", versioning.Status)
	}
}

func TestSettingsRoundTrip(t *testing.T) {
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "mine")
	_, err := c.PutBucketTagging(ctx, &sdk.PutBucketTaggingInput{Bucket: bucket, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}}})
	noError(t, err)
	tags, err := c.GetBucketTagging(ctx, &sdk.GetBucketTaggingInput{Bucket: bucket})
	noError(t, err)
	if len(tags.TagSet) != 1 || *tags.TagSet[0].Key != "a" || *tags.TagSet[0].Value != "1" {
		t.Errorf("got the tags %+v", tags.TagSet)
	}
	_, err = c.DeleteBucketTagging(ctx, &sdk.DeleteBucketTaggingInput{Bucket: bucket})
	noError(t, err)

	_, err = c.PutBucketLifecycleConfiguration(ctx, &sdk.PutBucketLifecycleConfigurationInput{Bucket: bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{
		Rules: []types.LifecycleRule{{Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("old/")}, Expiration: &types.LifecycleExpiration{Days: aws.Int32(90)}}},
	}})
	noError(t, err)
	lifecycle, err := c.GetBucketLifecycleConfiguration(ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: bucket})
	noError(t, err)
	if r := lifecycle.Rules[0]; aws.ToString(r.ID) == "" || *r.Expiration.Days != 90 || *r.Filter.Prefix != "old/" {
		t.Errorf("got the rule %+v", r)
	}

	_, err = c.PutBucketEncryption(ctx, &sdk.PutBucketEncryptionInput{Bucket: bucket, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
		Rules: []types.ServerSideEncryptionRule{{BucketKeyEnabled: aws.Bool(true), ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAes256}}},
	}})
	noError(t, err)
	encryption, err := c.GetBucketEncryption(ctx, &sdk.GetBucketEncryptionInput{Bucket: bucket})
	noError(t, err)
	if !*encryption.ServerSideEncryptionConfiguration.Rules[0].BucketKeyEnabled {
		t.Error("the setting of the bucket key was not stored")
	}
	_, err = c.PutBucketOwnershipControls(ctx, &sdk.PutBucketOwnershipControlsInput{Bucket: bucket, OwnershipControls: &types.OwnershipControls{
		Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced}},
	}})
	noError(t, err)
	_, err = c.DeletePublicAccessBlock(ctx, &sdk.DeletePublicAccessBlockInput{Bucket: bucket})
	noError(t, err)
	_, err = c.GetPublicAccessBlock(ctx, &sdk.GetPublicAccessBlockInput{Bucket: bucket})
	wantCode(t, err, "NoSuchPublicAccessBlockConfiguration")
}
