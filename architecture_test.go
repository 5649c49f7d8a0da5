// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// layer is a level of the architecture. Its packages may import packages of the layers before it in
// the list, but neither each other nor those of later layers.
type layer struct {
	name     string
	packages []string // folders under internal/, each with the packages below it
	outside  []string // modules that they may import, besides the standard library
}

// layers lists every package with its layer, the lowest first. It is the only
// list of allowed imports: the tests below check the code with it, and write
// depguard's rules from it.
var layers = []layer{
	{name: "core-values", packages: []string{"account"}},
	{name: "core-formats", packages: []string{"iampolicy", "phonehome", "quickcreate"}},
	{name: "core-domain", packages: []string{"leastpolicy", "onboarding", "permissionset"}},
	{name: "core-template", packages: []string{"stacktemplate"}, outside: []string{goformation, "sigs.k8s.io/yaml"}},
	{name: "core-declaration", packages: []string{"declaration"}},
	{name: "core-launch", packages: []string{"launch"}},

	{name: "sandbox", packages: []string{"sandbox"}, outside: []string{"go.yaml.in/yaml/v3"}},

	{name: "adapter-clients", packages: []string{"awsclient", "outbound"}, outside: aws},
	{name: "adapter-services", packages: []string{"deadletters", "health", "registry", "roleproof", "snscert"}, outside: aws},
	{name: "adapter-events", packages: []string{"events"}, outside: append([]string{"github.com/standard-webhooks/standard-webhooks/libraries"}, aws...)},
	{name: "adapter-hub", packages: []string{"hub"}, outside: aws},
	{name: "adapter-customers", packages: []string{"customers"}, outside: aws},
	{name: "adapter-registrar", packages: []string{"registrar"}, outside: aws},
	{name: "adapter-lambda", packages: []string{"registrar/lambda"}, outside: []string{"github.com/aws/aws-lambda-go"}},
	{name: "adapter-traces", packages: []string{"registrar/traces"}, outside: []string{"go.opentelemetry.io/otel"}},
	{name: "adapter-metrics", packages: []string{"registrar/metrics"}, outside: []string{"github.com/prometheus/client_golang"}},
	{name: "edge-hubview", packages: []string{"provider/hubview"}, outside: []string{"github.com/hashicorp/terraform-plugin-log"}},
	{name: "edge-provider", packages: []string{"provider"}, outside: []string{"github.com/hashicorp/terraform-plugin-"}},
	{name: "edge-generate", packages: []string{"generate"}, outside: []string{"go.yaml.in/yaml/v3"}},
	{name: "edge-api", packages: []string{"api"}, outside: []string{"github.com/coreos/go-oidc/v3", "github.com/danielgtaylor/huma/v2", "github.com/go-jose/go-jose/v4", "github.com/prometheus/client_golang", "golang.org/x/sync", "golang.org/x/time"}},
	{name: "edge-api-lambda", packages: []string{"api/lambda"}, outside: []string{"github.com/aws/aws-lambda-go"}},

	{name: "edge-conformance", packages: []string{"conformance"}, outside: aws},

	{name: "command-line", packages: []string{"cli"}, outside: []string{"github.com/spf13/cobra", "golang.org/x/term", "golang.org/x/text/width"}},

	{name: "test-core", packages: []string{"trial/tfcore"}, outside: []string{
		"github.com/hashicorp/hcl/v2", "github.com/hashicorp/terraform-json", "github.com/hashicorp/terraform-plugin-go", "github.com/mitchellh/go-wordwrap", "github.com/zclconf/go-cty",
	}},
	{name: "test-steps", packages: []string{"trial/steps"}, outside: []string{
		"github.com/google/go-cmp", "github.com/hashicorp/go-hclog", "github.com/hashicorp/go-plugin", "github.com/hashicorp/go-version", "github.com/hashicorp/terraform-json", "github.com/hashicorp/terraform-plugin-",
	}},
	{name: "test-plain-iam", packages: []string{"trial/plainiam"}, outside: append(aws, "github.com/hashicorp/hcl/v2", "github.com/zclconf/go-cty")},
	{name: "test-browser", packages: []string{"trial/browser"}, outside: []string{"github.com/chromedp"}},
	{name: "test-terminal", packages: []string{"trial/terminal"}, outside: []string{"github.com/creack/pty", "github.com/spf13/cobra"}},
	{name: "trial-ground", packages: []string{"trial"}, outside: append(aws, "github.com/spf13/cobra", "mvdan.cc/sh")},
	{name: "test-grounds", packages: []string{"acctest", "e2e"}, outside: append(aws, "sigs.k8s.io/yaml")},
	{name: "commands", packages: []string{"cmd"}, outside: append(aws, "github.com/hashicorp/terraform-plugin-", "github.com/spf13/cobra", "github.com/spf13/pflag", "google.golang.org/")},
}

