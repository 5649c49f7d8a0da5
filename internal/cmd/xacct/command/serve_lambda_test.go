// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/xacct/terraform-provider-xacct/internal/api"
	"github.com/xacct/terraform-provider-xacct/internal/api/lambda"
)

// urlEvent returns an event of a function URL, signed by a role, or unsigned if
// role is empty.
func urlEvent(role, method, path, body string, headers ...string) events.LambdaFunctionURLRequest {
	event := events.LambdaFunctionURLRequest{
		Version: "2.0", RawPath: path, Body: body, Headers: map[string]string{"content-type": "application/json"},
		RequestContext: events.LambdaFunctionURLRequestContext{
			DomainName: "abcdefg.lambda-url.us-east-1.on.aws", RequestID: "9e6a2f9a-1111-2222-3333-444455556666",
			HTTP: events.LambdaFunctionURLRequestContextHTTPDescription{Method: method, Path: path, SourceIP: "203.0.113.9"},
		},
	}
	for i := 0; i+1 < len(headers); i += 2 {
		event.Headers[headers[i]] = headers[i+1]
	}
	if role != "" {
		event.RequestContext.Authorizer = &events.LambdaFunctionURLRequestContextAuthorizerDescription{IAM: &events.LambdaFunctionURLRequestContextAuthorizerIAMDescription{
			UserARN: "arn:aws:sts::111111111111:assumed-role/" + role + "/i-0abc",
		}}
	}
	return event
}

