// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

func TestAnObjectRoundTrips(t *testing.T) {
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "templates")
	key := "templates/a b+c|ü.json"
	_, err := c.PutObject(ctx, &sdk.PutObjectInput{
		Bucket: bucket, Key: &key, Body: strings.NewReader(`{"x":1}`), ContentType: aws.String("application/json"),
		CacheControl: aws.String("max-age=60"), Metadata: map[string]string{"renderer": "1"},
	})
	noError(t, err)
	out, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: &key})
	noError(t, err)
	body, err := io.ReadAll(out.Body) // the SDK checks the checksum here
	noError(t, err)
	if string(body) != `{"x":1}` || *out.ContentType != "application/json" || *out.CacheControl != "max-age=60" || out.Metadata["renderer"] != "1" {
		t.Errorf("got %q %q %q %v", body, *out.ContentType, *out.CacheControl, out.Metadata)
	}
	if out.ChecksumCRC32 == nil || out.ServerSideEncryption != types.ServerSideEncryptionAes256 {
		t.Errorf("got checksum %v and encryption %q", out.ChecksumCRC32, out.ServerSideEncryption)
	}
	head, err := c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: bucket, Key: &key})
	noError(t, err)
	if *head.ContentLength != 7 || *head.ETag != *out.ETag {
		t.Errorf("HEAD returns %d bytes and %s", *head.ContentLength, *head.ETag)
	}
}

func TestEveryChecksumOfTheSDKIsVerified(t *testing.T) {
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "templates")
	for _, algorithm := range []types.ChecksumAlgorithm{
		types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme, types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256,
	} {
		_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: aws.String("k"), Body: strings.NewReader("body"), ChecksumAlgorithm: algorithm})
		noError(t, err)
		if body, err := get(c, bucket, "k"); err != nil || body != "body" {
			t.Errorf("%s: got %q, %v", algorithm, body, err)
		}
	}
	_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: aws.String("wrong"), Body: strings.NewReader("body"), ChecksumCRC32: aws.String("AAAAAA==")})
	wantCode(t, err, "BadDigest")
	if _, err := get(c, bucket, "wrong"); err == nil {
		t.Error("a body with a wrong checksum was stored")
	}
}

// chunked sends a body as clients do over TLS: in unsigned chunks, followed by
// the checksum. Over plain HTTP the SDK does not use chunks, so the request is
// built here. It returns the response's status.
func chunked(t *testing.T, s *sandbox.Sandbox, address, body string, length int) int {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, s.URL()+address, strings.NewReader(body))
	noError(t, err)
	r.Header.Set("Content-Encoding", "gzip,aws-chunked")
	r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
	r.Header.Set("X-Amz-Decoded-Content-Length", strconv.Itoa(length))
	r.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
	c, err := s.Credentials(vendor)
	noError(t, err)
	keys := aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey}
	noError(t, v4.NewSigner().SignHTTP(ctx, keys, r, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "s3", region, time.Now()))
	response, err := http.DefaultClient.Do(r)
	noError(t, err)
	noError(t, response.Body.Close())
	return response.StatusCode
}

func TestAChunkedBodyIsDecodedAndItsTrailerVerified(t *testing.T) {
	s := start(t)
	c := client(t, s, vendor, region)
	bucket := create(t, c, "templates")
	tests := map[string]struct {
		body   string
		length int
		status int
	}{
		"two chunks":        {"6\r\nhello \r\n5\r\nworld\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n", 11, 200},
		"a wrong checksum":  {"b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", 11, 400},
		"no checksum":       {"b\r\nhello world\r\n0\r\n\r\n", 11, 400},
		"a wrong length":    {"b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n", 12, 400},
		"a truncated chunk": {"b\r\nhello", 11, 400},
		"an invalid size":   {"zz\r\nhello world\r\n0\r\n\r\n", 11, 400},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			key := strings.ReplaceAll(name, " ", "-")
			if got := chunked(t, s, "/templates/"+key, test.body, test.length); got != test.status {
				t.Fatalf("got %d, want %d", got, test.status)
			}
			out, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: &key})
			if test.status != 200 {
				wantCode(t, err, "NoSuchKey")
				return
			}
			noError(t, err)
			body, err := io.ReadAll(out.Body)
			noError(t, err)
			if string(body) != "hello world" || *out.ContentEncoding != "gzip" {
				t.Errorf("got %q with the encoding %q", body, *out.ContentEncoding)
			}
		})
	}
}

func TestIfNoneMatchCreatesOnce(t *testing.T) {
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "templates")
	once := func(body string) error {
		_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: aws.String("k"), Body: strings.NewReader(body), IfNoneMatch: aws.String("*")})
		return err
	}
	noError(t, once("first"))
	wantCode(t, once("second"), "PreconditionFailed")
	if body, _ := get(c, bucket, "k"); body != "first" {
		t.Errorf("the object was overwritten with %q", body)
	}
}

func TestIfMatchComparesAndSets(t *testing.T) {
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "templates")
	swap := func(key string, etag *string) error {
		_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader("new"), IfMatch: etag})
		return err
	}
	first := put(t, c, bucket, "k", "old")
	noError(t, swap("k", first.ETag))
	wantCode(t, swap("k", first.ETag), "PreconditionFailed")
	wantCode(t, swap("nothing", first.ETag), "NoSuchKey")
}

