// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package cloudformation

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// bucketResource is AWS::S3::Bucket. Its physical ID is the bucket's name.
type bucketResource struct{ s *Service }

const bucketType = "AWS::S3::Bucket"

// bucketSettings has the properties that S3 stores as subresources of the
// bucket.
var bucketSettings = map[string]struct {
	subresource string
	write       func(v any) (any, error) // returns the request body for a property
	initial     any                      // request body if the property is removed; nil: the subresource is deleted
}{
	"PublicAccessBlockConfiguration": {"publicAccessBlock", writeAccessBlock, accessBlock{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true}},
	"BucketEncryption":               {"encryption", writeEncryption, nil},
	"VersioningConfiguration":        {"versioning", writeVersioning, versioning{Status: "Suspended"}},
	"OwnershipControls":              {"ownershipControls", writeOwnership, ownership{Rule: []ownershipRule{{"BucketOwnerEnforced"}}}},
	"LifecycleConfiguration":         {"lifecycle", writeLifecycle, nil},
}

func readBucket(properties map[string]any, stackTags map[string]string) (name string, tags map[string]string, err error) {
	known := append(slices.Collect(maps.Keys(bucketSettings)), "BucketName", "Tags")
	if err := onlyProperties(bucketType, properties, known...); err != nil {
		return "", nil, err
	}
	if name, err = textOf(properties, "BucketName"); err != nil {
		return "", nil, err
	}
	tags, err = tagsOf(properties, stackTags)
	return name, tags, err
}

func (h bucketResource) create(_ context.Context, o *operation, r *resource) (outcome, error) {
	custom, tags, err := readBucket(r.properties, o.st.tags)
	if err != nil {
		return outcome{}, err
	}
	name := strings.ToLower(o.nameFor(r, custom, 63))
	if custom != "" {
		name = custom
	}
	if err := o.s3(http.MethodHead, name, "", nil); err == nil {
		return outcome{}, alreadyExists(bucketType, name)
	}
	var body []byte
	if o.st.region != "us-east-1" {
		body = []byte("<CreateBucketConfiguration><LocationConstraint>" + o.st.region + "</LocationConstraint></CreateBucketConfiguration>")
	}
	if err := o.s3(http.MethodPut, name, "", body); err != nil {
		return outcome{}, err
	}
	arn, suffix := "arn:"+kernel.Partition(o.st.region)+":s3:::"+name, kernel.URLSuffix(o.st.region)
	result := outcome{physicalID: name, attributes: map[string]any{
		"Arn": arn, "DomainName": name + ".s3." + suffix, "RegionalDomainName": name + ".s3." + o.st.region + "." + suffix,
		"DualStackDomainName": name + ".s3.dualstack." + o.st.region + "." + suffix, "WebsiteURL": "http://" + name + ".s3-website-" + o.st.region + "." + suffix,
	}}
	return result, o.configureBucket(name, nil, r.properties, nil, tags)
}

func (h bucketResource) update(_ context.Context, o *operation, r *resource, properties map[string]any) (outcome, error) {
	_, have, err := readBucket(r.properties, o.st.tags)
	if err != nil {
		return outcome{}, err
	}
	_, want, err := readBucket(properties, o.st.tags)
	if err != nil {
		return outcome{}, err
	}
	return outcome{}, o.configureBucket(r.physicalID, r.properties, properties, have, want)
}

// configureBucket changes the settings and tags that differ between the old
// properties and the new ones.
func (o *operation) configureBucket(name string, before, properties map[string]any, have, tags map[string]string) error {
	for _, setting := range slices.Sorted(maps.Keys(bucketSettings)) {
		was, wanted := before[setting], properties[setting]
		if same(map[string]any{"": was}, map[string]any{"": wanted}) {
			continue
		}
		kind := bucketSettings[setting]
		document := kind.initial
		if wanted != nil {
			var err error
			if document, err = kind.write(wanted); err != nil {
				return fmt.Errorf("Properties validation failed: #/%s: %w", setting, err)
			}
		}
		method, body := http.MethodDelete, []byte(nil)
		if document != nil {
			text, err := xml.Marshal(document)
			if err != nil {
				return err
			}
			method, body = http.MethodPut, text
		}
		if err := o.s3(method, name, kind.subresource, body); err != nil {
			return err
		}
	}
	if maps.Equal(have, tags) {
		return nil
	}
	if len(tags) == 0 {
		return o.s3(http.MethodDelete, name, "tagging", nil)
	}
	text, err := xml.Marshal(taggingOf(tags))
	if err != nil {
		return err
	}
	return o.s3(http.MethodPut, name, "tagging", text)
}

