// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/xacct/terraform-provider-xacct/internal/trial/snippets"
	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// TestEveryConfigurationInTheDocsIsValid validates the configurations in the docs as
// `terraform validate` would. Parts of a configuration are completed first.
func TestEveryConfigurationInTheDocsIsValid(t *testing.T) {
	t.Parallel()
	all, err := snippets.All("../..")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, s := range all {
		if s.Language == "terraform" {
			found++
			validate(t, s.String(), s.Text)
		}
	}
	if found < 5 {
		t.Errorf("only %d configurations were found", found)
	}
}

// TestEveryExampleIsValid validates every folder of examples as a root module.
func TestEveryExampleIsValid(t *testing.T) {
	t.Parallel()
	folders := map[string]string{}
	err := filepath.WalkDir("../../examples", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".tf" && !strings.HasSuffix(path, ".tfquery.hcl") {
			return err
		}
		text, err := os.ReadFile(path)
		folders[filepath.Dir(path)] += string(text) + "\n"
		return err
	})
	if err != nil || len(folders) < 10 {
		t.Fatal(len(folders), err)
	}
	for folder, text := range folders {
		validate(t, folder, text)
	}
}

// TestTheFirstPagesAreCompleteConfigurations validates what a newcomer copies from the
// README and from the provider's index page, without completing it.
func TestTheFirstPagesAreCompleteConfigurations(t *testing.T) {
	t.Parallel()
	all, err := snippets.All("../..")
	if err != nil {
		t.Fatal(err)
	}
	copies := map[string]string{}
	for _, s := range all {
		if s.File == "README.md" && s.Language == "terraform" {
			copies[s.File] += s.Text
		}
	}
	index, err := os.ReadFile("../../templates/index.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`tffile "(examples/quickstart/[^"]+)"`).FindAllStringSubmatch(string(index), -1) {
		text, err := os.ReadFile(filepath.Join("../..", found[1]))
		if err != nil {
			t.Fatal(err)
		}
		copies["index.md"] += string(text) + "\n"
	}
	if len(copies) != 2 {
		t.Fatalf("found the pages %v", slices.Collect(maps.Keys(copies)))
	}
	for page, text := range copies {
		if !strings.Contains(text, `source = "xacct/xacct"`) {
			t.Errorf("%s: Terraform would look for hashicorp/xacct", page)
		}
		for _, d := range inProcess.Validate(t.Context(), text, tfcore.Options{}).Errors() {
			t.Errorf("%s: %s\n%s", page, d.Summary, d.Detail)
		}
	}
}

func TestAMistakeInADocumentIsFound(t *testing.T) {
	t.Parallel()
	for mistake, text := range map[string]string{
		"misspelt argument":     `resource "xacct_hub" "a" { nam = "acme" }`,
		"missing argument":      `resource "xacct_onboarding_link" "a" { hub = xacct_hub.this.id }`,
		"refused value":         `resource "xacct_hub" "a" { name = "UPPER" }`,
		"misspelt attribute":    `output "a" { value = xacct_hub.this.ids }`,
		"no such resource":      `resource "xacct_hubs" "a" {}`,
		"no such function":      `output "a" { value = provider::xacct::link("x") }`,
		"nested, misspelt":      `resource "xacct_onboarding_link" "a" { hub = xacct_hub.this.id` + "\n" + `customer_id = "a"` + "\n" + `role = { polices = {} } }`,
		"argument and block":    `regions = ["us-east-1"]` + "\n" + `output "a" { value = 1 }`,
		"argument, no function": `regions = provider::xacct::regions()`,
		"provider's, misspelt":  `provider "xacct" { regoin = "us-east-1" }`,
		"action, misspelt":      `action "xacct_verify_roles" "a" { config { hubb = "acme" } }`,
		"action, no such":       `action "xacct_verify" "a" { config { hub = "acme" } }`,
		"list, refused value":   `list "xacct_customer_role" "a" { config { hub = "acme"` + "\n" + `status = "gone" } }`,
		"undeclared action":     `resource "xacct_hub" "a" { name = "acme"` + "\n" + `lifecycle { action_trigger { events = [after_create]` + "\n" + `actions = [action.xacct_verify_roles.a] } } }`,
		"unknown import":        `import { to = xacct_nothing.a` + "\n" + `id = "a" }`,
	} {
		configuration, variables := complete(text)
		if !inProcess.Validate(t.Context(), configuration, tfcore.Options{Variables: variables}).HasErrors() {
			t.Errorf("%s: no error in %s", mistake, configuration)
		}
	}
}

func validate(t *testing.T, place, text string) {
	t.Helper()
	configuration, variables := complete(text)
	for _, d := range inProcess.Validate(t.Context(), configuration, tfcore.Options{Variables: variables}).Errors() {
		t.Errorf("%s: %s\n%s\nin\n%s", place, d.Summary, d.Detail, configuration)
	}
}

// stubs are the arguments of resources and data sources that a snippet refers to but
// does not declare.
var stubs = map[string]string{
	"xacct_hub":                 `name = "acme"`,
	"xacct_permission_set":      "hub = \"acme\"\nname = \"readonly\"",
	"data.xacct_permission_set": "hub = \"acme\"\nname = \"readonly\"",
	"xacct_fleet":               "hub = \"acme\"\nname = \"main\"\npermission_set = \"acme/readonly\"\ncustomers = { globex = \"222222222222\" }",
	"xacct_onboarding_link":     "hub = \"acme\"\ncustomer_id = \"globex\"\naccount_id = \"222222222222\"\nrole = {}",
	"xacct_customer_role":       `link = "acme/globex"`,
	"data.xacct_hub":            `name = "acme"`,
	"data.xacct_customer_role":  "hub = \"acme\"\ncustomer_id = \"globex\"",
	"data.xacct_customer_roles": `hub = "acme"`,
}

// outside is a variable that replaces every reference to something that is not this
// provider's. Its value is unknown.
const outside = "var.outside"

// part is a snippet that is being completed.
type part struct {
	source    string
	whole     bool // it has required_providers, so no stub is added
	cuts      []cut
	declared  map[string]bool
	needed    map[string]string // stubs to add, by address
	variables map[string]cty.Value
}

// cut is a range of the source that is replaced.
type cut struct {
	from, to int
	by       string
}

// complete returns a root module made of a snippet, and its variables. Blocks of other
// providers are removed, and references to them are unknown. Undeclared references get
// a declaration. A snippet with only arguments becomes a locals block. A snippet with
// syntax errors is returned unchanged.
func complete(source string) (string, map[string]cty.Value) {
	file, found := hclsyntax.ParseConfig([]byte(source), "part.tf", hcl.InitialPos)
	if found.HasErrors() {
		return source, nil
	}
	if body := file.Body.(*hclsyntax.Body); len(body.Blocks) == 0 && len(body.Attributes) > 0 {
		return complete("locals {\n" + source + "}\n") // arguments without their block
	}
	p := part{source: source, whole: strings.Contains(source, "required_providers"), declared: map[string]bool{}, needed: map[string]string{}, variables: map[string]cty.Value{"outside": cty.DynamicVal}}
	body := file.Body.(*hclsyntax.Body)
	for _, b := range body.Blocks {
		p.declare(b)
	}
	for _, b := range body.Blocks {
		if kept(b) {
			p.follow(b.Body)
		} else {
			p.cuts = append(p.cuts, cut{b.Range().Start.Byte, b.CloseBraceRange.End.Byte, ""})
		}
	}
	return p.write(), p.variables
}

// kept reports whether a block is validated.
func kept(b *hclsyntax.Block) bool {
	switch b.Type {
	case "provider":
		return b.Labels[0] == "xacct"
	case "resource", "data", "ephemeral", "action", "list":
		return strings.HasPrefix(b.Labels[0], "xacct_") || b.Labels[0] == "terraform_data"
	case "import":
		return b.Body.Attributes["for_each"] == nil // not implemented by the in-process Terraform Core
	case "module", "check", "mock_provider", "run": // the last two belong to terraform test: see TestAModuleIsTestedWithTheShippedMock
		return false
	}
	return true
}

func (p *part) declare(b *hclsyntax.Block) {
	switch b.Type {
	case "resource":
		p.declared[strings.Join(b.Labels, ".")] = true
	case "data", "ephemeral":
		p.declared[b.Type+"."+strings.Join(b.Labels, ".")] = true
	case "variable":
		p.declared["var."+b.Labels[0]] = true
		if _, given := b.Body.Attributes["default"]; !given {
			p.variables[b.Labels[0]] = cty.DynamicVal
		}
	case "locals":
		for name := range b.Body.Attributes {
			p.declared["local."+name] = true
		}
	}
}

func (p *part) follow(body *hclsyntax.Body) {
	for _, a := range body.Attributes {
		for _, t := range a.Expr.Variables() {
			p.refer(t)
		}
	}
	for _, b := range body.Blocks {
		p.follow(b.Body)
	}
}

// refer adds a declaration for a reference that has none.
func (p *part) refer(t hcl.Traversal) {
	names := []string{t.RootName()}
	for _, step := range t[1:] {
		if attribute, ok := step.(hcl.TraverseAttr); ok {
			names = append(names, attribute.Name)
		} else {
			break
		}
	}
	length := 2
	if names[0] == "data" || names[0] == "ephemeral" {
		length = 3
	}
	if len(names) < length {
		return // each, count, path, or an error
	}
	address := strings.Join(names[:length], ".")
	typ, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(address, "data."), "ephemeral."), ".")
	switch {
	case p.declared[address] && (kept(&hclsyntax.Block{Type: "resource", Labels: []string{typ}}) || typ == "var" || typ == "local"):
	case slices.Contains([]string{"each", "count", "path", "terraform", "self", "action"}, typ):
	case typ == "var":
		p.variables[names[1]] = cty.DynamicVal
		p.need(address, fmt.Sprintf("variable %q {}", names[1]))
	case strings.HasPrefix(typ, "xacct_"):
		p.stub(address, typ, t[length:])
	default:
		p.cuts = append(p.cuts, cut{t.SourceRange().Start.Byte, t.SourceRange().End.Byte, outside})
	}
}

// stub declares a resource, with for_each if the reference is to all its instances or has
// a key.
func (p *part) stub(address, typ string, rest hcl.Traversal) {
	mode, name := "resource", address[strings.LastIndex(address, ".")+1:]
	if strings.HasPrefix(address, "data.") {
		mode, typ = "data", "data."+typ
	}
	body, known := stubs[typ]
	if !known {
		return // validation reports the undeclared reference
	}
	many := ""
	if len(rest) == 0 || isIndex(rest[0]) {
		many = "for_each = " + outside + "\n"
	}
	if len(p.needed[address]) == 0 || many != "" {
		p.need(address, fmt.Sprintf("%s %q %q {\n%s%s\n}", mode, strings.TrimPrefix(typ, "data."), name, many, body))
	}
}

func isIndex(step hcl.Traverser) bool {
	_, is := step.(hcl.TraverseIndex)
	return is
}

func (p *part) need(address, text string) {
	if !p.whole {
		p.needed[address] = text
	}
}

func (p *part) write() string {
	slices.SortFunc(p.cuts, func(a, b cut) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for _, c := range p.cuts {
		b.WriteString(p.source[at:c.from] + c.by)
		at = c.to
	}
	b.WriteString(p.source[at:] + "\nvariable \"outside\" {}\n")
	for _, text := range p.needed {
		b.WriteString(text + "\n")
	}
	return b.String()
}
