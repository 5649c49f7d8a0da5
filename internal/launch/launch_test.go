// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package launch

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/declaration"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/quickcreate"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// regions compares regions by ==.
var regions = cmpopts.EquateComparable(account.Region{})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

const template = "https://xacct-acme-0011223344556677.s3.us-east-1.amazonaws.com/templates/00ff.json"

func globex() quickcreate.Link {
	return quickcreate.Link{
		Region: must(account.ParseRegion("eu-central-1")), TemplateURL: template, StackName: "acme-access",
		Parameters: map[string]string{"ExternalId": "00ff", "CustomerName": "globex", "RoleName": "acme-globex", "Shard": "0"},
	}
}

func hostile() quickcreate.Link {
	l := globex()
	l.TemplateURL = template + "?X-Amz-Signature=00&X-Amz-Date='$(id)'"
	l.Parameters = map[string]string{
		"ExternalId": `a,b=c "d" 'e'`, "CustomerName": "${var.secret} %{ if true } $${x} `id` $(id) \\\n\tMüller 🦊",
		"for": "!", "0": "", "RoleName": "-x",
	}
	return l
}

func stack() account.StackARN {
	return must(account.ParseStackARN("arn:aws:cloudformation:eu-central-1:222222222222:stack/acme-access/5f0e1a40-0000-11f1-8000-0123456789ab"))
}

// switched returns a customer whose stack has one of three optional permissions enabled, and
// another one that is no longer declared and must not be in the command.
func switched() (onboarding.Link, declaration.Declaration, onboarding.Registration) {
	return onboarding.Link{TemplateURL: template}, declaration.Declaration{Choices: permissionset.Choices{OptionalPermissions: map[string]permissionset.OptionalPermission{
			"billing": {}, "restart_hosts": {DefaultEnabled: true}, "new_by_default": {DefaultEnabled: true},
		}}},
		onboarding.Registration{Stack: stack(), GrantedPermissions: []string{"billing", "dropped"}}
}

// written returns all ways to launch but the link, by the names of their golden files.
func written(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for name, l := range map[string]quickcreate.Link{"globex": globex(), "hostile": hostile()} {
		texts[name+"-create.sh"] = must(CreateCommand(l)) + "\n"
		texts[name+"-stack-set.sh"] = must(StackSetCommands(l, false)) + "\n"
		texts[name+"-stack-set-delegated.sh"] = must(StackSetCommands(l, true)) + "\n"
		texts[name+".tf"] = must(TerraformSnippet(l))
	}
	link, declared, registered := switched()
	texts["update-switched.sh"] = must(UpdateCommand(link, declared, registered)) + "\n"
	texts["update.sh"] = must(UpdateCommand(link, declaration.Declaration{}, registered)) + "\n"
	rotating := link
	rotating.ExternalID, rotating.TemplateParameters = must(account.ParseExternalID("new-one")), []string{"PreviousExternalId"}
	before := registered
	before.Status, before.ExternalID = onboarding.Active, must(account.ParseExternalID("old-one"))
	rotating.PastExternalIDs = []onboarding.PastExternalID{{ID: before.ExternalID}}
	texts["update-rotated.sh"] = must(UpdateCommand(rotating, declaration.Declaration{}, before)) + "\n"
	texts["update-rotated.tf"] = must(TerraformSnippet(must(UpdateOf(rotating, declaration.Declaration{Region: "us-east-1"}, before))))
	texts["iam.tf"] = must(IAMSnippet([]byte(iamTemplateText), globex()))
	before.ExternalID = must(account.ParseExternalID("acme,customer=1")) // special in the shorthand
	rotating.PastExternalIDs = []onboarding.PastExternalID{{ID: before.ExternalID}}
	texts["update-rotated-json.sh"] = must(UpdateCommand(rotating, declared, before)) + "\n"
	link.Account, link.TemplateParameters = stack().Account, []string{"ExpectedAccountId"}
	texts["update-expected.sh"] = must(UpdateCommand(link, declaration.Declaration{}, registered)) + "\n"
	return texts
}

