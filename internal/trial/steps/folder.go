// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package steps

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/trial/tfcore"
)

// Folder is the working directory of an engine, for commands that steps do not have,
// such as terraform query.
type Folder struct{ in *folder }

// OpenFolder returns an empty folder of an engine with these providers.
func OpenFolder(t *testing.T, binary string, servers map[string]tfcore.Factory) *Folder {
	t.Helper()
	return &Folder{&folder{engine{binary, servers}, t, t.TempDir()}}
}

// Configure writes the configuration and its required_providers block.
func (f *Folder) Configure(config string) error { return f.in.configured(config) }

// Write writes another file; its name may contain folders.
func (f *Folder) Write(name, text string) error {
	path := filepath.Join(f.in.path, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// Run runs a command to its end and returns its standard output. An error contains
// its standard error.
func (f *Folder) Run(ctx context.Context, arguments ...string) (string, error) {
	return f.in.run(ctx, arguments...)
}
