// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package snippets reads the code snippets of the project's documentation, so
// that tests can run or validate them.
package snippets

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Snippet is a fenced block of code in a page.
type Snippet struct {
	File     string // relative to the repository
	Line     int    // number of its first line of code
	Language string // from the fence; empty for plain text
	Text     string
}

// String returns the snippet's place, as compilers print it.
func (s Snippet) String() string { return fmt.Sprintf("%s:%d", s.File, s.Line) }

// Pages returns the pages of documentation, relative to the repository: the README
// and its neighbours, the guides, and the pages beside the examples. Instead of the
// generated docs/, it returns the templates and examples from which they are
// generated.
func Pages(repository string) ([]string, error) {
	var pages []string
	for _, pattern := range []string{"*.md", "templates/*.tmpl"} {
		found, err := filepath.Glob(filepath.Join(repository, filepath.FromSlash(pattern)))
		if err != nil {
			return nil, err
		}
		pages = append(pages, found...)
	}
	for _, folder := range []string{"templates/guides", "examples"} {
		err := filepath.WalkDir(filepath.Join(repository, folder), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (strings.HasSuffix(path, ".md") || strings.HasSuffix(path, ".md.tmpl")) {
				pages = append(pages, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	for i, page := range pages {
		relative, err := filepath.Rel(repository, page)
		if err != nil {
			return nil, err
		}
		pages[i] = filepath.ToSlash(relative)
	}
	slices.Sort(pages)
	return slices.Compact(pages), nil
}

// All returns the snippets of all pages, in order.
func All(repository string) ([]Snippet, error) {
	pages, err := Pages(repository)
	if err != nil {
		return nil, err
	}
	var all []Snippet
	for _, page := range pages {
		text, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(page)))
		if err != nil {
			return nil, err
		}
		found, err := read(page, string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// read returns the snippets of one page. A block that is never closed is an error,
// because it would hide everything after it.
func read(page, text string) ([]Snippet, error) {
	var all []Snippet
	var open *Snippet
	var indent, fence string
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		trimmed := strings.TrimLeft(line, " ")
		switch {
		case open == nil && strings.HasPrefix(trimmed, "```"):
			fence = trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
			indent = line[:len(line)-len(trimmed)]
			language, _, _ := strings.Cut(strings.TrimSpace(trimmed[len(fence):]), " ")
			open = &Snippet{File: page, Line: number + 1, Language: language}
		case open != nil && strings.TrimRight(trimmed, " ") == fence:
			all, open = append(all, *open), nil
		case open != nil:
			open.Text += strings.TrimPrefix(line, indent) + "\n"
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", page, err)
	}
	if open != nil {
		return nil, fmt.Errorf("%s: the code that begins there never ends", open)
	}
	return all, nil
}
