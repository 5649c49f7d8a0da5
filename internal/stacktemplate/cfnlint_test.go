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

// cfn-lint is another team's reading of CloudFormation's rules. It is a Python
// program, so it runs only if it is asked for; and there it must run.
func TestTheGoldenTemplatesPassCfnLint(t *testing.T) {
	if os.Getenv("XACCT_CFN_LINT") != "1" {
		t.Skip("needs cfn-lint, a Python program: make test-cfn-lint")
	}
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Fatal("cfn-lint is missing: install it with `pip install cfn-lint`")
	}
	ignored := map[string]string{
		// Its patterns for principals know three partitions and not this one.
		"european-sovereign": "E3530",
		// It takes every ${…} for a forgotten Fn::Sub. Here they are the
		// vendor's text and must stay as they are.
		// One of its policies keeps the version of 2008, and has to.
		"hostile":        "E1029 W2511",
		"optional-mixed": "E1029",
		// And it would have Fn::Sub, which is what takes a policy's ${…} away.
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
