// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package s3 is the sandbox's S3: buckets with their policies and Block Public
// Access, and objects, in every partition, addressed by path or by host. It
// also has the buckets to which custom resources send their answers to
// CloudFormation.
//
// ACLs (they are off, as in new buckets), multipart uploads, copies, encryption
// with KMS keys, object lock, websites and events are not implemented: a call
// that uses them returns an error.
package s3

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sigv4"
)

// Service is S3 in every account and Region.
type Service struct {
	env kernel.Env

	mu      sync.Mutex
	buckets map[bucketKey]*bucket

	signer     sigv4.Presigner // of CloudFormation's response URLs
	onResponse func(region, key string, body []byte)
}

// bucketKey identifies a bucket: bucket names are shared by all accounts of a
// partition.
type bucketKey struct{ partition, name string }

// New returns an S3 without buckets.
func New(env kernel.Env) *Service {
	s := &Service{env: env, buckets: map[bucketKey]*bucket{}}
	if env.ServiceKey != nil {
		key := env.ServiceKey(cloudFormation)
		s.signer = sigv4.Presigner{AccessKeyID: key.AccessKeyID, Secret: key.SecretAccessKey, Token: key.SessionToken}
	}
	return s
}

// call is a request with its address and its operation.
type call struct {
	*kernel.Call
	address address
	query   url.Values
	op      *operation
	bucket  *bucket // nil for operations without an existing bucket
}

// Action implements kernel.Service.
func (s *Service) Action(r *http.Request, _ []byte) string {
	a := addressOf(r)
	if op := operationOf(r, a); op != nil {
		return op.name
	}
	return strings.TrimSpace(r.Method + " " + a.level() + " " + subresource(r.URL.Query()))
}

// EncodeError implements kernel.Service.
func (s *Service) EncodeError(c *kernel.Call, err *kernel.Error) *kernel.Response {
	return kernel.RestXMLError(c, err)
}

// Serve implements kernel.Service.
func (s *Service) Serve(c *kernel.Call) (*kernel.Response, error) {
	a := addressOf(c.Request)
	rc := &call{Call: c, address: a, query: c.Request.URL.Query(), op: operationOf(c.Request, a)}
	s.mu.Lock()
	if isResponseBucket(a.bucket) {
		return s.serveResponse(rc) // unlocks
	}
	defer s.mu.Unlock()
	if rc.op == nil {
		return nil, notImplemented("The sandbox's S3 does not implement %s.", s.Action(c.Request, c.Body))
	}
	if err := s.prepare(rc); err != nil {
		return nil, err
	}
	response, err := rc.op.run(s, rc)
	if err == nil && rc.op.name == "HeadBucket" {
		response.Header.Set("X-Amz-Bucket-Region", rc.bucket.region)
	}
	return response, err
}

// prepare finds the bucket. It returns an error, in S3's order, if there is
// none, it is in another Region, it has another owner than expected, or the
// caller is not authorized.
func (s *Service) prepare(c *call) error {
	if c.op.noBucket {
		return nil
	}
	c.bucket = s.buckets[bucketKey{c.address.partition(c.Region), c.address.bucket}]
	if c.bucket == nil {
		return kernel.Errorf(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	}
	if err := c.checkRegion(); err != nil {
		return err
	}
	owner := c.Request.Header.Get("X-Amz-Expected-Bucket-Owner")
	if owner != "" && owner != c.bucket.account {
		return accessDenied()
	}
	return s.authorize(c, c.op.permission, c.resource())
}

// checkRegion returns a redirect to the bucket's Region for a request in
// another one. An anonymous request to the sandbox's own address has no Region.
func (c *call) checkRegion() error {
	region := c.address.region
	if region == "" && c.Principal != nil {
		region = c.Region
	}
	if region == "" || region == c.bucket.region || c.op.name == "GetBucketLocation" {
		return nil
	}
	err := kernel.Errorf(http.StatusMovedPermanently, "PermanentRedirect",
		"The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint. (The bucket is in %s.)", c.bucket.region)
	err.Header = http.Header{"X-Amz-Bucket-Region": {c.bucket.region}}
	return err
}

// resource returns the ARN to which permissions for the operation apply.
func (c *call) resource() string {
	if c.address.key != "" {
		return c.bucket.arn() + "/" + c.address.key
	}
	return c.bucket.arn()
}

// authorize returns an error if the caller may not call an action on the bucket
// or an object in it, by the caller's policies, the bucket's, and Block Public
// Access.
func (s *Service) authorize(c *call, permission, resource string) error {
	b := c.bucket
	policy := b.policy
	if b.access.RestrictPublicBuckets && b.public && !b.trusts(c.Principal) {
		// A public policy grants nothing to callers outside of the account.
		return accessDenied()
	}
	err := s.env.Authorizer.Authorize(kernel.Authorization{
		Principal:       c.Principal,
		Action:          permission,
		Resource:        resource,
		ResourceAccount: b.account,
		ResourcePolicy:  policy,
		Context:         c.conditionKeys(),
	})
	var denied *kernel.Error
	if errors.As(err, &denied) && denied.Code == "AccessDenied" && c.Principal == nil {
		return accessDenied() // without details
	}
	return err
}

// trusts reports whether a caller is exempt from RestrictPublicBuckets: the
// owner's account and AWS's services are.
func (b *bucket) trusts(p *kernel.Principal) bool {
	return p != nil && (p.Account == b.account || p.Service != "")
}

// conditionKeys returns the values of S3's own condition keys.
func (c *call) conditionKeys() map[string][]string {
	keys := map[string][]string{"aws:securetransport": {kernel.SecureTransport(c.Request)}} // an anonymous caller's too
	set := func(key, value string) {
		keys[key] = nil // known, without a value
		if value != "" {
			keys[key] = []string{value}
		}
	}
	for _, name := range []string{"prefix", "delimiter", "max-keys"} {
		set("s3:"+name, c.query.Get(name))
	}
	set("s3:versionid", c.query.Get("versionId"))
	for _, name := range []string{"x-amz-server-side-encryption", "x-amz-acl", "x-amz-content-sha256", "x-amz-bucket-namespace"} {
		set("s3:"+name, c.Request.Header.Get(name))
	}
	return keys
}

func accessDenied() *kernel.Error {
	return kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access Denied")
}

func notImplemented(format string, args ...any) *kernel.Error {
	return kernel.Errorf(http.StatusNotImplemented, "NotImplemented", format, args...)
}

func invalidArgument(format string, args ...any) *kernel.Error {
	return kernel.Errorf(http.StatusBadRequest, "InvalidArgument", format, args...)
}
