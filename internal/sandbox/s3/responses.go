// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// This file has the buckets that custom resources send their answers to. There
// is one in each Region, owned by AWS. Only a URL that CloudFormation presigned
// can write to it, so an accepted answer proves its origin.

const (
	cloudFormation       = "cloudformation.amazonaws.com"
	responseBucketPrefix = "cloudformation-custom-resource-response-"
)

// ResponseBucket returns the name of a Region's bucket (aws-facts 2.1).
func ResponseBucket(region string) string {
	return responseBucketPrefix + strings.ReplaceAll(region, "-", "")
}

func isResponseBucket(name string) bool { return strings.HasPrefix(name, responseBucketPrefix) }

// OnCustomResourceResponse registers a function that receives the answers.
// There may be several for one key, with any content: the function decides
// which one counts.
func (s *Service) OnCustomResourceResponse(listen func(region, key string, body []byte)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onResponse = listen
}

// PresignPut returns a response URL in AWS's form, presigned by CloudFormation
// at the sandbox's time (aws-facts 1.8, 1.9, 2.2). It panics if the Service has
// no signing key.
func (s *Service) PresignPut(region, bucket, key string, expires time.Duration) string {
	signed, err := s.signer.Presign(http.MethodPut, region, responseHost(region, bucket), key, s.env.Clock.Now(), expires)
	if err != nil || s.signer.Secret == "" {
		panic(fmt.Sprintf("presign a URL of %s: %v", bucket, err))
	}
	return signed
}

func responseHost(region, bucket string) string {
	if region == "us-east-1" {
		return bucket + ".s3.amazonaws.com"
	}
	return bucket + ".s3." + region + "." + kernel.URLSuffix(region)
}

// serveResponse serves a request to a response bucket. It checks the signer;
// the sandbox's HTTP server has checked the signature. The caller holds the
// lock, which serveResponse releases before it calls the registered function.
func (s *Service) serveResponse(c *call) (*kernel.Response, error) {
	listen := s.onResponse
	s.mu.Unlock()
	region := c.address.region
	if region == "" {
		region = c.Region
	}
	switch {
	case c.op != nil && c.op.noBucket:
		return nil, kernel.Errorf(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
	case c.address.bucket != ResponseBucket(region):
		return nil, kernel.Errorf(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	case c.op == nil || c.op.name != "PutObject",
		c.Principal == nil || c.Principal.Service != cloudFormation,
		c.query.Get("X-Amz-Signature") == "":
		return nil, accessDenied()
	}
	body, err := payload(c)
	if err != nil {
		return nil, err
	}
	if listen != nil {
		listen(region, c.address.key, body)
	}
	response := empty(http.StatusOK)
	response.Header.Set("Etag", etag(body))
	return response, nil
}
