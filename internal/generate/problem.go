// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package generate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// Problem is one mistake in a specification, where a person finds it.
type Problem struct {
	File         string
	Line, Column int
	Path         string // of the field, with dots between; empty: the file
	Message      string
}

func (p Problem) String() string {
	at := fmt.Sprintf("%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Path != "" {
		at += p.Path + ": "
	}
	return at + p.Message
}

// Problems are all mistakes of a file, in the order of its lines.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

func (d *decoder) add(at place, path, format string, args ...any) {
	d.problems = append(d.problems, Problem{d.file, at.line, at.column, path, fmt.Sprintf(format, args...)})
}

// troubled reports whether a field, or something in it, is said to be wrong by
// these problems: those of the mapping that it is in, because a file may have
// as many others as it has lines.
func troubled(problems Problems, path string) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool {
		rest, found := strings.CutPrefix(p.Path, path)
		return found && (rest == "" || rest[0] == '.')
	})
}

// on puts a problem where its field stands, or, if the field is not in the
// file, the nearest one around it.
func (d *decoder) on(path, format string, args ...any) {
	at, known := d.places[path]
	for around := path; !known && strings.Contains(around, "."); {
		around = around[:strings.LastIndex(around, ".")]
		at, known = d.places[around]
	}
	if !known {
		at = place{1, 1}
	}
	d.add(at, path, format, args...)
}

// onField puts a mistake that the template's own checks found. Their names of
// fields are the same, but for those of the hub, which stand under it here.
func (d *decoder) onField(e permissionset.FieldError) {
	path := e.Field
	if slices.ContainsFunc(hubFields, func(a permissionset.Attribute) bool { return a.Name == path }) {
		path = "hub." + path
	}
	if e.Key != "" {
		path = join(path, e.Key)
	}
	d.on(path, "%s", e.Problem)
}

// sorted are the problems as a person goes through the file.
func (d *decoder) sorted() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path))
	})
	return slices.Compact(d.problems)
}