// standalone names the packages that import no other package of the project. The sandbox encodes and
// decodes AWS's wire formats by itself, so that a mistake of the product cannot cancel out. The common
// part of the command lines uses no AWS, the Terraform Core for tests works with any provider, and the
// tests' browser, terminal and plain IAM do not depend on the product.
var standalone = []string{"sandbox", "cli", "trial/browser", "trial/plainiam", "trial/terminal", "trial/tfcore"}

// forbiddenDeps names packages that a package must not depend on, even indirectly. Names without a dot
// in their first part are packages of the project. Terraform starts the provider several times for each
// command, so it must not load what only the other programs need.
var forbiddenDeps = map[string][]string{
	"internal/provider": {
		"internal/sandbox", "internal/api", "internal/cli", "internal/generate", "internal/registrar/",
		"github.com/aws/aws-lambda-go", "github.com/danielgtaylor/huma", "github.com/prometheus", "github.com/spf13", "go.opentelemetry.io/otel/sdk", "go.opentelemetry.io/otel/exporters", "go.yaml.in/yaml/v3", "gopkg.in/yaml.v3",
		sdkService + "cloudformation", sdkService + "kms",
	},
	"internal/stacktemplate":         {goformation + "/v7/cloudformation/ec2"}, // it brings the types of all other resources
	"internal/cmd/xacct":             simulator,                                // no sandbox, and no way to move its clock
	"internal/cmd/xacct-sandbox":     {"internal/awsclient", "internal/registry", "internal/provider"},
	"internal/cmd/xacct-conformance": simulator,
}

var simulator = []string{"internal/sandbox", "internal/trial", "internal/acctest", "internal/e2e", "internal/cmd/xacct-sandbox", "internal/cmd/trial-registrar"}

const (
	module      = "github.com/xacct/terraform-provider-xacct"
	goformation = "github.com/awslabs/goformation"
	sdkService  = "github.com/aws/aws-sdk-go-v2/service/"
)

var aws = []string{"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go", "github.com/hashicorp/aws-sdk-go-base", "golang.org/x/sync"}

var update = flag.Bool("update", false, "rewrite depguard's rules in .golangci.yml")

// TestEveryPackageIsInALayer fails on a package that is in no row of the table:
// it could import anything.
func TestEveryPackageIsInALayer(t *testing.T) {
	used := map[string]bool{}
	for _, pkg := range listPackages(t) {
		if folder, _ := folderOf(pkg.ImportPath); folder == "" {
			t.Errorf("%s is in no layer: add it to the table layers in architecture_test.go", pkg.ImportPath)
		} else {
			used[folder] = true
		}
	}
	described, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		for _, folder := range l.packages {
			if !used[folder] {
				t.Errorf("folder %s of layer %s has no package", folder, l.name)
			}
			if !strings.Contains(string(described), "`"+folder) {
				t.Errorf("ARCHITECTURE.md does not list package %s", folder)
			}
		}
	}
}

// TestImportsFollowTheLayers fails on every import, outside of tests, that the table
// does not allow.
func TestImportsFollowTheLayers(t *testing.T) {
	for _, pkg := range listPackages(t) {
		folder, _ := folderOf(pkg.ImportPath)
		allowed := allowedFor(folder)
		for _, imported := range pkg.Imports {
			if outsideStandardLibrary(imported) && !slices.ContainsFunc(allowed, func(prefix string) bool { return within(imported, prefix) }) {
				t.Errorf("%s imports %s, which %s may not", pkg.ImportPath, imported, folder)
			}
		}
	}
}

// TestProgramsDependOnlyOnWhatTheyNeed checks everything that a package imports,
// directly or indirectly. A core that imported the SDK through a library would
// not be pure.
func TestProgramsDependOnlyOnWhatTheyNeed(t *testing.T) {
	for _, pkg := range listPackages(t) {
		folder, l := folderOf(pkg.ImportPath)
		none := slices.Clone(forbiddenDeps[strings.TrimPrefix(pkg.ImportPath, module+"/")])
		for i, name := range none {
			if !outsideStandardLibrary(name) {
				none[i] = module + "/" + name
			}
		}
		if strings.HasPrefix(l.name, "core-") || l.name == "sandbox" {
			none = append(none, "github.com/aws/", "github.com/hashicorp/")
		}
		if strings.HasPrefix(l.name, "adapter-") {
			none = append(none, "github.com/hashicorp/terraform-plugin-framework", "github.com/hashicorp/terraform-plugin-go")
		}
		for _, dep := range pkg.Deps {
			for _, prefix := range none {
				if within(dep, prefix) {
					t.Errorf("%s (of %s) depends on %s", pkg.ImportPath, folder, dep)
				}
			}
		}
	}
}

// codeInText finds, in a document, the names of Go files (`hub/admit.go`, `_plan.go` for the
// end of a name, `decide*.go`) and identifiers of packages (`hub.SharedTopicError`).
var codeInText = regexp.MustCompile("`((?:[a-z]\\w*/)*[\\w*]+\\.go|[a-z]+(?:\\.[A-Z]\\w*)+)`")

