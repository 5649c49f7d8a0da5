// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/trial"
	"github.com/xacct/terraform-provider-xacct/internal/trial/terminal"
)

// examples has the arguments that each command is run with; a command without any
// fails the test. LAUNCH and NAME are replaced with a link and a stack's name.
var examples = map[string][]string{
	"":                    {"--version", "lunch"},
	"serve":               {"--listen 127.0.0.1:0", "--listen 0.0.0.0:4566"},
	"environment":         {"--account 222222222222"},
	"launch":              {"LAUNCHrole.json --account 222222222222 --stack-name NAME-l", "LAUNCHbroken.json --account 222222222222 --stack-name NAME-b", "LAUNCHrole.json", "nonsense --account 222222222222"},
	"update":              {"NAME --parameter Hours=2", "nothing --parameter Hours=2"},
	"stacks":              {""},
	"events":              {"NAME", "nothing"},
	"delete":              {"NAME-d", "nothing --account 222222222222 --region us-east-1"},
	"advance":             {"90s", "long"},
	"organization":        {""},
	"organization create": {"", "--management 900000000000"},
	"organization list":   {""},
	"organization join":   {"o-unheard-of 900000000003"},
	"organization leave":  {"900000000003"},
	"organization launch": {"LAUNCHrole.json", "LAUNCHrole.json --management 900000000000"},
	"organization status": {"nothing"},
	"organization delete": {"nothing"},
}

// exported matches the lines that a shell evaluates, which are never wrapped.
var exported = regexp.MustCompile(`(?m)^export .*$`)

// TestEveryCommandFitsItsScreen runs every command, with its help, in a pipe and on
// terminals of two widths.
func TestEveryCommandFitsItsScreen(t *testing.T) {
	t.Parallel()
	box := trial.Sandbox(t)
	const role = `{"Parameters": {"Hours": {"Type": "Number", "Default": 1}}, "Conditions": {"Long": {"Fn::Equals": [{"Ref": "Hours"}, "2"]}}, "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {
		"MaxSessionDuration": {"Fn::If": ["Long", 7200, 3600]}, POLICIES
		"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}}]}}}}}`
	if err := upload(box, map[string]string{
		"role.json":   strings.Replace(role, "POLICIES", "", 1),
		"broken.json": strings.Replace(role, "POLICIES", `"ManagedPolicyArns": ["arn:aws:iam::aws:policy/NoSuchPolicy"],`, 1),
	}); err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancel(t.Context()) // serve ends at once
	stop()
	for i, look := range []terminal.Look{{}, {Columns: 80, Coloured: true}, {Columns: 50, Coloured: true}} {
		with := strings.NewReplacer("LAUNCH", home+"us-east-1#/stacks/create/review?templateURL=https://"+bucket+".s3.us-east-1.amazonaws.com/", "NAME", []string{"one", "two", "three"}[i])
		for _, name := range []string{"NAME", "NAME-d"} {
			if _, err := (sandbox.Client{URL: box.URL()}).Launch(t.Context(), sandbox.LaunchRequest{URL: with.Replace("LAUNCHrole.json"), Account: "222222222222", StackName: with.Replace(name)}); err != nil {
				t.Fatal(err)
			}
		}
		var run [][]string
		terminal.Commands(newRootCommand("test"), func(cmd *cobra.Command, words []string) {
			name := strings.Join(words, " ")
			some, found := examples[name]
			if !found && !strings.HasPrefix(name, "completion") {
				t.Errorf("xacct-sandbox %s is not among the examples: add arguments to run it with", name)
			}
			for _, args := range append(some[:len(some):len(some)], "--help", "--nonsense") {
				run = append(run, append(words[:len(words):len(words)], strings.Fields(with.Replace(args))...))
			}
		})
		for _, args := range run {
			found, _, err := newRootCommand("test").Find(args)
			if err != nil {
				found = &cobra.Command{}
			}
			text := look.Output(t, func(out *os.File) {
				root := newRootCommand("test")
				root.SetArgs(append(args, "--endpoint", box.URL()))
				root.SetOut(out)
				root.SetErr(out)
				ctx := t.Context()
				if len(args) > 0 && args[0] == "serve" {
					ctx = stopped
				}
				if err := root.ExecuteContext(ctx); err != nil {
					cli.Say(out, "xacct-sandbox: %s\n", cli.OneLine(err))
				}
			})
			if look.Columns < 80 && found.Example != "" { // commands are copied whole
				text = strings.Replace(text, found.Example, "", 1)
			}
			for _, fault := range look.Faults(exported.ReplaceAllLiteralString(text, "")) {
				t.Errorf("xacct-sandbox %s: %s", strings.Join(args, " "), fault)
			}
		}
	}
}
