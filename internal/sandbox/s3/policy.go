// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/policy"
)

const maxPolicyBytes = 20 << 10 // aws-facts 4.2

func (s *Service) getBucketPolicy(c *call) (*kernel.Response, error) {
	if c.bucket.policy == "" {
		return nil, kernel.Errorf(http.StatusNotFound, "NoSuchBucketPolicy", "The bucket policy does not exist")
	}
	response := empty(http.StatusOK)
	response.Header.Set("Content-Type", "application/json")
	response.Body = []byte(c.bucket.policy)
	return response, nil
}

func (s *Service) putBucketPolicy(c *call) (*kernel.Response, error) {
	body, err := payload(c)
	if err != nil {
		return nil, err
	}
	document, err := s.checkPolicy(c.bucket, string(body))
	if err != nil {
		return nil, err
	}
	public := isPublic(document)
	if public && c.bucket.access.BlockPublicPolicy {
		return nil, kernel.Errorf(http.StatusForbidden, "AccessDenied",
			"User: %s is not authorized to perform: s3:PutBucketPolicy on resource: %q because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.", c.Principal.ARN, c.bucket.arn())
	}
	c.bucket.policy, c.bucket.public = string(body), public
	return empty(http.StatusNoContent), nil
}

func (s *Service) deleteBucketPolicy(c *call) (*kernel.Response, error) {
	c.bucket.policy, c.bucket.public = "", false
	return empty(http.StatusNoContent), nil
}

type policyStatus struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ PolicyStatus"`
	IsPublic bool
}

func (s *Service) getBucketPolicyStatus(c *call) (*kernel.Response, error) {
	if c.bucket.policy == "" {
		return nil, kernel.Errorf(http.StatusNotFound, "NoSuchBucketPolicy", "The bucket policy does not exist")
	}
	return xmlResponse(policyStatus{IsPublic: c.bucket.public})
}

// checkPolicy returns the parsed policy, or an error if S3 would refuse it: for
// statements about other buckets or services, principals that do not exist, or
// more than 20 KB.
func (s *Service) checkPolicy(b *bucket, text string) (*policy.Document, error) {
	malformed := func(message string) error {
		return kernel.Errorf(http.StatusBadRequest, "MalformedPolicy", "%s", message)
	}
	if len(text) > maxPolicyBytes {
		return nil, kernel.Errorf(http.StatusBadRequest, "PolicyTooLarge", "Policy exceeds the maximum allowed document size.")
	}
	document, err := policy.Parse(policy.Resource, text)
	if err != nil {
		return nil, malformed(err.Error())
	}
	for _, statement := range document.Statements {
		for _, action := range slices.Concat(statement.Actions, statement.NotActions) {
			if action != "*" && !strings.HasPrefix(strings.ToLower(action), "s3:") {
				return nil, malformed("Policy has invalid action")
			}
		}
		for _, resource := range slices.Concat(statement.Resources, statement.NotResources) {
			if resource != b.arn() && !strings.HasPrefix(resource, b.arn()+"/") && resource != b.arn()+"*" {
				return nil, malformed("Policy has invalid resource")
			}
		}
		for _, principal := range statement.Principals {
			if !principal.Exists(s.env.Accounts, b.partition) { // as SNS does (aws-facts 5.4)
				return nil, malformed("Invalid principal in policy")
			}
		}
	}
	return document, nil
}

// isPublic reports whether Block Public Access considers a policy public: a
// statement allows every principal, and no condition limits it to fixed ones.
// Whether aws:PrincipalAccount is such a condition is not known (aws-facts
// 4.2); the sandbox assumes that it is not.
func isPublic(document *policy.Document) bool {
	return slices.ContainsFunc(document.Statements, func(s policy.Statement) bool {
		allPrincipals := s.NotPrincipal || slices.ContainsFunc(s.Principals, func(p policy.Principal) bool { return p.Value == "*" })
		return s.Effect == "Allow" && allPrincipals && !slices.ContainsFunc(s.Conditions, fixes)
	})
}

// fixingKeys limit a statement to fixed principals if their values are fixed.
var fixingKeys = []string{
	"aws:principalorgid", "aws:sourcearn", "aws:sourceaccount", "aws:sourceowner", "aws:sourcevpc", "aws:sourcevpce",
	"aws:sourceip", "aws:userid", "s3:dataaccesspointarn", "s3:dataaccesspointaccount",
}

var fixingOperators = []string{"stringequals", "stringlike", "arnequals", "arnlike", "ipaddress"}

// fixes reports whether a condition limits a statement to fixed principals.
func fixes(c policy.Condition) bool {
	return slices.Contains(fixingKeys, strings.ToLower(c.Key)) &&
		slices.Contains(fixingOperators, strings.ToLower(c.Operator)) &&
		!slices.ContainsFunc(c.Values, func(v string) bool { return strings.ContainsAny(v, "*?$") || v == "0.0.0.0/0" || v == "::/0" })
}
