// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/url"
	"strings"
	"testing"
)

// TestACustomerUpdatesAStackWithALink updates to a template with a new action and a
// new parameter.
func TestACustomerUpdatesAStackWithALink(t *testing.T) {
	in := newIntake(t)
	id := in.launch(LaunchOptions{Parameters: map[string]string{"Version": "7"}})
	in.succeed(in.next(), "xacct-1")
	in.settled(id, "CREATE_COMPLETE")
	in.publish("templates/b.yaml", strings.NewReplacer(
		`"logs:Get*"`, `["logs:Get*", "logs:List*"]`,
		`  Version: {`, `  EnableBilling: {Type: String, Default: "No", AllowedValues: ["Yes", "No"]}`+"\n  Version: {",
		`Version: !Ref Version`, `Version: !Sub "${Version} ${EnableBilling}"`,
	).Replace(onboardingTemplate))

	const address = "https://acme-templates.s3.eu-west-1.amazonaws.com/templates/b.yaml"
	action := in.box.URL() + "/console/cloudformation/stacks/update/template"
	link := "?region=eu-west-1&stackId=" + url.QueryEscape(id) + "&templateURL=" + url.QueryEscape(address)
	page := in.get(action + link + "&param_Version=8")
	for _, want := range []string{
		"Update stack acme-access", "<li><code>Allow logs:List* on *</code></li>", `name="param_Version" value="7"`, `value="abc123"`, `<option selected>No</option>`, "I acknowledge",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not contain %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "No longer") || strings.Contains(page, "logs:Get* on") && strings.Contains(page, "<li><code>Allow logs:Get*") {
		t.Errorf("the page reports an unchanged action as removed or new:\n%s", page)
	}
	if page := in.get(action + "?templateURL=" + url.QueryEscape(address) + "&stackId=arn:nothing"); !strings.Contains(page, "There is no stack arn:nothing.") {
		t.Errorf("the page for an unknown stack is\n%s", page)
	}

	form := url.Values{
		"stackId": {id}, "templateURL": {address}, "param_ExternalId": {"abc123"}, "param_Version": {"7"}, "param_EnableBilling": {"Yes"},
	}
	if page := in.post(action, form); !strings.Contains(page, "Requires capabilities") || !strings.Contains(page, `<option selected>Yes</option>`) {
		t.Errorf("an empty checkbox must be refused, with the chosen values kept:\n%s", page)
	}
	form.Set("acknowledged", "yes")
	if page := in.post(action, form); !strings.Contains(page, "UPDATE_IN_PROGRESS") {
		t.Errorf("the stack's page is\n%s", page)
	}
	in.succeed(in.next(), "xacct-1")
	in.settled(id, "UPDATE_COMPLETE")
	if st, _ := in.box.Stack(id); st.Parameters["Version"] != "7" || st.Parameters["ExternalId"] != "abc123" || st.Parameters["EnableBilling"] != "Yes" {
		t.Errorf("the stack's parameters are %v", st.Parameters)
	}
}