func TestTheDocumentsNameCodeThatExists(t *testing.T) {
	t.Parallel()
	var files []string
	declared := map[string]bool{}
	name := regexp.MustCompile(`(?m)^(?:func (?:\([^)]*\) )?|type |\t)([A-Z]\w*)`)
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) != ".go" || err != nil {
			return err
		}
		files = append(files, filepath.ToSlash(path))
		text, err := os.ReadFile(path)
		for _, found := range name.FindAllSubmatch(text, -1) {
			declared[string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	exists := func(code string) bool {
		if !strings.HasSuffix(code, ".go") {
			return declared[code[strings.LastIndexByte(code, '.')+1:]]
		}
		before := `(^|/)`
		if strings.HasPrefix(code, "_") {
			before = `\w`
		}
		end := regexp.MustCompile(before + strings.ReplaceAll(regexp.QuoteMeta(code), `\*`, `\w*`) + `$`)
		return slices.ContainsFunc(files, end.MatchString)
	}
	for _, document := range []string{"ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "README.md"} {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range codeInText.FindAllSubmatch(text, -1) {
			if code := string(found[1]); !exists(code) {
				t.Errorf("%s names %s, which does not exist", document, code)
			}
		}
	}
}

// TestDepguardIsWrittenFromTheLayers compares the rules that golangci-lint
// checks in an editor with the table. `go test . -run Depguard -update` writes
// them.
func TestDepguardIsWrittenFromTheLayers(t *testing.T) {
	const file, begin, end = ".golangci.yml", "      # BEGIN: written by `go test . -run Depguard -update`\n", "      # END\n"
	config, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(config), begin)
	rules, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no part between %q and %q", file, begin, end)
	}
	wanted := depguardRules()
	if rules == wanted {
		return
	}
	if !*update {
		t.Fatalf("depguard's rules in %s are not those of the table layers: run `go test . -run Depguard -update`", file)
	}
	if err := os.WriteFile(file, []byte(before+begin+wanted+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func depguardRules() string {
	var b strings.Builder
	b.WriteString("      rules:\n")
	for _, l := range layers {
		for _, folder := range l.packages {
			fmt.Fprintf(&b, "        %s:\n          list-mode: strict\n          files: [\"**/internal/%s/**\", \"!$test\"", strings.ReplaceAll(folder, "/", "-"), folder)
			for _, inner := range foldersBelow(folder) {
				fmt.Fprintf(&b, ", \"!**/internal/%s/**\"", inner)
			}
			b.WriteString("]\n          allow:\n            - $gostd\n")
			for _, prefix := range allowedFor(folder) {
				fmt.Fprintf(&b, "            - %s\n", prefix)
			}
		}
	}
	return b.String()
}

// allowedFor returns what the packages of a folder may import, as prefixes of import paths: the
// modules of its layer, itself, and all folders of the layers below.
func allowedFor(folder string) []string {
	var below []string
	for _, l := range layers {
		if !slices.Contains(l.packages, folder) {
			for _, other := range l.packages {
				below = append(below, module+"/internal/"+other)
			}
			continue
		}
		if slices.Contains(standalone, folder) {
			below = nil
		}
		return append(append(slices.Clone(l.outside), below...), module+"/internal/"+folder)
	}
	return nil
}

// folderOf returns the innermost folder that contains a package, and the folder's
// layer; both are zero if there is none.
func folderOf(importPath string) (string, layer) {
	name, best, on := strings.TrimPrefix(importPath, module+"/internal/"), "", layer{}
	for _, l := range layers {
		for _, folder := range l.packages {
			if (name == folder || strings.HasPrefix(name, folder+"/")) && len(folder) > len(best) {
				best, on = folder, l
			}
		}
	}
	return best, on
}

// foldersBelow returns the listed folders inside a folder.
func foldersBelow(folder string) []string {
	var inner []string
	for _, l := range layers {
		for _, other := range l.packages {
			if strings.HasPrefix(other, folder+"/") {
				inner = append(inner, other)
			}
		}
	}
	return inner
}

// within reports whether a package is the named one or below it; a name that
// ends in - or / matches every name with that prefix.
func within(dep, prefix string) bool {
	rest, found := strings.CutPrefix(dep, prefix)
	return found && (rest == "" || rest[0] == '/' || strings.HasSuffix(prefix, "-") || strings.HasSuffix(prefix, "/"))
}

func outsideStandardLibrary(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return strings.Contains(first, ".")
}

type listedPackage struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	packages, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

// listed runs go list, once. It first reads every source file, because go test
// reuses a cached result unless a file that the test has read has changed, and
// does not see what go list reads.
var listed = sync.OnceValues(func() ([]listedPackage, error) {
	err := filepath.WalkDir("internal", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./internal/...").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var packages []listedPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var pkg listedPackage
		if err := decoder.Decode(&pkg); err != nil {
			return nil, err
		}
		packages = append(packages, pkg)
	}
	if len(packages) == 0 {
		return nil, errors.New("go list found no packages")
	}
	return packages, nil
})
