// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"cmp"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// mode distinguishes managed resources, data sources and ephemeral resources.
type mode string

const (
	managed   mode = "resource"
	data      mode = "data"
	ephemeral mode = "ephemeral"
)

// address is the address of a resource with all its instances.
type address struct {
	mode      mode
	typ, name string
}

func (a address) String() string {
	if a.mode == managed {
		return a.typ + "." + a.name
	}
	return string(a.mode) + "." + a.typ + "." + a.name
}

// key identifies an instance of a resource: by number if it has a count, by text if
// it has a for_each.
type key struct {
	kind   keyKind
	number int
	text   string
}

type keyKind int

const (
	noKey keyKind = iota
	numberKey
	textKey
)

func (k key) String() string {
	switch k.kind {
	case numberKey:
		return fmt.Sprintf("[%d]", k.number)
	case textKey:
		return fmt.Sprintf("[%q]", k.text)
	default:
		return ""
	}
}

func keyOf(v cty.Value) (key, bool) {
	switch {
	case !v.IsKnown() || v.IsNull():
		return key{}, false
	case v.Type() == cty.String:
		return key{kind: textKey, text: v.AsString()}, true
	case v.Type() == cty.Number:
		n, _ := v.AsBigFloat().Int64()
		return key{kind: numberKey, number: int(n)}, true
	default:
		return key{}, false
	}
}

// instance is the address of one instance.
type instance struct {
	address
	key key
}

func (i instance) String() string { return i.address.String() + i.key.String() }

// compare defines the order of instances: by address, then by key.
func (i instance) compare(other instance) int {
	return cmp.Or(
		cmp.Compare(i.mode, other.mode), cmp.Compare(i.typ, other.typ), cmp.Compare(i.name, other.name),
		cmp.Compare(i.key.kind, other.key.kind), cmp.Compare(i.key.number, other.key.number), cmp.Compare(i.key.text, other.key.text),
	)
}

// parseInstance parses an address such as xacct_hub.this or
// xacct_onboarding_link.all["globex"].
func parseInstance(text string) (instance, error) {
	traversal, found := hclsyntax.ParseTraversalAbs([]byte(text), text, hcl.InitialPos)
	if found.HasErrors() {
		return instance{}, found
	}
	i, rest, ok := toInstance(traversal)
	if !ok || len(rest) > 0 {
		return instance{}, fmt.Errorf("%q is not the address of a resource in the root module", text)
	}
	return i, nil
}

// toInstance returns the address with which a traversal begins, and the rest of the
// traversal.
func toInstance(t hcl.Traversal) (i instance, rest hcl.Traversal, ok bool) {
	if len(t) == 0 || t.IsRelative() {
		return i, t, false
	}
	names := []string{t.RootName()}
	i.mode = managed
	if m := mode(t.RootName()); m == data || m == ephemeral {
		i.mode, names = m, nil
	}
	rest = t[1:]
	for len(names) < 2 {
		attribute, isAttribute := hcl.Traverser(nil), false
		if len(rest) > 0 {
			attribute = rest[0]
			_, isAttribute = attribute.(hcl.TraverseAttr)
		}
		if !isAttribute {
			return i, t, false
		}
		names, rest = append(names, attribute.(hcl.TraverseAttr).Name), rest[1:]
	}
	i.typ, i.name = names[0], names[1]
	if len(rest) > 0 {
		if index, isIndex := rest[0].(hcl.TraverseIndex); isIndex {
			if k, known := keyOf(index.Key); known {
				i.key, rest = k, rest[1:]
			}
		}
	}
	return i, rest, true
}
