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

// layers are the prefixes of the files of this package's resources, lowest first. A
// resource may use those of lower layers. Files without a layer are shared by all, and
// may use no resource.
var layers = []string{"rolespec_", "hub_", "set_", "link_", "fleet_", "role_"}

// top are files that may use every resource.
var top = []string{"provider.go", "roles_data_source.go", "template_data_source.go", "credentials_ephemeral.go", "function_", "list_", "action_"}

// TestAResourceUsesOnlyLowerLayers checks the order of the layers, and that no local
// name hides a name of a higher layer.
func TestAResourceUsesOnlyLowerLayers(t *testing.T) {
	files := parseFiles(t)
	home := map[string]string{} // the files of package-level names
	for name, file := range files {
		for _, decl := range file.Decls {
			for _, declared := range declaredBy(decl) {
				home[declared] = name
			}
		}
	}
	for name, file := range files {
		for used := range identifiers(file) {
			if from := home[used]; from != "" && layerOf(from) > layerOf(name) {
				t.Errorf("%s uses %s of %s, which is in a higher layer", name, used, from)
			}
		}
	}
}

// layerOf returns the number of a file's layer, from 1, or 0 if it is shared.
func layerOf(file string) int {
	begins := func(prefix string) bool { return strings.HasPrefix(file, prefix) }
	if slices.ContainsFunc(top, begins) {
		return len(layers) + 1
	}
	return slices.IndexFunc(layers, begins) + 1
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

// declaredBy returns the names that a package-level declaration introduces, without
// methods.
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

// identifiers returns the unqualified names that a file uses, without those of fields,
// methods and other packages.
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