// ask sends a function such an event, and returns its answer.
func ask(t *testing.T, h lambda.Handler, role, method, path, body string, headers ...string) events.LambdaFunctionURLResponse {
	t.Helper()
	answer, err := h.Handle(t.Context(), urlEvent(role, method, path, body, headers...))
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestTheSameProgramIsTheAPIBehindAFunctionURL(t *testing.T) {
	w := testWorld(t)
	t.Setenv("XACCT_HUB", "acme")
	t.Setenv("XACCT_SERVE_SURFACE", "api")
	t.Setenv("XACCT_SERVE_CONNECT_URL", "https://connect.acme.example")
	t.Setenv("XACCT_SERVE_IAM_CALLER", "arn:aws:iam::111111111111:role/web/backend=read,write arn:aws:iam::111111111111:role/viewer=read")
	if _, err := w.inviteOne(t.Context(), "globex", "222222222222"); err != nil {
		t.Fatal(err)
	}
	functions, err := openFunction(t.Context(), thisTest)
	if err != nil {
		t.Fatal(err)
	}
	for role, status := range map[string]int{"backend": http.StatusOK, "viewer": http.StatusOK, "other": http.StatusUnauthorized, "": http.StatusUnauthorized} {
		if a := ask(t, functions, role, "GET", "/v1/customers/globex", ""); a.StatusCode != status {
			t.Errorf("%s: %d %s", role, a.StatusCode, a.Body)
		}
	}
	if a := ask(t, functions, "viewer", "DELETE", "/v1/customers/globex", ""); a.StatusCode != http.StatusForbidden {
		t.Errorf("the viewer can close a link: %d %s", a.StatusCode, a.Body)
	}
	stream := ask(t, functions, "viewer", "GET", "/v1/customers/globex/events", "")
	if stream.StatusCode != http.StatusOK || !strings.HasPrefix(stream.Body, "retry: 5000\n\nid: ") || strings.Count(stream.Body, "event: customer") != 1 {
		t.Errorf("%d %s", stream.StatusCode, stream.Body)
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(stream.Body, "retry: 5000\n\nid: "), "\n")
	if again := ask(t, functions, "viewer", "GET", "/v1/customers/globex/events", "", "last-event-id", id); again.Body != "retry: 5000\n\n" {
		t.Errorf("the same event again: %s", again.Body)
	}
	var made api.ConnectAddress
	a := ask(t, functions, "backend", "POST", "/v1/customers/globex/connect", "{}")
	if err := json.Unmarshal([]byte(a.Body), &made); err != nil || !strings.HasPrefix(made.URL, "https://connect.acme.example/connect/") {
		t.Fatalf("%d %s", a.StatusCode, a.Body)
	}
	path := strings.TrimPrefix(made.URL, "https://connect.acme.example")
	if a := ask(t, functions, "backend", "GET", path, ""); a.StatusCode != http.StatusNotFound {
		t.Errorf("the API's function serves the connect page: %d", a.StatusCode)
	}

	t.Setenv("XACCT_SERVE_SURFACE", "connect")
	t.Setenv("XACCT_SERVE_CONNECT_URL", "")
	page, err := openFunction(t.Context(), thisTest)
	if err != nil {
		t.Fatal(err)
	}
	if a := ask(t, page, "", "GET", path, ""); a.StatusCode != http.StatusOK || !strings.Contains(a.Body, "Connect your AWS account to Acme") || a.Headers["Strict-Transport-Security"] == "" {
		t.Errorf("%d %s", a.StatusCode, a.Body)
	}
	opened := ask(t, page, "", "POST", path, "", "content-type", "application/x-www-form-urlencoded")
	if opened.StatusCode != http.StatusSeeOther || len(opened.Cookies) != 1 || !strings.HasPrefix(opened.Cookies[0], "__Host-xacct-connect=") {
		t.Errorf("%d %v %s", opened.StatusCode, opened.Cookies, opened.Body)
	}
	if a := ask(t, page, "backend", "GET", "/v1/customers/globex", ""); a.StatusCode != http.StatusNotFound {
		t.Errorf("the page's function answers calls of the API: %d", a.StatusCode)
	}
}

// The real program runs under Lambda's runtime API; without XACCT_SERVE_SURFACE it
// would be the registrar.
func TestTheSurfaceVariableMakesAFunctionTheAPI(t *testing.T) {
	w := testWorld(t)
	if _, err := w.inviteOne(t.Context(), "globex", "222222222222"); err != nil {
		t.Fatal(err)
	}
	s := deploy(t, w, "XACCT_SERVE_SURFACE=api", "XACCT_SERVE_CONNECT_URL=https://connect.acme.example",
		"XACCT_SERVE_IAM_CALLER=arn:aws:iam::111111111111:role/web/backend=read")
	for role, status := range map[string]int{"backend": http.StatusOK, "": http.StatusUnauthorized} {
		a := s.invoke(urlEvent(role, "GET", "/v1/customers/globex", ""))
		var response events.LambdaFunctionURLResponse
		if err := json.Unmarshal([]byte(a.body), &response); err != nil || a.failed || response.StatusCode != status || (status == http.StatusOK) != strings.Contains(response.Body, `"state":"waiting"`) {
			t.Errorf("%q: %v %s", role, err, a.body)
		}
	}
}

func TestAnAPIFunctionsEnvironmentIsChecked(t *testing.T) {
	t.Setenv("XACCT_HUB", "acme")
	for want, variables := range map[string]map[string]string{
		"`xacct serve token` makes":   {"SURFACE": "api"},
		"needs --surface api":         {"SURFACE": "both", "IAM_CALLER": "arn:aws:iam::111111111111:role/backend=read"},
		"must be one of":              {"SURFACE": "all"},
		"XACCT_SERVE_RATE":            {"SURFACE": "connect", "RATE": "many"},
		"deploy the registrar":        {"SURFACE": "connect", "WITH_REGISTRAR": "true"},
		"belong together":             {"SURFACE": "api", "OIDC_ISSUER": "https://login.acme.example"},
		"the scopes are read, write ": {"SURFACE": "api", "OIDC_ISSUER": "https://login.acme.example", "OIDC_AUDIENCE": "a", "OIDC_SCOPE": "dance=x"},
	} {
		t.Run(want, func(t *testing.T) {
			for name, value := range variables {
				t.Setenv("XACCT_SERVE_"+name, value)
			}
			if _, err := openFunction(t.Context(), thisTest); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v", err)
			}
		})
	}
	s := newAPIServer()
	s.callers.iam, s.surface = []string{"arn:aws:iam::111111111111:role/backend=read"}, "api"
	if err := s.callers.check("api", false); err == nil || !strings.Contains(err.Error(), "Lambda") {
		t.Errorf("principals of IAM without a function URL: %v", err)
	}
}
