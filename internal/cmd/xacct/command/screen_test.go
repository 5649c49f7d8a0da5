// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/trial/terminal"
)

// look is a terminal or pipe that every command writes to, with its
// environment.
type look struct {
	terminal.Look

	environment map[string]string
}

var looks = []look{
	{terminal.Look{}, nil},
	{terminal.Look{Columns: 80, Coloured: true}, map[string]string{"NO_COLOR": "", "TERM": "xterm"}},
	{terminal.Look{Columns: 50}, map[string]string{"NO_COLOR": "1"}},
}

// examples has the arguments that each command is run with; a command without any
// fails the test. LETTER is replaced with an ID.
var examples = map[string][]string{
	"":                      {"--version", "custommers"},
	"adopt":                 {"pied-piper", "globex --release", "unheard-of"},
	"block":                 {"globex --reason flood", "globex"},
	"unblock":               {"globex", "globex"},
	"customers":             {"", "--outdated", "--all", "--limit 2", "--status happy", "--customer globex", "--customer umbrella", "--json"},
	"customers list":        {"", "--status degraded"},
	"customers show":        {"globex", "umbrella", "pied-piper", "hooli", "endframe", "unheard-of", "globex --json"},
	"customers add":         {"aviato --permission-set readonly", "massive --account-id 12", "massive --permission-set readonly --account-id 777777777777", "massive --permission-set unheard-of --account-id 888888888888"},
	"customers remove":      {"", "globex --dry-run", "massive", "unheard-of massive"},
	"customers import":      {"many.csv --permission-set readonly --dry-run", "many.csv --permission-set readonly", "wrong.csv", "missing.csv", "many.csv --permission-set unheard-of"},
	"dead-letters":          {""},
	"dead-letters list":     {"", "--json", "--limit 1"},
	"dead-letters show":     {"LETTER", "unheard-of"},
	"dead-letters redrive":  {"unheard-of", ""},
	"dead-letters delete":   {"unheard-of", ""},
	"generate":              {""},
	"hub":                   {""},
	"hub create":            {"", "--file beta.yaml --dry-run", "--file acme.yaml", "--file broken.yaml", "--file missing.yaml"},
	"hub show":              {"", "--json", "--hub beta"},
	"hub delete":            {"", "--dry-run", "--hub nowhere"},
	"link":                  {"acme/globex", "globex --format cli", "endframe", "unheard-of", "globex --update", "globex --format nonsense"},
	"permission-set":        {""},
	"permission-set apply":  {"--file acme.yaml --dry-run", "--file acme.yaml", "--file more.yaml --dry-run"},
	"permission-set list":   {"", "--all", "--json"},
	"permission-set delete": {"unheard-of", "readonly --dry-run"},
	"policy":                {""},
	"policy api":            {""},
	"policy operator":       {"--terraform"},
	"policy provider":       {"", "--hub nowhere"},
	"policy registrar":      {"", "--account 12"},
	"registrar":             {"--hub nowhere", "--concurrency 0"},
	"serve":                 {"", "--token-file missing"},
	"serve token":           {"backend --scopes read", "backend --scopes nonsense"},
	"status":                {"", "--json", "--hub nowhere"},
	"verify":                {"", "--customer globex", "--json"},
	"completion":            {""},
}

// wholeOutputs are the commands whose standard output is copied or piped unchanged;
// their messages go to standard error.
var wholeOutputs = []string{"link", "policy api", "policy operator", "policy provider", "policy registrar", "serve token"}

// TestEveryCommandFitsItsScreen runs every command, with its help, in a pipe and on
// terminals of two widths, with and without colours. It is not parallel, because
// commands read the environment.
func TestEveryCommandFitsItsScreen(t *testing.T) {
	_, letter := screenWorld(t)
	seen := 0
	for _, look := range looks {
		for name, value := range look.environment {
			t.Setenv(name, value)
		}
		terminal.Commands(newRootCommand(thisTest), func(cmd *cobra.Command, words []string) {
			for _, args := range argumentsOf(t, words) {
				seen++
				args = strings.ReplaceAll(args, "LETTER", letter)
				text := outputOf(t, look.Look, words, args)
				if look.Columns < 80 && cmd.Example != "" { // commands are copied whole
					text = strings.Replace(text, cmd.Example, "", 1)
				}
				for _, fault := range look.Faults(text) {
					t.Errorf("xacct %s %s: %s", strings.Join(words, " "), args, fault)
				}
			}
		})
	}
	if seen < 400 {
		t.Errorf("only %d outputs were checked", seen)
	}
	t.Setenv("NO_COLOR", "")
	if text := outputOf(t, looks[1].Look, []string{"customers"}, ""); !strings.Contains(text, "\x1b[31mdegraded\x1b[0m") {
		t.Errorf("a terminal shows no colours: %q", text)
	}
}

