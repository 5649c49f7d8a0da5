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
	"slices"
	"strings"
	"sync"
	"testing"
)

// A layer is one level of the architecture: its packages may import packages of
// the layers above it in the list, never each other and never one further down.
type layer struct {
	name    string
	rooms   []string // packages under internal/, each with the packages below it
	outside []string // modules that they may import, besides the standard library
}

// house lists every package with its layer, the lowest first. It is the only
// list of allowed imports: the tests below check the code with it, and write
// depguard's rules from it.
var house = []layer{
	{name: "core-values", rooms: []string{"account"}},
	{name: "core-formats", rooms: []string{"iampolicy", "phonehome", "quickcreate"}},
	{name: "core-domain", rooms: []string{"leastpolicy", "onboarding", "permissionset"}},
	{name: "core-template", rooms: []string{"stacktemplate"}, outside: []string{goformation, "sigs.k8s.io/yaml"}},
	{name: "core-declaration", rooms: []string{"declaration"}},
	{name: "core-launch", rooms: []string{"launch"}},

	{name: "sandbox", rooms: []string{"sandbox"}, outside: []string{"go.yaml.in/yaml/v3"}},

	{name: "adapter-clients", rooms: []string{"awsclient", "outbound"}, outside: aws},
	{name: "adapter-services", rooms: []string{"deadletters", "events", "health", "registry", "roleproof", "snscert"}, outside: aws},
	{name: "adapter-hub", rooms: []string{"hub"}, outside: aws},
	{name: "adapter-customers", rooms: []string{"customers"}, outside: aws},
	{name: "adapter-registrar", rooms: []string{"registrar"}, outside: aws},
	{name: "adapter-lambda", rooms: []string{"registrar/lambda"}, outside: []string{"github.com/aws/aws-lambda-go"}},
	{name: "adapter-traces", rooms: []string{"registrar/traces"}, outside: []string{"go.opentelemetry.io/otel"}},
	{name: "adapter-metrics", rooms: []string{"registrar/metrics"}, outside: []string{"github.com/prometheus/client_golang"}},
	{name: "edge-hubview", rooms: []string{"provider/hubview"}, outside: []string{"github.com/hashicorp/terraform-plugin-log"}},
	{name: "edge-provider", rooms: []string{"provider"}, outside: []string{"github.com/hashicorp/terraform-plugin-"}},
	{name: "edge-generate", rooms: []string{"generate"}, outside: []string{"go.yaml.in/yaml/v3"}},
	{name: "edge-api", rooms: []string{"api"}, outside: []string{"github.com/coreos/go-oidc/v3", "github.com/danielgtaylor/huma/v2", "github.com/go-jose/go-jose/v4", "github.com/prometheus/client_golang", "golang.org/x/sync", "golang.org/x/time"}},
	{name: "edge-api-lambda", rooms: []string{"api/lambda"}, outside: []string{"github.com/aws/aws-lambda-go"}},

	{name: "edge-conformance", rooms: []string{"conformance"}, outside: aws},

	{name: "command-line", rooms: []string{"cli"}, outside: []string{"github.com/spf13/cobra", "golang.org/x/term"}},

	{name: "test-core", rooms: []string{"trial/tfcore"}, outside: []string{
		"github.com/hashicorp/hcl/v2", "github.com/hashicorp/terraform-json", "github.com/hashicorp/terraform-plugin-go", "github.com/mitchellh/go-wordwrap", "github.com/zclconf/go-cty",
	}},
	{name: "test-steps", rooms: []string{"trial/steps"}, outside: []string{
		"github.com/google/go-cmp", "github.com/hashicorp/go-hclog", "github.com/hashicorp/go-plugin", "github.com/hashicorp/go-version", "github.com/hashicorp/terraform-json", "github.com/hashicorp/terraform-plugin-",
	}},
	{name: "test-plain-iam", rooms: []string{"trial/plainiam"}, outside: append(aws, "github.com/hashicorp/hcl/v2", "github.com/zclconf/go-cty")},
	{name: "test-browser", rooms: []string{"trial/browser"}, outside: []string{"github.com/chromedp"}},
	{name: "trial-ground", rooms: []string{"trial"}, outside: append(aws, "github.com/spf13/cobra", "mvdan.cc/sh")},
	{name: "test-grounds", rooms: []string{"acctest", "e2e"}, outside: append(aws, "sigs.k8s.io/yaml")},
	{name: "commands", rooms: []string{"cmd"}, outside: append(aws, "github.com/hashicorp/terraform-plugin-", "github.com/spf13/cobra", "github.com/spf13/pflag", "google.golang.org/")},
}

// standalone names the packages that import no other package of the project at
// all. The sandbox encodes and decodes AWS's wire formats by itself, so that a
// mistake of the product cannot cancel out; a command line without AWS contains
// none of it; a Terraform Core for tests works with any provider, and
// what makes a customer's plain IAM resources knows nothing of how they were written.
var standalone = []string{"sandbox", "cli", "trial/browser", "trial/plainiam", "trial/tfcore"}