func TestAPartOfAnObjectCanBeRead(t *testing.T) {
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "templates")
	put(t, c, bucket, "k", "0123456789")
	for ranged, want := range map[string]string{"bytes=2-4": "234", "bytes=7-": "789", "bytes=-2": "89", "bytes=8-100": "89"} {
		out, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: aws.String("k"), Range: &ranged})
		noError(t, err)
		if body, _ := io.ReadAll(out.Body); string(body) != want {
			t.Errorf("%s returns %q, want %q", ranged, body, want)
		}
	}
	_, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: aws.String("k"), Range: aws.String("bytes=10-")})
	wantCode(t, err, "InvalidRange")
}

func TestAListContinuesFromPageToPage(t *testing.T) {
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "templates")
	var want []string
	for i := range 7 {
		key := fmt.Sprintf("templates/%d & more.json", i)
		want = append(want, key)
		put(t, c, bucket, key, "x")
	}
	put(t, c, bucket, "other", "x")
	var got []string
	pages := sdk.NewListObjectsV2Paginator(c, &sdk.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("templates/"), MaxKeys: aws.Int32(3)})
	count := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		noError(t, err)
		count++
		for _, o := range page.Contents {
			got = append(got, *o.Key)
		}
	}
	if count != 3 || !slices.Equal(got, want) {
		t.Errorf("got %v on %d pages", got, count)
	}
}

func TestADelimiterGroupsKeys(t *testing.T) {
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "templates")
	for _, key := range []string{"a/1", "a/2", "b", "c/1", "d/1"} {
		put(t, c, bucket, key, "x")
	}
	var got []string
	pages := sdk.NewListObjectsV2Paginator(c, &sdk.ListObjectsV2Input{Bucket: bucket, Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		noError(t, err)
		for _, p := range page.CommonPrefixes {
			got = append(got, *p.Prefix)
		}
		for _, o := range page.Contents {
			got = append(got, *o.Key)
		}
	}
	if !slices.Equal(got, []string{"a/", "b", "c/", "d/"}) {
		t.Errorf("got %v", got)
	}
}

func TestDeletingAMissingObjectSucceeds(t *testing.T) {
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "templates")
	put(t, c, bucket, "a", "x")
	out, err := c.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("a")}, {Key: aws.String("never")}}}})
	noError(t, err)
	if len(out.Deleted) != 2 || len(out.Errors) != 0 {
		t.Errorf("got %d deleted and %d errors", len(out.Deleted), len(out.Errors))
	}
	_, err = c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: bucket, Key: aws.String("a")})
	noError(t, err)
	_, err = get(c, bucket, "a")
	var missing *types.NoSuchKey
	if !errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
}

func TestVersionsStayUntilEachIsDeleted(t *testing.T) {
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "templates")
	put(t, c, bucket, "k", "before") // version "null"
	_, err := c.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	noError(t, err)
	second := put(t, c, bucket, "k", "second")
	deleted, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: bucket, Key: aws.String("k")})
	noError(t, err)
	if deleted.DeleteMarker == nil || !*deleted.DeleteMarker {
		t.Error("a delete in a versioned bucket must leave a marker")
	}
	_, err = get(c, bucket, "k")
	wantCode(t, err, "NoSuchKey")
	out, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: aws.String("k"), VersionId: second.VersionId})
	noError(t, err)
	if body, _ := io.ReadAll(out.Body); string(body) != "second" {
		t.Errorf("the version's body is %q", body)
	}
	_, err = c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: bucket})
	wantCode(t, err, "BucketNotEmpty")

	versions := 0
	pages := sdk.NewListObjectVersionsPaginator(c, &sdk.ListObjectVersionsInput{Bucket: bucket, MaxKeys: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		noError(t, err)
		var ids []types.ObjectIdentifier
		for _, v := range page.Versions {
			ids = append(ids, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		for _, m := range page.DeleteMarkers {
			ids = append(ids, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
		}
		versions += len(ids)
		_, err = c.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: ids}})
		noError(t, err)
	}
	if versions != 3 {
		t.Errorf("got %d versions and markers, want 3", versions)
	}
	_, err = c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: bucket})
	noError(t, err)
}

func TestUnimplementedParametersAreRefused(t *testing.T) {
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "templates")
	put(t, c, bucket, "k", "x")
	key := aws.String("k")
	_, multipart := c.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	_, copied := c.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: bucket, Key: aws.String("l"), CopySource: aws.String("templates/k")})
	_, tagged := c.GetObjectTagging(ctx, &sdk.GetObjectTaggingInput{Bucket: bucket, Key: key})
	_, class := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: key, StorageClass: types.StorageClassGlacier})
	_, encrypted := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: key, ServerSideEncryption: types.ServerSideEncryptionAwsKms})
	_, logged := c.GetBucketLogging(ctx, &sdk.GetBucketLoggingInput{Bucket: bucket})
	for name, err := range map[string]error{"multipart": multipart, "copy": copied, "object tags": tagged, "storage class": class, "KMS": encrypted, "logging": logged} {
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != "NotImplemented" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