// delete deletes the bucket. S3 refuses that if the bucket is not empty.
func (bucketResource) delete(_ context.Context, o *operation, r *resource) error {
	if err := o.s3(http.MethodDelete, r.physicalID, "", nil); !notFound(err) {
		return err
	}
	return nil
}

func (bucketResource) replaces(r *resource, properties map[string]any) (bool, error) {
	if _, _, err := readBucket(properties, nil); err != nil {
		return false, err
	}
	return renamed(r, properties, "BucketName")
}

// The following types are request bodies of S3.

type accessBlock struct {
	XMLName               xml.Name `xml:"PublicAccessBlockConfiguration"`
	BlockPublicAcls       bool
	IgnorePublicAcls      bool
	BlockPublicPolicy     bool
	RestrictPublicBuckets bool
}

type versioning struct {
	XMLName xml.Name `xml:"VersioningConfiguration"`
	Status  string
}

type ownership struct {
	XMLName xml.Name `xml:"OwnershipControls"`
	Rule    []ownershipRule
}

type ownershipRule struct{ ObjectOwnership string }

type encryption struct {
	XMLName xml.Name `xml:"ServerSideEncryptionConfiguration"`
	Rule    []encryptionRule
}

type encryptionRule struct {
	ApplyServerSideEncryptionByDefault struct {
		SSEAlgorithm   string
		KMSMasterKeyID string `xml:",omitempty"`
	}
	BucketKeyEnabled bool
}

type tagging struct {
	XMLName xml.Name    `xml:"Tagging"`
	Tags    []bucketTag `xml:"TagSet>Tag"`
}

type bucketTag struct{ Key, Value string }

func taggingOf(tags map[string]string) tagging {
	var t tagging
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		t.Tags = append(t.Tags, bucketTag{key, tags[key]})
	}
	return t
}

var errShape = errors.New("the sandbox's CloudFormation does not implement this form of the property")

// fieldsOf returns the fields of an object, with scalars as strings. It returns
// an error if v is not an object or has fields other than the known ones.
func fieldsOf(v any, known ...string) (map[string]any, error) {
	object, ok := template.Stringify(v).(map[string]any)
	if !ok {
		return nil, errShape
	}
	return object, onlyProperties(bucketType, object, known...)
}

