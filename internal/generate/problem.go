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

// Problem is one mistake in a specification, with its position in the file.
type Problem struct {
	File         string
	Line, Column int
	Path         string // of the field, separated by dots; empty: the file
	Message      string
}

func (p Problem) String() string {
	at := fmt.Sprintf("%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Path != "" {
		at += p.Path + ": "
	}
	return at + p.Message
}

// Problems are all mistakes in a file, in the order of its lines.
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

// hasProblem reports whether one of the problems is about a field or a part of it. The
// caller passes only the problems of the mapping that contains the field, because a
// file may have as many problems as lines.
func hasProblem(problems Problems, path string) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool {
		rest, found := strings.CutPrefix(p.Path, path)
		return found && (rest == "" || rest[0] == '.')
	})
}

// on adds a problem at the position of its field or, if the field is not in the file,
// of the nearest field that contains it.
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

// onField adds a mistake that the template's own checks found. The names of fields are
// the same, except those of the hub, which are in the section hub here.
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

// sorted returns the problems in the order of the file; nil if there are none.
func (d *decoder) sorted() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path))
	})
	return slices.Compact(d.problems)
}
