// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// trusted are the roots of all sandboxes of this process, in one file that
// AWS_CA_BUNDLE names: the variable is the process's, and the tests run side by
// side.
var trusted struct {
	mu    sync.Mutex
	roots []byte
}

// Trust lets everything in this process believe in the signatures of a sandbox.
// It has to be called before the AWS clients are made that go there. The file
// is in the folder of Main.
func Trust(t testing.TB, box *sandbox.Sandbox) {
	t.Helper()
	root, err := box.SigningCA()
	if err != nil {
		t.Fatal(err)
	}
	folder := os.Getenv(folderVariable)
	if folder == "" {
		t.Fatal("acctest.Main has to run the tests of this package")
	}
	trusted.mu.Lock()
	defer trusted.mu.Unlock()
	trusted.roots = append(trusted.roots, root...)
	bundle := filepath.Join(folder, "roots.pem")
	// Renamed into its place, so that whoever reads it finds it whole.
	if err := os.WriteFile(bundle+".new", trusted.roots, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(bundle+".new", bundle); err != nil {
		t.Fatal(err)
	}
	if err := os.Setenv("AWS_CA_BUNDLE", bundle); err != nil {
		t.Fatal(err)
	}
}
