// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/s3"
)

const (
	responseKey = "arn:aws:cloudformation:eu-west-1:222222222222:stack/acme-access/6b1f|PhoneHome|0a4e"
	lifetime    = 7200 * time.Second
)

// signing returns an S3 that presigns with the sandbox's keys of
// CloudFormation.
func signing(s *sandbox.Sandbox) *s3.Service {
	return s3.New(kernel.Env{Clock: s.Clock(), ServiceKey: s.IAM().ServiceKey})
}

func TestAResponseURLHasAWSsForm(t *testing.T) {
	service := signing(start(t))
	for region, host := range map[string]string{
		"us-east-1":      "cloudformation-custom-resource-response-useast1.s3.amazonaws.com",
		"eu-west-1":      "cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com",
		"us-gov-west-1":  "cloudformation-custom-resource-response-usgovwest1.s3.us-gov-west-1.amazonaws.com",
		"cn-north-1":     "cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn",
		"eusc-de-east-1": "cloudformation-custom-resource-response-euscdeeast1.s3.eusc-de-east-1.amazonaws.eu",
	} {
		address := service.PresignPut(region, s3.ResponseBucket(region), responseKey, lifetime)
		u, err := url.Parse(address)
		noError(t, err)
		if u.Scheme != "https" || u.Host != host {
			t.Errorf("%s: got the host %s, want %s", region, u.Host, host)
		}
		if want := "/arn%3Aaws%3Acloudformation%3Aeu-west-1%3A222222222222%3Astack/acme-access/6b1f%7CPhoneHome%7C0a4e"; u.EscapedPath() != want {
			t.Errorf("%s: got the path %s, want %s", region, u.EscapedPath(), want)
		}
		q := u.Query()
		for name, want := range map[string]string{"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-SignedHeaders": "host", "X-Amz-Expires": "7200"} {
			if q.Get(name) != want {
				t.Errorf("%s: got %s=%s, want %s", region, name, q.Get(name), want)
			}
		}
		if q.Get("X-Amz-Security-Token") == "" || q.Get("X-Amz-Signature") == "" || !strings.Contains(q.Get("X-Amz-Credential"), "/"+region+"/s3/aws4_request") {
			t.Errorf("%s: the query is not complete: %v", region, q)
		}
	}
}

func TestAGenuineResponseURLWorksUntilItExpires(t *testing.T) {
	s := start(t)
	address := signing(s).PresignPut(region, s3.ResponseBucket(region), responseKey, lifetime)
	for range 2 {
		if status, body := fetch(t, s, http.MethodPut, address, `{"Status":"SUCCESS"}`); status != http.StatusOK {
			t.Fatalf("got %d %s", status, body)
		}
	}
	s.Clock().Advance(lifetime - time.Minute)
	if status, body := fetch(t, s, http.MethodPut, address, `{}`); status != http.StatusOK {
		t.Errorf("before it expired: got %d %s", status, body)
	}
	s.Clock().Advance(2 * time.Minute)
	if status, body := fetch(t, s, http.MethodPut, address, `{}`); status != http.StatusForbidden || !strings.Contains(body, "expired") {
		t.Errorf("after it expired: got %d %s", status, body)
	}
}

func TestAForgedResponseURLIsRefused(t *testing.T) {
	s := start(t)
	genuine := signing(s).PresignPut(region, s3.ResponseBucket(region), responseKey, lifetime)
	own, err := sdk.NewPresignClient(client(t, s, customer, region)).PresignPutObject(ctx, &sdk.PutObjectInput{Bucket: aws.String(s3.ResponseBucket(region)), Key: aws.String(responseKey)})
	noError(t, err)
	other := signing(s).PresignPut(region, "cloudformation-custom-resource-response-evil", responseKey, lifetime)
	for name, test := range map[string]struct {
		method, address string
		status          int
		code            string
	}{
		"for another request":                        {http.MethodPut, strings.Replace(genuine, "0a4e", "0a4f", 1), 403, "SignatureDoesNotMatch"},
		"with another signature":                     {http.MethodPut, genuine[:len(genuine)-4] + "0000", 403, "SignatureDoesNotMatch"},
		"for longer":                                 {http.MethodPut, strings.Replace(genuine, "X-Amz-Expires=7200", "X-Amz-Expires=9999", 1), 403, "SignatureDoesNotMatch"},
		"for a GET":                                  {http.MethodGet, genuine, 403, "SignatureDoesNotMatch"},
		"without a signature":                        {http.MethodPut, genuine[:strings.IndexByte(genuine, '?')], 403, "AccessDenied"},
		"signed with the caller's own keys":          {http.MethodPut, strings.Replace(own.URL, s.URL()+"/"+s3.ResponseBucket(region), "https://"+s3.ResponseBucket(region)+".s3.eu-west-1.amazonaws.com", 1), 403, "SignatureDoesNotMatch"},
		"by path, signed with the caller's own keys": {http.MethodPut, own.URL, 403, "AccessDenied"},
		"for a look-alike":                           {http.MethodPut, other, 404, "NoSuchBucket"},
		"for another Region's":                       {http.MethodPut, signing(s).PresignPut("eu-west-1", s3.ResponseBucket("eu-west-2"), responseKey, lifetime), 404, "NoSuchBucket"},
	} {
		t.Run(name, func(t *testing.T) {
			if status, body := fetch(t, s, test.method, test.address, `{"Status":"SUCCESS"}`); status != test.status || !strings.Contains(body, test.code) {
				t.Errorf("got %d %s, want %d %s", status, body, test.status, test.code)
			}
		})
	}
}

func TestAnAnswerReachesTheRegisteredFunction(t *testing.T) {
	service := s3.New(kernel.Env{})
	var got []string
	service.OnCustomResourceResponse(func(region, key string, body []byte) { got = append(got, region, key, string(body)) })
	answer := func(p *kernel.Principal) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPut, "https://cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com/"+url.PathEscape(responseKey)+"?X-Amz-Signature=checked", http.NoBody)
		noError(t, err)
		_, err = service.Serve(&kernel.Call{Context: ctx, Principal: p, Service: "s3", Region: region, Request: r, Body: []byte("{}")})
		return err
	}
	noError(t, answer(&kernel.Principal{Service: "cloudformation.amazonaws.com"}))
	if diff := cmp.Diff([]string{region, responseKey, "{}"}, got); diff != "" {
		t.Error(diff)
	}
	for name, p := range map[string]*kernel.Principal{"an anonymous caller": nil, "another service": {Service: "sns.amazonaws.com"}, "a user": {Account: customer, ARN: "arn:aws:iam::222222222222:user/admin"}} {
		if err := answer(p); err == nil || len(got) != 3 {
			t.Errorf("an answer of %s was accepted", name)
		}
	}
}

func TestCloudFormationsBucketCannotBeReadOrListed(t *testing.T) {
	s := start(t)
	c := client(t, s, vendor, region)
	bucket := aws.String(s3.ResponseBucket(region))
	_, err := get(c, bucket, responseKey)
	wantCode(t, err, "AccessDenied")
	_, err = c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: bucket})
	wantCode(t, err, "AccessDenied")
	_, err = c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: aws.String(responseKey), Body: strings.NewReader("{}")})
	wantCode(t, err, "AccessDenied")
}
