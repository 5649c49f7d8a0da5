// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/mitchellh/go-wordwrap"
	"github.com/zclconf/go-cty/cty"
)

// Diagnostic is one error or warning, with its position.
type Diagnostic struct {
	Error           bool // false: a warning
	Summary, Detail string
	Address         string     // resource, if any
	Attribute       cty.Path   // attribute named by the provider, if any
	Subject         *hcl.Range // position in the configuration, if any

	fromProvider bool
	file         *hcl.File
	shown        hcl.Range // lines of the file to show: the subject's, or more if they are needed to understand it
}

// Path returns the attribute that a provider has named, such as role.tags["owner"].
func (d *Diagnostic) Path() string { return strings.TrimPrefix(pathText(d.Attribute), ".") }

// Diagnostics are the errors and warnings of a command.
type Diagnostics []*Diagnostic

// HasErrors reports whether there is an error.
func (all Diagnostics) HasErrors() bool {
	return slices.ContainsFunc(all, func(d *Diagnostic) bool { return d.Error })
}

// Errors returns the errors only.
func (all Diagnostics) Errors() Diagnostics { return all.only(true) }

// Warnings returns the warnings only.
func (all Diagnostics) Warnings() Diagnostics { return all.only(false) }

func (all Diagnostics) only(errors bool) Diagnostics {
	var some Diagnostics
	for _, d := range all {
		if d.Error == errors {
			some = append(some, d)
		}
	}
	return some
}

// Err returns the diagnostics as an error, or nil if there are only warnings.
func (all Diagnostics) Err() error {
	if !all.HasErrors() {
		return nil
	}
	return failure{all}
}

type failure struct{ Diagnostics }

func (f failure) Error() string { return f.String() }

// String returns the diagnostics as Terraform prints them without a
// terminal: without colours, in lines of 78 characters.
func (all Diagnostics) String() string {
	var b strings.Builder
	for _, d := range all {
		b.WriteString(d.String())
	}
	return b.String()
}

// width is the line width of Terraform's output without a terminal.
const width = 78

func (d *Diagnostic) String() string {
	var b strings.Builder
	severity := "Warning"
	if d.Error {
		severity = "Error"
	}
	fmt.Fprintf(&b, "\n%s: %s\n\n", severity, d.Summary)
	if d.Address != "" {
		fmt.Fprintf(&b, "  with %s,\n", d.Address)
	}
	if d.Subject != nil {
		d.snippet(&b)
	}
	for line := range strings.Lines(d.Detail) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, " ") {
			line = wordwrap.WrapString(line, width-1)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// snippet writes the lines of the configuration that a diagnostic is about.
func (d *Diagnostic) snippet(b *strings.Builder) {
	fmt.Fprintf(b, "  on %s line %d", d.Subject.Filename, d.Subject.Start.Line)
	if d.file == nil {
		b.WriteString(":\n  (source code not available)\n\n")
		return
	}
	if nav, ok := d.file.Nav.(interface{ ContextString(offset int) string }); ok {
		if context := nav.ContextString(d.Subject.Start.Byte - 1); context != "" {
			b.WriteString(", in " + context)
		}
	}
	b.WriteString(":\n")
	shown := *d.Subject
	if !d.shown.Empty() {
		shown = hcl.RangeOver(shown, d.shown)
	}
	for n, line := range bytes.Split(d.file.Bytes, []byte("\n")) {
		if n+1 >= shown.Start.Line && n+1 <= shown.End.Line {
			fmt.Fprintf(b, "%4d: %s\n", n+1, line)
		}
	}
	b.WriteString("\n")
}

// problem returns an error of the core itself.
func problem(summary, format string, arguments ...any) *Diagnostic {
	return &Diagnostic{Error: true, Summary: summary, Detail: fmt.Sprintf(format, arguments...)}
}

// failed returns an error as a diagnostic.
func failed(err error) Diagnostics {
	return Diagnostics{{Error: true, Summary: "Plugin error", Detail: err.Error()}}
}

// fromHCL converts diagnostics of HCL.
func (c *config) fromHCL(found hcl.Diagnostics) Diagnostics {
	var all Diagnostics
	for _, d := range found {
		ours := &Diagnostic{Error: d.Severity == hcl.DiagError, Summary: d.Summary, Detail: d.Detail, Subject: d.Subject, file: c.file}
		if d.Context != nil {
			ours.shown = *d.Context
		}
		all = append(all, ours)
	}
	return all
}

// in returns diagnostics of a provider with the address of their block and the
// position of their attributes in it.
func (c *config) in(body hcl.Body, address string, found Diagnostics) Diagnostics {
	for _, d := range found {
		if !d.fromProvider || d.Address != "" && d.Subject != nil {
			continue
		}
		d.Address = address
		if body == nil {
			continue
		}
		subject := body.MissingItemRange()
		if len(d.Attribute) > 0 {
			subject = attributeRange(body, d.Attribute)
		}
		d.Subject, d.file = &subject, c.file
	}
	return found
}

// attributeRange returns the position of an attribute's value, as deep in its
// expression as that is a literal object, map or list.
func attributeRange(body hcl.Body, path cty.Path) hcl.Range {
	name, ok := path[0].(cty.GetAttrStep)
	if !ok {
		return body.MissingItemRange()
	}
	content, _, _ := body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: name.Name}}})
	attribute := content.Attributes[name.Name]
	if attribute == nil {
		return body.MissingItemRange()
	}
	expression := attribute.Expr
	for _, step := range path[1:] {
		inner := element(expression, step)
		if inner == nil {
			break
		}
		expression = inner
	}
	return expression.Range()
}

func element(expression hcl.Expression, step cty.PathStep) hcl.Expression {
	wanted := ""
	switch step := step.(type) {
	case cty.GetAttrStep:
		wanted = step.Name
	case cty.IndexStep:
		if step.Key.Type() == cty.Number {
			items, found := hcl.ExprList(expression)
			index, _ := step.Key.AsBigFloat().Int64()
			if found.HasErrors() || index >= int64(len(items)) {
				return nil
			}
			return items[index]
		}
		wanted = step.Key.AsString()
	}
	pairs, found := hcl.ExprMap(expression)
	if found.HasErrors() {
		return nil
	}
	for _, pair := range pairs {
		if key, found := pair.Key.Value(nil); !found.HasErrors() && key.Type() == cty.String && key.AsString() == wanted {
			return pair.Value
		}
	}
	return nil
}