func writeAccessBlock(v any) (any, error) {
	m, err := fieldsOf(v, "BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
	on := func(name string) bool { return m[name] == "true" }
	return accessBlock{
		BlockPublicAcls: on("BlockPublicAcls"), IgnorePublicAcls: on("IgnorePublicAcls"), BlockPublicPolicy: on("BlockPublicPolicy"), RestrictPublicBuckets: on("RestrictPublicBuckets"),
	}, err
}

func writeVersioning(v any) (any, error) {
	m, err := fieldsOf(v, "Status")
	status, _ := m["Status"].(string)
	return versioning{Status: status}, err
}

func writeOwnership(v any) (any, error) {
	m, err := fieldsOf(v, "Rules")
	if err != nil {
		return nil, err
	}
	list, _ := m["Rules"].([]any)
	var o ownership
	for _, e := range list {
		rule, err := fieldsOf(e, "ObjectOwnership")
		if err != nil {
			return nil, err
		}
		text, _ := rule["ObjectOwnership"].(string)
		o.Rule = append(o.Rule, ownershipRule{text})
	}
	return o, nil
}

func writeEncryption(v any) (any, error) {
	m, err := fieldsOf(v, "ServerSideEncryptionConfiguration")
	if err != nil {
		return nil, err
	}
	list, _ := m["ServerSideEncryptionConfiguration"].([]any)
	var e encryption
	for _, element := range list {
		rule, err := fieldsOf(element, "ServerSideEncryptionByDefault", "BucketKeyEnabled")
		if err != nil {
			return nil, err
		}
		byDefault, err := fieldsOf(rule["ServerSideEncryptionByDefault"], "SSEAlgorithm", "KMSMasterKeyID")
		if err != nil {
			return nil, err
		}
		written := encryptionRule{BucketKeyEnabled: rule["BucketKeyEnabled"] == "true"}
		written.ApplyServerSideEncryptionByDefault.SSEAlgorithm, _ = byDefault["SSEAlgorithm"].(string)
		written.ApplyServerSideEncryptionByDefault.KMSMasterKeyID, _ = byDefault["KMSMasterKeyID"].(string)
		e.Rule = append(e.Rule, written)
	}
	return e, nil
}

type lifecycle struct {
	XMLName xml.Name `xml:"LifecycleConfiguration"`
	Rule    []lifecycleRule
}

type lifecycleRule struct {
	ID     string `xml:",omitempty"`
	Filter struct{ Prefix string }
	Status string

	Expiration                     *days            `xml:",omitempty"`
	AbortIncompleteMultipartUpload *afterInitiation `xml:",omitempty"`
}

type days struct{ Days string }

type afterInitiation struct{ DaysAfterInitiation string }

func writeLifecycle(v any) (any, error) {
	m, err := fieldsOf(v, "Rules")
	if err != nil {
		return nil, err
	}
	list, _ := m["Rules"].([]any)
	var l lifecycle
	for _, element := range list {
		m, err := fieldsOf(element, "Id", "Prefix", "Status", "ExpirationInDays", "AbortIncompleteMultipartUpload")
		if err != nil {
			return nil, err
		}
		var rule lifecycleRule
		rule.ID, _ = m["Id"].(string)
		rule.Status, _ = m["Status"].(string)
		rule.Filter.Prefix, _ = m["Prefix"].(string)
		if n, found := m["ExpirationInDays"].(string); found {
			rule.Expiration = &days{n}
		}
		if abort, found := m["AbortIncompleteMultipartUpload"]; found {
			inner, err := fieldsOf(abort, "DaysAfterInitiation")
			if err != nil {
				return nil, err
			}
			n, _ := inner["DaysAfterInitiation"].(string)
			rule.AbortIncompleteMultipartUpload = &afterInitiation{n}
		}
		l.Rule = append(l.Rule, rule)
	}
	return l, nil
}

// bucketPolicyResource is AWS::S3::BucketPolicy. Its physical ID is the
// bucket's name.
type bucketPolicyResource struct{ s *Service }

func readBucketPolicy(properties map[string]any) (bucket, policy string, err error) {
	if err := onlyProperties("AWS::S3::BucketPolicy", properties, "Bucket", "PolicyDocument"); err != nil {
		return "", "", err
	}
	if bucket, err = textOf(properties, "Bucket"); err == nil && (bucket == "" || properties["PolicyDocument"] == nil) {
		err = errors.New("Properties validation failed: #: required keys [Bucket, PolicyDocument] not found")
	}
	return bucket, document(properties["PolicyDocument"]), err
}

func (h bucketPolicyResource) create(_ context.Context, o *operation, r *resource) (outcome, error) {
	bucket, policy, err := readBucketPolicy(r.properties)
	if err != nil {
		return outcome{}, err
	}
	if err := o.s3(http.MethodGet, bucket, "policy", nil); err == nil {
		return outcome{}, errors.New("The bucket policy already exists on bucket " + bucket + ".")
	}
	if err := o.s3(http.MethodPut, bucket, "policy", []byte(policy)); err != nil {
		return outcome{}, err
	}
	return outcome{physicalID: bucket}, nil
}

func (bucketPolicyResource) update(_ context.Context, o *operation, r *resource, properties map[string]any) (outcome, error) {
	bucket, policy, err := readBucketPolicy(properties)
	if err != nil {
		return outcome{}, err
	}
	return outcome{}, o.s3(http.MethodPut, bucket, "policy", []byte(policy))
}

func (bucketPolicyResource) delete(_ context.Context, o *operation, r *resource) error {
	if err := o.s3(http.MethodDelete, r.physicalID, "policy", nil); !notFound(err) {
		return err
	}
	return nil
}

func (bucketPolicyResource) replaces(r *resource, properties map[string]any) (bool, error) {
	if _, _, err := readBucketPolicy(properties); err != nil {
		return false, err
	}
	return renamed(r, properties, "Bucket")
}
