// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/conformance"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// execute runs a command line with an input, and returns its output.
func execute(t *testing.T, input string, args ...string) (string, error) {
	t.Helper()
	root := newRootCommand("test")
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetIn(strings.NewReader(input))
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// inSandbox returns a sandbox, and sets the environment to the credentials of a
// vendor and a customer in it.
func inSandbox(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	box := trial.Sandbox(t)
	environment, err := box.Environment(sandbox.VendorAccount, "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range environment {
		t.Setenv(name, value)
	}
	for name, id := range map[string]string{"VENDOR": sandbox.VendorAccount, "CUSTOMER": "222222222222"} {
		keys, err := box.Credentials(id)
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(variables+name+"_ACCESS_KEY_ID", keys.AccessKeyID)
		t.Setenv(variables+name+"_SECRET_ACCESS_KEY", keys.SecretAccessKey)
	}
	return box
}

func TestARunAsksReportsAndLeavesNothing(t *testing.T) {
	inSandbox(t)
	dir := t.TempDir()
	report := filepath.Join(dir, "report.json")
	args := []string{"run", "5.3", "7.8", "--state", filepath.Join(dir, "state"), "--out", report}
	out, err := execute(t, "y\n", args...)
	if err == nil || err.Error() != "nothing was created" || !strings.Contains(out, "Continue? Only yes is accepted:") || !strings.Contains(out, "below 0.10") {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := os.Stat(report); err == nil {
		t.Error("a run that was refused has written a report")
	}
	out, err = execute(t, "yes\n", args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"5.3    holds", "7.8    not tried", "needs an account in AWS GovCloud", "1 hold, 0 differ, 0 have no verdict, 1 were not tried."} {
		if !strings.Contains(out, want) {
			t.Errorf("the output does not contain %q:\n%s", want, out)
		}
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var read conformance.Report
	if err := json.Unmarshal(text, &read); err != nil || len(read.Results) != 2 || len(read.Results[0].Evidence) == 0 || read.Endpoint == "" {
		t.Errorf("the report is %s, %v", text, err)
	}
	if files, err := os.ReadDir(filepath.Join(dir, "state")); err != nil || len(files) > 0 {
		t.Errorf("left in the folder of ledgers: %v, %v", files, err)
	}
	if out, err := execute(t, "", "clean", "--all", "--state", filepath.Join(dir, "state")); err != nil || strings.Contains(out, conformance.Prefix) {
		t.Errorf("left in the accounts: %v\n%s", err, out)
	}
	if _, err := execute(t, "", "patch", report, "--facts", "../../../aws-facts.md"); err == nil || !strings.Contains(err.Error(), "shows nothing about AWS") {
		t.Errorf("a sandbox's report makes a patch: %v", err)
	}
}

func TestARunWithoutCredentialsNamesTheMissingVariable(t *testing.T) {
	inSandbox(t)
	t.Setenv(variables+"CUSTOMER_ACCESS_KEY_ID", "")
	_, err := execute(t, "", "run", "5.3", "--state", t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "XACCT_CONFORMANCE_CUSTOMER_PROFILE") {
		t.Errorf("the error is %v", err)
	}
	if _, err := execute(t, "", "run", "99.9"); err == nil || !strings.Contains(err.Error(), `no check "99.9"`) {
		t.Errorf("the error is %v", err)
	}
}

func TestChecksAndManualAssumptionsAreListed(t *testing.T) {
	t.Parallel()
	out, err := execute(t, "", "list")
	if err != nil || strings.Count(out, "\n") < len(conformance.All()) || !strings.Contains(out, "1.18a") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = execute(t, "", "list", "--by-hand")
	if err != nil || !strings.Contains(out, "Chrome, Firefox and Safari") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = execute(t, "", "policy", "customer", "--account", "210987654321")
	if err != nil || !strings.Contains(out, "arn:aws:cloudformation:*:210987654321:stack/xacct-conformance-*") {
		t.Errorf("%v\n%s", err, out)
	}
}
