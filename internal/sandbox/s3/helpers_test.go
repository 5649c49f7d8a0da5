// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

const (
	vendor   = sandbox.VendorAccount
	customer = "222222222222"
	region   = "eu-west-1"
)

var ctx = context.Background()

func start(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// client returns the SDK's client of an account's admin.
func client(t *testing.T, s *sandbox.Sandbox, account, region string) *sdk.Client {
	t.Helper()
	c, err := s.Credentials(account)
	if err != nil {
		t.Fatal(err)
	}
	return clientOf(s, c, region)
}

func clientOf(s *sandbox.Sandbox, c sandbox.Credentials, region string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: region, HTTPClient: awsclient.HTTPClient(), BaseEndpoint: aws.String(s.URL()), RetryMaxAttempts: 1, UsePathStyle: true,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		Credentials:                credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
	})
}

func create(t *testing.T, c *sdk.Client, bucket string) *string {
	t.Helper()
	input := &sdk.CreateBucketInput{Bucket: &bucket}
	if region := c.Options().Region; region != "us-east-1" {
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	_, err := c.CreateBucket(ctx, input)
	noError(t, err)
	return &bucket
}

func put(t *testing.T, c *sdk.Client, bucket *string, key, body string) *sdk.PutObjectOutput {
	t.Helper()
	out, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(body)})
	noError(t, err)
	return out
}

func get(c *sdk.Client, bucket *string, key string) (string, error) {
	out, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: &key})
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(out.Body)
	return string(body), err
}

// fetch sends a request to the sandbox with the host of its URL, as if AWS's
// host names resolved to the sandbox. It returns the status and the body.
func fetch(t *testing.T, s *sandbox.Sandbox, method, address, body string) (int, string) {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, strings.TrimPrefix(s.URL(), "http://"))
	}}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, method, strings.Replace(address, "https://", "http://", 1), strings.NewReader(body))
	noError(t, err)
	response, err := transport.RoundTrip(r)
	noError(t, err)
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	noError(t, err)
	return response.StatusCode, string(got)
}

func presignedGet(t *testing.T, c *sdk.Client, bucket *string, key string, expires time.Duration) string {
	t.Helper()
	request, err := sdk.NewPresignClient(c).PresignGetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: &key}, sdk.WithPresignExpires(expires))
	noError(t, err)
	return request.URL
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Fatalf("got %v, want the error %s", err, code)
	}
}
