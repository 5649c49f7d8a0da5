// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package trial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build builds programs of the repository into a folder, each under its own
// name: "." is terraform-provider-xacct, "./internal/cmd/xacct" is xacct.
func Build(ctx context.Context, folder string, packages ...string) error {
	root, err := Repository(ctx)
	if err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", append([]string{"build", "-o", folder + string(filepath.Separator)}, packages...)...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", strings.Join(packages, ", "), err, out)
	}
	return nil
}

// Repository returns the root of the repository that the process runs in.
func Repository(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Engine returns the path of the engine in XACCT_ENGINE or else of Terraform or
// OpenTofu on the PATH, or an error if there is none.
func Engine() (string, error) {
	for _, name := range []string{os.Getenv("XACCT_ENGINE"), "terraform", "tofu"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", errors.New("terraform or tofu is needed, on the PATH or in XACCT_ENGINE; 'make' finds or builds one")
}
