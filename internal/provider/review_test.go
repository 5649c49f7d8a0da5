// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
)

func TestPermissionsThatCustomersWouldAskAboutAreWarnedOfOnceByPolicy(t *testing.T) {
	t.Parallel()
	w := acctest.Start(t)
	e := startEngine(t, w)
	e.noErrors(e.apply("xacct_hub", aHub).Diagnostics)

	link := func(policies map[string]string, managed ...string) map[string]any {
		link := maps.Clone(aLink)
		inline := map[string]any{}
		for name, text := range policies {
			inline[name] = text
		}
		link["role"] = map[string]any{"inline_policies": inline, "managed_policy_arns": managed}
		return link
	}
	allow := func(actions string) string {
		return `{"Version":"2012-10-17","Statement":[{"Sid":"Work","Effect":"Allow","Action":["` + strings.ReplaceAll(actions, " ", `","`) + `"],"Resource":"*"}]}`
	}
	mighty := link(map[string]string{"all": allow("*"), "run": allow("iam:PassRole ec2:RunInstances"), "read": allow("s3:GetObject")},
		"arn:aws:iam::aws:policy/AdministratorAccess")
	want := []string{
		`role.managed_policy_arns: The managed policy AdministratorAccess allows every action`,
		`role.inline_policies["all"]: Statement "Work" allows every action on every resource, which is an administrator's access`,
		`role.inline_policies["run"]: Statement "Work" allows iam:PassRole on every resource and to any service`,
	}

	planned := e.plan("xacct_onboarding_link", mighty)
	e.warns(planned.Diagnostics, want...)
	if run := planned.Diagnostics[2].Detail; !strings.Contains(run, "[privilege-escalation-by-pass-role]") {
		t.Errorf("one policy, one warning with all that is to be said of it: %s", run)
	}
	applied := e.apply("xacct_onboarding_link", mighty)
	e.noErrors(applied.Diagnostics)

	e.warns(e.replan("xacct_onboarding_link", applied.NewState, mighty).Diagnostics) // nothing: nothing changed
	e.warns(e.replan("xacct_onboarding_link", applied.NewState, link(map[string]string{"read": allow("s3:GetObject")})).Diagnostics)
	e.warns(e.replan("xacct_onboarding_link", applied.NewState, link(map[string]string{"all": allow("*")})).Diagnostics, want[1])
}

// warns fails the test unless these are the diagnostics, all of them warnings:
// each with the path of its attribute and the beginning of its text.
func (e *engine) warns(diagnostics []*tfprotov6.Diagnostic, want ...string) {
	e.t.Helper()
	ok := len(diagnostics) == len(want)
	for i, d := range diagnostics {
		ok = ok && d.Severity == tfprotov6.DiagnosticSeverityWarning && strings.HasPrefix(where(d)+": "+d.Detail, want[i])
	}
	if !ok {
		for _, d := range diagnostics {
			e.t.Logf("%s %s: %s: %s", d.Severity, where(d), d.Summary, d.Detail)
		}
		e.t.Errorf("the warnings should be %q", want)
	}
}
