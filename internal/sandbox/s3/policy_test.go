// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	publicTemplates = `{"Version":"2012-10-17","Statement":[{"Sid":"Templates","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::mine/templates/*"}]}`
	customersOnly   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::mine/*"}]}`
)

func setPolicy(c *sdk.Client, bucket *string, policy string) error {
	_, err := c.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: bucket, Policy: &policy})
	return err
}

// allowPublicPolicy switches off the setting that blocks public policies, and
// sets RestrictPublicBuckets.
func allowPublicPolicy(t *testing.T, c *sdk.Client, bucket *string, restrict bool) {
	t.Helper()
	_, err := c.PutPublicAccessBlock(ctx, &sdk.PutPublicAccessBlockInput{Bucket: bucket, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
		BlockPublicAcls: aws.Bool(true), IgnorePublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(false), RestrictPublicBuckets: &restrict,
	}})
	noError(t, err)
}

func TestAPublicPolicyIsRefusedWhileBlockPublicAccessIsOn(t *testing.T) {
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "mine")
	wantCode(t, setPolicy(c, bucket, publicTemplates), "AccessDenied")
	allowPublicPolicy(t, c, bucket, false)
	noError(t, setPolicy(c, bucket, publicTemplates))
	out, err := c.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: bucket})
	noError(t, err)
	if *out.Policy != publicTemplates {
		t.Errorf("got the policy %s", *out.Policy)
	}
	status, err := c.GetBucketPolicyStatus(ctx, &sdk.GetBucketPolicyStatusInput{Bucket: bucket})
	noError(t, err)
	if !*status.PolicyStatus.IsPublic {
		t.Error("the policy is public, but its status is not")
	}
}

func TestOnlyPublicTemplatesAreReadableByEveryCaller(t *testing.T) {
	s := start(t)
	c := client(t, s, vendor, region)
	bucket := create(t, c, "mine")
	put(t, c, bucket, "templates/a.json", "template")
	put(t, c, bucket, "secret", "secret")
	allowPublicPolicy(t, c, bucket, false)
	noError(t, setPolicy(c, bucket, publicTemplates))

	for _, address := range []string{
		"https://mine.s3.eu-west-1.amazonaws.com/templates/a.json",
		"https://mine.s3-eu-west-1.amazonaws.com/templates/a.json",
		"https://s3.eu-west-1.amazonaws.com/mine/templates/a.json",
		s.URL() + "/mine/templates/a.json",
	} {
		if status, body := fetch(t, s, http.MethodGet, address, ""); status != http.StatusOK || body != "template" {
			t.Errorf("%s: got %d %s", address, status, body)
		}
	}
	for name, r := range map[string][2]string{
		"another object":   {http.MethodGet, "https://mine.s3.eu-west-1.amazonaws.com/secret"},
		"a missing object": {http.MethodGet, "https://mine.s3.eu-west-1.amazonaws.com/templates/b.json"},
		"the list":         {http.MethodGet, "https://mine.s3.eu-west-1.amazonaws.com/?list-type=2"},
		"overwriting":      {http.MethodPut, "https://mine.s3.eu-west-1.amazonaws.com/templates/a.json"},
		"deleting":         {http.MethodDelete, "https://mine.s3.eu-west-1.amazonaws.com/templates/a.json"},
		"another bucket":   {http.MethodPut, "https://another.s3.amazonaws.com/"},
	} {
		if status, body := fetch(t, s, r[0], r[1], ""); status != http.StatusForbidden || !strings.Contains(body, "AccessDenied") {
			t.Errorf("%s: got %d %s", name, status, body)
		}
	}
	stranger := client(t, s, customer, region)
	if body, err := get(stranger, bucket, "templates/a.json"); err != nil || body != "template" {
		t.Errorf("a customer got %q, %v", body, err)
	}
}

func TestRestrictPublicBucketsDeniesOtherAccountsDespiteAPublicPolicy(t *testing.T) {
	s := start(t)
	c := client(t, s, vendor, region)
	bucket := create(t, c, "mine")
	put(t, c, bucket, "templates/a.json", "template")
	allowPublicPolicy(t, c, bucket, true)
	noError(t, setPolicy(c, bucket, publicTemplates))
	_, err := get(client(t, s, customer, region), bucket, "templates/a.json")
	wantCode(t, err, "AccessDenied")
	if status, _ := fetch(t, s, http.MethodGet, "https://mine.s3.eu-west-1.amazonaws.com/templates/a.json", ""); status != http.StatusForbidden {
		t.Errorf("anonymous: got %d", status)
	}
	if _, err := get(c, bucket, "templates/a.json"); err != nil {
		t.Errorf("the owner: %v", err)
	}
}

func TestAnotherAccountNeedsABucketPolicyAndItsOwn(t *testing.T) {
	s := start(t)
	c := client(t, s, vendor, region)
	stranger := client(t, s, customer, region)
	powerless, err := s.NewUser(customer, "powerless", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}]}`)
	noError(t, err)
	bucket := create(t, c, "mine")
	put(t, c, bucket, "k", "x")
	_, err = get(stranger, bucket, "k")
	wantCode(t, err, "AccessDenied")
	noError(t, setPolicy(c, bucket, customersOnly)) // not public, so Block Public Access can stay on
	if _, err := get(stranger, bucket, "k"); err != nil {
		t.Errorf("a customer whom the policy names: %v", err)
	}
	_, err = get(clientOf(s, powerless, region), bucket, "k")
	wantCode(t, err, "AccessDenied")
}

func TestACallerThatMayNotListDoesNotLearnWhichKeysExist(t *testing.T) {
	s := start(t)
	c := client(t, s, vendor, region)
	bucket := create(t, c, "mine")
	reader, err := s.NewUser(vendor, "reader", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`)
	noError(t, err)
	_, err = get(clientOf(s, reader, region), bucket, "nothing")
	wantCode(t, err, "AccessDenied")
	_, err = get(c, bucket, "nothing")
	wantCode(t, err, "NoSuchKey")
}

func TestAnInvalidPolicyIsRefused(t *testing.T) {
	c := client(t, start(t), vendor, region)
	bucket := create(t, c, "mine")
	for name, test := range map[string]struct{ policy, code string }{
		"no JSON":                           {`{`, "MalformedPolicy"},
		"no principal":                      {strings.Replace(customersOnly, `"Principal":{"AWS":"arn:aws:iam::222222222222:root"},`, "", 1), "MalformedPolicy"},
		"another bucket":                    {strings.ReplaceAll(customersOnly, "mine", "yours"), "MalformedPolicy"},
		"another service":                   {strings.ReplaceAll(customersOnly, "s3:GetObject", "sqs:SendMessage"), "MalformedPolicy"},
		"a missing account":                 {strings.ReplaceAll(customersOnly, customer, "999999999999"), "MalformedPolicy"},
		"more than 20 KB":                   {strings.Replace(customersOnly, "s3:GetObject", "s3:"+strings.Repeat("x", 21<<10), 1), "PolicyTooLarge"},
		"every principal, with a condition": {strings.Replace(publicTemplates, `"Action"`, `"Condition":{"StringEquals":{"aws:PrincipalAccount":"222222222222"}},"Action"`, 1), "AccessDenied"},
		"an open network":                   {strings.Replace(publicTemplates, `"Action"`, `"Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}},"Action"`, 1), "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, setPolicy(c, bucket, test.policy), test.code) })
	}
	noError(t, setPolicy(c, bucket, strings.Replace(publicTemplates, `"Action"`, `"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}},"Action"`, 1)))
}

func TestAPresignedURLReadsOneObjectUntilItExpires(t *testing.T) {
	s := start(t)
	c := client(t, s, vendor, region)
	bucket := create(t, c, "mine")
	put(t, c, bucket, "k", "x")
	address := presignedGet(t, c, bucket, "k", time.Minute)
	if status, body := fetch(t, s, http.MethodGet, address, ""); status != http.StatusOK || body != "x" {
		t.Errorf("got %d %s", status, body)
	}
	if status, body := fetch(t, s, http.MethodGet, strings.Replace(address, "/k?", "/l?", 1), ""); status != http.StatusForbidden || !strings.Contains(body, "SignatureDoesNotMatch") {
		t.Errorf("another key: got %d %s", status, body)
	}
	request, err := sdk.NewPresignClient(c).PresignPutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: aws.String("new")})
	noError(t, err)
	if status, body := fetch(t, s, http.MethodPut, request.URL, "content"); status != http.StatusOK {
		t.Errorf("PUT: got %d %s", status, body)
	}
	if body, err := get(c, bucket, "new"); err != nil || body != "content" {
		t.Errorf("got %q, %v", body, err)
	}
}
