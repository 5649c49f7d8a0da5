// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/hub"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func TestNoSignatureIsShown(t *testing.T) {
	const url = "https://bucket.s3.amazonaws.com/a/b?X-Amz-Credential=SECRET%2F1&X-Amz-Security-Token=SECRET//x&X-Amz-Signature=SECRET"
	inJSON := func(v any) string {
		text, err := json.Marshal(v) // & becomes \u0026
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	once := inJSON(map[string]string{"ResponseURL": url, "after": "kept"})
	for name, s := range map[string]string{
		"plain":               url + " kept",
		"in JSON":             once,
		"in JSON in JSON":     inJSON(map[string]string{"Message": once}),
		"three deep":          inJSON([]string{inJSON(map[string]string{"Message": once})}),
		"slashes are escaped": strings.ReplaceAll(once, "/", `\/`),
		"? and = are escaped": strings.ReplaceAll(strings.ReplaceAll(once, "?", `\u003f`), "=", `\u003d`),
		"percent-encoded":     strings.ReplaceAll(url, "=", "%3D") + " kept",
		"in capitals":         strings.ToUpper(url) + " kept",
		"the older kind":      "https://b.s3.amazonaws.com/x?AWSAccessKeyId=SECRET&Expires=1&Signature=SECRET kept",
	} {
		got := withoutSignatures(s)
		if strings.Contains(got, "SECRET") || !strings.Contains(got, "kept") {
			t.Errorf("%s: %s became %s", name, s, got)
		}
	}
}

func TestAMissingPermissionIsNamed(t *testing.T) {
	err := fmt.Errorf("while: %w", &awsclient.PermissionError{
		Caller: "arn:x", Action: "sns:Publish", Resource: "arn:y", Err: errors.New("https response error\nStatusCode: 403"),
	})
	want := "arn:x may not do sns:Publish on arn:y: allow it in a policy of that principal"
	if got := oneLine(err); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAHubWithUntestedDeliveryHasAWarning(t *testing.T) {
	for _, untested := range []bool{false, true} {
		view := newHubView(hub.State{Record: registry.HubRecord{Hub: onboarding.Hub{Name: "acme"}, Untested: untested}})
		var printed strings.Builder
		view.print(&printed)
		const todo = "Let a registrar work off the queue (xacct registrar --hub acme)"
		if strings.Contains(printed.String(), todo) != untested || strings.Contains(view.Warning, todo) != untested {
			t.Errorf("untested %v: %q, %s", untested, view.Warning, printed.String())
		}
	}
}
