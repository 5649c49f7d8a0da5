// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package snippets

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Command is a command that a page shows.
type Command struct {
	Place  string
	Inline bool     // within a sentence, where arguments may be omitted
	Words  []string // the program first; words are not expanded as by a shell
}

// Commands returns the commands of all pages: those in snippets of shell, and
// those in `code` within sentences that begin with one of the programs.
func Commands(repository string, inline ...string) ([]Command, error) {
	pages, err := All(repository)
	if err != nil {
		return nil, err
	}
	var all []Command
	for _, s := range pages {
		if s.Language != "sh" && s.Language != "shell" {
			continue
		}
		found, err := commandsOf(s)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	within, err := inlineCommands(repository, inline)
	return append(all, within...), err
}

// commandsOf returns the commands of a snippet, including those in pipes and
// substitutions.
func commandsOf(s Snippet) ([]Command, error) {
	parsed, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(s.Text), s.String())
	if err != nil {
		return nil, err
	}
	var all []Command
	syntax.Walk(parsed, func(node syntax.Node) bool {
		call, ok := node.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		c := Command{Place: fmt.Sprintf("%s:%d", s.File, s.Line+int(call.Pos().Line())-1)}
		for _, word := range call.Args {
			c.Words = append(c.Words, spelled(word))
		}
		all = append(all, c)
		return true
	})
	return all, nil
}

// spelled returns a word without the quotes around it.
func spelled(word *syntax.Word) string {
	if literal := word.Lit(); literal != "" {
		return literal
	}
	var b bytes.Buffer
	_ = syntax.NewPrinter().Print(&b, word) // into memory
	return strings.Trim(b.String(), `"'`)
}

var inlineCode = regexp.MustCompile("`([^`\n]+)`")

func inlineCommands(repository string, programs []string) ([]Command, error) {
	pages, err := Pages(repository)
	if err != nil {
		return nil, err
	}
	var all []Command
	for _, page := range pages {
		text, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(page)))
		if err != nil {
			return nil, err
		}
		for i, line := range strings.Split(string(text), "\n") {
			for _, found := range inlineCode.FindAllStringSubmatch(line, -1) {
				words := strings.Fields(found[1])
				for _, program := range programs {
					if len(words) > 1 && words[0] == program {
						all = append(all, Command{Place: fmt.Sprintf("%s:%d", page, i+1), Inline: true, Words: words})
					}
				}
			}
		}
	}
	return all, nil
}

// image is the prefix of the release's container images, one for each program.
const image = "ghcr.io/xacct/"

// Of returns the arguments of a program of the project, and whether the command runs
// it: installed, from a build folder, from source, or in a container.
func (c Command) Of(program string) (arguments []string, ok bool) {
	for i, word := range c.Words {
		inContainer := word == image+program || strings.HasPrefix(word, image+program+":")
		if inContainer || word == "./internal/cmd/"+program && i == 2 && c.Words[1] == "run" {
			return c.Words[i+1:], true
		}
	}
	return c.Words[1:], filepath.Base(c.Words[0]) == program
}
