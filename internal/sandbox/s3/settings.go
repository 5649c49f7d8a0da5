// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// This file has the settings of a bucket that have their own operations.

const xmlns = "http://s3.amazonaws.com/doc/2006-03-01/"

type publicAccessBlock struct {
	BlockPublicAcls       bool
	IgnorePublicAcls      bool
	BlockPublicPolicy     bool
	RestrictPublicBuckets bool
}

func (s *Service) getPublicAccessBlock(c *call) (*kernel.Response, error) {
	if c.bucket.noAccess {
		return nil, kernel.Errorf(http.StatusNotFound, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
	}
	return xmlResponse(struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ PublicAccessBlockConfiguration"`
		publicAccessBlock
	}{publicAccessBlock: c.bucket.access})
}

func (s *Service) putPublicAccessBlock(c *call) (*kernel.Response, error) {
	var in publicAccessBlock
	if err := settings(c, "PublicAccessBlockConfiguration", &in); err != nil {
		return nil, err
	}
	c.bucket.access, c.bucket.noAccess = in, false
	return empty(http.StatusOK), nil
}

func (s *Service) deletePublicAccessBlock(c *call) (*kernel.Response, error) {
	c.bucket.access, c.bucket.noAccess = publicAccessBlock{}, true
	return empty(http.StatusNoContent), nil
}

type ownershipControls struct {
	XMLName   xml.Name
	Namespace string   `xml:"xmlns,attr,omitempty"`
	Ownership []string `xml:"Rule>ObjectOwnership"`
}

func (s *Service) getOwnershipControls(c *call) (*kernel.Response, error) {
	return xmlResponse(ownershipControls{XMLName: xml.Name{Local: "OwnershipControls"}, Namespace: xmlns, Ownership: []string{c.bucket.ownership}})
}

func (s *Service) putOwnershipControls(c *call) (*kernel.Response, error) {
	var in ownershipControls
	if err := settings(c, "OwnershipControls", &in); err != nil {
		return nil, err
	}
	if len(in.Ownership) != 1 || in.Ownership[0] != "BucketOwnerEnforced" {
		return nil, notImplemented("The sandbox's S3 has no ACLs: ownership may only be BucketOwnerEnforced.")
	}
	return empty(http.StatusOK), nil
}

// encryptionRule is a bucket's default encryption. A rule with a KMS key is
// stored, but new objects are then refused, because the sandbox's S3 does not
// encrypt with KMS keys.
type encryptionRule struct {
	SSEAlgorithm     string // empty: AES256
	KMSMasterKeyID   string
	BucketKeyEnabled bool
}

type encryptionConfiguration struct {
	XMLName   xml.Name
	Namespace string `xml:"xmlns,attr,omitempty"`
	Rules     []struct {
		Default *struct {
			SSEAlgorithm   string
			KMSMasterKeyID string `xml:",omitempty"`
		} `xml:"ApplyServerSideEncryptionByDefault"`
		BucketKeyEnabled bool
	} `xml:"Rule"`
}

func (s *Service) getBucketEncryption(c *call) (*kernel.Response, error) {
	type byDefault struct {
		SSEAlgorithm   string
		KMSMasterKeyID string `xml:",omitempty"`
	}
	rule := c.bucket.encryption
	return xmlResponse(struct {
		XMLName          xml.Name  `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ServerSideEncryptionConfiguration"`
		Default          byDefault `xml:"Rule>ApplyServerSideEncryptionByDefault"`
		BucketKeyEnabled bool      `xml:"Rule>BucketKeyEnabled"`
	}{Default: byDefault{cmp.Or(rule.SSEAlgorithm, "AES256"), rule.KMSMasterKeyID}, BucketKeyEnabled: rule.BucketKeyEnabled})
}

