// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package acctest sets up acceptance tests: an engine (Terraform or OpenTofu),
// a separate sandbox for each test, the provider block that points to it, and
// customers who launch links while an apply waits.
//
// It is only for tests. It imports the adapters, but not the provider, which the
// tests pass to it.
package acctest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/trial"
)

// Main runs a package's tests in an environment that the engine needs, so that a
// plain "go test" runs acceptance tests.
func Main(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "xacct-acctest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := prepare(folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// prepare sets the environment of the engine and of the SDK, so that no setting of
// the developer's machine affects a test, and no program uses the network.
func prepare(folder string) error {
	for _, setting := range os.Environ() {
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "AWS_") {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	rc := filepath.Join(folder, "terraformrc")
	if err := os.WriteFile(rc, []byte("disable_checkpoint = true\n"), 0o600); err != nil {
		return err
	}
	settings := map[string]string{
		"TF_ACC":                      "1",
		"TF_CLI_CONFIG_FILE":          rc, // the test library fails if the named file does not exist
		"CHECKPOINT_DISABLE":          "1",
		folderVariable:                folder,
		"AWS_EC2_METADATA_DISABLED":   "true",
		"AWS_CONFIG_FILE":             filepath.Join(folder, "none"),
		"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(folder, "none"),
	}
	// Unit tests run without an engine; acceptance tests then fail in Start.
	if engine, err := trial.Engine(); err == nil {
		settings["TF_ACC_TERRAFORM_PATH"] = engine
		if strings.Contains(filepath.Base(engine), "tofu") {
			settings["TF_ACC_PROVIDER_HOST"] = "registry.opentofu.org"
		}
	}
	for name, value := range settings {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}

// folderVariable is the environment variable that passes the folder from Main
// to Start.
const folderVariable = "XACCT_TEST_FOLDER"

// Engine returns the engine to run with. Each test reads it from the
// environment, so that go test does not reuse the results of one engine for
// another.
func Engine(t testing.TB) string {
	t.Helper()
	found, err := trial.Engine()
	if err != nil {
		t.Fatal(err)
	}
	return found
}
