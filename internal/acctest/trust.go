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

// trusted has the root certificates of all sandboxes of this process, in one file
// that AWS_CA_BUNDLE names: the variable is shared by all tests, which run in
// parallel.
var trusted struct {
	mu    sync.Mutex
	roots []byte
}

// Trust makes everything in this process trust the signatures of a sandbox.
// Call it before the AWS clients for that sandbox are created. The file is in
// the folder of Main.
func Trust(t testing.TB, box *sandbox.Sandbox) {
	t.Helper()
	root, err := box.SigningCA()
	if err != nil {
		t.Fatal(err)
	}
	folder := os.Getenv(folderVariable)
	if folder == "" {
		t.Fatal("the package's TestMain must call acctest.Main")
	}
	trusted.mu.Lock()
	defer trusted.mu.Unlock()
	trusted.roots = append(trusted.roots, root...)
	bundle := filepath.Join(folder, "roots.pem")
	// The file is renamed into place, so that readers never find a partial one.
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
