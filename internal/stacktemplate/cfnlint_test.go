// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package stacktemplate

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cfn-lint checks CloudFormation's rules independently. It is a Python program, so the test runs only on
// request, but then it must not be skipped.
func TestTheGoldenTemplatesPassCfnLint(t *testing.T) {
	if os.Getenv("XACCT_CFN_LINT") != "1" {
		t.Skip("needs cfn-lint, a Python program: make test-cfn-lint")
	}
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Fatal("cfn-lint is missing: install it with `pip install cfn-lint`")
	}
	ignored := map[string]string{
		// cfn-lint's patterns for principals have three partitions, but not this one.
		"european-sovereign": "E3530",
		// cfn-lint considers every ${…} a forgotten Fn::Sub, but here it is the vendor's text. One of the
		// policies has version 2008-10-17 on purpose.
		"hostile":        "E1029 W2511",
		"optional-mixed": "E1029",
		// I1022 recommends Fn::Sub, which would replace a policy's ${…}.
		"asking": "E1029 I1022", "choosing": "E1029 I1022", "additional-roles": "E1029 I1022", "resources": "E1029 I1022",
	}
	for name, s := range goldens() {
		t.Run(name, func(t *testing.T) {
			args := []string{"--include-checks", "I"}
			if check := ignored[name]; check != "" {
				args = append(append(args, "--ignore-checks"), strings.Fields(check)...)
			}
			args = append(append(args, "--regions"), regionNames(s)...)
			args = append(args, "--", filepath.Join("testdata", name+".json"), filepath.Join("testdata", name+".yaml"))
			if out, err := exec.Command(lint, args...).CombinedOutput(); err != nil {
				t.Errorf("cfn-lint %s: %v\n%s", strings.Join(args, " "), err, out)
			}
		})
	}
}
