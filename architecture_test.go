// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

const internalPath = "github.com/xacct/terraform-provider-xacct/internal/"

// TestArrowsPointOneWay holds the arrows of ARCHITECTURE.md over everything
// that a package pulls in, however far away: edges -> adapters -> core.
func TestArrowsPointOneWay(t *testing.T) {
	core := []string{"account", "iampolicy", "stacktemplate", "quickcreate", "phonehome", "onboarding", "declaration", "launch", "leastpolicy"}
	adapters := []string{"awsclient", "registry", "hub", "roleproof", "registrar", "health", "deadletters", "outbound", "snscert", "events"}
	edges := []string{"provider", "generate", "acctest", "e2e", "sandbox", "cmd"}

	sdk := "github.com/aws/"
	framework := "github.com/hashicorp/terraform-plugin-"

	forbidden := map[string][]string{}
	for _, name := range core {
		forbidden[name] = append(prefixed(adapters, edges), sdk, "github.com/hashicorp/")
	}
	for _, name := range adapters {
		forbidden[name] = append(prefixed(edges), framework)
	}
	forbidden["sandbox"] = append(prefixed(core, adapters, []string{"provider", "acctest", "cmd"}), sdk, framework)
	forbidden["provider"] = prefixed([]string{"sandbox", "acctest", "cmd"})

	for _, pkg := range listPackages(t) {
		room, _, _ := strings.Cut(strings.TrimPrefix(pkg.ImportPath, internalPath), "/")
		for _, dep := range pkg.Deps {
			for _, prefix := range forbidden[room] {
				if within(dep, prefix) && !within(dep, logging) {
					t.Errorf("%s must not depend on %s", pkg.ImportPath, dep)
				}
			}
		}
		for _, imported := range pkg.Imports {
			if room != "stacktemplate" && strings.HasPrefix(imported, "github.com/awslabs/goformation") {
				t.Errorf("%s must not import goformation: only stacktemplate knows it", pkg.ImportPath)
			}
		}
	}
}

// logging is the one piece of the plugin framework that may come in below the
// provider: aws-sdk-go-base, which reads AWS configuration, logs with it.
const logging = "github.com/hashicorp/terraform-plugin-log"

// within reports whether a package is the named one, one below it, or, where
// the name ends in - or /, any that begins like it.
func within(dep, prefix string) bool {
	rest, found := strings.CutPrefix(dep, prefix)
	return found && (rest == "" || rest[0] == '/' || strings.HasSuffix(prefix, "-") || strings.HasSuffix(prefix, "/"))
}

func prefixed(lists ...[]string) []string {
	var all []string
	for _, list := range lists {
		for _, name := range list {
			all = append(all, internalPath+name)
		}
	}
	return all
}

type listedPackage struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./internal/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listedPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var pkg listedPackage
		if err := decoder.Decode(&pkg); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, pkg)
	}
	if len(packages) == 0 {
		t.Fatal("go list found no packages")
	}
	return packages
}
