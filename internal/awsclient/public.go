// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package awsclient

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// The limits for reading a public object. A larger object is not a template.
const (
	maxPublicObject = 1 << 20
	publicPatience  = 20 * time.Second
)

// ReadPublic returns a public object by its address in a bucket of S3:
// https://BUCKET.s3.REGION.amazonaws.com/KEY. It sends requests to no other host, and
// without credentials. An endpoint for S3 in the environment replaces AWS's own.
func ReadPublic(ctx context.Context, address string) ([]byte, error) {
	bucket, region, key, err := splitObject(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, publicPatience)
	defer cancel()
	config, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(region.String()), awsconfig.WithCredentialsProvider(aws.AnonymousCredentials{}))
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(config, func(o *s3.Options) {
		o.UsePathStyle = o.UsePathStyle || o.BaseEndpoint != nil
	})
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	body, err := io.ReadAll(io.LimitReader(out.Body, maxPublicObject+1))
	if err == nil && len(body) > maxPublicObject {
		err = fmt.Errorf("%s exceeds the size limit of a template", address)
	}
	return body, err
}

// splitObject returns the bucket, Region and key in an object's address, or an error if
// the address is not one of S3.
func splitObject(address string) (bucket string, region account.Region, key string, err error) {
	refused := fmt.Errorf("%q is not the URL of an S3 object", address)
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.RawQuery != "" || u.User != nil {
		return "", region, "", refused
	}
	bucket, rest, found := strings.Cut(u.Host, ".s3.")
	name, suffix, dotted := strings.Cut(rest, ".")
	if region, err = account.ParseRegion(name); err != nil || !found || !dotted || bucket == "" || suffix != region.Partition().DNSSuffix() {
		return "", region, "", refused
	}
	return bucket, region, strings.TrimPrefix(u.Path, "/"), nil
}
