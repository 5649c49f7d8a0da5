// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/trial/snippets"
)

// TestEveryCommandInTheDocsIsOneOfOurs parses what the documentation tells
// people to type, as the program would.
func TestEveryCommandInTheDocsIsOneOfOurs(t *testing.T) {
	t.Parallel()
	all, err := snippets.Commands("../../../..", "xacct", "go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, c := range all {
		arguments, ours := c.Of("xacct")
		if !ours {
			continue
		}
		checked++
		root := newRootCommand(thisTest)
		root.InitDefaultVersionFlag()
		cmd, rest, err := root.Find(arguments)
		if err == nil {
			err = cmd.ParseFlags(rest)
		}
		if err == nil && !c.Inline {
			err = cmd.ValidateArgs(cmd.Flags().Args())
		}
		if err != nil {
			t.Errorf("%s: xacct %s: %v", c.Place, strings.Join(arguments, " "), err)
		} else if cmd == root && !cmd.Flags().Changed("version") && !cmd.Flags().Changed("help") {
			t.Errorf("%s: xacct %s: there is no such command", c.Place, strings.Join(arguments, " "))
		}
	}
	if checked < 10 {
		t.Errorf("only %d commands were found", checked)
	}
}

var containerArguments = regexp.MustCompile(`(?:args:|command\s*=)\s*\[("?registrar[^\]]*)\]`)

// TestTheContainersOfTheExamplesAreStartedAsTheProgramWants parses what the
// examples for Kubernetes and ECS give to the registrar.
func TestTheContainersOfTheExamplesAreStartedAsTheProgramWants(t *testing.T) {
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
