// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package console

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation/template"
)

const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>`

// evil is a Cloud whose every text tries to run a script.
type evil struct{ refuse bool }

func (evil) Read(string) (Page, error) {
	return Page{Region: hostile, TemplateURL: "javascript:alert(1)" + hostile, StackName: hostile, Parameters: map[string]string{hostile: hostile}}, nil
}

func (e evil) Preview(context.Context, string, Page) (cloudformation.Preview, error) {
	if e.refuse {
		return cloudformation.Preview{}, errors.New(hostile)
	}
	return cloudformation.Preview{
		Gained: []string{hostile}, Lost: []string{hostile}, Description: hostile, Problem: hostile, Values: map[string]string{"A": hostile}, Capabilities: []string{hostile}, Tells: []string{hostile}, Creates: []string{hostile},
		Form: []template.Group{{Label: hostile, Parameters: []template.Field{
			{Parameter: template.Parameter{Name: "A", Description: hostile}, Label: hostile},
			{Parameter: template.Parameter{Name: "B", AllowedValues: []string{hostile}}, Label: hostile},
		}}},
		Roles: []cloudformation.RolePreview{{Name: hostile, TrustedBy: hostile, Boundary: hostile, Managed: []string{hostile}, Inline: []cloudformation.PolicyPreview{{
			Name: hostile, Document: hostile, Statements: []cloudformation.StatementPreview{{Effect: hostile, Actions: []string{hostile}, Resources: []string{hostile}}},
		}}, Optional: []cloudformation.OptionalPreview{{
			Switch: hostile, Value: hostile, Managed: []string{hostile}, Inline: []cloudformation.PolicyPreview{{Name: hostile, Document: hostile}},
		}}}},
	}, nil
}

func (evil) Launch(context.Context, string, Page, bool) (string, error) {
	return "", errors.New(hostile)
}

func (e evil) PreviewUpdate(ctx context.Context, _, _ string, _ map[string]string) (cloudformation.Preview, error) {
	return e.Preview(ctx, "", Page{})
}

func (evil) Update(context.Context, string, string, map[string]string, bool) error {
	return errors.New(hostile)
}
func (evil) DeleteStack(context.Context, string) error { return errors.New(hostile) }

func (evil) Stack(string) (cloudformation.Stack, bool) {
	return cloudformation.Stack{
		ID: hostile, Name: hostile, Account: hostile, Region: hostile, Description: hostile, Status: "CREATE_FAILED", StatusReason: hostile,
		Outputs:   map[string]string{hostile: hostile},
		Resources: []cloudformation.Resource{{LogicalID: hostile, PhysicalID: hostile, Type: hostile, Status: "CREATE_FAILED"}},
	}, true
}

func (e evil) Stacks() []cloudformation.Stack {
	st, _ := e.Stack("")
	return []cloudformation.Stack{st}
}

func (evil) Events(string) []cloudformation.Event {
	return []cloudformation.Event{{LogicalResourceID: hostile, ResourceStatus: "CREATE_FAILED", ResourceStatusReason: hostile, Timestamp: time.Now()}}
}

func TestEveryTextOfAVendorOrALinkIsEscaped(t *testing.T) {
	const base = "/console/cloudformation"
	for name, test := range map[string]struct {
		refuse bool
		path   string
		form   url.Values
	}{
		"the accounts":  {false, base + "/stacks/quickcreate?" + url.QueryEscape(hostile), nil},
		"the review":    {false, base + "/stacks/create/review?account=222222222222", nil},
		"a refusal":     {true, base + "/stacks/quickcreate?account=222222222222", nil},
		"a bad create":  {false, base + "/stacks/quickcreate", url.Values{"account": {"222222222222"}, "stackName": {hostile}}},
		"an update":     {false, base + "/stacks/update/template?stackId=x", nil},
		"no update":     {true, base + "/stacks/update/template?stackId=x", nil},
		"a bad update":  {false, base + "/stacks/update/template", url.Values{"stackId": {hostile}, "param_A": {hostile}}},
		"the stack":     {false, base + "/stacks/stackinfo?stackId=x", nil},
		"the list":      {false, "/console/", nil},
		"a bad delete":  {false, base + "/stacks/delete", url.Values{"stackId": {hostile}}},
		"another page":  {false, "/console/" + url.PathEscape(hostile), nil},
		"the home page": {false, base + "/home?region=" + url.QueryEscape(hostile), nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, test.path, nil)
			if test.form != nil {
				r = httptest.NewRequestWithContext(t.Context(), http.MethodPost, test.path, strings.NewReader(test.form.Encode()))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			w := httptest.NewRecorder()
			New(evil{test.refuse}).ServeHTTP(w, r)
			page := w.Body.String()
			if !strings.HasSuffix(strings.TrimSpace(page), "</html>") {
				t.Errorf("the page is incomplete (%d):\n%s", w.Code, page)
			}
			if strings.Contains(page, "<script>alert") || strings.Contains(page, "<img") || strings.Contains(page, `href="javascript:`) {
				t.Errorf("a text is not escaped:\n%s", page)
			}
			if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "nonce") {
				t.Errorf("the content security policy is %q", policy)
			}
		})
	}
}
