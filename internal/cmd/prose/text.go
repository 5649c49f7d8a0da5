// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// passage is a text that rules are applied to: a comment, a message, or a line of a
// document. Line breaks of comments are replaced with spaces, so that a form is found
// across them.
type passage struct {
	text   string
	starts []int // offsets of its lines in text
	line   int   // number of its first line
}

// check returns a problem for every rule that finds something in the passage.
func (p passage) check(file string) []problem {
	var problems []problem
	for _, r := range rules {
		for _, at := range r.form.FindAllStringIndex(p.text, -1) {
			line := p.line + sort.SearchInts(p.starts, at[0]+1) - 1
			problems = append(problems, problem{file: file, line: line, found: strings.TrimLeft(p.text[at[0]:at[1]], ".;: "), text: p.text, instead: r.instead})
		}
	}
	return problems
}

// readLines returns the lines of a document or script as passages.
func readLines(content string) []passage {
	var passages []passage
	for i, text := range strings.Split(content, "\n") {
		passages = append(passages, passage{text: text, starts: []int{0}, line: i + 1})
	}
	return passages
}

// readGo returns the comments, the messages (strings with a space) and the names
// of the tests of a Go file, and the problems of its doc comments.
func readGo(name string, content []byte) ([]passage, []problem, error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, name, content, parser.ParseComments)
	if err != nil {
		return nil, nil, err
	}
	var passages []passage
	for _, group := range parsed.Comments {
		passages = append(passages, ofComment(files, group))
	}
	passages = append(passages, messages(content)...)
	var problems []problem
	for _, declaration := range parsed.Decls {
		function, is := declaration.(*ast.FuncDecl)
		if !is {
			continue
		}
		line := files.Position(function.Pos()).Line
		if strings.HasSuffix(name, "_test.go") {
			passages = append(passages, passage{text: inWords(function.Name.Name), starts: []int{0}, line: line})
		} else if instead := ofDoc(function); instead != "" {
			problems = append(problems, problem{file: name, line: line, found: function.Name.Name, text: function.Doc.Text(), instead: instead})
		}
	}
	return passages, problems, nil
}

// ofComment returns a comment as one passage, without the slashes.
func ofComment(files *token.FileSet, group *ast.CommentGroup) passage {
	p := passage{line: files.Position(group.Pos()).Line}
	for _, comment := range group.List {
		for line := range strings.SplitSeq(comment.Text, "\n") {
			line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "//"))
			if line == "" {
				line = "¶"
			}
			p.starts = append(p.starts, len(p.text))
			p.text += line + " "
		}
	}
	return p
}

// messages returns the strings of a Go file that have more than one word.
func messages(content []byte) []passage {
	files := token.NewFileSet()
	file := files.AddFile("", -1, len(content))
	var s scanner.Scanner
	s.Init(file, content, nil, 0)
	var passages []passage
	for {
		at, kind, literal := s.Scan()
		if kind == token.EOF {
			return passages
		}
		if kind != token.STRING {
			continue
		}
		text, err := strconv.Unquote(literal)
		if err != nil || !strings.Contains(text, " ") {
			continue
		}
		p := passage{text: text, line: files.Position(at).Line}
		if literal[0] != '`' { // its line breaks are not those of the file
			p.starts = []int{0}
		} else {
			offset := 0
			for line := range strings.SplitAfterSeq(text, "\n") {
				p.starts = append(p.starts, offset)
				offset += len(line)
			}
		}
		passages = append(passages, p)
	}
}

// inWords returns a name in camel case as words.
func inWords(name string) string {
	return camel.ReplaceAllString(name, "$1 $2")
}

var camel = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// ofDoc returns what to write in a function's doc comment; empty if there is no doc
// comment, or if it is correct.
func ofDoc(f *ast.FuncDecl) string {
	if f.Doc == nil {
		return ""
	}
	text, name := f.Doc.Text(), f.Name.Name
	rest, starts := strings.CutPrefix(text, name)
	switch {
	case !starts && f.Name.IsExported():
		return "start the doc comment with the name"
	case !hasResult(f) || !isPredicate.MatchString(rest) || isVariant.MatchString(rest):
		return ""
	}
	return `say what is returned: "` + name + ` returns …" or "` + name + ` reports whether …"`
}

// hasResult reports whether a function returns more than an error.
func hasResult(f *ast.FuncDecl) bool {
	if f.Type.Results == nil {
		return false
	}
	results := f.Type.Results.List
	only, isName := results[0].Type.(*ast.Ident)
	return len(results) > 1 || !isName || only.Name != "error"
}

var (
	isPredicate = regexp.MustCompile(`^ (is|are)\b`)
	// A function that differs from another only a little may refer to it.
	isVariant = regexp.MustCompile(`^ is [A-Za-z.]+ (for|with|without|of|on)\b`)
)
