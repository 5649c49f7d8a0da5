// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// floors are the resources of this package by the beginning of their files'
// names, from the ground up. Files of no floor are shared by all, and may use
// none of them; provider.go registers all.
var floors = []string{"rolespec_", "hub_", "set_", "link_", "fleet_", "role_"}

// above are files that may use every resource.
var above = []string{"provider.go", "roles_data_source.go", "template_data_source.go", "credentials_ephemeral.go", "function_", "list_", "action_"}

// TestAResourceUsesOnlyWhatIsBelowIt holds the arrows between the files of
// different resources, and that no local name hides one of another file.
func TestAResourceUsesOnlyWhatIsBelowIt(t *testing.T) {
	files := parseFiles(t)
	home := map[string]string{} // of what is declared at the top of a file
	for name, file := range files {
		for _, decl := range file.Decls {
			for _, declared := range declaredBy(decl) {
				home[declared] = name
			}
		}
	}
	for name, file := range files {
		for used := range identifiers(file) {
			if from := home[used]; from != "" && floorOf(from) > floorOf(name) {
				t.Errorf("%s uses %s, which is in %s, above it", name, used, from)
			}
		}
	}
}

// floorOf returns how high a file stands; 0: it is shared.
func floorOf(file string) int {
	begins := func(prefix string) bool { return strings.HasPrefix(file, prefix) }
	if slices.ContainsFunc(above, begins) {
		return len(floors) + 1
	}
	return slices.IndexFunc(floors, begins) + 1
}

func parseFiles(t *testing.T) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
	}
	return files
}

// declaredBy returns the names that a declaration at the top of a file makes;
// methods belong to their type.
func declaredBy(decl ast.Decl) []string {
	var names []string
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv == nil {
			names = append(names, decl.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, spec.Name.Name)
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if name.Name != "_" {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

// identifiers returns the names that a file uses by themselves: not those of
// fields, of methods, or of other packages.
func identifiers(file *ast.File) map[string]bool {
	used, skip := map[string]bool{}, map[*ast.Ident]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			skip[n.Sel] = true
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok {
				skip[key] = true
			}
		case *ast.FuncDecl:
			skip[n.Name] = true
		case *ast.StructType:
			for _, field := range n.Fields.List {
				for _, name := range field.Names {
					skip[name] = true
				}
			}
		case *ast.Ident:
			if !skip[n] {
				used[n.Name] = true
			}
		}
		return true
	})
	return used
}
