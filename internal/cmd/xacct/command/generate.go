// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/generate"
)

func newGenerateCommand() *cobra.Command {
	var schema bool
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Generate templates, links and a hub without Terraform",
		Long: `Generate, from a role's specification in a small YAML or JSON file, what the provider
would create: the customer's template, the launch link, a StackSet for the customer's
organization, a Terraform module for the customer, and the vendor's hub as
CloudFormation. No AWS call is made.`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if schema {
				_, err := cmd.OutOrStdout().Write(generate.Schema())
				return err
			}
			return cmd.Help()
		},
	}
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of specifications")
	var flags generateFlags
	for _, kind := range generate.Kinds {
		cmd.AddCommand(flags.command(kind.Name, "Write "+kind.About, []generate.Kind{kind}))
	}
	cmd.AddCommand(flags.command("all", "Write all of the files below", generate.Kinds))
	return cmd
}

type generateFlags struct {
	file, out string
	force     bool
}

func (f *generateFlags) command(name, short string, kinds []generate.Kind) *cobra.Command {
	cmd := &cobra.Command{
		Use:   name + " --file SPECIFICATION [--out FOLDER]",
		Short: short,
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd, kinds)
		},
	}
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "the specification, in YAML or JSON; - is standard input")
	cmd.Flags().StringVarP(&f.out, "out", "o", ".", "folder to write into; - is standard output")
	cmd.Flags().BoolVar(&f.force, "force", false, "overwrite existing files that differ")
	return cmd
}

// run generates everything before it writes anything.
func (f *generateFlags) run(cmd *cobra.Command, kinds []generate.Kind) error {
	generator, err := readSpecification(cmd, f.file)
	if err != nil {
		return err
	}
	var files []generate.File
	for _, kind := range kinds {
		made, err := kind.Files(generator)
		if err != nil {
			return err
		}
		files = append(files, made...)
	}
	if f.out == "-" {
		return printFiles(cmd.OutOrStdout(), files)
	}
	return f.write(cmd.OutOrStdout(), files)
}

// printFiles writes files to standard output. If a file exists in JSON and
// YAML, only the YAML is written; several files are separated as YAML
// documents.
func printFiles(out io.Writer, files []generate.File) error {
	there := map[string]bool{}
	for _, file := range files {
		there[file.Name] = true
	}
	files = slices.DeleteFunc(slices.Clone(files), func(file generate.File) bool {
		name, isJSON := strings.CutSuffix(file.Name, ".json")
		return isJSON && there[name+".yaml"]
	})
	for _, file := range files {
		if len(files) > 1 && !strings.HasSuffix(file.Name, ".yaml") {
			return cli.Usage("--out - is for one file or several of YAML, and these are %s and %d more: name a folder", file.Name, len(files)-1)
		}
	}
	for _, file := range files {
		if len(files) > 1 {
			fmt.Fprintf(out, "--- # %s\n", file.Name)
		}
		if _, err := out.Write(file.Body); err != nil {
			return err
		}
	}
	return nil
}

// write writes all files, or none if one exists with other content and --force
// is not set.
func (f *generateFlags) write(out io.Writer, files []generate.File) error {
	var differ []string
	for _, file := range files {
		found, err := os.ReadFile(f.path(file))
		if err == nil && !bytes.Equal(found, file.Body) {
			differ = append(differ, f.path(file))
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if len(differ) > 0 && !f.force {
		return fmt.Errorf("files with other content exist: %s; nothing was written; --force overwrites them",
			strings.Join(differ, ", "))
	}
	for _, file := range files {
		path := f.path(file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, file.Body, 0o644); err != nil {
			return err
		}
		fmt.Fprintln(out, path)
	}
	return nil
}

func (f *generateFlags) path(file generate.File) string {
	return filepath.Join(f.out, filepath.FromSlash(file.Name))
}

func mistakes(n int) string {
	if n == 1 {
		return "one mistake"
	}
	return fmt.Sprintf("%d mistakes", n)
}