func (s *Service) putBucketEncryption(c *call) (*kernel.Response, error) {
	var in encryptionConfiguration
	if err := settings(c, "ServerSideEncryptionConfiguration", &in); err != nil {
		return nil, err
	}
	if len(in.Rules) != 1 {
		return nil, kernel.Errorf(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	rule := encryptionRule{BucketKeyEnabled: in.Rules[0].BucketKeyEnabled}
	if d := in.Rules[0].Default; d != nil {
		switch {
		case d.SSEAlgorithm != "AES256" && d.SSEAlgorithm != "aws:kms":
			return nil, notImplemented("The sandbox's S3 implements the algorithms AES256 and aws:kms, not %s.", d.SSEAlgorithm)
		case d.SSEAlgorithm == "AES256" && d.KMSMasterKeyID != "":
			return nil, kernel.Errorf(http.StatusBadRequest, "InvalidArgument", "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
		}
		rule.SSEAlgorithm, rule.KMSMasterKeyID = d.SSEAlgorithm, d.KMSMasterKeyID
	}
	c.bucket.encryption = rule
	return empty(http.StatusOK), nil
}

func (s *Service) deleteBucketEncryption(c *call) (*kernel.Response, error) {
	c.bucket.encryption = encryptionRule{}
	return empty(http.StatusNoContent), nil
}

func (s *Service) getBucketVersioning(c *call) (*kernel.Response, error) {
	return xmlResponse(struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ VersioningConfiguration"`
		Status  string   `xml:",omitempty"`
	}{Status: c.bucket.versioning})
}

func (s *Service) putBucketVersioning(c *call) (*kernel.Response, error) {
	var in struct{ Status, MfaDelete string }
	if err := settings(c, "VersioningConfiguration", &in); err != nil {
		return nil, err
	}
	switch {
	case in.MfaDelete != "" && in.MfaDelete != "Disabled":
		return nil, notImplemented("The sandbox's S3 has no MFA delete.")
	case in.Status != "Enabled" && in.Status != "Suspended":
		return nil, kernel.Errorf(http.StatusBadRequest, "IllegalVersioningConfigurationException", "The Versioning element must be specified")
	}
	c.bucket.versioning = in.Status
	return empty(http.StatusOK), nil
}

type tag struct{ Key, Value string }

func (s *Service) getBucketTagging(c *call) (*kernel.Response, error) {
	if len(c.bucket.tags) == 0 {
		return nil, kernel.Errorf(http.StatusNotFound, "NoSuchTagSet", "The TagSet does not exist")
	}
	return xmlResponse(struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ Tagging"`
		Tags    []tag    `xml:"TagSet>Tag"`
	}{Tags: c.bucket.tags})
}

func (s *Service) putBucketTagging(c *call) (*kernel.Response, error) {
	var in struct {
		Tags []tag `xml:"TagSet>Tag"`
	}
	if err := settings(c, "Tagging", &in); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	c.bucket.tags = in.Tags
	return empty(http.StatusNoContent), nil
}

// checkTags returns an error if tags violate S3's rules for buckets.
func checkTags(tags []tag) error {
	invalid := func(message string) error {
		return kernel.Errorf(http.StatusBadRequest, "InvalidTag", "%s", message)
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > 128:
			return invalid("The TagKey you have provided is invalid")
		case utf8.RuneCountInString(t.Value) > 256:
			return invalid("The TagValue you have provided is invalid")
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return invalid("System tags cannot be added/updated by requester")
		case seen[t.Key]:
			return invalid("Cannot provide multiple Tags with the same key")
		}
		seen[t.Key] = true
	}
	if len(tags) > 50 {
		return kernel.Errorf(http.StatusBadRequest, "BadRequest", "Bucket tag count cannot be greater than 50")
	}
	return nil
}

func (s *Service) deleteBucketTagging(c *call) (*kernel.Response, error) {
	c.bucket.tags = nil
	return empty(http.StatusNoContent), nil
}

// lifecycleRule is a rule as the caller sent it. Rules are never executed.
type lifecycleRule struct {
	ID     string
	Status string
	Inner  []byte `xml:",innerxml"`
}

func (s *Service) getLifecycle(c *call) (*kernel.Response, error) {
	if len(c.bucket.lifecycle) == 0 {
		return nil, kernel.Errorf(http.StatusNotFound, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")
	}
	type rule struct {
		Inner []byte `xml:",innerxml"`
	}
	result := struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LifecycleConfiguration"`
		Rules   []rule   `xml:"Rule"`
	}{}
	for _, r := range c.bucket.lifecycle {
		result.Rules = append(result.Rules, rule{r.Inner})
	}
	response, err := xmlResponse(result)
	if err == nil {
		response.Header.Set("X-Amz-Transition-Default-Minimum-Object-Size", "all_storage_classes_128K")
	}
	return response, err
}

func (s *Service) putLifecycle(c *call) (*kernel.Response, error) {
	var in struct {
		Rules []lifecycleRule `xml:"Rule"`
	}
	if err := settings(c, "LifecycleConfiguration", &in); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range in.Rules {
		r := &in.Rules[i]
		if r.ID == "" {
			r.ID = kernel.NewRequestID(s.env.Rand)
			r.Inner = append([]byte("<ID>"+r.ID+"</ID>"), r.Inner...)
		}
		if (r.Status != "Enabled" && r.Status != "Disabled") || len(r.ID) > 255 {
			return nil, kernel.Errorf(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
		}
		if seen[r.ID] {
			return nil, invalidArgument("Rule ID must be unique. Found same ID for more than one rule")
		}
		seen[r.ID] = true
	}
	if len(in.Rules) == 0 || len(in.Rules) > 1000 {
		return nil, kernel.Errorf(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	c.bucket.lifecycle = in.Rules
	return empty(http.StatusOK), nil
}

func (s *Service) deleteLifecycle(c *call) (*kernel.Response, error) {
	c.bucket.lifecycle = nil
	return empty(http.StatusNoContent), nil
}
