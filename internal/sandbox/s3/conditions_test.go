// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func TestReadsObeyConditionalHeaders(t *testing.T) {
	t.Parallel()
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "templates")
	etag := put(t, c, bucket, "k", "v").ETag
	head, err := c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: bucket, Key: aws.String("k")})
	noError(t, err)
	modified := head.LastModified
	before, after := aws.Time(modified.Add(-time.Hour)), aws.Time(modified.Add(time.Hour))
	other := aws.String(`"00000000000000000000000000000000"`)
	for _, test := range []struct {
		name string
		in   sdk.GetObjectInput
		want int
	}{
		{"no condition", sdk.GetObjectInput{}, 200},
		{"modified since before", sdk.GetObjectInput{IfModifiedSince: before}, 200},
		{"modified since then", sdk.GetObjectInput{IfModifiedSince: modified}, 304},
		{"modified since after", sdk.GetObjectInput{IfModifiedSince: after}, 304},
		{"unmodified since before", sdk.GetObjectInput{IfUnmodifiedSince: before}, 412},
		{"unmodified since then", sdk.GetObjectInput{IfUnmodifiedSince: modified}, 200},
		{"the ETag", sdk.GetObjectInput{IfMatch: etag}, 200},
		{"another ETag", sdk.GetObjectInput{IfMatch: other}, 412},
		{"none of the ETag", sdk.GetObjectInput{IfNoneMatch: etag}, 304},
		{"none of another ETag", sdk.GetObjectInput{IfNoneMatch: other}, 200},
		{"the ETag takes precedence over unmodified", sdk.GetObjectInput{IfMatch: etag, IfUnmodifiedSince: before}, 200},
		{"the ETag takes precedence over modified", sdk.GetObjectInput{IfNoneMatch: other, IfModifiedSince: after}, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := test.in
			in.Bucket, in.Key, in.ChecksumMode = bucket, aws.String("k"), types.ChecksumModeEnabled
			out, err := c.GetObject(ctx, &in)
			status, checksum := 200, ""
			var failed *smithyhttp.ResponseError
			switch {
			case errors.As(err, &failed):
				status = failed.HTTPStatusCode()
				for name, values := range failed.Response.Header {
					if name == "X-Amz-Checksum-Crc32" || name == "X-Amz-Checksum-Type" {
						checksum = values[0]
					}
				}
				if status == http.StatusNotModified && failed.Response.Header.Get("Etag") != *etag {
					t.Error("a 304 has no ETag")
				}
			case err != nil:
				t.Fatal(err)
			case aws.ToString(out.ChecksumCRC32) == "":
				t.Error("the object has no checksum")
			}
			if status != test.want || checksum != "" {
				t.Errorf("got %d and the checksum %q, want %d", status, checksum, test.want)
			}
		})
	}
}

func TestAPresignedURLOfVersion2HasItsOwnError(t *testing.T) {
	t.Parallel()
	s := start(t)
	create(t, client(t, s, vendor, region), "templates")
	status, body := fetch(t, s, http.MethodGet, s.URL()+"/templates/k?AWSAccessKeyId=AKIA&Expires=4102444800&Signature=x", "")
	if status != http.StatusBadRequest || !strings.Contains(body, "Please use AWS4-HMAC-SHA256") {
		t.Errorf("got %d %s", status, body)
	}
}

func TestABucketHasUpToFiftyTags(t *testing.T) {
	t.Parallel()
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "templates")
	tags := func(n int, key string) error {
		var set []types.Tag
		for i := range n {
			set = append(set, types.Tag{Key: aws.String(key + strconv.Itoa(i)), Value: aws.String("v")})
		}
		_, err := c.PutBucketTagging(ctx, &sdk.PutBucketTaggingInput{Bucket: bucket, Tagging: &types.Tagging{TagSet: set}})
		return err
	}
	noError(t, tags(50, "k"))
	wantCode(t, tags(51, "k"), "BadRequest")
	wantCode(t, tags(1, "aws:"), "InvalidTag")
	_, err := c.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: aws.String("tagged"), CreateBucketConfiguration: &types.CreateBucketConfiguration{
		LocationConstraint: types.BucketLocationConstraint(region), Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("y")}},
	}})
	wantCode(t, err, "InvalidTag")
}
