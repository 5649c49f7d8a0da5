// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package snippets

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"mvdan.cc/sh/v3/syntax"
)

const repository = "../../.."

func TestSnippetsAreReadWithTheirPlaceAndWithoutTheirIndent(t *testing.T) {
	got, err := read("page.md", "# A\n\n```sh\none\n  two\n```\n\n- item\n\n  ````terraform\n  x = 1\n  ```\n  ````\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []Snippet{
		{File: "page.md", Line: 4, Language: "sh", Text: "one\n  two\n"},
		{File: "page.md", Line: 11, Language: "terraform", Text: "x = 1\n```\n"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := read("page.md", "```sh\nnever closed\n"); err == nil {
		t.Error("a block that is never closed is not an error")
	}
}

// languages has the languages that tests check, with the check that is done here.
// Other languages are errors, because no test would check a misspelt one.
var languages = map[string]func(Snippet) error{
	"":          func(Snippet) error { return nil }, // what programs print
	"mermaid":   func(Snippet) error { return nil },
	"terraform": func(Snippet) error { return nil }, // internal/provider validates it
	"sh":        parsesAsShell,                      // internal/cmd/xacct/command looks at every command
	"shell":     parsesAsShell,
	"json":      func(s Snippet) error { return json.Unmarshal([]byte(s.Text), new(any)) },
	"http":      isACallOfTheAPI,
	"go":        parsesAsGo, // internal/events runs it
	"yaml":      func(s Snippet) error { return yaml.Unmarshal([]byte(s.Text), new(any)) },
}

// isACallOfTheAPI returns an error unless the request line is an operation of the
// committed OpenAPI document, and the body is JSON.
func isACallOfTheAPI(s Snippet) error {
	document, err := os.ReadFile(filepath.Join(repository, "internal/api/openapi.json"))
	if err != nil {
		return err
	}
	var api struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(document, &api); err != nil {
		return err
	}
	head, body, _ := strings.Cut(s.Text, "\n\n")
	line, _, _ := strings.Cut(head, "\n")
	method, path, _ := strings.Cut(line, " ")
	path, _, _ = strings.Cut(path, "?")
	known := false
	for pattern, operations := range api.Paths {
		matches := regexp.MustCompile("^" + regexp.MustCompile(`\{[a-z_]+\}`).ReplaceAllString(pattern, "[^/]+") + "$").MatchString(path)
		known = known || matches && operations[strings.ToLower(method)] != nil
	}
	if !known {
		return fmt.Errorf("%s %s is not an operation of the API", method, path)
	}
	if body == "" {
		return nil
	}
	return json.Unmarshal([]byte(body), new(any))
}

func parsesAsShell(s Snippet) error {
	_, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(s.Text), s.File)
	return err
}

func parsesAsGo(s Snippet) error {
	_, err := parser.ParseFile(token.NewFileSet(), s.File, "package main\n\n"+s.Text, parser.SkipObjectResolution)
	return err
}

func TestTheLanguageOfEverySnippetIsChecked(t *testing.T) {
	all, err := All(repository)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 25 {
		t.Fatalf("only %d snippets were found", len(all))
	}
	for _, s := range all {
		check, known := languages[s.Language]
		if !known {
			t.Errorf("%s: no test checks code of language %q", s, s.Language)
		} else if err := check(s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notSlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestEveryLinkInTheDocsHasATarget checks links within the repository, including
// their headings. Links to other sites are skipped.
func TestEveryLinkInTheDocsHasATarget(t *testing.T) {
	pages, err := Pages(repository)
	if err != nil {
		t.Fatal(err)
	}
	generated, err := filepath.Glob(filepath.Join(repository, "docs", "*", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range generated {
		relative, err := filepath.Rel(repository, page)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, filepath.ToSlash(relative))
	}
	pages = slices.DeleteFunc(append(pages, "docs/index.md"), func(page string) bool { return strings.HasPrefix(page, "templates/") })
	for _, page := range pages {
		for _, found := range link.FindAllStringSubmatch(text(t, page), -1) {
			target, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(target, ":") {
				continue // https:, mailto:
			}
			path := page
			if target != "" {
				path = filepath.ToSlash(filepath.Join(filepath.Dir(page), target))
			}
			if _, err := os.Stat(filepath.Join(repository, path)); err != nil {
				t.Errorf("%s links to %s, which does not exist", page, found[1])
			} else if anchor != "" && !slices.Contains(anchors(text(t, path)), anchor) {
				t.Errorf("%s links to %s: there is no such heading", page, found[1])
			}
		}
	}
}

func text(t *testing.T, page string) string {
	t.Helper()
	all, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(page)))
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// anchors returns the anchors that GitHub and the registries generate for headings,
// and those that the page defines itself.
func anchors(page string) []string {
	var all []string
	for _, found := range heading.FindAllStringSubmatch(page, -1) {
		all = append(all, strings.ReplaceAll(notSlug.ReplaceAllString(strings.ToLower(found[1]), ""), " ", "-"))
	}
	for _, found := range regexp.MustCompile(`<a id="([^"]+)">`).FindAllStringSubmatch(page, -1) {
		all = append(all, found[1])
	}
	return all
}

// programs are the programs that documentation may use. Command lines of the
// project's programs are checked in their packages.
var programs = strings.Fields(`xacct xacct-conformance xacct-sandbox terraform tofu make go git docker kubectl systemctl journalctl aws
	cd cat chmod cp curl echo eval export gh gpg install kill mkdir openssl sha256sum sleep source uname tr sed unset unzip zip promtool trap wait until jq test.sh`)

func TestEveryCommandInTheDocsIsOfAnExistingProgram(t *testing.T) {
	all, err := Commands(repository, "make", "go")
	if err != nil {
		t.Fatal(err)
	}
	targets := text(t, "GNUmakefile")
	for _, c := range all {
		name := filepath.Base(c.Words[0])
		if !slices.Contains(programs, name) {
			t.Errorf("%s: %s: is this a program? If so, add it to the list in this test", c.Place, strings.Join(c.Words, " "))
		}
		for _, word := range c.Words[1:] {
			isTarget := name == "make" && regexp.MustCompile(`^[a-z-]+$`).MatchString(word)
			if isTarget && !regexp.MustCompile(`(?m)^`+word+`:`).MatchString(targets) {
				t.Errorf("%s: the makefile has no target %s", c.Place, word)
			}
			folder, _, _ := strings.Cut(strings.TrimPrefix(word, "github.com/xacct/terraform-provider-xacct/"), "@")
			if name == "go" && strings.Contains(folder, "internal/") && !strings.Contains(folder, "PACKAGE") {
				if _, err := os.Stat(filepath.Join(repository, folder)); err != nil {
					t.Errorf("%s: there is no package %s", c.Place, word)
				}
			}
		}
	}
}

func TestCommandsAreFoundInPipesContainersAndSubstitutions(t *testing.T) {
	all, err := commandsOf(Snippet{Language: "sh", File: "page.md", Line: 3, Text: "go run ./internal/cmd/xacct policy | cat\n" +
		"# a remark\ndocker run --rm ghcr.io/xacct/xacct:0.1.0 registrar --hub \"$HUB\" \\\n  --listen off\neval \"$(xacct customers)\"\nxacct-sandbox serve &\n"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range all {
		if arguments, ok := c.Of("xacct"); ok {
			got = append(got, c.Place+" "+strings.Join(arguments, " "))
		}
	}
	want := []string{"page.md:3 policy", "page.md:5 registrar --hub $HUB --listen off", "page.md:7 customers"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
