// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// config is a root module. It has one file, as in tests.
type config struct {
	file       *hcl.File
	providers  map[string]*providerBlock // by local name, or name.alias
	resources  map[address]*resourceBlock
	locals     map[string]hcl.Expression
	variables  map[string]*hcl.Block
	outputs    map[string]*outputBlock
	moves      []move
	removals   []removal
	imports    []*importBlock
	operators  map[string]*operatorBlock // list and action blocks, by their addresses
	triggered  []hcl.Traversal           // actions that changes of resources trigger
	foundWrong Diagnostics
}

type providerBlock struct {
	key  string
	body hcl.Body
}

type outputBlock struct {
	name      string
	value     hcl.Expression
	dependsOn []hcl.Traversal
	sensitive bool
}

type resourceBlock struct {
	address
	provider            string // key of its configuration
	body                hcl.Body
	block               *hcl.Block
	count, forEach      hcl.Expression
	dependsOn           []hcl.Traversal
	createBeforeDestroy bool
	preventDestroy      bool
	ignore              []hcl.Traversal
	ignoreAll           bool
	triggers            []hcl.Expression
}

type importBlock struct {
	to       instance
	id       hcl.Expression
	identity hcl.Expression
	rng      hcl.Range
}

// fileName is the file name of the configuration in messages.
const fileName = "main.tf"

var blocks = map[string]struct {
	labels []string
	read   func(c *config, b *hcl.Block)
}{
	"terraform": {nil, func(*config, *hcl.Block) {}}, // required_providers: providers are known by name here
	"provider":  {[]string{"name"}, (*config).readProvider},
	"resource":  {[]string{"type", "name"}, (*config).readResource},
	"data":      {[]string{"type", "name"}, (*config).readResource},
	"ephemeral": {[]string{"type", "name"}, (*config).readResource},
	"locals":    {nil, (*config).readLocals},
	"variable":  {[]string{"name"}, (*config).readVariable},
	"output":    {[]string{"name"}, (*config).readOutput},
	"moved":     {nil, (*config).readMoved},
	"removed":   {nil, (*config).readRemoved},
	"import":    {nil, (*config).readImport},
	"list":      {[]string{"type", "name"}, (*config).readOperator},
	"action":    {[]string{"type", "name"}, (*config).readOperator},
}

// parse reads a configuration.
func parse(source string) (*config, Diagnostics) {
	c := &config{
		providers: map[string]*providerBlock{}, resources: map[address]*resourceBlock{}, locals: map[string]hcl.Expression{},
		variables: map[string]*hcl.Block{}, outputs: map[string]*outputBlock{}, operators: map[string]*operatorBlock{},
	}
	file, found := hclsyntax.ParseConfig([]byte(source), fileName, hcl.InitialPos)
	c.file = file
	if found.HasErrors() {
		return c, c.fromHCL(found)
	}
	schema := &hcl.BodySchema{}
	for name, b := range blocks {
		schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: name, LabelNames: b.labels})
	}
	content, found := file.Body.Content(schema)
	c.wrong(found)
	for _, b := range content.Blocks {
		blocks[b.Type].read(c, b)
	}
	return c, c.foundWrong
}

func (c *config) wrong(found hcl.Diagnostics) {
	c.foundWrong = append(c.foundWrong, c.fromHCL(found)...)
}

func (c *config) wrongAt(subject hcl.Range, d *Diagnostic) {
	d.Subject, d.file = &subject, c.file
	c.foundWrong = append(c.foundWrong, d)
}

// content returns some attributes and blocks of a body, and the rest of it.
func (c *config) content(body hcl.Body, attributes, blocks []string) (*hcl.BodyContent, hcl.Body) {
	schema := &hcl.BodySchema{}
	for _, name := range attributes {
		schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: name})
	}
	for _, name := range blocks {
		header := hcl.BlockHeaderSchema{Type: name}
		if name == "provisioner" {
			header.LabelNames = []string{"type"}
		}
		schema.Blocks = append(schema.Blocks, header)
	}
	content, rest, found := body.PartialContent(schema)
	c.wrong(found)
	return content, rest
}

// all returns the content of a body that must not have anything else.
func (c *config) all(body hcl.Body, attributes, blocks []string) *hcl.BodyContent {
	content, rest := c.content(body, attributes, blocks)
	_, found := rest.Content(&hcl.BodySchema{})
	c.wrong(found)
	return content
}

func expression(content *hcl.BodyContent, name string) hcl.Expression {
	if a := content.Attributes[name]; a != nil {
		return a.Expr
	}
	return nil
}

// flag returns a literal true or false.
func (c *config) flag(content *hcl.BodyContent, name string) bool {
	e := expression(content, name)
	if e == nil {
		return false
	}
	v, found := e.Value(nil)
	c.wrong(found)
	return !found.HasErrors() && v.Type() == cty.Bool && v.True()
}

// traversals returns a literal list of references.
func (c *config) traversals(e hcl.Expression) []hcl.Traversal {
	if e == nil {
		return nil
	}
	items, found := hcl.ExprList(e)
	c.wrong(found)
	var all []hcl.Traversal
	for _, item := range items {
		t, found := hcl.AbsTraversalForExpr(item)
		c.wrong(found)
		all = append(all, t)
	}
	return all
}