// argumentsOf returns the arguments that a command is run with: its examples,
// --help and an unknown flag.
func argumentsOf(t *testing.T, words []string) []string {
	name := strings.Join(words, " ")
	some, found := examples[name]
	switch {
	case words != nil && words[0] == "completion" && len(words) > 1:
		some = []string{""}
	case words != nil && words[0] == "generate" && len(words) > 1: // one for each kind of file
		some = []string{"--file acme.yaml --out -", "--file broken.yaml", "--out made --file acme.yaml"}
	case !found:
		t.Errorf("xacct %s is not among the examples: add arguments to run it with", name)
	}
	return append(some[:len(some):len(some)], "--help", "--nonsense")
}

// outputOf returns the output of a command in this look. Standard output that
// is copied unchanged is only checked for escape sequences, and not returned.
func outputOf(t *testing.T, look terminal.Look, words []string, args string) string {
	t.Helper()
	name := strings.Join(words, " ")
	whole := strings.Contains(args, "--json") || strings.Contains(args, "--out -") || slices.Contains(wholeOutputs, name) && args != "--help" ||
		strings.HasPrefix(name, "completion ") && args == ""
	var copied strings.Builder
	text := look.Output(t, func(out *os.File) {
		root := newRootCommand(process{"test", scriptClock()})
		root.SetArgs(append(words[:len(words):len(words)], strings.Fields(args)...))
		root.SetIn(strings.NewReader(""))
		root.SetErr(out)
		root.SetOut(out)
		if whole {
			root.SetOut(&copied)
		}
		if err := root.ExecuteContext(t.Context()); err != nil {
			cli.Say(out, "xacct: %s\n", oneLine(err))
		}
	})
	for _, fault := range (terminal.Look{}).Faults(copied.String()) {
		t.Errorf("xacct %s %s: %s", name, args, fault)
	}
	return text
}

// screenWorld returns a hub with the customers of addCustomers, a permission
// set and a dead letter, and that letter's ID. It changes to a folder with
// files for the commands.
func screenWorld(t *testing.T) (w *world, letter string) {
	t.Helper()
	w = testWorld(t)
	w.addCustomers(func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	})
	w.box.Clock().SetRate(50) // a long poll of an empty queue ends soon
	t.Setenv(hubVariable, "acme")
	t.Setenv(nowVariable, now)
	sent, err := w.clients.SQS(w.clients.Region).SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: &w.record.DeadLetterQueueURL, MessageBody: aws.String("nonsense"),
		MessageAttributes: map[string]sqstypes.MessageAttributeValue{"Reason": {DataType: aws.String("String"), StringValue: aws.String("not a phone-home: the SNS envelope: it is not JSON")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	const spec = "hub: {name: %s, display_name: Acme, vendor_account_id: 111111111111, region: us-east-1, regions: [us-east-1, eu-central-1]}\npermission_set: readonly\nrole: {managed_policy_arns: [%s]}\n"
	for name, text := range map[string]string{
		"acme.yaml":   fmt.Sprintf(spec, "acme", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
		"beta.yaml":   fmt.Sprintf(spec, "beta", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
		"more.yaml":   fmt.Sprintf(spec, "acme", "arn:aws:iam::aws:policy/SecurityAudit"),
		"broken.yaml": fmt.Sprintf(spec, "Acme!", "SecurityAudit") + "customer: {account_id: 12, permissions: all}\n",
		"many.csv":    "customer_id,account_id\nmassive,777777777777\nglobex,999999999999\n",
		"wrong.csv":   "customer_id,account_id,expires_at\nhooli,12,\nhooli,666666666666,tomorrow\n",
	} {
		if err := writeFile(name, text); err != nil {
			t.Fatal(err)
		}
	}
	if text := outputOf(t, terminal.Look{}, []string{"permission-set", "apply"}, "--file acme.yaml --adopt"); !strings.Contains(text, "created") {
		t.Fatal(text)
	}
	return w, *sent.MessageId
}
