// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package tfcore

import (
	"context"
	"crypto/md5"  //nolint:gosec // the configuration language has it
	"crypto/sha1" //nolint:gosec // the same
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// builtins are the functions of the configuration language that tests need. A call to
// another one is an error.
var builtins = map[string]function.Function{
	"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "chomp": stdlib.ChompFunc, "chunklist": stdlib.ChunklistFunc,
	"coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc,
	"contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc,
	"floor": stdlib.FloorFunc, "format": stdlib.FormatFunc, "formatdate": stdlib.FormatDateFunc, "formatlist": stdlib.FormatListFunc,
	"indent": stdlib.IndentFunc, "join": stdlib.JoinFunc, "jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,
	"keys": stdlib.KeysFunc, "lookup": stdlib.LookupFunc, "lower": stdlib.LowerFunc, "max": stdlib.MaxFunc, "merge": stdlib.MergeFunc,
	"min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "range": stdlib.RangeFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc,
	"reverse": stdlib.ReverseListFunc, "setintersection": stdlib.SetIntersectionFunc, "setproduct": stdlib.SetProductFunc,
	"setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc,
	"split": stdlib.SplitFunc, "strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "timeadd": stdlib.TimeAddFunc,
	"title": stdlib.TitleFunc, "trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc,
	"trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
	"replace": stdlib.ReplaceFunc, "try": tryfunc.TryFunc, "can": tryfunc.CanFunc, "length": lengthFunction,
	"tostring": stdlib.MakeToFunc(cty.String), "tonumber": stdlib.MakeToFunc(cty.Number), "tobool": stdlib.MakeToFunc(cty.Bool),
	"toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)), "tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)),
	"tomap":       stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
	"strcontains": ofTwoTexts(strings.Contains), "startswith": ofTwoTexts(strings.HasPrefix), "endswith": ofTwoTexts(strings.HasSuffix),
	"base64encode": ofText(func(s string) (string, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil }),
	"base64decode": ofText(func(s string) (string, error) { b, err := base64.StdEncoding.DecodeString(s); return string(b), err }),
	"urlencode":    ofText(func(s string) (string, error) { return url.QueryEscape(s), nil }),
	"md5":          ofText(func(s string) (string, error) { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]), nil }),  //nolint:gosec // see above
	"sha1":         ofText(func(s string) (string, error) { sum := sha1.Sum([]byte(s)); return hex.EncodeToString(sum[:]), nil }), //nolint:gosec // see above
	"sha256": ofText(func(s string) (string, error) {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:]), nil
	}),
}

// lengthFunction also returns the number of characters of a string, unlike cty's.
var lengthFunction = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
		if v := arguments[0]; v.Type() == cty.String {
			return stdlib.Strlen(v)
		}
		if arguments[0].Type() == cty.DynamicPseudoType {
			return cty.UnknownVal(cty.Number), nil
		}
		return stdlib.Length(arguments[0])
	},
})

func ofTwoTexts(of func(a, b string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "str", Type: cty.String}, {Name: "substr", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(of(arguments[0].AsString(), arguments[1].AsString())), nil
		},
	})
}

func ofText(of func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "str", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
			text, err := of(arguments[0].AsString())
			return cty.StringVal(text), err
		},
	})
}

// functions returns the functions of the language and of all providers. The schemas
// of all providers have been read before anything is evaluated.
func (e *Core) functions() map[string]function.Function {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.allFunctions == nil || e.countedProviders != len(e.providers) {
		all := maps.Clone(builtins)
		for name, p := range e.providers {
			for called, told := range p.functions {
				all["provider::"+name+"::"+called] = p.function(called, told)
			}
		}
		e.allFunctions, e.countedProviders = all, len(e.providers)
	}
	return e.allFunctions
}

// function returns a function of a provider. Its calls need no configured provider.
func (p *provider) function(name string, told *tfprotov6.Function) function.Function {
	parameter := func(told *tfprotov6.FunctionParameter) function.Parameter {
		typ, err := typeOf(told.Type)
		if err != nil {
			panic(err) // the schema's types were parsed before
		}
		return function.Parameter{Name: told.Name, Type: typ, AllowNull: told.AllowNullValue, AllowUnknown: told.AllowUnknownValues, AllowDynamicType: true}
	}
	returns, err := typeOf(told.Return.Type)
	if err != nil {
		panic(err)
	}
	spec := &function.Spec{Type: function.StaticReturnType(returns)}
	for _, one := range told.Parameters {
		spec.Params = append(spec.Params, parameter(one))
	}
	if told.VariadicParameter != nil {
		variadic := parameter(told.VariadicParameter)
		spec.VarParam = &variadic
	}
	spec.Impl = func(arguments []cty.Value, returns cty.Type) (cty.Value, error) {
		server, err := p.factory()
		if err != nil {
			return cty.NilVal, err
		}
		req := &tfprotov6.CallFunctionRequest{Name: name}
		for n, argument := range arguments {
			typ := spec.VarParam
			if n < len(spec.Params) {
				typ = &spec.Params[n]
			}
			converted, err := convert.Convert(argument, typ.Type)
			if err != nil {
				return cty.NilVal, function.NewArgError(n, err)
			}
			req.Arguments = append(req.Arguments, encode(converted, typ.Type))
		}
		resp, err := server.CallFunction(context.Background(), req)
		switch {
		case err != nil:
			return cty.NilVal, err
		case resp.Error != nil && resp.Error.FunctionArgument != nil:
			return cty.NilVal, function.NewArgError(int(*resp.Error.FunctionArgument), errors.New(resp.Error.Text))
		case resp.Error != nil:
			return cty.NilVal, errors.New(resp.Error.Text)
		}
		value, err := decode(resp.Result, returns)
		if err != nil {
			return cty.NilVal, fmt.Errorf("the result of %s: %w", name, err)
		}
		return value, nil
	}
	return function.New(spec)
}