func (c *config) readProvider(b *hcl.Block) {
	content, rest := c.content(b.Body, []string{"alias", "version"}, nil)
	key := b.Labels[0]
	if e := expression(content, "alias"); e != nil {
		alias, found := e.Value(nil)
		c.wrong(found)
		if !found.HasErrors() {
			key += "." + alias.AsString()
		}
	}
	if c.providers[key] != nil {
		c.wrongAt(b.DefRange, problem("Duplicate provider configuration", "A provider configuration for %q was already given.", key))
	}
	c.providers[key] = &providerBlock{key: key, body: rest}
}

func (c *config) readResource(b *hcl.Block) {
	r := &resourceBlock{address: address{mode(b.Type), b.Labels[0], b.Labels[1]}, block: b}
	content, rest := c.content(b.Body, []string{"count", "for_each", "depends_on", "provider"}, []string{"lifecycle", "provisioner", "connection"})
	r.body, r.count, r.forEach = rest, expression(content, "count"), expression(content, "for_each")
	r.dependsOn = c.traversals(expression(content, "depends_on"))
	r.provider, _, _ = strings.Cut(r.typ, "_")
	if e := expression(content, "provider"); e != nil {
		t, found := hcl.AbsTraversalForExpr(e)
		c.wrong(found)
		r.provider = traversalText(t)
	}
	if r.count != nil && r.forEach != nil {
		c.wrongAt(r.forEach.Range(), problem(`Invalid combination of "count" and "for_each"`, `The "count" and "for_each" meta-arguments are mutually-exclusive, only one should be used to be explicit about the number of resources to be created.`))
	}
	for _, inner := range content.Blocks {
		if inner.Type == "lifecycle" {
			c.readLifecycle(r, inner.Body)
		} else {
			c.wrongAt(inner.DefRange, refuse("%s blocks", inner.Type))
		}
	}
	if c.resources[r.address] != nil {
		c.wrongAt(b.DefRange, problem("Duplicate resource "+strconvQuote(r.typ)+" configuration", "A %s resource named %q was already declared. Resource names must be unique per type in each module.", r.typ, r.name))
	}
	c.resources[r.address] = r
}

func (c *config) readLifecycle(r *resourceBlock, body hcl.Body) {
	content := c.all(body, []string{"create_before_destroy", "prevent_destroy", "ignore_changes", "replace_triggered_by"}, []string{"precondition", "postcondition", "action_trigger"})
	for _, b := range content.Blocks {
		if b.Type == "action_trigger" {
			c.readTrigger(b)
			continue
		}
		c.wrongAt(b.DefRange, refuse("%s blocks", b.Type))
	}
	r.createBeforeDestroy, r.preventDestroy = c.flag(content, "create_before_destroy"), c.flag(content, "prevent_destroy")
	if e := expression(content, "replace_triggered_by"); e != nil {
		items, found := hcl.ExprList(e)
		c.wrong(found)
		r.triggers = items
	}
	if e := expression(content, "ignore_changes"); e != nil {
		if hcl.ExprAsKeyword(e) == "all" {
			r.ignoreAll = true
			return
		}
		items, found := hcl.ExprList(e)
		c.wrong(found)
		for _, item := range items {
			t, found := hcl.RelTraversalForExpr(item)
			c.wrong(found)
			r.ignore = append(r.ignore, t)
		}
	}
}

func (c *config) readLocals(b *hcl.Block) {
	attributes, found := b.Body.JustAttributes()
	c.wrong(found)
	for name, a := range attributes {
		c.locals[name] = a.Expr
	}
}

func (c *config) readVariable(b *hcl.Block) { c.variables[b.Labels[0]] = b }

func (c *config) readOutput(b *hcl.Block) {
	content := c.all(b.Body, []string{"value", "description", "sensitive", "depends_on"}, nil)
	o := &outputBlock{name: b.Labels[0], value: expression(content, "value"), sensitive: c.flag(content, "sensitive")}
	o.dependsOn = c.traversals(expression(content, "depends_on"))
	if o.value == nil {
		c.wrongAt(b.DefRange, problem("Missing required argument", `The argument "value" is required, but no definition was found.`))
		return
	}
	c.outputs[o.name] = o
}

func (c *config) readImport(b *hcl.Block) {
	content := c.all(b.Body, []string{"to", "id", "identity"}, nil)
	i := &importBlock{id: expression(content, "id"), identity: expression(content, "identity"), rng: b.DefRange}
	to, ok := c.instanceIn(content, "to", b)
	if !ok {
		return
	}
	if (i.id == nil) == (i.identity == nil) {
		c.wrongAt(b.DefRange, problem("Invalid import block", "The import block must have either the attribute \"id\" or the attribute \"identity\"."))
		return
	}
	i.to = to
	c.imports = append(c.imports, i)
}

// instanceIn returns the value of an argument that is a resource's address.
func (c *config) instanceIn(content *hcl.BodyContent, name string, b *hcl.Block) (instance, bool) {
	e := expression(content, name)
	if e == nil {
		c.wrongAt(b.DefRange, problem("Missing required argument", "The argument %q is required, but no definition was found.", name))
		return instance{}, false
	}
	t, found := hcl.AbsTraversalForExpr(e)
	c.wrong(found)
	i, rest, ok := toInstance(t)
	if !ok || len(rest) > 0 {
		c.wrongAt(e.Range(), refuse("%s blocks for anything but resources of the root module", b.Type))
		return instance{}, false
	}
	return i, true
}

func traversalText(t hcl.Traversal) string {
	var names []string
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			names = append(names, step.Name)
		case hcl.TraverseAttr:
			names = append(names, step.Name)
		}
	}
	return strings.Join(names, ".")
}

func strconvQuote(s string) string { return `"` + s + `"` }
