// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"github.com/zclconf/go-cty/cty/msgpack"
)

// encode returns a value in the encoding of the protocol.
func encode(v cty.Value, as cty.Type) *tfprotov6.DynamicValue {
	v, _ = v.UnmarkDeep()
	packed, err := msgpack.Marshal(v, as)
	if err != nil {
		panic(err) // values are made from the schemas, so they conform
	}
	return &tfprotov6.DynamicValue{MsgPack: packed}
}

// decode returns a value that is encoded for the protocol.
func decode(v *tfprotov6.DynamicValue, as cty.Type) (cty.Value, error) {
	switch {
	case v == nil:
		return cty.NullVal(as), nil
	case len(v.MsgPack) > 0:
		return msgpack.Unmarshal(v.MsgPack, as)
	default:
		return ctyjson.Unmarshal(v.JSON, as)
	}
}

// decodeInto returns a decoded value. If it is invalid, it returns before and adds a
// diagnostic.
func decodeInto(before cty.Value, v *tfprotov6.DynamicValue, as cty.Type, found Diagnostics) (cty.Value, Diagnostics) {
	decoded, err := decode(v, as)
	if err != nil {
		return before, append(found, problem("Provider produced invalid object", "A value does not conform to its schema: %s.%s", err, aBug))
	}
	return decoded, found
}

// received converts the diagnostics of a provider.
func received(diagnostics []*tfprotov6.Diagnostic) Diagnostics {
	var found Diagnostics
	for _, d := range diagnostics {
		found = append(found, &Diagnostic{
			Error: d.Severity != tfprotov6.DiagnosticSeverityWarning, Summary: d.Summary, Detail: d.Detail, Attribute: pathOf(d.Attribute),
			fromProvider: true,
		})
	}
	return found
}

func pathOf(path *tftypes.AttributePath) cty.Path {
	var found cty.Path
	for _, step := range path.Steps() {
		switch step := step.(type) {
		case tftypes.AttributeName:
			found = found.GetAttr(string(step))
		case tftypes.ElementKeyString:
			found = found.Index(cty.StringVal(string(step)))
		case tftypes.ElementKeyInt:
			found = found.Index(cty.NumberIntVal(int64(step)))
		default: // core can't address the elements of a set either
			return found
		}
	}
	return found
}
