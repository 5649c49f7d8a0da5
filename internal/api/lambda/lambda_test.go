// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package lambda

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/xacct/terraform-provider-xacct/internal/api"
)

// signed is an event of a function URL with AWS_IAM, as documented in
// docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html.
const signed = `{
  "version": "2.0",
  "routeKey": "$default",
  "rawPath": "/v1/customers/a%2Fb",
  "rawQueryString": "limit=5&state=waiting",
  "cookies": ["__Host-xacct-connect=one", "other=two"],
  "headers": {
    "host": "abcdefg.lambda-url.us-east-1.on.aws", "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260501/us-east-1/lambda/aws4_request",
    "if-match": "\"1\"", "x-forwarded-for": "198.51.100.7", "content-type": "application/json"
  },
  "queryStringParameters": {"limit": "5", "state": "waiting"},
  "requestContext": {
    "accountId": "111111111111", "apiId": "abcdefg", "authentication": null,
    "authorizer": {"iam": {
      "accessKey": "ASIAEXAMPLE", "accountId": "111111111111", "callerId": "AROAEXAMPLE:i-0abc", "cognitoIdentity": null,
      "principalOrgId": "o-example", "userArn": "arn:aws:sts::111111111111:assumed-role/backend/i-0abc", "userId": "AROAEXAMPLE:i-0abc"
    }},
    "domainName": "abcdefg.lambda-url.us-east-1.on.aws", "domainPrefix": "abcdefg",
    "http": {"method": "PUT", "path": "/v1/customers/a%2Fb", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "backend"},
    "requestId": "9e6a2f9a-1111-2222-3333-444455556666", "routeKey": "$default", "stage": "$default", "time": "01/May/2026:12:00:00 +0000", "timeEpoch": 1777636800000
  },
  "body": "eyJwZXJtaXNzaW9uX3NldCI6InJlYWRvbmx5In0=",
  "isBase64Encoded": true
}`

func event(t *testing.T, change func(*events.LambdaFunctionURLRequest)) events.LambdaFunctionURLRequest {
	t.Helper()
	var e events.LambdaFunctionURLRequest
	if err := json.Unmarshal([]byte(signed), &e); err != nil {
		t.Fatal(err)
	}
	change(&e)
	return e
}

func TestAnEventBecomesItsRequest(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body string
	h := Handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got, body = r, string(text)
		w.Header().Add("Set-Cookie", "a=1; Secure")
		w.Header().Add("Set-Cookie", "b=2; Secure")
		w.Header().Add("Vary", "One")
		w.Header().Add("Vary", "Two")
		w.WriteHeader(http.StatusCreated)
		w.Header().Set("Too-Late", "x")
		_, _ = io.WriteString(w, "héllo")
	})}
	answer, err := h.Handle(t.Context(), event(t, func(*events.LambdaFunctionURLRequest) {}))
	if err != nil {
		t.Fatal(err)
	}
	if got.Method != http.MethodPut || got.URL.EscapedPath() != "/v1/customers/a%2Fb" || got.URL.RawQuery != "limit=5&state=waiting" || got.RemoteAddr != "203.0.113.9:0" ||
		got.Host != "abcdefg.lambda-url.us-east-1.on.aws" || got.Header.Get("If-Match") != `"1"` || body != `{"permission_set":"readonly"}` {
		t.Errorf("%s %s from %s to %s: %v %s", got.Method, got.URL, got.RemoteAddr, got.Host, got.Header, body)
	}
	if cookies := got.CookiesNamed("__Host-xacct-connect"); len(cookies) != 1 || cookies[0].Value != "one" {
		t.Errorf("cookies %v", got.Cookies())
	}
	if got.Header.Get("X-Request-Id") != "9e6a2f9a-1111-2222-3333-444455556666" {
		t.Errorf("request ID %s", got.Header.Get("X-Request-Id"))
	}
	if answer.StatusCode != http.StatusCreated || answer.Body != "héllo" || answer.IsBase64Encoded || len(answer.Cookies) != 2 || answer.Headers["Vary"] != "One, Two" || answer.Headers["Too-Late"] != "" || answer.Headers["Set-Cookie"] != "" {
		t.Errorf("%+v", answer)
	}
}

func TestTheSignersIdentityComesOnlyFromLambda(t *testing.T) {
	t.Parallel()
	known, err := api.NewIAM([]string{"arn:aws:iam::111111111111:role/backend=read"})
	if err != nil {
		t.Fatal(err)
	}
	h := Handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := known.Authenticate(r); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})}
	for name, c := range map[string]struct {
		change func(*events.LambdaFunctionURLRequest)
		want   int
	}{
		"signed":              {func(*events.LambdaFunctionURLRequest) {}, http.StatusOK},
		"unsigned":            {func(e *events.LambdaFunctionURLRequest) { e.RequestContext.Authorizer = nil }, http.StatusUnauthorized},
		"without a principal": {func(e *events.LambdaFunctionURLRequest) { e.RequestContext.Authorizer.IAM = nil }, http.StatusUnauthorized},
		"by another role": {func(e *events.LambdaFunctionURLRequest) {
			e.RequestContext.Authorizer.IAM.UserARN = "arn:aws:sts::111111111111:assumed-role/other/backend"
		}, http.StatusUnauthorized},
		"unsigned, with headers that say so": {func(e *events.LambdaFunctionURLRequest) {
			e.RequestContext.Authorizer = nil
			for _, name := range []string{"x-amzn-iam-user-arn", "x-amz-principal", "requestcontext.authorizer.iam.userarn"} {
				e.Headers[name] = "arn:aws:sts::111111111111:assumed-role/backend/i-0abc"
			}
		}, http.StatusUnauthorized},
	} {
		answer, err := h.Handle(t.Context(), event(t, c.change))
		if err != nil || answer.StatusCode != c.want {
			t.Errorf("%s: %d, %v", name, answer.StatusCode, err)
		}
	}
}

func TestAnInvalidEventIsAnError(t *testing.T) {
	t.Parallel()
	h := Handler{http.NotFoundHandler()}
	for _, text := range []string{`{}`, `{"Records":[]}`, `{"version":"1.0","httpMethod":"GET","path":"/"}`, `{"task":"beat"}`} {
		var e events.LambdaFunctionURLRequest
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Handle(t.Context(), e); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
	for _, path := range []string{"/%zz", "/\x00"} {
		answer, err := h.Handle(t.Context(), event(t, func(e *events.LambdaFunctionURLRequest) { e.RawPath = path }))
		if err != nil || answer.StatusCode != http.StatusBadRequest {
			t.Errorf("path %q: %d, %v", path, answer.StatusCode, err)
		}
	}
}

func TestTheExampleServesBothSurfaces(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, name := range []string{"main.tf", "role.tf", "variables.tf"} {
		text, err := os.ReadFile("../../../examples/api-lambda/" + name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, name := range []string{
		"XACCT_HUB ", "XACCT_SERVE_SURFACE ", "XACCT_SERVE_IAM_CALLER ", "XACCT_SERVE_CONNECT_URL ", `"AWS_IAM"`, `"NONE"`, "provided.al2023",
		"invoked_via_function_url", `"lambda:InvokeFunctionUrl"`,
	} {
		if !strings.Contains(all.String(), name) {
			t.Errorf("the example has no %s", name)
		}
	}
}
