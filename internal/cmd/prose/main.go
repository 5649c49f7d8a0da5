// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Command prose checks that comments, messages and documents of the repository
// are plain technical English: it fails on the words and forms in rules.go. In
// Go files it also checks that doc comments start with the name, and say what a
// function returns.
package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	problems, err := check(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "prose:", err)
		os.Exit(2)
	}
	for _, p := range problems {
		fmt.Println(p)
	}
	if len(problems) > 0 {
		fmt.Fprintln(os.Stderr, "Write plain technical English (CONTRIBUTING.md, \"Text\"), or add an exception with its reason to internal/cmd/prose/rules.go.")
		os.Exit(1)
	}
}

// check returns the problems of all files below root, sorted.
func check(root string) ([]string, error) {
	var problems []string
	used := make([]bool, len(exceptions))
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if entry.IsDir() {
			if skipped(name, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		found, err := problemsOf(path, name)
		if err != nil {
			return err
		}
		found = slices.DeleteFunc(found, func(p problem) bool { return excepted(p, used) })
		for _, p := range found {
			problems = append(problems, p.String())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, e := range exceptions {
		if !used[i] {
			problems = append(problems, fmt.Sprintf("%s: the exception for %q is not needed: remove it from internal/cmd/prose/rules.go", e.file, e.text))
		}
	}
	slices.Sort(problems)
	return problems, nil
}

// skipped reports whether a folder has no text of the project's: tools' caches,
// and data whose words tests depend on.
func skipped(name, base string) bool {
	return name != "." && name != ".ci" && strings.HasPrefix(base, ".") || base == "testdata" || name == "bin"
}

// problem is a passage of a file that breaks a rule.
type problem struct {
	file    string
	line    int
	found   string
	text    string // the passage
	instead string // what to write
}

func (p problem) String() string {
	return fmt.Sprintf("%s:%d: %q: %s", p.file, p.line, p.found, p.instead)
}

// excepted reports whether an exception allows a problem, and marks the
// exception as used.
func excepted(p problem, used []bool) bool {
	i := slices.IndexFunc(exceptions, func(e exception) bool {
		return strings.HasPrefix(p.file, e.file) && strings.Contains(p.text, e.text)
	})
	if i < 0 {
		return false
	}
	used[i] = true
	return true
}

// scripts are the extensions of configurations, scripts and pages that people read or
// copy.
var scripts = []string{".tf", ".hcl", ".sh", ".js", ".html", ".yaml", ".yml", ".service"}

// problemsOf returns the problems of one file. Files that are neither Go nor
// documents nor scripts have none.
func problemsOf(path, name string) ([]problem, error) {
	isGo := strings.HasSuffix(name, ".go")
	isDocument := strings.HasSuffix(name, ".md") || strings.HasSuffix(name, ".md.tmpl")
	isScript := filepath.Dir(name) == ".ci" || name == "GNUmakefile" || slices.Contains(scripts, filepath.Ext(name))
	if !isGo && !isDocument && !isScript {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var passages []passage
	var problems []problem
	if isGo {
		if passages, problems, err = readGo(name, content); err != nil {
			return nil, err
		}
	} else {
		passages = readLines(string(content))
	}
	for _, p := range passages {
		problems = append(problems, p.check(name)...)
	}
	return problems, nil
}
