// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// The types below are the format of `terraform providers schema -json` in Terraform
// 1.16, without state stores and nested blocks, which this provider does not have.

type providerSchemas struct {
	Provider           *schema                      `json:"provider,omitempty"`
	Resources          map[string]*schema           `json:"resource_schemas,omitempty"`
	DataSources        map[string]*schema           `json:"data_source_schemas,omitempty"`
	EphemeralResources map[string]*schema           `json:"ephemeral_resource_schemas,omitempty"`
	ListResources      map[string]*schema           `json:"list_resource_schemas,omitempty"`
	Functions          map[string]functionSignature `json:"functions,omitempty"`
	Identities         map[string]identitySchema    `json:"resource_identity_schemas,omitempty"`
	Actions            map[string]actionSchema      `json:"action_schemas,omitempty"`
}

type schema struct {
	Version int64  `json:"version"`
	Block   *block `json:"block,omitempty"`
}

type actionSchema struct {
	Block *block `json:"block,omitempty"`
}

type block struct {
	Attributes         map[string]attribute `json:"attributes,omitempty"`
	Description        string               `json:"description,omitempty"`
	DescriptionKind    string               `json:"description_kind,omitempty"`
	Deprecated         bool                 `json:"deprecated,omitempty"`
	DeprecationMessage string               `json:"deprecation_message,omitempty"`
}

type attribute struct {
	Type               json.RawMessage `json:"type,omitempty"`
	Nested             *nestedType     `json:"nested_type,omitempty"`
	Description        string          `json:"description,omitempty"`
	DescriptionKind    string          `json:"description_kind,omitempty"`
	Deprecated         bool            `json:"deprecated,omitempty"`
	DeprecationMessage string          `json:"deprecation_message,omitempty"`
	Required           bool            `json:"required,omitempty"`
	Optional           bool            `json:"optional,omitempty"`
	Computed           bool            `json:"computed,omitempty"`
	Sensitive          bool            `json:"sensitive,omitempty"`
	WriteOnly          bool            `json:"write_only,omitempty"`
}

type nestedType struct {
	Attributes  map[string]attribute `json:"attributes,omitempty"`
	NestingMode string               `json:"nesting_mode,omitempty"`
}

type identitySchema struct {
	Version    int64                        `json:"version"`
	Attributes map[string]identityAttribute `json:"attributes,omitempty"`
}

type identityAttribute struct {
	Type              json.RawMessage `json:"type,omitempty"`
	Description       string          `json:"description,omitempty"`
	RequiredForImport bool            `json:"required_for_import,omitempty"`
	OptionalForImport bool            `json:"optional_for_import,omitempty"`
}

type functionSignature struct {
	Description        string          `json:"description,omitempty"`
	Summary            string          `json:"summary,omitempty"`
	DeprecationMessage string          `json:"deprecation_message,omitempty"`
	ReturnType         json.RawMessage `json:"return_type"`
	Parameters         []parameter     `json:"parameters,omitempty"`
	Variadic           *parameter      `json:"variadic_parameter,omitempty"`
}

type parameter struct {
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	IsNullable  bool            `json:"is_nullable,omitempty"`
	Type        json.RawMessage `json:"type"`
}

func newSchemas(told map[string]*tfprotov6.Schema) map[string]*schema {
	all := map[string]*schema{}
	for typ, s := range told {
		all[typ] = newSchema(s)
	}
	return all
}

func newSchema(told *tfprotov6.Schema) *schema {
	return &schema{Version: told.Version, Block: newBlock(told.Block)}
}

func newBlock(told *tfprotov6.SchemaBlock) *block {
	if len(told.BlockTypes) > 0 {
		panic("a schema has nested blocks, which this format leaves out: " + told.BlockTypes[0].TypeName)
	}
	return &block{
		Attributes: newAttributes(told.Attributes), Description: told.Description, DescriptionKind: kind(told.DescriptionKind),
		Deprecated: told.Deprecated, DeprecationMessage: told.DeprecationMessage,
	}
}

func newAttributes(told []*tfprotov6.SchemaAttribute) map[string]attribute {
	all := map[string]attribute{}
	for _, a := range told {
		one := attribute{
			Type: typeJSON(a.Type), Description: a.Description, DescriptionKind: kind(a.DescriptionKind), Deprecated: a.Deprecated,
			DeprecationMessage: a.DeprecationMessage, Required: a.Required, Optional: a.Optional, Computed: a.Computed, Sensitive: a.Sensitive, WriteOnly: a.WriteOnly,
		}
		if a.NestedType != nil {
			one.Nested = &nestedType{Attributes: newAttributes(a.NestedType.Attributes), NestingMode: strings.ToLower(a.NestedType.Nesting.String())}
		}
		all[a.Name] = one
	}
	return all
}

func newIdentity(told *tfprotov6.ResourceIdentitySchema) identitySchema {
	s := identitySchema{Version: told.Version, Attributes: map[string]identityAttribute{}}
	for _, a := range told.IdentityAttributes {
		s.Attributes[a.Name] = identityAttribute{Type: typeJSON(a.Type), Description: a.Description, RequiredForImport: a.RequiredForImport, OptionalForImport: a.OptionalForImport}
	}
	return s
}

func newFunction(told *tfprotov6.Function) functionSignature {
	f := functionSignature{Description: told.Description, Summary: told.Summary, DeprecationMessage: told.DeprecationMessage, ReturnType: typeJSON(told.Return.Type)}
	for _, p := range told.Parameters {
		f.Parameters = append(f.Parameters, newParameter(p))
	}
	if told.VariadicParameter != nil {
		p := newParameter(told.VariadicParameter)
		f.Variadic = &p
	}
	return f
}

func newParameter(told *tfprotov6.FunctionParameter) parameter {
	return parameter{Name: told.Name, Description: told.Description, IsNullable: told.AllowNullValue, Type: typeJSON(told.Type)}
}

func kind(k tfprotov6.StringKind) string { return strings.ToLower(k.String()) }

// typeJSON returns a type as Terraform writes it; nil for an attribute that has
// attributes of its own instead.
func typeJSON(t tftypes.Type) json.RawMessage {
	if t == nil {
		return nil
	}
	text, err := t.MarshalJSON() //nolint:staticcheck // the only way that there is
	if err != nil {
		panic(err) // every type has a form
	}
	return text
}
