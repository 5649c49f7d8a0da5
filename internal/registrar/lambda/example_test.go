// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package lambda_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hclparse"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/leastpolicy"
)

const example = "../../../examples/registrar-lambda"

func TestTheExampleIsHCL(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(example, "*.tf"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if _, found := hclparse.NewParser().ParseHCLFile(file); found.HasErrors() {
			t.Error(found)
		}
	}
}

var (
	statement = regexp.MustCompile(`(?s)sid\s*= "(\w+)"\s*actions\s*= \[(.*?)\]`)
	quoted    = regexp.MustCompile(`"([^"]+)"`)
)

func TestTheExamplesRoleMayDoWhatThePolicySaysAndWriteLogs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(example, "role.tf"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, found := range statement.FindAllStringSubmatch(string(text), -1) {
		for _, action := range quoted.FindAllStringSubmatch(found[2], -1) {
			got[found[1]] = append(got[found[1]], action[1])
		}
	}
	vendor, err := account.ParseID("111111111111")
	if err != nil {
		t.Fatal(err)
	}
	region, err := account.ParseRegion("us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := leastpolicy.RegistrarFunction(leastpolicy.Parts{
		Account: vendor, Region: region, Queue: "queue", DeadLetterQueue: "dead-letters", Table: "table",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"Logs": {"logs:CreateLogStream", "logs:PutLogEvents"}}
	for _, s := range policy.Statements {
		want[s.Sid] = slices.Sorted(slices.Values(s.Action))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("actions (-policy +example):\n%s", diff)
	}
}

func TestTheExampleNamesTheFunctionsVariablesAndTasks(t *testing.T) {
	var all strings.Builder
	files, err := filepath.Glob(filepath.Join(example, "*.tf"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, name := range []string{"XACCT_HUB ", "XACCT_VERIFY_EVERY ", "beat ", "verify ", `"ReportBatchItemFailures"`, "provided.al2023"} {
		if !strings.Contains(all.String(), name) {
			t.Errorf("the example has no %s", name)
		}
	}
}