// carriesNone names what a package must not contain, even indirectly: packages of
// the project, and others, which have a dot in the first part of their path.
// Terraform starts the provider several times for each command, so it does not load
// what only the other programs need.
var carriesNone = map[string][]string{
	"internal/provider": {
		"internal/sandbox", "internal/api", "internal/cli", "internal/generate", "internal/registrar/",
		"github.com/aws/aws-lambda-go", "github.com/danielgtaylor/huma", "github.com/prometheus", "github.com/spf13", "go.opentelemetry.io/otel/sdk", "go.opentelemetry.io/otel/exporters", "go.yaml.in/yaml/v3", "gopkg.in/yaml.v3",
		sdkService + "cloudformation", sdkService + "kms",
	},
	"internal/stacktemplate":         {goformation + "/v7/cloudformation/ec2"}, // with it come the types of all other resources
	"internal/cmd/xacct":             simulator,                                // nor a way to move its clock
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

var update = flag.Bool("update", false, "write depguard's rules in .golangci.yml anew")

// TestEveryPackageIsInARoom fails on a package that is in no row of the table:
// it could import anything.
func TestEveryPackageIsInARoom(t *testing.T) {
	used := map[string]bool{}
	for _, pkg := range listPackages(t) {
		if room, _ := roomOf(pkg.ImportPath); room == "" {
			t.Errorf("%s is in no layer: add it to the table house in architecture_test.go", pkg.ImportPath)
		} else {
			used[room] = true
		}
	}
	described, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, floor := range house {
		for _, room := range floor.rooms {
			if !used[room] {
				t.Errorf("room %s of layer %s has no package", room, floor.name)
			}
			if !strings.Contains(string(described), "`"+room) {
				t.Errorf("ARCHITECTURE.md does not say what room %s holds", room)
			}
		}
	}
}

// TestArrowsPointDown fails on every import, outside of tests, that the table
// does not allow.
func TestArrowsPointDown(t *testing.T) {
	for _, pkg := range listPackages(t) {
		room, _ := roomOf(pkg.ImportPath)
		allowed := allowedFor(room)
		for _, imported := range pkg.Imports {
			if outsideStandardLibrary(imported) && !slices.ContainsFunc(allowed, func(prefix string) bool { return within(imported, prefix) }) {
				t.Errorf("%s imports %s, and room %s may not", pkg.ImportPath, imported, room)
			}
		}
	}
}

// TestProgramsCarryOnlyWhatTheyNeed checks everything that a package imports,
// directly or indirectly. A core that imported the SDK through a library would
// not be pure.
func TestProgramsCarryOnlyWhatTheyNeed(t *testing.T) {
	for _, pkg := range listPackages(t) {
		room, floor := roomOf(pkg.ImportPath)
		none := slices.Clone(carriesNone[strings.TrimPrefix(pkg.ImportPath, module+"/")])
		for i, name := range none {
			if !outsideStandardLibrary(name) {
				none[i] = module + "/" + name
			}
		}
		if strings.HasPrefix(floor.name, "core-") || floor.name == "sandbox" {
			none = append(none, "github.com/aws/", "github.com/hashicorp/")
		}
		if strings.HasPrefix(floor.name, "adapter-") {
			none = append(none, "github.com/hashicorp/terraform-plugin-framework", "github.com/hashicorp/terraform-plugin-go")
		}
		for _, dep := range pkg.Deps {
			for _, prefix := range none {
				if within(dep, prefix) {
					t.Errorf("%s (room %s) carries %s", pkg.ImportPath, room, dep)
				}
			}
		}
	}
}

// TestDepguardIsWrittenFromTheHouse compares the rules that golangci-lint
// checks in an editor with the table. `go test . -run Depguard -update` writes
// them.
func TestDepguardIsWrittenFromTheHouse(t *testing.T) {
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
		t.Fatalf("depguard's rules in %s are not those of the table house: run `go test . -run Depguard -update`", file)
	}
	if err := os.WriteFile(file, []byte(before+begin+wanted+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func depguardRules() string {
	var b strings.Builder
	b.WriteString("      rules:\n")
	for _, floor := range house {
		for _, room := range floor.rooms {
			fmt.Fprintf(&b, "        %s:\n          list-mode: strict\n          files: [\"**/internal/%s/**\", \"!$test\"", strings.ReplaceAll(room, "/", "-"), room)
			for _, inner := range roomsBelow(room) {
				fmt.Fprintf(&b, ", \"!**/internal/%s/**\"", inner)
			}
			b.WriteString("]\n          allow:\n            - $gostd\n")
			for _, prefix := range allowedFor(room) {
				fmt.Fprintf(&b, "            - %s\n", prefix)
			}
		}
	}
	return b.String()
}

// allowedFor returns what a room may import, as prefixes of import paths: the
// modules of its layer, itself, and all rooms of the layers below.
func allowedFor(room string) []string {
	var below []string
	for _, floor := range house {
		if !slices.Contains(floor.rooms, room) {
			for _, other := range floor.rooms {
				below = append(below, module+"/internal/"+other)
			}
			continue
		}
		if slices.Contains(standalone, room) {
			below = nil
		}
		return append(append(slices.Clone(floor.outside), below...), module+"/internal/"+room)
	}
	return nil
}

// roomOf returns the innermost room that contains a package, and the room's
// layer; both are zero if there is none.
func roomOf(importPath string) (string, layer) {
	name, best, on := strings.TrimPrefix(importPath, module+"/internal/"), "", layer{}
	for _, floor := range house {
		for _, room := range floor.rooms {
			if (name == room || strings.HasPrefix(name, room+"/")) && len(room) > len(best) {
				best, on = room, floor
			}
		}
	}
	return best, on
}

// roomsBelow returns the rooms whose folders are inside a room's folder.
func roomsBelow(room string) []string {
	var inner []string
	for _, floor := range house {
		for _, other := range floor.rooms {
			if strings.HasPrefix(other, room+"/") {
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
