// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

func TestAPlanWarnsOncePerPolicyOfBroadPermissions(t *testing.T) {
	t.Parallel()
	s := newState(t, acctest.Start(t))
	s.apply(hubHCL())

	allow := func(actions string) string {
		return fmt.Sprintf(`jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "Work", Effect = "Allow", Action = split(" ", %q), Resource = "*" }] })`, actions)
	}
	link := func(managed, inline string) string {
		return hubHCL() + linkHCL(globex.with("role = {\n managed_policy_arns = ["+managed+"]\n inline_policies = {"+inline+"}\n}"))
	}
	read, all := "read = "+allow("s3:GetObject")+"\n", "all = "+allow("*")+"\n"
	mighty := link(`"arn:aws:iam::aws:policy/AdministratorAccess"`, read+all+"run = "+allow("iam:PassRole ec2:RunInstances")+"\n")
	want := []string{
		`role.managed_policy_arns: The managed policy AdministratorAccess allows every action`,
		`role.inline_policies["all"]: Statement "Work" allows every action on every resource, which is an administrator's access`,
		`role.inline_policies["run"]: Statement "Work" allows iam:PassRole on every resource and to any service`,
	}

	planned := s.plan(linkGlobex, mighty)
	warned(t, planned, want...)
	if run := planned[2].Detail; !strings.Contains(run, "[privilege-escalation-by-pass-role]") {
		t.Errorf("the warning of the policy lacks one of its findings: %s", run)
	}
	s.apply(mighty)

	warned(t, s.plan(linkGlobex, mighty)) // no warning, because nothing changes
	warned(t, s.plan(linkGlobex, link("", read)))
	warned(t, s.plan(linkGlobex, link("", all)), want[1])
}

// warned fails the test unless the warnings are want, each as the path of its attribute
// and the beginning of its detail.
func warned(t *testing.T, found tfcore.Diagnostics, want ...string) {
	t.Helper()
	ok := len(found) == len(want)
	for i, d := range found {
		ok = ok && !d.Error && strings.HasPrefix(d.Path()+": "+d.Detail, want[i])
	}
	if !ok {
		t.Errorf("the warnings should be %q, and are:%s", want, found)
	}
}
