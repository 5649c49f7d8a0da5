// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/xacct/terraform-provider-xacct/internal/trial/snippets"
)

// TestEveryCommandInTheDocsIsValid parses the command lines in the documentation as
// the program would.
func TestEveryCommandInTheDocsIsValid(t *testing.T) {
	t.Parallel()
	snippets.ParsedBy(t, "../../../..", "xacct", 10, func() *cobra.Command { return newRootCommand(thisTest) })
}

var containerArguments = regexp.MustCompile(`(?:args:|command\s*=)\s*\[("?registrar[^\]]*)\]`)

// TestTheArgumentsOfTheExamplesContainersAreValid parses the arguments of the
// registrar in the examples for Kubernetes and ECS.
func TestTheArgumentsOfTheExamplesContainersAreValid(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"registrar-kubernetes/registrar.yaml", "registrar-ecs/main.tf"} {
		text, err := os.ReadFile("../../../../examples/" + file)
		if err != nil {
			t.Fatal(err)
		}
		found := containerArguments.FindStringSubmatch(string(text))
		if found == nil {
			t.Fatalf("%s starts no registrar", file)
		}
		arguments := strings.Split(strings.NewReplacer(`"`, "", " ", "").Replace(found[1]), ",")
		cmd, rest, err := newRootCommand(thisTest).Find(arguments)
		if err == nil {
			err = cmd.ParseFlags(rest)
		}
		if err == nil {
			err = cmd.ValidateArgs(cmd.Flags().Args())
		}
		if err != nil || cmd.Name() != "registrar" {
			t.Errorf("%s: %v: %v", file, arguments, err)
		}
	}
}
