// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package s3_test

import (
	"encoding/xml"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/s3"
)

// refused is the XML of a refusal.
type refused struct {
	XMLName                                                 xml.Name `xml:"Error"`
	Code, Message, Expires, ServerTime, Endpoint, RequestID string
	Token                                                   string `xml:"Token-0"`
}

func TestCloudFormationsBucketReturnsEveryErrorOfS3(t *testing.T) {
	t.Parallel()
	s := start(t)
	address := signing(s).PresignPut(region, s3.ResponseBucket(region), responseKey, lifetime)
	client := sandbox.Client{URL: s.URL()}
	for kind, want := range map[kernel.FaultKind]struct {
		status int
		code   string
		says   func(refused) bool
	}{
		s3.AccessDenied: {403, "AccessDenied", func(r refused) bool { return r.Message == "Access Denied" && r.ServerTime == "" }},
		s3.RequestHasExpired: {403, "AccessDenied", func(r refused) bool {
			return r.Message == "Request has expired" && r.Expires < r.ServerTime && r.Expires != ""
		}},
		s3.ExpiredToken:                      {400, "ExpiredToken", func(r refused) bool { return r.Token != "" }},
		s3.InvalidToken:                      {400, "InvalidToken", func(r refused) bool { return r.Token != "" }},
		s3.InvalidAccessKeyID:                {403, "InvalidAccessKeyId", nil},
		s3.SignatureDoesNotMatch:             {403, "SignatureDoesNotMatch", nil},
		s3.AuthorizationQueryParametersError: {400, "AuthorizationQueryParametersError", nil},
		s3.AuthorizationHeaderMalformed:      {400, "AuthorizationHeaderMalformed", nil},
		s3.RequestTimeTooSkewed:              {403, "RequestTimeTooSkewed", func(r refused) bool { return r.ServerTime != "" }},
		s3.XAmzContentSHA256Mismatch:         {400, "XAmzContentSHA256Mismatch", nil},
		s3.InvalidRequest:                    {400, "InvalidRequest", nil},
		s3.RequestTimeout:                    {400, "RequestTimeout", nil},
		s3.OperationAborted:                  {409, "OperationAborted", nil},
		s3.ConditionalRequestConflict:        {409, "ConditionalRequestConflict", nil},
		s3.PermanentRedirect:                 {301, "PermanentRedirect", func(r refused) bool { return r.Endpoint != "" }},
		s3.TemporaryRedirect:                 {307, "TemporaryRedirect", func(r refused) bool { return r.Endpoint != "" }},
		s3.NoSuchBucket:                      {404, "NoSuchBucket", nil},
		s3.ServiceUnavailable:                {503, "ServiceUnavailable", nil},
		s3.HTMLBody:                          {502, "", nil},
		s3.EmptyBody:                         {403, "", nil},
		s3.TruncatedBody:                     {403, "", nil},
	} {
		rule := sandbox.RefuseAnswers(kind, 1)
		if kind == s3.HTMLBody {
			rule.Status = http.StatusBadGateway
		}
		noError(t, client.AddFault(ctx, rule))
		status, body := fetch(t, s, http.MethodPut, address, `{"Status":"SUCCESS"}`)
		var got refused
		err := xml.Unmarshal([]byte(body), &got)
		if status != want.status || got.Code != want.code || (err == nil) != (want.code != "") {
			t.Errorf("%s: got %d %s", kind, status, body)
		}
		if want.says != nil && !want.says(got) {
			t.Errorf("%s has unexpected fields: %s", kind, body)
		}
		// The rule has ended.
		if status, body := fetch(t, s, http.MethodPut, address, `{}`); status != http.StatusOK {
			t.Errorf("after %s: got %d %s", kind, status, body)
		}
	}
	entries := s.Journal().Since(0)
	if first := entries[0]; first.Outcome == "OK" || first.Executed || first.Action != "PutObject" {
		t.Errorf("a refused request is in the journal as %+v", first)
	}
}

func TestFaultsOfCloudFormationsBucketLeaveOthersUnaffected(t *testing.T) {
	t.Parallel()
	s := start(t)
	rule := sandbox.RefuseAnswers(s3.RequestTimeout, 9)
	rule.Account = customer
	noError(t, s.AddFault(rule))
	own := client(t, s, vendor, region)
	bucket := create(t, own, "templates")
	put(t, own, bucket, "a", "b")
	for account, want := range map[string]int{customer: http.StatusBadRequest, "333333333333": http.StatusOK} {
		key := strings.Replace(responseKey, customer, account, 1)
		address := signing(s).PresignPut(region, s3.ResponseBucket(region), key, lifetime)
		if status, body := fetch(t, s, http.MethodPut, address, `{}`); status != want {
			t.Errorf("the answer to a stack of %s: got %d %s, want %d", account, status, body, want)
		}
	}
}

func TestAnImpossibleFaultRuleIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, rule := range map[string]kernel.FaultRule{
		"an unknown kind":                {Service: "s3", Kind: "MoonPhase", Next: 1},
		"one of S3's at another service": {Service: "sqs", Kind: s3.RequestTimeout, Next: 1},
		"a bucket at another service":    {Service: "sqs", Bucket: "b", Kind: kernel.FaultThrottle, Next: 1},
		"a rule that never applies":      {Service: "s3", Kind: s3.RequestTimeout},
		"a bucket without service":       {Bucket: "b", Kind: kernel.FaultThrottle, Next: 1},
	} {
		if err := s.AddFault(rule); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	s.Faults().Add(kernel.FaultRule{Service: "s3", Kind: "MoonPhase", Next: 1})
	_, err := client(t, s, vendor, region).ListBuckets(ctx, &sdk.ListBucketsInput{})
	wantCode(t, err, "SandboxNotImplemented")
}

func TestTheErrorForAnExpiredURLHasItsExpiryTime(t *testing.T) {
	t.Parallel()
	s := start(t)
	address := signing(s).PresignPut(region, s3.ResponseBucket(region), responseKey, lifetime)
	end := s.Clock().Now().Add(lifetime).UTC()
	s.Clock().Advance(lifetime + time.Minute)
	_, body := fetch(t, s, http.MethodPut, address, `{}`)
	var got refused
	noError(t, xml.Unmarshal([]byte(body), &got))
	if got.Code != "AccessDenied" || got.Expires != end.Format(time.RFC3339) || got.ServerTime <= got.Expires {
		t.Errorf("got %s, want the end %s", body, end)
	}
}

func TestAPresignedURLWithAnExpiredTokenIsABadRequest(t *testing.T) {
	t.Parallel()
	s := start(t)
	own := client(t, s, vendor, region)
	bucket := create(t, own, "templates")
	request, err := sdk.NewPresignClient(own).PresignGetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: aws.String("k")})
	noError(t, err)
	status, body := fetch(t, s, http.MethodGet, strings.Replace(request.URL, "X-Amz-Credential=", "X-Amz-Security-Token=stale&X-Amz-Credential=", 1), "")
	if status != http.StatusBadRequest || !strings.Contains(body, "<Code>InvalidToken</Code>") {
		t.Errorf("an expired token got %d %s", status, body)
	}
}