func TestCommandsAndSnippetsEqualTheirGoldenFiles(t *testing.T) {
	for name, got := range written(t) {
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%v (run the test with -update)", err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (run the test with -update):\n%s", name, diff)
		}
	}
}

// A template of the first release has no ExpectedAccountId, and CloudFormation refuses parameters
// that a template does not have. Links for several accounts or for anyone expect none.
func TestALinkExpectsAnAccountOnlyIfItHasOneAndItsTemplateAParameter(t *testing.T) {
	id := stack().Account
	for name, c := range map[string]struct {
		link onboarding.Link
		want string
	}{
		"one account":                   {onboarding.Link{Account: id, TemplateParameters: []string{"ExpectedAccountId"}}, id.String()},
		"a former template":             {onboarding.Link{Account: id}, ""},
		"an organization":               {onboarding.Link{Scope: onboarding.ScopeOrganization, Account: id, TemplateParameters: []string{"ExpectedAccountId"}}, ""},
		"anyone, and one is bound":      {onboarding.Link{Scope: onboarding.ScopeAnyone, Bound: id, TemplateParameters: []string{"ExpectedAccountId"}}, ""},
		"no account":                    {onboarding.Link{TemplateParameters: []string{"ExpectedAccountId"}}, ""},
		"a template of a later release": {onboarding.Link{Account: id, TemplateParameters: []string{"FromTheFuture"}}, ""},
	} {
		parameters := Parameters(c.link)
		if got, there := parameters["ExpectedAccountId"]; got != c.want || there != (c.want != "") {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if others := len(parameters); c.want == "" && others != 4 || c.want != "" && others != 5 {
			t.Errorf("%s: %v", name, parameters)
		}
	}
}

func TestSnippetsAreFormatted(t *testing.T) {
	for name, text := range written(t) {
		if strings.HasSuffix(name, ".tf") && string(hclwrite.Format([]byte(text))) != text {
			t.Errorf("terraform fmt would change %s", name)
		}
	}
}

func TestALinkWithoutAStackNameHasNoCommandOrSnippet(t *testing.T) {
	l := globex()
	l.StackName = ""
	for name, make := range map[string]func(quickcreate.Link) (string, error){"command": CreateCommand, "stack set": func(l quickcreate.Link) (string, error) { return StackSetCommands(l, false) }, "snippet": TerraformSnippet} {
		if text, err := make(l); err == nil || !strings.Contains(err.Error(), "the link has no stack name") {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

// The AWS command line accepts a list either in its shorthand syntax or as one JSON argument, but not as a
// mix of both.
func TestParametersHaveOneSyntax(t *testing.T) {
	for name, command := range written(t) {
		if !strings.HasSuffix(name, ".sh") {
			continue
		}
		words, within := 0, false
		for _, arg := range runInShell(t, command) {
			if within = within && !strings.HasPrefix(arg, "--") || arg == "--parameters"; !within || arg == "--parameters" {
				continue
			}
			if words++; strings.HasPrefix(arg, "[") && !json.Valid([]byte(arg)) || strings.HasPrefix(arg, "[") && words > 1 {
				t.Errorf("%s: %q follows %d others", name, arg, words-1)
			}
		}
	}
}

func FuzzEveryValueReachesTheCommandLineAndTerraform(f *testing.F) {
	for _, l := range []quickcreate.Link{globex(), hostile()} {
		for name, value := range l.Parameters {
			f.Add(name, value)
		}
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		l := globex()
		l.Parameters[name] = value
		if _, err := l.URL(""); err != nil {
			t.Skip("a link can't contain this parameter, so its commands can't either")
		}
		args := runInShell(t, must(CreateCommand(l)))
		if diff := cmp.Diff(l, readCommand(t, args), regions); diff != "" {
			t.Errorf("by the command line:\n%s", diff)
		}
		if diff := cmp.Diff(normal(l), readSnippet(t, must(TerraformSnippet(l))), regions); diff != "" {
			t.Errorf("by Terraform:\n%s", diff)
		}
	})
}

// runInShell runs a command in a shell in which aws prints its arguments.
func runInShell(t *testing.T, command string) []string {
	t.Helper()
	const fake = `aws() { for a in "$@"; do printf '%s\0' "$a"; done; }` + "\n"
	sh := exec.CommandContext(t.Context(), "sh", "-s")
	sh.Stdin = strings.NewReader(fake + command + "\n")
	sh.Env = []string{}
	out, err := sh.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, out, command)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

// readCommand parses the arguments as the AWS command line does.
func readCommand(t *testing.T, args []string) quickcreate.Link {
	t.Helper()
	options, name := map[string][]string{}, ""
	for _, arg := range args[2:] {
		if strings.HasPrefix(arg, "--") {
			name = arg
			continue
		}
		options[name] = append(options[name], arg)
	}
	if strings.Join(args[:2], " ") != "cloudformation create-stack" || options["--capabilities"][0] != "CAPABILITY_NAMED_IAM" {
		t.Fatalf("%q", args)
	}
	l := quickcreate.Link{
		Region:    must(account.ParseRegion(options["--region"][0])),
		StackName: options["--stack-name"][0], TemplateURL: options["--template-url"][0], Parameters: map[string]string{},
	}
	if words := options["--parameters"]; len(words) != 1 || words[0][0] != '[' {
		for _, word := range words {
			parts := strings.Split(word, ",") // a comma starts the next member of the structure
			if len(parts) != 2 {
				t.Fatalf("%q is not two members", word)
			}
			l.Parameters[strings.TrimPrefix(parts[0], "ParameterKey=")] = strings.TrimPrefix(parts[1], "ParameterValue=")
		}
		return l
	}
	var list []struct{ ParameterKey, ParameterValue string }
	if err := json.Unmarshal([]byte(options["--parameters"][0]), &list); err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		l.Parameters[p.ParameterKey] = p.ParameterValue
	}
	return l
}

// readSnippet evaluates the snippet without any variables.
func readSnippet(t *testing.T, text string) quickcreate.Link {
	t.Helper()
	file, diags := hclsyntax.ParseConfig([]byte(text), "snippet.tf", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, text)
	}
	blocks := file.Body.(*hclsyntax.Body).Blocks
	if len(blocks) != 1 || len(file.Body.(*hclsyntax.Body).Attributes) != 0 {
		t.Fatalf("there is more than one resource:\n%s", text)
	}
	values := map[string]cty.Value{}
	for name, attribute := range blocks[0].Body.Attributes {
		value, diags := attribute.Expr.Value(nil)
		if diags.HasErrors() {
			t.Fatalf("%v\n%s", diags, text)
		}
		values[name] = value
	}
	l := quickcreate.Link{
		Region:    must(account.ParseRegion(values["region"].AsString())),
		StackName: values["name"].AsString(), TemplateURL: values["template_url"].AsString(), Parameters: map[string]string{},
	}
	for name, value := range values["parameters"].AsValueMap() {
		l.Parameters[name] = value.AsString()
	}
	return l
}

// normal returns the link with its values in the Unicode form in which Terraform keeps strings.
func normal(l quickcreate.Link) quickcreate.Link {
	parameters := map[string]string{}
	for name, value := range l.Parameters {
		parameters[name] = cty.StringVal(value).AsString()
	}
	l.Parameters = parameters
	return l
}

func TestAShellRunsNothingOfAHostileLink(t *testing.T) {
	link, declared, registered := switched()
	link.TemplateURL = hostile().TemplateURL
	for _, command := range []string{must(CreateCommand(hostile())), must(UpdateCommand(link, declared, registered))} {
		for _, arg := range runInShell(t, command) {
			if !utf8.ValidString(arg) || strings.Contains(arg, "uid=") {
				t.Errorf("the shell made %q", arg)
			}
		}
	}
}
