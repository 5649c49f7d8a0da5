// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package lambda_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclparse"
)

const example = "../../../examples/registrar-lambda"

func TestTheExampleIsValidHCL(t *testing.T) {
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

func TestTheExampleHasTheFunctionsVariablesAndTasks(t *testing.T) {
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
