// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/xacct/terraform-provider-xacct/internal/stacktemplate"
)

// TestCfnLintAcceptsEveryTemplate checks templates of random specifications with
// cfn-lint, an independent implementation of CloudFormation's rules. cfn-lint is a
// Python program, so the test runs only on request; then a missing program is an
// error.
func TestCfnLintAcceptsEveryTemplate(t *testing.T) {
	if os.Getenv("XACCT_CFN_LINT") != "1" {
		t.Skip("set XACCT_CFN_LINT=1 to run cfn-lint")
	}
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Fatal("cfn-lint is missing: install it with `pip install cfn-lint`")
	}
	w := New(t)
	folder, n := t.TempDir(), 0
	var files []string
	rapid.Check(t, func(r *rapid.T) {
		n++
		template, err := stacktemplate.Render(drawSpecification(r, w, n).spec)
		if err != nil {
			r.Fatal(err)
		}
		file := filepath.Join(folder, fmt.Sprintf("%d.json", n))
		if err := os.WriteFile(file, template.JSON(), 0o600); err != nil {
			r.Fatal(err)
		}
		files = append(files, file)
	})
	const batch = 100 // the start of cfn-lint takes longer than a template
	for some := range slices.Chunk(files, batch) {
		args := append([]string{
			"--regions", Frankfurt, Virginia,
			// In these templates ${…} and AWS::NoValue are the vendor's text,
			// not a forgotten Fn::Sub or Ref; and the policies have the version
			// that was drawn.
			"--ignore-checks", "E1029", "W1054", "W2511", "--",
		}, some...)
		if out, err := exec.Command(lint, args...).CombinedOutput(); err != nil {
			t.Errorf("cfn-lint: %v\n%s", err, out)
		}
	}
	t.Logf("cfn-lint has checked %d templates", len(files))
}
