// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

// Package plainiam acts as a customer's Terraform for the plain IAM resources that
// are printed for customers without a stack: it evaluates the configuration and
// creates the resources with IAM calls. It supports the resources of hashicorp/aws
// that the snippets contain, and returns an error for all others.
package plainiam

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// order is the order of creation: resources refer only to those of earlier kinds.
var order = []string{"aws_iam_policy", "aws_iam_role", "aws_iam_role_policy", "aws_iam_role_policy_attachment"}

// Applier creates resources in one account.
type Applier struct {
	Client    *iam.Client // of the account's administrator
	Account   string
	Partition string // default: aws
}

// Apply creates the resources of a snippet. Variables without a value have their
// defaults.
func (a Applier) Apply(ctx context.Context, snippet string, variables map[string]cty.Value) error {
	file, diags := hclsyntax.ParseConfig([]byte(snippet), "iam.tf", hcl.InitialPos)
	if diags.HasErrors() {
		return diags
	}
	w := work{Applier: a, ctx: ctx, variables: map[string]cty.Value{}, data: map[string]map[string]cty.Value{}, made: map[string]map[string]cty.Value{}}
	blocks := file.Body.(*hclsyntax.Body).Blocks
	for _, block := range blocks {
		if err := w.declare(block, variables); err != nil {
			return err
		}
	}
	for _, kind := range order {
		for _, block := range blocks {
			if block.Type != "resource" || block.Labels[0] != kind {
				continue
			}
			if err := w.resource(block); err != nil {
				return fmt.Errorf("%s: %w", strings.Join(block.Labels, "."), err)
			}
		}
	}
	return nil
}

// work is one apply.
type work struct {
	Applier
	ctx       context.Context
	variables map[string]cty.Value
	data      map[string]map[string]cty.Value // by kind and name
	made      map[string]map[string]cty.Value // by kind and name
}

// declare evaluates a variable or data source that resources refer to. It returns an
// error for unknown blocks.
func (w *work) declare(block *hclsyntax.Block, given map[string]cty.Value) error {
	switch block.Type {
	case "variable":
		name := block.Labels[0]
		if value, is := given[name]; is {
			w.variables[name] = value
			return nil
		}
		attribute, is := block.Body.Attributes["default"]
		if !is {
			return fmt.Errorf("variable %s has no value", name)
		}
		value, diags := attribute.Expr.Value(nil)
		if diags.HasErrors() {
			return diags
		}
		w.variables[name] = value
		return nil
	case "data":
		values := map[string]cty.Value{}
		switch block.Labels[0] {
		case "aws_caller_identity":
			values["account_id"] = cty.StringVal(w.Account)
		case "aws_partition":
			values["partition"] = cty.StringVal(w.Partition)
			if w.Partition == "" {
				values["partition"] = cty.StringVal("aws")
			}
		default:
			return fmt.Errorf("data source %s is not known here", block.Labels[0])
		}
		put(w.data, block.Labels, cty.ObjectVal(values))
		return nil
	case "resource":
		for _, kind := range order {
			if block.Labels[0] == kind {
				return nil
			}
		}
	}
	return fmt.Errorf("%s %s is not known here", block.Type, strings.Join(block.Labels, "."))
}

func put(in map[string]map[string]cty.Value, labels []string, value cty.Value) {
	if in[labels[0]] == nil {
		in[labels[0]] = map[string]cty.Value{}
	}
	in[labels[0]][labels[1]] = value
}

// scope returns the values that expressions can refer to so far.
func (w *work) scope() *hcl.EvalContext {
	all := map[string]cty.Value{"var": cty.ObjectVal(w.variables)}
	data := map[string]cty.Value{}
	for kind, named := range w.data {
		data[kind] = cty.ObjectVal(named)
	}
	all["data"] = cty.ObjectVal(data)
	for kind, named := range w.made {
		all[kind] = cty.ObjectVal(named)
	}
	return &hcl.EvalContext{Variables: all, Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc}}
}

func (w *work) resource(block *hclsyntax.Block) error {
	values := map[string]cty.Value{}
	if attribute, counted := block.Body.Attributes["count"]; counted {
		count, diags := attribute.Expr.Value(w.scope())
		if diags.HasErrors() {
			return diags
		}
		if count.RawEquals(cty.NumberIntVal(0)) {
			return nil
		}
	}
	for name, attribute := range block.Body.Attributes {
		value, diags := attribute.Expr.Value(w.scope())
		if diags.HasErrors() {
			return diags
		}
		values[name] = value
	}
	result, err := w.make(block.Labels[0], values)
	if err != nil {
		return err
	}
	if _, counted := values["count"]; counted {
		result = cty.TupleVal([]cty.Value{result})
	}
	put(w.made, block.Labels, result)
	return nil
}
