// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3

import (
	"encoding/xml"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// bucket is a bucket with its settings and objects. A new one has the settings
// that AWS gives since April 2023: Block Public Access on, ACLs off (aws-facts
// 4.2).
type bucket struct {
	bucketKey
	account string
	region  string
	created time.Time

	access     publicAccessBlock
	noAccess   bool // Block Public Access was deleted: all off
	policy     string
	public     bool // the policy is a public one
	ownership  string
	encryption encryptionRule
	versioning string // "", Enabled, Suspended
	tags       []tag
	lifecycle  []lifecycleRule

	objects map[string][]*object // by key; versions, the newest last
	stored  uint64               // versions so far
}

func (b *bucket) arn() string { return "arn:" + b.partition + ":s3:::" + b.name }

// checkBucketName returns an error if a name violates the rules for general
// purpose buckets.
func checkBucketName(name string) error {
	switch {
	case !bucketName.MatchString(name), strings.Contains(name, ".."), net.ParseIP(name) != nil,
		strings.HasPrefix(name, "xn--"), strings.HasPrefix(name, "sthree-"), strings.HasPrefix(name, "amzn-s3-demo-"),
		strings.HasSuffix(name, "-s3alias"), strings.HasSuffix(name, "--ol-s3"), strings.HasSuffix(name, "--x-s3"):
		return kernel.Errorf(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.")
	}
	return nil
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

type createBucketConfiguration struct {
	XMLName            xml.Name
	LocationConstraint string
	Tags               []tag     `xml:"Tags>Tag"`
	Other              []unknown `xml:",any"`
}

func (s *Service) createBucket(c *call) (*kernel.Response, error) {
	b := &bucket{
		bucketKey: bucketKey{c.address.partition(c.Region), c.address.bucket},
		region:    c.Region, created: s.env.Clock.Now(),
		access:    publicAccessBlock{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true},
		ownership: "BucketOwnerEnforced",
		objects:   map[string][]*object{},
	}
	if err := s.mayCreate(c, b); err != nil {
		return nil, err
	}
	if err := b.configure(c); err != nil {
		return nil, err
	}
	if err := b.checkNamespace(c.header(namespaceHeader)); err != nil {
		return nil, err
	}
	if old := s.buckets[b.bucketKey]; old != nil || isResponseBucket(b.name) {
		switch {
		case old == nil || old.account != b.account:
			return nil, kernel.Errorf(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
		case old.region != b.region || b.region != "us-east-1":
			return nil, kernel.Errorf(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
		}
		// In us-east-1 a second creation succeeds, for historical reasons.
	} else {
		s.buckets[b.bucketKey] = b
	}
	response := empty(http.StatusOK)
	response.Header.Set("Location", "/"+b.name)
	if accountRegional.MatchString(b.name) {
		response.Header.Set("X-Amz-Bucket-Arn", b.arn())
	}
	return response, nil
}

func (s *Service) mayCreate(c *call, b *bucket) error {
	if c.Principal == nil {
		return accessDenied()
	}
	b.account = c.Principal.Account
	c.bucket = b
	if err := s.authorize(c, "s3:CreateBucket", b.arn()); err != nil {
		return err
	}
	return checkBucketName(b.name)
}

// configure sets the settings that the request of a creation has.
func (b *bucket) configure(c *call) error {
	header := c.Request.Header
	if acl := header.Get("X-Amz-Acl"); acl != "" && acl != "private" {
		return kernel.Errorf(http.StatusBadRequest, "InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
	}
	if header.Get("X-Amz-Bucket-Object-Lock-Enabled") != "" || hasPrefix(header, "X-Amz-Grant-") {
		return notImplemented("The sandbox's S3 does not implement object lock and grants.")
	}
	if ownership := header.Get("X-Amz-Object-Ownership"); ownership != "" && ownership != b.ownership {
		return notImplemented("The sandbox's S3 has no ACLs: ownership may only be BucketOwnerEnforced.")
	}
	var in createBucketConfiguration
	if len(c.Body) > 0 {
		body, err := payload(c)
		if err != nil {
			return err
		}
		if err := decodeXML(body, "CreateBucketConfiguration", &in); err != nil {
			return err
		}
	}
	if len(in.Other) > 0 {
		return notImplemented("The sandbox's S3 does not implement %s in CreateBucketConfiguration.", in.Other[0].XMLName.Local)
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	b.tags = in.Tags
	return b.locate(in.LocationConstraint)
}

// locate sets the Region of a new bucket. It returns an error if the bucket
// cannot be created there: the endpoint of us-east-1 creates buckets in every
// Region of the partition, the others only in their own.
func (b *bucket) locate(constraint string) error {
	switch {
	case constraint == "" && b.region != "us-east-1":
		return kernel.Errorf(http.StatusBadRequest, "IllegalLocationConstraintException", "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case constraint == "us-east-1":
		return kernel.Errorf(http.StatusBadRequest, "InvalidLocationConstraint", "The specified location-constraint is not valid")
	case constraint != "" && b.region != "us-east-1" && constraint != b.region:
		return kernel.Errorf(http.StatusBadRequest, "IllegalLocationConstraintException", "The %s location constraint is incompatible for the region specific endpoint this request was sent to.", constraint)
	case constraint != "" && kernel.Partition(constraint) != b.partition:
		return kernel.Errorf(http.StatusBadRequest, "InvalidLocationConstraint", "The specified location-constraint is not valid")
	case constraint != "":
		b.region = constraint
	}
	return nil
}

func (s *Service) headBucket(*call) (*kernel.Response, error) { return empty(http.StatusOK), nil }

func (s *Service) deleteBucket(c *call) (*kernel.Response, error) {
	if len(c.bucket.objects) > 0 {
		message := "The bucket you tried to delete is not empty"
		if c.bucket.versioning != "" {
			message += ". You must delete all versions in the bucket."
		}
		return nil, kernel.Errorf(http.StatusConflict, "BucketNotEmpty", "%s", message)
	}
	delete(s.buckets, c.bucket.bucketKey)
	return empty(http.StatusNoContent), nil
}

type locationConstraint struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
	Region  string   `xml:",chardata"`
}

func (s *Service) getBucketLocation(c *call) (*kernel.Response, error) {
	region := c.bucket.region
	if region == "us-east-1" {
		region = "" // as S3 returns it
	}
	return xmlResponse(locationConstraint{Region: region})
}

type listedBucket struct {
	Name         string
	CreationDate string
	BucketRegion string
}

type listBucketsResult struct {
	XMLName xml.Name       `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	OwnerID string         `xml:"Owner>ID"`
	Buckets []listedBucket `xml:"Buckets>Bucket"`
	Prefix  string         `xml:",omitempty"`
}

func (s *Service) listBuckets(c *call) (*kernel.Response, error) {
	if c.Principal == nil {
		return nil, accessDenied()
	}
	if c.query.Has("max-buckets") || c.query.Has("continuation-token") {
		return nil, notImplemented("The sandbox's S3 lists buckets in one page.")
	}
	err := s.env.Authorizer.Authorize(kernel.Authorization{
		Principal: c.Principal, Action: c.op.permission, ResourceAccount: c.Principal.Account,
		Resource: "arn:" + kernel.Partition(c.Region) + ":s3:::*", Context: c.conditionKeys(),
	})
	if err != nil {
		return nil, err
	}
	result := listBucketsResult{OwnerID: ownerID(c.Principal.Account), Prefix: c.query.Get("prefix")}
	byName := func(a, b bucketKey) int { return strings.Compare(a.partition+a.name, b.partition+b.name) }
	for _, key := range slices.SortedFunc(maps.Keys(s.buckets), byName) {
		b := s.buckets[key]
		wanted := c.query.Get("bucket-region")
		if b.account == c.Principal.Account && strings.HasPrefix(b.name, result.Prefix) && (wanted == "" || wanted == b.region) {
			result.Buckets = append(result.Buckets, listedBucket{b.name, iso(b.created), b.region})
		}
	}
	return xmlResponse(result)
}
