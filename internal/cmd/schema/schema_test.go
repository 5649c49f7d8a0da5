// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xacct/terraform-provider-xacct/internal/acctest"
	"github.com/xacct/terraform-provider-xacct/internal/trial/steps"
)

// TestTheSchemasAreThoseThatTerraformPrints compares the whole output, except for the
// kinds that older engines don't know.
func TestTheSchemasAreThoseThatTerraformPrints(t *testing.T) {
	if os.Getenv("XACCT_STEPS") != "engine" {
		t.Skip("only with an engine: make test-terraform, make test-terraform-1.16")
	}
	engine := acctest.Engine(t)
	folder := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(folder, "bin", "terraform-provider-xacct"), "github.com/xacct/terraform-provider-xacct")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	settings, source := filepath.Join(folder, "settings"), "registry.terraform.io/xacct/xacct"
	for path, text := range map[string]string{
		settings:                         "provider_installation {\n  dev_overrides { \"" + source + "\" = \"" + filepath.Join(folder, "bin") + "\" }\n  direct {}\n}\n",
		filepath.Join(folder, "main.tf"): "terraform {\n  required_providers {\n    xacct = { source = \"" + source + "\" }\n  }\n}\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), engine, "-chdir="+folder, "providers", "schema", "-json") //nolint:gosec // the engine that the tests are for
	command.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+settings)
	printed, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	ours, err := schemas(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, got := decoded(t, printed)[source], decoded(t, ours)[name]
	if !steps.AtLeast(t, engine, "1.14.0") || want["action_schemas"] == nil {
		delete(got, "action_schemas")
		delete(got, "list_resource_schemas")
	}
	if !steps.AtLeast(t, engine, "1.12.0") {
		delete(got, "resource_identity_schemas")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the engine prints and what documentation is generated from differ (-engine +ours):\n%s", diff)
	}
}

func decoded(t *testing.T, text []byte) map[string]map[string]any {
	t.Helper()
	var all struct {
		Schemas map[string]map[string]any `json:"provider_schemas"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all.Schemas
}

func TestListResourcesAndActionsAreInTheSchemas(t *testing.T) {
	t.Parallel()
	text, err := schemas(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for kind, least := range map[string]int{"resource_schemas": 5, "data_source_schemas": 5, "list_resource_schemas": 4, "action_schemas": 5, "functions": 8, "resource_identity_schemas": 5} {
		some, _ := decoded(t, text)[name][kind].(map[string]any)
		if len(some) < least {
			t.Errorf("%s are %d, want %d at least", kind, len(some), least)
		}
	}
}
