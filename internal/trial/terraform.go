// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package trial

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Terraform is an engine, Terraform or OpenTofu, in a folder with a
// configuration and its state.
type Terraform struct {
	Engine string
	Dir    string
	Env    []string
}

// NewTerraform returns the engine in a folder, which it creates. installation is the
// result of Override or Mirror, and defines where the engine finds the provider.
func NewTerraform(dir, installation string, env []string) (*Terraform, error) {
	engine, err := Engine()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	rc := filepath.Join(dir, "terraformrc")
	text := "disable_checkpoint = true\nprovider_installation {\n" + installation + "}\n"
	if err := os.WriteFile(rc, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return &Terraform{Engine: engine, Dir: dir, Env: append(env, "TF_CLI_CONFIG_FILE="+rc, "CHECKPOINT_DISABLE=1")}, nil
}

// Override returns the installation that uses the provider in a folder, without init.
func Override(folder string) (installation string) {
	return fmt.Sprintf("  dev_overrides { \"registry.terraform.io/xacct/xacct\" = %q }\n  direct {}\n", folder)
}

// Mirror copies a provider into a folder and returns the installation that uses the
// folder as a registry's mirror: init then works as with the real registry.
func Mirror(folder, provider string) (installation string, err error) {
	const version = "0.0.1" // the name of the build there
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		place := filepath.Join(folder, host, "xacct", "xacct", version, runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(place, 0o755); err != nil {
			return "", err
		}
		if err := os.Link(provider, filepath.Join(place, "terraform-provider-xacct_v"+version)); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("  filesystem_mirror {\n    path = %q\n  }\n", folder), nil
}

// Configure writes the configuration.
func (t *Terraform) Configure(configuration string) error {
	return os.WriteFile(filepath.Join(t.Dir, "main.tf"), []byte(configuration), 0o600)
}

// Command returns a command of the engine, such as "apply", to run in its
// folder.
func (t *Terraform) Command(ctx context.Context, args ...string) *exec.Cmd {
	flags := slices.IndexFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "-") })
	if flags < 0 {
		flags = len(args)
	}
	cmd := Command(ctx, t.Engine, slices.Insert(slices.Clone(args), flags, "-no-color")...)
	cmd.Dir, cmd.Env = t.Dir, t.Env
	return cmd
}

// Run runs a command of the engine to its end. Its error contains what the
// engine printed.
func (t *Terraform) Run(ctx context.Context, args ...string) error {
	if out, err := t.Command(ctx, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", t.Name(args...), err, out)
	}
	return nil
}

// Name returns a command of the engine as a person would type it.
func (t *Terraform) Name(args ...string) string {
	return filepath.Base(t.Engine) + " " + strings.Join(args, " ")
}

// EmptyPlan returns an error unless a plan has no changes.
func (t *Terraform) EmptyPlan(ctx context.Context, args ...string) error {
	if err := t.Run(ctx, append([]string{"plan", "-detailed-exitcode", "-input=false"}, args...)...); err != nil {
		return fmt.Errorf("the plan should be empty: %w", err)
	}
	return nil
}
